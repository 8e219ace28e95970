/** What the server tells of the run on the page, laid into the answers that the page holds. */
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";

import { useLive } from "~/api/live";
import type { Run } from "~/api/run";
import type { GraphView, MetricSummary, RunRow, StepProgress } from "~/api/types";
import { asState, isLive } from "~/lib/states";

/** What a tick makes old, by the third word of its key; asked again at most once a second, and only where it is on the page. */
const BY_TICK = ["timeline", "items", "strip", "task", "critical", "metrics", "series", "steps"];
const GRAPH_EVERY = 4_000;
/** The pause between two times: a second, and longer where the answers take long, so that looking stays a small share. */
const PAUSE = 1_000;
const SHARE = 0.1;
const LONGEST = 10_000;

export function useRunLive(run: string, status: string | undefined): void {
  const client = useQueryClient();
  const tick = useRef(-1);
  const waiting = useRef<ReturnType<typeof setTimeout> | null>(null);
  const pause = useRef(PAUSE);
  const graphAt = useRef(0);
  const unseen = useRef(false);
  /** Whether it went on while one looked, and whether the stream has said that it is over. */
  const wentOn = useRef(false);
  const over = useRef(false);

  const refresh = async () => {
    waiting.current = null;
    // Nobody sees a page behind another one: it catches up when it is looked at.
    unseen.current = document.visibilityState === "hidden";
    if (unseen.current) return;
    const began = performance.now();
    const asked = [client.invalidateQueries({ predicate: ({ queryKey: [kind, id, what] }) => kind === "run" && id === run && BY_TICK.includes(String(what)) })];
    if (Date.now() - graphAt.current > GRAPH_EVERY) {
      graphAt.current = Date.now();
      // Which branch was taken and how wide a map is comes to light as the run goes.
      asked.push(client.invalidateQueries({ queryKey: ["run", run, "graph"] }), client.invalidateQueries({ queryKey: ["run", run], exact: true }));
    }
    await Promise.allSettled(asked);
    pause.current = Math.min(LONGEST, Math.max(PAUSE, (performance.now() - began) / SHARE));
  };
  const askAll = () => void client.invalidateQueries({ queryKey: ["run", run] });

  useLive("run", (event) => {
    const row = event.run as RunRow;
    if (row.id !== run) return;
    const known = client.getQueryData<Run>(["run", run])?.status;
    client.setQueryData<Run>(["run", run], (before) => before && merged(before, row, event.log_lines, event.metrics as MetricSummary[]));
    client.setQueryData<GraphView>(["run", run, "graph"], (before) => before && withProgress(before, event.steps as StepProgress[]));
    if (event.tick === tick.current) return;
    const first = tick.current === -1;
    tick.current = event.tick;
    const goesOn = isLive(asState(row.status));
    if (goesOn) [wentOn.current, over.current] = [true, false];
    // The first word about a run that is over tells what the page has asked for already.
    if (first && !goesOn && (known === undefined || known === row.status)) return;
    waiting.current ??= setTimeout(() => void refresh(), pause.current);
  });
  useLive("end", () => {
    if (wentOn.current) askAll();
    else over.current = true;
    wentOn.current = false;
  });
  useEffect(() => {
    if (status === undefined || !isLive(asState(status))) return;
    // The answer is older than the stream's word that it is over.
    if (over.current) askAll();
    else wentOn.current = true;
    over.current = false;
  }, [status, run]);
  useEffect(() => {
    const seen = () => document.visibilityState === "visible" && unseen.current && void refresh();
    document.addEventListener("visibilitychange", seen);
    return () => {
      document.removeEventListener("visibilitychange", seen);
      if (waiting.current) clearTimeout(waiting.current);
      waiting.current = null;
      [tick.current, wentOn.current, over.current, unseen.current] = [-1, false, false, false];
    };
  }, [run]);
}

export function merged(before: Run, row: RunRow, lines: number, metrics: MetricSummary[]): Run {
  const changed = new Map(metrics.map((one) => [one.name, one]));
  const known = before.metrics.map((one) => changed.get(one.name) ?? one);
  const names = new Set(before.metrics.map((one) => one.name));
  const fresh = metrics.filter((one) => !names.has(one.name));
  return {
    ...before,
    ...row,
    // A row of a list knows less than the page: what it leaves empty stays.
    values: { ...before.values, ...row.values },
    spark: { ...before.spark, ...row.spark },
    log_lines: lines ?? before.log_lines,
    metrics: metrics.length ? [...known, ...fresh] : before.metrics,
  };
}

export function withProgress(view: GraphView, steps: StepProgress[]): GraphView {
  if (steps.length === 0) return view;
  const changed = new Map(steps.map((one) => [one.id, one]));
  return { ...view, nodes: view.nodes.map((node) => (changed.has(node.id) ? { ...node, progress: changed.get(node.id) ?? null } : node)) };
}
