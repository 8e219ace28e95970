/** Curves of one metric over each other. */
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";

import { type Query, get } from "~/api/client";
import type { CompareAnswer, Series } from "~/api/types";
import Chart from "~/components/Chart";
import { Answer, Empty } from "~/components/Feedback";
import type { CompareSearch } from "~/router";
import { plural } from "~/lib/format";

import css from "./ComparePage.module.css";
import { smoothed } from "./plots";

/** Instead of a task's name, and as many of each run as the server draws. */
const ALL = "*";
const MOST_TASKS = 20;
const DASHES = [[], [4, 3], [10, 3], [2, 2]];

type Props = { answer: CompareAnswer; search: CompareSearch; onChange: (next: Partial<CompareSearch>) => void };

export default function CurvesTab({ answer, search, onChange }: Props) {
  const names = answer.metrics.map((one) => one.name);
  const metric = search.metric && names.includes(search.metric) ? search.metric : names[0];
  const axis = search.axis ?? "step";
  const smooth = search.smooth ?? 0;
  const [log, setLog] = useState(false);
  const [range, setRange] = useState<{ from: number; to: number } | null>(null);
  const ids = answer.runs.map((one) => one.id).join(",");
  const task = search.task;
  const ask = (more: Query, signal: AbortSignal) => get<{ series: Series[]; more: number }>("/series", { runs: ids, metric, ...more }, signal);
  const series = useQuery({
    queryKey: ["series", ids, metric, axis, range, task ?? null],
    queryFn: ({ signal }) => ask({ x: axis, points: answer.runs.length > 20 ? 200 : 800, ...range, ...(task === ALL ? { tasks: MOST_TASKS } : { task }) }, signal),
    enabled: metric !== undefined,
    placeholderData: (before) => before,
  });
  // Where several tasks of a run logged it, which of them are compared is a choice.
  const several = task !== undefined || (series.data?.more ?? 0) > 0;
  const tasks = useQuery({
    queryKey: ["series", ids, metric, "tasks"],
    queryFn: async ({ signal }) => [...new Set((await ask({ points: 10, tasks: MOST_TASKS }, signal)).series.map((one) => one.task))],
    enabled: metric !== undefined && several,
    staleTime: 60_000,
  });
  const curves = useMemo(() => {
    const many = new Set(series.data?.series.map((one) => one.run)).size !== (series.data?.series.length ?? 0);
    const drawn = new Map<string, number>();
    const order = new Map(answer.runs.map((one, at) => [one.id, { at, name: one.name ?? one.id }]));
    return (series.data?.series ?? []).map((one) => {
      const run = order.get(one.run);
      // A run has a colour; its tasks, and the runs of the second round of colours, are told apart by dashes.
      const nth = drawn.get(one.run) ?? 0;
      drawn.set(one.run, nth + 1);
      return {
        label: `${run?.name ?? one.run}${many && one.task ? ` ${one.task}` : ""}`,
        x: one.x,
        y: smoothed(one.y, smooth),
        low: smooth > 0 ? null : one.low,
        high: smooth > 0 ? null : one.high,
        color: ((run?.at ?? 0) % 8) + 1,
        dash: DASHES[(Math.floor((run?.at ?? 0) / 8) + nth) % DASHES.length] ?? [],
      };
    });
  }, [series.data, smooth, answer.runs]);
  if (metric === undefined) {
    return (
      <Empty title="These runs logged no metrics">
        In a step: <code>log(rmse=0.3)</code>, or <code>log(loss=value, at=epoch)</code> for a curve.
      </Empty>
    );
  }
  return (
    <div className={css.pad}>
      <div className={css.controls}>
        <label>
          Metric
          <select className="field" value={metric} onChange={(event) => onChange({ metric: event.target.value, task: undefined })}>
            {names.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
        {several && (
          <label>
            Task
            <select className="field" value={task ?? ""} onChange={(event) => (setRange(null), onChange({ task: event.target.value || undefined }))}>
              <option value="">the first of each run</option>
              <option value={ALL}>all of each run</option>
              {[...new Set([...(tasks.data ?? []), ...(task && task !== ALL ? [task] : [])])].map((one) => (
                <option key={one}>{one}</option>
              ))}
            </select>
          </label>
        )}
        <label>
          Along
          <select className="field" value={axis} onChange={(event) => (setRange(null), onChange({ axis: event.target.value as "step" | "time" | "wall" }))}>
            <option value="step">step</option>
            <option value="time">time since the start</option>
            <option value="wall">time of day</option>
          </select>
        </label>
        <label>
          Smoothing {smooth > 0 ? smooth.toFixed(2) : "none"}
          <input type="range" min={0} max={0.98} step={0.02} value={smooth} onChange={(event) => onChange({ smooth: Number(event.target.value) || undefined })} />
        </label>
        <label className={css.check}>
          <input type="checkbox" checked={log} onChange={(event) => setLog(event.target.checked)} /> logarithmic
        </label>
        {range && (
          <button type="button" className="link" onClick={() => setRange(null)}>
            show all of it
          </button>
        )}
      </div>
      <Answer query={series} what="Reading the curves">
        {(found) =>
          found.series.length === 0 ? (
            <Empty title={`No run has a curve of ${metric}`} />
          ) : found.series.every((one) => one.x.length < 2) ? (
            <Empty title={`${metric} was logged once a run`}>Its values are under Differences and Plots.</Empty>
          ) : (
            <>
              <Chart label={`${metric} of the runs`} curves={curves} height={420} x={axis} logY={log} onWindow={setRange} />
              {found.more > 0 && <p className="dim">{plural(found.more, "more curve")} not drawn</p>}
            </>
          )
        }
      </Answer>
    </div>
  );
}
