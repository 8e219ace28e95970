/** One task: how it went and why, what went in and came out, what it said, the code that ran, and how to run it again. */
import { useQuery } from "@tanstack/react-query";
import { ChevronLeft, ChevronRight } from "lucide-react";

import { type Attempt, type Run, type Task, taskQuery } from "~/api/run";
import type { GNode } from "~/api/types";
import { IconButton } from "~/components/Button";
import { Command } from "~/components/Copy";
import { ErrorView, Loading } from "~/components/Feedback";
import { Facts } from "~/components/Page";
import { StateMark } from "~/components/StateMark";
import { Tabs } from "~/components/Tabs";
import { Elapsed, Time } from "~/components/Time";
import { Values } from "~/features/artifacts/Values";
import { LogView } from "~/features/logs/LogView";
import { count, duration, number, value, within } from "~/lib/format";
import { useKeys } from "~/lib/keys";
import { asState, isLive } from "~/lib/states";

import { Block, Blocks } from "./Block";
import { CodeView } from "./CodeView";
import { Checks, Datasets } from "./DataTables";
import { ErrorBlock } from "./ErrorBlock";
import { MetricsView } from "./MetricsView";
import { ResourcesView } from "./ResourcesView";
import css from "./TaskDetailView.module.css";
import { WhyView } from "./WhyView";
import { indexOf, stepOf } from "./selection";
import { useSelection } from "./useSelection";

type Props = { run: Run; task: string; node: GNode | null; live: boolean };

export function TaskDetailView({ run, task: name, node, live }: Props) {
  const { search, patch, select } = useSelection();
  const query = useQuery(taskQuery(run.id, name, search.attempt));
  const task = query.data;
  const step = (to: string | null | undefined) => to && select(stepOf(to) === to ? { step: to } : { task: to });
  useKeys("Task", [
    { keys: "]", does: "next task of the map", run: () => step(task?.next) },
    { keys: "[", does: "previous task of the map", run: () => step(task?.previous) },
  ]);
  if (query.error) {
    // A step that has not begun has no task in the records yet.
    if (node && live) return <NotYet node={node} />;
    return <ErrorView error={query.error} retry={() => void query.refetch()} />;
  }
  if (!task) return <Loading what="Reading the task" />;
  const state = asState(task.state);
  const taskLive = live && isLive(state);
  // When it really began comes with its end; until then it counts from when it was handed out.
  const begun = task.started_at ?? task.queued_at;
  const tabs = [
    { id: "overview", label: "Overview" },
    { id: "logs", label: "Logs", count: task.log_lines ? count(task.log_lines) : null },
    { id: "metrics", label: "Metrics", count: task.metrics.length },
    { id: "code", label: "Code" },
    { id: "why", label: "Why" },
    { id: "resources", label: "Resources" },
  ];
  const tab = tabs.some((one) => one.id === search.tab) ? (search.tab ?? "overview") : "overview";
  return (
    <div className={css.view}>
      <div className={css.head}>
        <div className={css.line}>
          <StateMark state={task.state} />
          <span className={css.fact}>
            <Elapsed from={begun} seconds={task.seconds} live={taskLive} />
          </span>
          {begun !== null && (
            <span className={css.fact}>
              <Time at={begun} />
            </span>
          )}
          {task.source && task.source !== run.id && <span className={css.fact}>result of {task.source}</span>}
          {task.label && <code className={css.label}>{task.label}</code>}
          {(task.previous || task.next) && (
            <span className={css.around}>
              <IconButton label="Previous task of the map" keys="[" disabled={!task.previous} onClick={() => step(task.previous)}>
                <ChevronLeft size={15} />
              </IconButton>
              <IconButton label="Next task of the map" keys="]" disabled={!task.next} onClick={() => step(task.next)}>
                <ChevronRight size={15} />
              </IconButton>
            </span>
          )}
        </div>
        {task.progress && <Advance done={task.progress[0]} total={task.progress[1]} />}
        {task.attempts.length > 1 && <Attempts attempts={task.attempts} shown={search.attempt ?? task.attempt} onShow={(attempt) => patch({ attempt: attempt === task.attempts.at(-1)?.attempt ? undefined : attempt })} />}
      </div>
      <Tabs rest="pane" label="Of the task" value={tab} onChange={(next) => patch({ tab: next === "overview" ? undefined : next, line: undefined }, false)} tabs={tabs}>
        {tab === "overview" && <Overview run={run} task={task} node={node} />}
        {tab === "logs" && <LogView key={`${name} ${search.attempt ?? ""}`} scope={{ run: run.id, task: name, attempt: search.attempt }} live={taskLive} start={begun ?? run.started_at} lines={task.log_lines} />}
        {tab === "metrics" && <MetricsView run={run.id} scope={{ task: name }} metrics={task.metrics} />}
        {tab === "code" && <CodeView run={run.id} task={name} />}
        {tab === "why" && <WhyView run={run.id} task={name} command={task.commands.why} />}
        {tab === "resources" && <ResourcesView run={run} task={task} />}
      </Tabs>
    </div>
  );
}

function Overview({ run, task, node }: { run: Run; task: Task; node: GNode | null }) {
  const { patch } = useSelection();
  const parameters = task.inputs.filter((one) => one.value.kind === "parameter");
  const inputs = task.inputs.filter((one) => one.value.kind !== "parameter");
  const open = (artifact: string) => patch({ artifact }, false);
  return (
    <Blocks label="Overview">
      {task.error ? (
        <Block
          title="Error"
          actions={
            <button type="button" className="link" onClick={() => patch({ tab: "logs" }, false)}>
              Logs
            </button>
          }
        >
          <ErrorBlock error={task.error} />
        </Block>
      ) : (
        task.reason && <p className={css.reason}>{task.reason}</p>
      )}
      {task.objects.length > 0 && (
        <Block title="Logged">
          <Values items={task.objects} run={run.id} task={task.task} open onOpen={open} />
        </Block>
      )}
      {task.outputs.length > 0 && (
        <Block title={task.outputs.length === 1 ? "Output" : "Outputs"}>
          <Values items={task.outputs} run={run.id} task={task.task} onOpen={open} />
        </Block>
      )}
      {inputs.length > 0 && (
        <Block title={inputs.length === 1 ? "Input" : "Inputs"}>
          <Values items={inputs} run={run.id} task={task.task} onOpen={open} />
        </Block>
      )}
      {parameters.length > 0 && (
        <Block title="Parameters">
          <Facts items={parameters.map((one) => [one.name, <code key={one.name}>{one.value.text}</code>] as const)} />
        </Block>
      )}
      {task.checks.length > 0 && (
        <Block title="Checks">
          <Checks items={task.checks} />
        </Block>
      )}
      {task.datasets.length > 0 && (
        <Block title="Datasets">
          <Datasets items={task.datasets} folder={run.folder} />
        </Block>
      )}
      <Block title="Step">
        {task.step_doc && <p className={css.doc}>{task.step_doc}</p>}
        <Facts
          items={[
            ["defined in", task.where && <code>{within(task.where, run.folder)}</code>],
            ["kind", node && node.kind !== "step" && `${node.kind} ${node.text}`],
            ["worker", task.worker && <code>{task.worker}</code>],
            ["index", indexOf(task.task)],
          ]}
        />
      </Block>
      <Block title="From a terminal">
        <div className={css.commands}>
          {task.commands.rerun && <Command text={task.commands.rerun} />}
          {task.commands.logs && <Command text={task.commands.logs} />}
          {task.commands.python && <Command text={task.commands.python} prompt={null} />}
        </div>
      </Block>
    </Blocks>
  );
}

/** How far the task said it is: `progress(epoch, epochs)`. */
function Advance({ done, total }: { done: number; total: number | null }) {
  return (
    <div className={css.advance}>
      {total !== null && total > 0 && <progress aria-label="Progress" value={done} max={total} />}
      <span className={css.fact}>
        {number(done)}
        {total !== null && ` of ${number(total)}`}
      </span>
    </div>
  );
}

function Attempts({ attempts, shown, onShow }: { attempts: Attempt[]; shown: number; onShow: (attempt: number) => void }) {
  return (
    <div className={css.attempts} role="radiogroup" aria-label="Attempts">
      {attempts.map((one) => (
        <button key={one.attempt} type="button" role="radio" aria-checked={one.attempt === shown} className={css.attempt} onClick={() => onShow(one.attempt)} title={one.reason ?? undefined}>
          <span className="dim">{one.attempt}</span>
          <StateMark state={one.state} />
          <span className="dim">{duration(one.seconds)}</span>
        </button>
      ))}
    </div>
  );
}

function NotYet({ node }: { node: GNode }) {
  return (
    <Blocks label="Step">
      <p className={css.reason}>This step has not begun.</p>
      {node.doc && <p className={css.doc}>{node.doc}</p>}
      <Facts
        items={[
          ["defined in", node.where && <code>{node.where}</code>],
          ["outputs", node.outputs.join(", ")],
          ...Object.entries(node.options).map(([name, of]) => [name, <code key={name}>{value(of)}</code>] as const),
        ]}
      />
    </Blocks>
  );
}
