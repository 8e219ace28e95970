/** How duration and metrics went from run to run. */
import { useQuery } from "@tanstack/react-query";
import { Suspense, lazy } from "react";

import { get, part } from "~/api/client";
import type { PipelineTrends } from "~/api/types";
import { Answer, Empty, Loading } from "~/components/Feedback";
import { Scroll } from "~/components/Page";

import css from "./PipelinePage.module.css";

const Chart = lazy(() => import("~/components/Chart"));

export function Trends({ name }: { name: string }) {
  const trends = useQuery({
    queryKey: ["pipeline", name, "trends"],
    queryFn: ({ signal }) => get<PipelineTrends>(`/pipelines/${part(name)}/trends`, { limit: 200 }, signal),
  });
  return (
    <Scroll label="Trends" pad="around">
      <Answer query={trends} what="Reading the runs">
        {({ runs, metrics, steps }) => {
          if (runs.length < 2) return <Empty title="Trends need two runs" command={`plait run ${name}`} />;
          const order = runs.map((_, at) => at).sort((a, b) => (runs[a]?.started_at ?? 0) - (runs[b]?.started_at ?? 0));
          const x = order.map((at) => runs[at]?.started_at ?? 0);
          const along = (of: (number | null)[]) => order.map((at) => of[at] ?? null);
          const slowest = Object.entries(steps)
            .map(([step, of]) => ({ step, of, sum: of.reduce<number>((all, one) => all + (one ?? 0), 0) }))
            .sort((a, b) => b.sum - a.sum)
            .slice(0, 8);
          return (
            <Suspense fallback={<Loading />}>
              <div className={css.charts}>
                <figure>
                  <h2>duration</h2>
                  <Chart label="Duration of the runs" x="wall" unit="seconds" height={180} curves={[{ label: "run", x, y: along(runs.map((one) => one.seconds)) }]} />
                </figure>
                {slowest.length > 1 && (
                  <figure>
                    <h2>duration by step: the {slowest.length} that take longest</h2>
                    <Chart label="Duration of the steps" x="wall" unit="seconds" height={180} curves={slowest.map(({ step, of }) => ({ label: step, x, y: along(of) }))} />
                  </figure>
                )}
                {Object.entries(metrics).map(([metric, of]) => (
                  <figure key={metric}>
                    <h2>{metric}</h2>
                    <Chart label={`Metric ${metric}`} x="wall" height={180} curves={[{ label: metric, x, y: along(of), color: 3 }]} />
                  </figure>
                ))}
              </div>
            </Suspense>
          );
        }}
      </Answer>
    </Scroll>
  );
}
