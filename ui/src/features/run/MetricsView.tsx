/** The metrics of a run, a step or a task: each as a curve, over the axis that one chooses. */
import { useQuery } from "@tanstack/react-query";
import { Suspense, lazy, useState } from "react";

import { type Axis, seriesQuery } from "~/api/run";
import type { MetricSummary } from "~/api/types";
import { Empty, ErrorView, Loading } from "~/components/Feedback";
import { number, plural } from "~/lib/format";
import { useStored } from "~/lib/stored";

import css from "./MetricsView.module.css";

const Chart = lazy(() => import("~/components/Chart"));

type Scope = { task?: string; step?: string };

const AXES: [Axis, string][] = [
  ["step", "step"],
  ["time", "time"],
  ["wall", "clock"],
];
/** More curves than these at once are opened one by one. */
const OPEN = 8;

export function MetricsView({ run, scope, metrics }: { run: string; scope: Scope; metrics: MetricSummary[] }) {
  const [axis, setAxis] = useStored<Axis>("metrics.axis", "step");
  const [find, setFind] = useState("");
  if (metrics.length === 0) {
    return (
      <Empty title="No metrics" command="from plait import log">
        Inside a step, <code>log(rmse=0.31)</code> records a number; logged again, with <code>at=</code> or without, it becomes a curve.
      </Empty>
    );
  }
  const shown = metrics.filter((one) => one.name.toLowerCase().includes(find.toLowerCase()));
  const curves = shown.filter((one) => one.points > one.tasks);
  const single = shown.filter((one) => one.points <= one.tasks);
  return (
    <div className={css.view} role="region" aria-label="Metrics" tabIndex={0}>
      <div className={css.tools}>
        {metrics.length > 6 && <input className={`field ${css.find}`} aria-label="Find a metric" placeholder="Find a metric" value={find} onChange={(event) => setFind(event.target.value)} />}
        {curves.length > 0 && (
          <div className={css.axes} role="radiogroup" aria-label="Over">
            {AXES.map(([one, word]) => (
              <button key={one} type="button" role="radio" aria-checked={axis === one} onClick={() => setAxis(one)}>
                {word}
              </button>
            ))}
          </div>
        )}
      </div>
      {single.length > 0 && (
        <dl className={css.numbers}>
          {single.map((one) => (
            <div key={one.name}>
              <dt title={one.name}>{one.name}</dt>
              <dd>
                {one.tasks > 1 ? (
                  <>
                    {number(one.least)} … {number(one.greatest)} <span className="dim">of {plural(one.tasks, "task")}</span>
                  </>
                ) : (
                  number(one.last)
                )}
              </dd>
            </div>
          ))}
        </dl>
      )}
      <div className={css.curves}>
        {curves.map((one, at) => (
          <Curve key={one.name} run={run} scope={scope} metric={one} axis={axis} open={at < OPEN} />
        ))}
      </div>
    </div>
  );
}

function Curve({ run, scope, metric, axis, open }: { run: string; scope: Scope; metric: MetricSummary; axis: Axis; open: boolean }) {
  const [shown, setShown] = useState(open);
  const [window, setWindow] = useState<{ from: number; to: number } | null>(null);
  const query = useQuery({ ...seriesQuery(run, { metric: metric.name, task: scope.task, x: axis, from: window?.from, to: window?.to }), enabled: shown });
  const series = query.data?.series.filter((one) => !scope.step || one.task === scope.step || one.task.startsWith(`${scope.step}[`)) ?? [];
  return (
    <figure className={css.curve}>
      <figcaption>
        <button type="button" aria-expanded={shown} onClick={() => setShown(!shown)}>
          {metric.name}
        </button>
        <span className="dim">
          last {number(metric.last)} · {number(metric.least)} … {number(metric.greatest)}
          {metric.tasks > 1 && ` · ${plural(metric.tasks, "task")}`}
        </span>
        {window && (
          <button type="button" className="link" onClick={() => setWindow(null)}>
            whole
          </button>
        )}
      </figcaption>
      {shown &&
        (query.error ? (
          <ErrorView error={query.error} />
        ) : query.data ? (
          <Suspense fallback={<Loading />}>
            <Chart
              label={`${metric.name} over ${axis}`}
              curves={series.map((one) => ({ label: series.length > 1 ? one.task : metric.name, x: one.x, y: one.y, low: one.low, high: one.high }))}
              x={axis}
              height={170}
              onWindow={setWindow}
            />
            {query.data.more > 0 && <p className="dim">and {plural(query.data.more, "more task")}: each has its own curve on its page</p>}
          </Suspense>
        ) : (
          <Loading />
        ))}
    </figure>
  );
}
