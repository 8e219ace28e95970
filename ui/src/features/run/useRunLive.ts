/** What the server tells of the run on the page, laid into the answers that the page holds. */
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";

import { useLive } from "~/api/live";
import type { Run } from "~/api/run";
import type { GraphView, MetricSummary, RunRow, StepProgress } from "~/api/types";

/** What a tick makes old, by the third word of its key; asked again at most once a second, and only where it is on the page. */
const BY_TICK = ["timeline", "items", "strip", "task", "critical", "metrics", "series", "steps"];
const GRAPH_EVERY = 4_000;

export function useRunLive(run: string): void {
  const client = useQueryClient();
  const tick = useRef(-1);
  const waiting = useRef<ReturnType<typeof setTimeout> | null>(null);
  const graphAt = useRef(0);

  const refresh = () => {
    waiting.current = null;
    void client.invalidateQueries({ predicate: ({ queryKey: [kind, id, what] }) => kind === "run" && id === run && BY_TICK.includes(String(what)) });
    if (Date.now() - graphAt.current > GRAPH_EVERY) {
      graphAt.current = Date.now();
      // Which branch was taken and how wide a map is comes to light as the run goes.
      void client.invalidateQueries({ queryKey: ["run", run, "graph"] });
      void client.invalidateQueries({ queryKey: ["run", run], exact: true });
    }
  };

  useLive("run", (event) => {
    const row = event.run as RunRow;
    if (row.id !== run) return;
    client.setQueryData<Run>(["run", run], (before) => before && merged(before, row, event.log_lines, event.metrics as MetricSummary[]));
    client.setQueryData<GraphView>(["run", run, "graph"], (before) => before && withProgress(before, event.steps as StepProgress[]));
    if (event.tick === tick.current) return;
    tick.current = event.tick;
    waiting.current ??= setTimeout(refresh, 1000);
  });
  useLive("end", () => void client.invalidateQueries({ queryKey: ["run", run] }));
  useEffect(
    () => () => {
      if (waiting.current) clearTimeout(waiting.current);
    },
    [],
  );
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
