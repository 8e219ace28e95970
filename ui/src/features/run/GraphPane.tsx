/** The run's graph, in step with the selection, with a field that finds steps. */
import { type UseQueryResult, useQuery } from "@tanstack/react-query";
import { Search } from "lucide-react";
import { Suspense, lazy, useMemo } from "react";

import { criticalQuery } from "~/api/run";
import type { GraphView } from "~/api/types";
import { Answer, Loading } from "~/components/Feedback";
import { useStored } from "~/lib/stored";

import css from "./GraphPane.module.css";
import { shapeOf } from "./selection";
import { useSelection } from "./useSelection";

const Graph = lazy(() => import("~/components/graph/Graph"));

export function GraphPane({ graph }: { graph: UseQueryResult<GraphView> }) {
  const { run, search, patch, select } = useSelection();
  const [path] = useStored("run.critical", false);
  const critical = useQuery({ ...criticalQuery(run), enabled: path });
  const steps = useMemo(() => (path && critical.data ? [...new Set(critical.data.items.map((one) => one.step))] : null), [path, critical.data]);
  const found = search.find ? (graph.data?.nodes.filter((one) => one.id.toLowerCase().includes(search.find?.toLowerCase() ?? "")) ?? []) : [];
  return (
    <div className={css.pane}>
      <label className={css.find}>
        <Search size={13} aria-hidden="true" />
        <input
          data-find-step=""
          aria-label="Find a step"
          placeholder="Find a step"
          value={search.find ?? ""}
          spellCheck={false}
          onChange={(event) => patch({ find: event.target.value || undefined })}
          onKeyDown={(event) => {
            if (event.key === "Enter" && found[0]) select({ step: found[0].id });
            if (event.key === "Escape") {
              patch({ find: undefined });
              event.currentTarget.blur();
            }
          }}
        />
        {search.find && <span className={css.count}>{found.length === 0 ? "none" : found.length}</span>}
      </label>
      <Answer query={graph} what="Reading the graph">
        {(view) => (
          <Suspense fallback={<Loading />}>
            <Graph
              view={view}
              name={run}
              label={`Graph of ${view.name}`}
              selected={shapeOf(search)}
              onSelect={(id) => select(id ? { step: id } : {})}
              folded={search.folded}
              onFold={(folded) => patch({ folded })}
              critical={steps}
              find={search.find}
            />
          </Suspense>
        )}
      </Answer>
    </div>
  );
}
