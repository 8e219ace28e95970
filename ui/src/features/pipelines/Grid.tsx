/** Steps × runs: one glance shows which step fails, and which got slow. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import { get, part } from "~/api/client";
import type { PipelineGrid } from "~/api/types";
import { Answer, Empty } from "~/components/Feedback";
import { Scroll } from "~/components/Page";
import { StateSign } from "~/components/StateMark";
import { toDate } from "~/components/Time";
import { classes } from "~/lib/classes";
import { absolute, duration } from "~/lib/format";
import { asState, inkOf } from "~/lib/states";

import css from "./PipelinePage.module.css";
import { median } from "./median";

/** How much longer than its median a step must take to be marked. */
const SLOW = 1.5;

export function Grid({ name }: { name: string }) {
  const grid = useQuery({
    queryKey: ["pipeline", name, "grid"],
    queryFn: ({ signal }) => get<PipelineGrid>(`/pipelines/${part(name)}/grid`, { limit: 40 }, signal),
  });
  return (
    <Scroll label="Runs and steps" pad="around">
      <Answer query={grid} what="Reading the last runs">
        {({ steps, runs, cells }) =>
          runs.length === 0 ? (
            <Empty title="Never run" command={`plait run ${name}`} />
          ) : (
            <>
              <table className={css.grid} aria-label={`Steps of ${name} by run`}>
                <thead>
                  <tr>
                    <td />
                    {runs.map((run) => (
                      <th key={run.id} scope="col">
                        <Link to="/runs/$runId" params={{ runId: run.id }} title={`${run.status} · ${absolute(toDate(run.started_at))}`}>
                          {run.id}
                        </Link>
                      </th>
                    ))}
                  </tr>
                </thead>
                <tbody>
                  {steps.map((step, at) => {
                    const row = cells[at] ?? [];
                    const middle = median(row.flatMap((one) => (one?.state === "done" && one.seconds !== null ? [one.seconds] : [])));
                    return (
                      <tr key={step}>
                        <th scope="row" title={step}>
                          {step}
                        </th>
                        {runs.map((run, of) => {
                          const cell = row[of];
                          if (!cell) return <td key={run.id} className={css.none} aria-label="not in this run" />;
                          const state = asState(cell.state);
                          const slow = middle !== null && middle > 0.05 && cell.seconds !== null && cell.seconds > SLOW * middle;
                          const said = `${step} in ${run.id}: ${cell.state}${cell.seconds === null ? "" : `, ${duration(cell.seconds)}`}${slow ? `, slower than usual (${duration(middle)})` : ""}`;
                          return (
                            <td key={run.id}>
                              <Link
                                to="/runs/$runId"
                                params={{ runId: run.id }}
                                search={{ step }}
                                preload={false}
                                className={classes(css.cell, slow && css.slow)}
                                style={{ color: inkOf(state), background: `color-mix(in srgb, ${inkOf(state)} 16%, var(--page))` }}
                                title={said}
                                aria-label={said}
                              >
                                <StateSign state={state} />
                              </Link>
                            </td>
                          );
                        })}
                      </tr>
                    );
                  })}
                </tbody>
              </table>
              <p className={css.legend}>
                Newest on the {newestFirst(runs) ? "left" : "right"}. A corner marks a step that took more than {SLOW} × its median.
              </p>
            </>
          )
        }
      </Answer>
    </Scroll>
  );
}

function newestFirst(runs: readonly { started_at: number }[]): boolean {
  return (runs[0]?.started_at ?? 0) >= (runs.at(-1)?.started_at ?? 0);
}
