/** Datasets that were written, and checks that were made, as short tables. */
import { Link } from "@tanstack/react-router";

import type { Check, DatasetUse } from "~/api/run";
import { SimpleTable } from "~/components/SimpleTable";
import { StateMark } from "~/components/StateMark";
import { Time } from "~/components/Time";
import { bytes, count, within } from "~/lib/format";

import { stepOf } from "./selection";
import { useSelection } from "./useSelection";

export function Datasets({ items, folder }: { items: DatasetUse[]; folder: string | null }) {
  return (
    <SimpleTable
      label="Datasets"
      rows={items}
      rowKey={(one, at) => `${one.name} ${at}`}
      columns={[
        {
          head: "Name",
          cell: (one) => (
            <Link to="/catalog/$dataset" params={{ dataset: one.name }} className="link">
              {one.name}
            </Link>
          ),
        },
        { head: "Written by", cell: (one) => one.task && <TaskLink task={one.task} /> },
        { head: "Version", cell: (one) => one.version, mono: true },
        { head: "Size", cell: (one) => bytes(one.size), end: true },
        { head: "When", cell: (one) => <Time at={one.written_at} /> },
        { head: "Place", cell: (one) => one.place && within(one.place, folder), mono: true, wide: true },
      ]}
    />
  );
}

export function Checks({ items }: { items: Check[] }) {
  return (
    <SimpleTable
      label="Checks"
      rows={items}
      rowKey={(one, at) => `${one.dataset} ${one.check} ${at}`}
      columns={[
        { head: <span className="hidden-text">Result</span>, cell: (one) => <StateMark state={one.passed ? "done" : one.severity === "warning" || one.severity === "warn" ? "retried" : "failed"} word={false} /> },
        { head: "Check", cell: (one) => one.check },
        { head: "On", cell: (one) => one.dataset },
        { head: "Severity", cell: (one) => one.severity },
        { head: "Failing rows", cell: (one) => (one.failing ? <span title={one.rows?.length ? `rows ${one.rows.join(", ")}` : undefined}>{count(one.failing)}</span> : ""), end: true },
        { head: "Says", cell: (one) => one.why, wide: true },
      ]}
    />
  );
}

export function TaskLink({ task }: { task: string }) {
  const { select } = useSelection();
  return (
    <button type="button" className="link" onClick={() => select(stepOf(task) === task ? { step: task } : { task })}>
      {task}
    </button>
  );
}
