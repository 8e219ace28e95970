/** One run: its graph, its timeline and the detail of what is selected, which move together. */
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";

import { runQuery, runGraphQuery } from "~/api/run";
import { Answer } from "~/components/Feedback";
import { Tabs } from "~/components/Tabs";
import { useKeys } from "~/lib/keys";
import { useMedia } from "~/lib/media";
import { asState, isLive } from "~/lib/states";

import { DetailPane } from "./DetailPane";
import { GraphPane } from "./GraphPane";
import { Head } from "./Head";
import { Panes } from "./Panes";
import css from "./RunPage.module.css";
import { TimelinePane } from "./TimelinePane";
import { summed } from "./counts";
import { selectedOf } from "./selection";
import { useRunLive } from "./useRunLive";
import { useSelection } from "./useSelection";

export function RunPage() {
  const { run: id, search, patch, select } = useSelection();
  const run = useQuery(runQuery(id));
  const graph = useQuery(runGraphQuery(id));
  useRunLive(id, run.data?.status);
  const wide = useMedia("(min-width: 860px)");
  const live = isLive(asState(run.data?.status ?? "done"));
  const counts = useMemo(() => summed(graph.data?.nodes ?? []), [graph.data]);
  const selected = selectedOf(search, graph.data);

  const failures = run.data?.failures ?? [];
  useKeys("Run", [
    {
      keys: "u",
      does: "up: from the task to its step, to the run",
      run: () => select(selected?.kind === "task" && selected.node && search.task ? { step: selected.step } : {}),
    },
    {
      keys: "x",
      does: "the next task that failed",
      run: () => {
        const at = failures.findIndex((one) => one.task === (search.task ?? search.step));
        const next = failures[(at + 1) % failures.length];
        if (next) select({ task: next.task });
      },
    },
    { keys: "l", does: "logs of what is selected", run: () => patch({ tab: "logs", ...(search.pane ? { pane: "detail" } : {}) }) },
    { keys: "o", does: "overview of what is selected", run: () => patch({ tab: undefined }) },
    { keys: "w", does: "lanes by step or by worker", run: () => patch({ lane: search.lane === "worker" ? undefined : "worker" }) },
    { keys: "/", does: "find a step", run: () => document.querySelector<HTMLInputElement>("[data-find-step]")?.focus() },
  ]);

  return (
    <Answer query={run} what="Reading the run">
      {(data) => {
        const graphPane = <GraphPane graph={graph} />;
        const timeline = <TimelinePane live={live} />;
        const detail = <DetailPane run={data} graph={graph} live={live} />;
        return (
          <div className={css.page}>
            <Head run={data} counts={counts} />
            {wide ? (
              <Panes graph={graphPane} timeline={timeline} detail={detail} />
            ) : (
              <div className={css.one}>
                <Tabs
                  label="Panes"
                  value={search.pane ?? "detail"}
                  onChange={(pane) => patch({ pane: pane === "detail" ? undefined : (pane as "graph") })}
                  tabs={[
                    { id: "detail", label: "Detail" },
                    { id: "graph", label: "Graph" },
                    { id: "timeline", label: "Timeline" },
                  ]}
                >
                  {search.pane === "graph" ? graphPane : search.pane === "timeline" ? timeline : detail}
                </Tabs>
              </div>
            )}
          </div>
        );
      }}
    </Answer>
  );
}
