/** The detail of what is selected: the run, a step, a task, a group, a dataset; and where that stands. */
import type { UseQueryResult } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ChevronRight, X } from "lucide-react";
import { Suspense, lazy } from "react";

import type { Run } from "~/api/run";
import type { GGroup, GraphView } from "~/api/types";
import { IconButton } from "~/components/Button";
import { ErrorView, Loading } from "~/components/Feedback";
import { Facts, Scroll } from "~/components/Page";

import css from "./DetailPane.module.css";
import { RunDetailView } from "./RunDetailView";
import { StepDetailView } from "./StepDetailView";
import { StepsTable } from "./StepsTable";
import { TaskDetailView } from "./TaskDetailView";
import { type Selected, indexOf, selectedOf } from "./selection";
import { useSelection } from "./useSelection";

const ArtifactView = lazy(() => import("~/features/artifacts/ArtifactView"));

export function DetailPane({ run, graph, live }: { run: Run; graph: UseQueryResult<GraphView>; live: boolean }) {
  const { search, patch } = useSelection();
  const selected = selectedOf(search, graph.data);
  return (
    <div className={css.pane}>
      <Path selected={selected} view={graph.data} />
      <div className={css.body}>
        {search.artifact ? (
          <Scroll label="Artifact">
            <Suspense fallback={<Loading />}>
              <ArtifactView id={search.artifact} met={{ run: run.id, task: search.task ?? search.step }} onClose={() => patch({ artifact: undefined })} />
            </Suspense>
          </Scroll>
        ) : (
          <View run={run} selected={selected} graph={graph} live={live} />
        )}
      </div>
    </div>
  );
}

function View({ run, selected, graph, live }: { run: Run; selected: Selected | null; graph: UseQueryResult<GraphView>; live: boolean }) {
  if (selected === null) return graph.error ? <ErrorView error={graph.error} /> : <Loading />;
  switch (selected.kind) {
    case "run":
      return <RunDetailView run={run} view={graph.data} live={live} />;
    case "task":
      return <TaskDetailView key={selected.task} run={run} task={selected.task} node={selected.node} live={live} />;
    case "step":
      return <StepDetailView key={selected.step} run={run} node={selected.node} live={live} />;
    case "group":
      return (
        <Scroll label={`Group ${selected.group.label}`}>
          <div className={css.padded}>
            <p className="dim">{groupWords(selected.group)}</p>
          </div>
          <StepsTable nodes={selected.steps} />
        </Scroll>
      );
    case "dataset":
      return <DatasetView view={graph.data} id={selected.id} name={selected.name} />;
    case "unknown":
      return (
        <p className={css.padded}>
          This run has no step <code>{selected.id}</code>.
        </p>
      );
  }
}

function groupWords(group: GGroup): string {
  if (group.kind === "each") return group.items === null ? "One task for each element." : `One task for each of ${group.items} elements.`;
  if (group.kind === "loop") return group.rounds === null ? "A loop." : `A loop of ${group.rounds} rounds.`;
  if (group.kind === "branch") return { all: "A branch that was taken.", some: "A branch that some elements took.", none: "A branch that was not taken." }[group.taken ?? ""] ?? "A branch: not decided yet.";
  return group.pipeline ? `The pipeline ${group.pipeline}, called inside this one.` : "A group of steps.";
}

function Path({ selected, view }: { selected: Selected | null; view: GraphView | undefined }) {
  const { run, search, select, patch } = useSelection();
  if (!selected || selected.kind === "run") return null;
  const step = selected.kind === "task" || selected.kind === "step" ? selected.step : null;
  const group = step ? (view?.nodes.find((one) => one.id === step)?.group ?? null) : selected.kind === "group" ? selected.group.parent : null;
  const groups: GGroup[] = [];
  for (let at = group; at !== null; ) {
    const found = view?.groups.find((one) => one.id === at);
    if (found && found.kind === "group") groups.unshift(found);
    at = found?.parent ?? null;
  }
  const index = selected.kind === "task" ? indexOf(selected.task) : "";
  const last = selected.kind === "task" ? index || selected.step : selected.kind === "step" ? selected.step : selected.kind === "group" ? selected.group.label : selected.kind === "dataset" ? selected.name : selected.id;
  return (
    <nav className={css.path} aria-label="Where this stands">
      <button type="button" onClick={() => select({})}>
        {run}
      </button>
      {groups.map((one) => (
        <span key={one.id} className={css.part}>
          <ChevronRight size={12} aria-hidden="true" />
          <button type="button" onClick={() => select({ step: one.id })}>
            {one.label}
          </button>
        </span>
      ))}
      {index !== "" && step && (
        <span className={css.part}>
          <ChevronRight size={12} aria-hidden="true" />
          <button type="button" onClick={() => select({ step })}>
            {step}
          </button>
        </span>
      )}
      <span className={css.part} aria-current={search.artifact ? undefined : "page"}>
        <ChevronRight size={12} aria-hidden="true" />
        {search.artifact ? (
          <button type="button" onClick={() => patch({ artifact: undefined })}>
            {last}
          </button>
        ) : (
          <span className={css.here}>{last}</span>
        )}
      </span>
      <span className={css.close}>
        <IconButton label="Back to the run" keys="u" onClick={() => select({})}>
          <X size={14} />
        </IconButton>
      </span>
    </nav>
  );
}

function DatasetView({ view, id, name }: { view: GraphView | undefined; id: string; name: string }) {
  const { select } = useSelection();
  const dataset = view?.datasets.find((one) => one.id === id);
  const input = view?.inputs.find((one) => `input:${one.name}` === id || one.dataset === name);
  const writers = view?.edges.filter((one) => one.target === id).map((one) => one.source) ?? [];
  const readers = view?.edges.filter((one) => one.source === id).map((one) => one.target) ?? [];
  const links = (ids: string[]) =>
    [...new Set(ids)].map((one) => (
      <button key={one} type="button" className={`link ${css.inline}`} onClick={() => select({ step: one })}>
        {one}
      </button>
    ));
  return (
    <div className={css.padded}>
      <h2>{name}</h2>
      <Facts
        items={[
          ["type", dataset?.type && <code>{dataset.type}</code>],
          ["layer", dataset?.layer],
          ["place", dataset?.place && <code>{dataset.place}</code>],
          ["given by", input?.origin],
          ["written by", writers.length > 0 && links(writers)],
          ["read by", readers.length > 0 && links(readers)],
        ]}
      />
      {dataset && (
        <p className={css.more}>
          <Link to="/catalog/$dataset" params={{ dataset: name }} className="link">
            Versions, checks and lineage of {name}
          </Link>
        </p>
      )}
    </div>
  );
}
