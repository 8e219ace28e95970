/** What did the task ask for and what did it use? Attempt by attempt, with its options and where it ran. */
import type { Run, Task } from "~/api/run";
import { Facts } from "~/components/Page";
import { SimpleTable } from "~/components/SimpleTable";
import { StateMark } from "~/components/StateMark";
import { Time } from "~/components/Time";
import { bytes, duration, number, value } from "~/lib/format";

import { Block, Blocks } from "./Block";
import css from "./ResourcesView.module.css";

export function ResourcesView({ run, task }: { run: Run; task: Task }) {
  const asked = task.resources?.asked ?? {};
  const used = task.resources;
  const askedMemory = typeof asked.memory === "number" ? asked.memory : null;
  const askedCpus = typeof asked.cpus === "number" ? asked.cpus : null;
  return (
    <Blocks label="Resources">
      <Block title="Asked and used">
        <dl className={css.meters}>
          <Meter name="processors" asked={askedCpus === null ? "1, the default" : number(askedCpus)} used={used?.cpu_share == null ? "" : `${number(Number(used.cpu_share.toPrecision(2)))} on average`} share={used?.cpu_share == null ? null : used.cpu_share / (askedCpus ?? 1)} />
          <Meter name="memory" asked={askedMemory === null ? (asked.memory == null ? "no limit" : value(asked.memory)) : bytes(askedMemory)} used={used?.peak_memory == null ? "" : `${bytes(used.peak_memory)} at its peak`} share={used?.peak_memory != null && askedMemory ? used.peak_memory / askedMemory : null} />
        </dl>
        {used?.hint && <p className={css.hint}>→ {used.hint}</p>}
        <Facts
          items={[
            ["processor time", duration(used?.cpu_seconds)],
            ...Object.entries(asked)
              .filter(([name]) => name !== "cpus" && name !== "memory")
              .map(([name, of]) => [name, value(of)] as const),
          ]}
        />
      </Block>
      <Block title="Attempts">
        <div className={css.attempts}>
        <SimpleTable
          label="Attempts"
          rows={task.attempts}
          rowKey={(one) => String(one.attempt)}
          columns={[
            { head: "Try", cell: (one) => one.attempt, end: true },
            { head: "State", cell: (one) => <StateMark state={one.state} /> },
            { head: "Started", cell: (one) => <Time at={one.started_at} /> },
            { head: "Waited", cell: (one) => (one.queued_at !== null && one.started_at !== null ? duration(Math.max(0, one.started_at - one.queued_at)) : ""), end: true },
            { head: "Took", cell: (one) => duration(one.seconds), end: true },
            { head: "CPU", cell: (one) => duration(one.cpu_seconds), end: true },
            { head: "Peak memory", cell: (one) => bytes(one.peak_memory), end: true },
            { head: "Worker", cell: (one) => one.worker, mono: true },
            { head: "Reason", cell: (one) => one.reason, wide: true },
          ]}
        />
        </div>
      </Block>
      <Block title="Options of the step">
        {Object.keys(task.options).length === 0 ? <p className="dim">All as by default.</p> : <Facts items={Object.entries(task.options).map(([name, of]) => [name, <code key={name}>{value(of)}</code>] as const)} />}
      </Block>
      <Block title="Environment">
        <Facts
          items={[
            ["worker", task.worker && <code>{task.worker}</code>],
            ["executor", run.executor],
            ["python", run.python],
            ["platform", run.platform],
            ["environment", run.env],
          ]}
        />
      </Block>
    </Blocks>
  );
}

function Meter({ name, asked, used, share }: { name: string; asked: string; used: string; share: number | null }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <span>
          {used || <span className="dim">not measured</span>} <span className="dim">asked: {asked}</span>
        </span>
        {share !== null && (
          <span className={css.meter} data-over={share > 1 ? "" : undefined}>
            <span style={{ width: `${Math.min(100, share * 100)}%` }} />
          </span>
        )}
      </dd>
    </div>
  );
}
