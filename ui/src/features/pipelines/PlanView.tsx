/** What would run, what is there already, and why: before anything runs. */
import { Link } from "@tanstack/react-router";
import { useMemo, useState } from "react";

import type { Plan, PlanItem } from "~/api/types";
import { type Columns, DataTable } from "~/components/DataTable";
import { duration, plural } from "~/lib/format";

import css from "./LaunchForm.module.css";

const SIGN: Record<string, string> = { cached: "≡", run: "▸", unknown: "?" };

const columns: Columns<PlanItem> = [
  {
    id: "decision",
    header: "Plan",
    size: 96,
    cell: ({ row }) => (
      <span className={css.decision} data-decision={row.original.decision}>
        <span aria-hidden="true">{SIGN[row.original.decision] ?? "·"}</span> {row.original.decision}
      </span>
    ),
  },
  { id: "task", header: "Step", size: 180, cell: ({ row }) => <span title={row.original.task}>{row.original.task}</span> },
  {
    id: "reason",
    header: "Because",
    size: 240,
    meta: { grow: true },
    cell: ({ row: { original: one } }) => {
      const text = [one.reason, ...one.differences.map(difference), ...one.notes].filter(Boolean).join(" · ");
      return (
        <span title={text}>
          {text}
          {one.source && (
            <>
              {" "}
              <Link to="/runs/$runId" params={{ runId: one.source }} search={{ task: one.task }} className="link mono">
                {one.source}
              </Link>
            </>
          )}
        </span>
      );
    },
  },
];

type Side = { text?: string } | string | null | undefined;

/** `rate: 0.5 → 0.2`, or what the server says of it in words. */
function difference(of: Record<string, unknown>): string {
  if (typeof of.text === "string") return of.text;
  const [before, after] = [of.old, of.new].map((one) => (one && typeof one === "object" ? (one as { text?: string }).text : (one as Side as string | undefined)));
  return before && after ? `${String(of.name)}: ${before} → ${after}` : `${String(of.name)} ${String(of.change)}`;
}

export function PlanView({ plan }: { plan: Plan }) {
  const [only, setOnly] = useState<string | null>(null);
  const items = useMemo(() => (only ? plan.items.filter((one) => one.decision === only) : plan.items), [plan.items, only]);
  return (
    <div className={css.plan}>
      <div className={css.planHead}>
        <h2>Plan</h2>
        {Object.entries(plan.counts).map(([decision, amount]) => (
          <button key={decision} type="button" className={css.filter} aria-pressed={only === decision} onClick={() => setOnly(only === decision ? null : decision)}>
            <span className={css.decision} data-decision={decision}>
              <span aria-hidden="true">{SIGN[decision] ?? "·"}</span> {amount} {decision}
            </span>
          </button>
        ))}
        <span className="dim">{plan.seconds !== null && `planned in ${duration(plan.seconds)}`}</span>
      </div>
      <div className={css.planTable}>
        <DataTable<PlanItem> name="plan" label="Plan" columns={columns} count={items.length} rowAt={(at) => items[at]} rowId={(one) => one.task} keys={false} />
      </div>
      {plan.more > 0 && <p className="dim">and {plural(plan.more, "more task")}</p>}
    </div>
  );
}
