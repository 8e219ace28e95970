/** The steps of a run as a table: the graph for who reads better in rows, with what each took. */
import type { GNode } from "~/api/types";
import { type Columns, DataTable } from "~/components/DataTable";
import { StateBar } from "~/components/StateBar";
import { StateMark } from "~/components/StateMark";
import { bytes, count, duration } from "~/lib/format";

import { amounts, summed } from "./counts";
import { shapeOf } from "./selection";
import { useSelection } from "./useSelection";

export function StepsTable({ nodes }: { nodes: GNode[] }) {
  const { search, select } = useSelection();
  return (
    <DataTable
      name="run.steps"
      label="Steps"
      columns={COLUMNS}
      count={nodes.length}
      rowAt={(index) => nodes[index]}
      rowId={(row) => row.id}
      current={shapeOf(search)}
      onOpen={(row) => select({ step: row.id })}
    />
  );
}

const COLUMNS: Columns<GNode> = [
  { id: "step", header: "Step", size: 150, meta: { grow: true }, cell: ({ row: { original } }) => <span title={original.where ?? undefined}>{original.label}</span> },
  { id: "state", header: "State", size: 92, cell: ({ row: { original } }) => original.progress && <StateMark state={original.progress.state} /> },
  {
    id: "tasks",
    header: "Tasks",
    size: 120,
    cell: ({ row: { original } }) => {
      if (!original.progress) return null;
      const counts = summed([original]);
      const { done, all } = amounts(counts, original.progress.counts.total ?? null);
      if (all <= 1) return null;
      return (
        <span style={{ display: "grid", gap: 2, lineHeight: 1.2 }}>
          <span className="dim">
            {count(done)}/{count(all)}
          </span>
          <StateBar counts={counts} total={all} height={4} />
        </span>
      );
    },
  },
  { id: "took", header: "Took", size: 78, meta: { align: "end", title: "from the first task's start to the last one's end" }, cell: ({ row: { original } }) => duration(original.progress?.seconds) },
  { id: "p50", header: "p50", size: 70, meta: { align: "end", title: "median of the tasks' durations" }, cell: ({ row: { original } }) => duration(original.progress?.p50) },
  { id: "p95", header: "p95", size: 70, meta: { align: "end", title: "95th percentile of the tasks' durations" }, cell: ({ row: { original } }) => duration(original.progress?.p95) },
  { id: "cpu", header: "CPU", size: 70, meta: { align: "end", title: "processor seconds, all tasks" }, cell: ({ row: { original } }) => duration(original.progress?.cpu_seconds) },
  { id: "memory", header: "Memory", size: 78, meta: { align: "end", title: "the largest peak of a task" }, cell: ({ row: { original } }) => bytes(original.progress?.peak_memory) },
];
