/** The run as a whole: what failed, what came out, what it was given, where it ran. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";

import { type Run, packagesQuery } from "~/api/run";
import type { GraphView } from "~/api/types";
import { Command } from "~/components/Copy";
import { Answer, Empty } from "~/components/Feedback";
import { Facts } from "~/components/Page";
import { SimpleTable } from "~/components/SimpleTable";
import { StateSign } from "~/components/StateMark";
import { Tabs } from "~/components/Tabs";
import { Time } from "~/components/Time";
import { Values } from "~/features/artifacts/Values";
import { LogView } from "~/features/logs/LogView";
import { count, duration, isNothing, number, plural, value, within } from "~/lib/format";

import { Block, Blocks } from "./Block";
import { Checks, Datasets } from "./DataTables";
import { MetricsView } from "./MetricsView";
import css from "./RunDetailView.module.css";
import { StepsTable } from "./StepsTable";
import { useSelection } from "./useSelection";

export function RunDetailView({ run, view, live }: { run: Run; view: GraphView | undefined; live: boolean }) {
  const { search, patch } = useSelection();
  const tabs = [
    { id: "overview", label: "Overview" },
    { id: "steps", label: "Steps", count: view?.nodes.length },
    { id: "metrics", label: "Metrics", count: run.metrics.length },
    { id: "logs", label: "Logs", count: run.log_lines ? count(run.log_lines) : null },
    { id: "params", label: "Parameters", count: run.params.length },
    { id: "data", label: "Data", count: (run.datasets?.length ?? 0) + (run.checks?.items.length ?? 0) },
    { id: "environment", label: "Environment" },
  ];
  const tab = tabs.some((one) => one.id === search.tab) ? (search.tab ?? "overview") : "overview";
  return (
    <Tabs label="Of the run" value={tab} onChange={(next) => patch({ tab: next === "overview" ? undefined : next, line: undefined }, false)} tabs={tabs}>
      {tab === "overview" && <Overview run={run} view={view} live={live} />}
      {tab === "steps" && view && <StepsTable nodes={view.nodes} />}
      {tab === "metrics" && <MetricsView run={run.id} scope={{}} metrics={run.metrics} />}
      {tab === "logs" && <LogView scope={{ run: run.id }} live={live} start={run.started_at} lines={run.log_lines} />}
      {tab === "params" && <Params run={run} />}
      {tab === "data" && (
        <Blocks label="Data">
          <Block title="Datasets" note={plural(run.datasets?.length ?? 0, "dataset")}>
            {run.datasets?.length ? <Datasets items={run.datasets} folder={run.folder} /> : <p className="dim">No step wrote a dataset of the catalog.</p>}
          </Block>
          {run.checks && run.checks.items.length > 0 && (
            <Block title="Checks" note={`${run.checks.failed} failed · ${run.checks.warned} warned · ${run.checks.passed} passed`}>
              <Checks items={run.checks.items} />
            </Block>
          )}
        </Blocks>
      )}
      {tab === "environment" && <Environment run={run} />}
    </Tabs>
  );
}

function Overview({ run, view, live }: { run: Run; view: GraphView | undefined; live: boolean }) {
  const { patch } = useSelection();
  // What a branch or a loop decided is no result of the run.
  const decisions = new Set(view?.nodes.filter((one) => one.kind !== "step" && one.kind !== "repeat").map((one) => one.id));
  const outputs = run.outputs.filter((one) => !decisions.has(one.step));
  const failures = run.failures ?? [];
  return (
    <Blocks label="Overview">
      {run.reason && failures.length === 0 && <p className={css.reason}>{run.reason}</p>}
      {failures.length > 0 && (
        <Block title="What failed" note={failures.length >= 20 ? "the first 20 tasks" : undefined}>
          <Failures run={run} />
        </Block>
      )}
      {run.note && (
        <Block title="Note">
          <p className={css.text}>{run.note}</p>
        </Block>
      )}
      {outputs.length > 0 && (
        <Block title="Outputs">
          <Values items={outputs.map((one) => ({ name: one.name, value: { ...one.value, from_task: one.value.from_task ?? one.task ?? one.step } }))} run={run.id} onOpen={(artifact) => patch({ artifact }, false)} />
        </Block>
      )}
      {run.metrics.length > 0 && (
        <Block
          title="Metrics"
          note="last values"
          actions={
            <button type="button" className="link" onClick={() => patch({ tab: "metrics" }, false)}>
              Curves
            </button>
          }
        >
          <dl className={css.metrics}>
            {run.metrics.slice(0, 12).map((one) => (
              <div key={one.name}>
                <dt title={one.name}>{one.name}</dt>
                <dd>{one.tasks > 1 ? `${number(one.least)} … ${number(one.greatest)}` : number(one.last)}</dd>
              </div>
            ))}
          </dl>
        </Block>
      )}
      {run.params.length > 0 && (
        <Block title="Parameters">
          <Facts items={run.params.slice(0, 12).map((one) => [one.name, <code key={one.name}>{short(value(one.value))}</code>] as const)} />
          {run.params.length > 12 && (
            <button type="button" className="link" onClick={() => patch({ tab: "params" }, false)}>
              All {run.params.length}
            </button>
          )}
        </Block>
      )}
      {run.checks && run.checks.failed + run.checks.warned > 0 && (
        <Block title="Checks that did not pass">
          <Checks items={run.checks.items.filter((one) => !one.passed)} />
        </Block>
      )}
      <Block title="This run">
        <Facts
          items={[
            ["id", <code key="id">{run.id}</code>],
            ["started", <Time key="started" at={run.started_at} />],
            ["ended", run.ended_at !== null && <Time key="ended" at={run.ended_at} />],
            ["took", !live && duration(run.seconds)],
            ["by", [run.user, run.host].filter(Boolean).join(" on ")],
            ["executor", run.executor],
            ["environment", run.env],
            ["went on from", run.parent && <RunLink key="parent" id={run.parent} />],
            ["went on in", run.children?.length > 0 && run.children.map((id) => <RunLink key={id} id={id} />)],
          ]}
        />
      </Block>
      {(run.command || run.resume_command) && (
        <Block title="Run it again">
          {run.command && <Command text={run.command} />}
          {run.resume_command && (
            <div className={css.command}>
              <Command text={run.resume_command} />
            </div>
          )}
        </Block>
      )}
    </Blocks>
  );
}

const short = (text: string) => (text.length > 160 ? `${text.slice(0, 159)}…` : text);

function RunLink({ id }: { id: string }) {
  return (
    <Link to="/runs/$runId" params={{ runId: id }} className={`link ${css.inline}`}>
      {id}
    </Link>
  );
}

function Failures({ run }: { run: Run }) {
  const { select } = useSelection();
  return (
    <ul className={css.failures}>
      {run.failures.map((one) => (
        <li key={one.task}>
          <button type="button" className={css.failure} onClick={() => select({ task: one.task })}>
            <span className={css.sign}>
              <StateSign state="failed" />
            </span>
            <span className={css.words}>
              <span className={css.first}>
                <strong>{one.task}</strong>
                {one.where && <code className="dim">{within(one.where, run.folder)}</code>}
              </span>
              <span className={css.why}>
                {one.error_type && !one.reason?.startsWith(one.error_type) && <b>{one.error_type}: </b>}
                {one.reason}
              </span>
            </span>
          </button>
        </li>
      ))}
    </ul>
  );
}

function Params({ run }: { run: Run }) {
  if (run.params.length === 0) return <Empty title="This pipeline has no parameters" />;
  return (
    <Blocks label="All parameters">
      <SimpleTable
        label="Parameters"
        rows={run.params}
        rowKey={(one) => one.name}
        columns={[
          { head: "Name", cell: (one) => one.name },
          { head: "Value", cell: (one) => <span className={css.value}>{value(one.value)}</span>, mono: true, wide: true },
          { head: "From", cell: (one) => <span className="dim">{one.origin}</span> },
        ]}
      />
    </Blocks>
  );
}

/** Facts that stand under a name of their own already. */
const SHOWN = new Set(["packages", "params", "argv", "python", "plait", "platform", "host", "user", "folder", "env", "git_commit", "git_branch", "git_dirty", "process_started", "cwd"]);

function Environment({ run }: { run: Run }) {
  const packages = useQuery(packagesQuery(run.id));
  const [find, setFind] = useState("");
  const facts = Object.entries(run.facts).filter(([name, of]) => !SHOWN.has(name) && !isNothing(of));
  return (
    <Blocks label="Environment">
      <Block title="Where it ran">
        <Facts
          items={[
            ["python", run.python],
            ["plait", run.plait],
            ["platform", run.platform],
            ["host", run.host],
            ["user", run.user],
            ["environment", run.env],
            ["folder", run.folder && <code>{run.folder}</code>],
            ["target", run.target && <code>{run.target}</code>],
            ["git", run.git && `${run.git.commit?.slice(0, 12) ?? ""}${run.git.branch ? ` on ${run.git.branch}` : ""}${run.git.dirty ? ", with changes that were not committed" : ""}`],
            ["started as", run.argv && <code>{run.argv}</code>],
            ...facts.map(([name, of]) => [name.replaceAll("_", " "), typeof of === "object" ? <code key={name}>{short(JSON.stringify(of))}</code> : value(of)] as const),
          ]}
        />
      </Block>
      <Block title="Packages" note={packages.data && count(packages.data.items.length)}>
        <Answer query={packages}>
          {({ items }) => (
            <>
              <input className={`field ${css.find}`} aria-label="Find a package" placeholder="Find a package" value={find} onChange={(event) => setFind(event.target.value)} />
              <ul className={css.packages}>
                {items
                  .filter((one) => one.name.toLowerCase().includes(find.toLowerCase()))
                  .map((one) => (
                    <li key={one.name}>
                      {one.name} <span className="dim">{one.version}</span>
                    </li>
                  ))}
              </ul>
            </>
          )}
        </Answer>
      </Block>
    </Blocks>
  );
}
