/** The columns of the table of runs: the fixed ones, and any parameter or metric that was chosen. */
import { Link } from "@tanstack/react-router";
import { Ellipsis, Pin } from "lucide-react";

import type { RunRow } from "~/api/types";
import type { Columns } from "~/components/DataTable";
import { MenuButton, type MenuEntry } from "~/components/MenuButton";
import { Sparkline } from "~/components/Sparkline";
import { StateBar } from "~/components/StateBar";
import { StateMark } from "~/components/StateMark";
import { Elapsed, Time } from "~/components/Time";
import { number, value } from "~/lib/format";

import css from "./RunsPage.module.css";

type Options = {
  chosen: string[];
  longest: number;
  selected: ReadonlyMap<string, RunRow>;
  narrow: boolean;
  toggle: (run: RunRow, range: boolean, index: number) => void;
  entries: (run: RunRow) => MenuEntry[];
};

/** On a phone: what happened, to which run, when, how long. */
const NARROW = new Set(["status", "run", "started", "seconds", "more"]);

export function runColumns({ chosen, longest, selected, narrow, toggle, entries }: Options): Columns<RunRow> {
  const columns: Columns<RunRow> = [
    {
      id: "select",
      header: () => <span className="hidden-text">selected</span>,
      size: 30,
      enableResizing: false,
      cell: ({ row }) => (
        <input
          type="checkbox"
          className={css.check}
          aria-label={`Select ${row.original.id}`}
          checked={selected.has(row.original.id)}
          onChange={() => undefined}
          onClick={(event) => {
            event.stopPropagation();
            toggle(row.original, event.shiftKey, Number(event.currentTarget.closest("[aria-rowindex]")?.getAttribute("aria-rowindex") ?? 2) - 2);
          }}
        />
      ),
    },
    {
      id: "status",
      header: narrow ? () => <span className="hidden-text">Status</span> : "Status",
      size: narrow ? 28 : 92,
      cell: ({ row }) => (
        <span title={row.original.reason ?? undefined}>
          <StateMark state={row.original.status} word={!narrow} />
        </span>
      ),
    },
    {
      id: "run",
      header: "Run",
      size: narrow ? 116 : 186,
      meta: { grow: narrow || chosen.length === 0 },
      cell: ({ row: { original: run } }) => (
        <span className={css.run}>
          <Link to="/runs/$runId" params={{ runId: run.id }} className="cut" title={run.note || undefined}>
            <b>{run.name ?? run.pipeline}</b> <code className="dim">{run.id}</code>
          </Link>
          {run.pinned && <Pin size={11} aria-label="pinned" role="img" />}
        </span>
      ),
    },
    {
      id: "params",
      header: "What differs",
      size: 190,
      meta: { grow: true, title: "Parameters that differ among the latest runs of the pipeline" },
      cell: ({ row }) =>
        Object.entries(row.original.differing).map(([name, of]) => (
          <span key={name} className={css.param}>
            {name}=<b title={value(of)}>{short(value(of))}</b>
          </span>
        )),
    },
    ...chosen.map((column): Columns<RunRow>[number] => {
      const name = column.slice(column.indexOf(":") + 1);
      const metric = column.startsWith("metric:");
      return {
        id: column,
        header: name,
        size: metric ? 148 : 84,
        meta: { align: "end", sort: column, title: metric ? `metric ${name}` : `parameter ${name}` },
        cell: ({ row: { original: run } }) => {
          const of = run.values[column];
          const spark = run.spark[column];
          return (
            <span className={css.metric}>
              {metric && spark && <Sparkline values={spark} label={name} />}
              <span className="cut">{of === undefined || of === null ? "" : typeof of === "number" ? number(of) : value(of)}</span>
            </span>
          );
        },
      };
    }),
    {
      id: "tags",
      header: "Tags",
      size: 84,
      cell: ({ row }) =>
        row.original.tags.map((tag) => (
          <Link key={tag} to="/runs" search={{ q: `tag:${/\s/.test(tag) ? JSON.stringify(tag) : tag}` }} className={css.tag}>
            {tag}
          </Link>
        )),
    },
    {
      id: "started",
      header: "Started",
      size: narrow ? 90 : 104,
      meta: { sort: "started", newest: true },
      cell: ({ row }) => <Time at={row.original.started_at} />,
    },
    {
      id: "seconds",
      header: "Took",
      size: narrow ? 88 : 150,
      meta: { sort: "seconds" },
      cell: ({ row: { original: run } }) => {
        const live = run.status === "running";
        return (
          <span className={css.bars}>
            <span className={css.seconds}>
              <Elapsed from={run.started_at} seconds={run.seconds} live={live} />
            </span>
            {!narrow && <span className={css.track} aria-hidden={!live}>
              {live && run.counts ? (
                <StateBar counts={withoutTotal(run.counts)} total={run.counts.total ?? undefined} height={4} />
              ) : (
                <span className={css.fill} style={{ width: `${longest > 0 ? (100 * (run.seconds ?? 0)) / longest : 0}%` }} />
              )}
            </span>}
          </span>
        );
      },
    },
    { id: "user", header: "By", size: 60, cell: ({ row }) => <span className="dim">{row.original.user}</span> },
    {
      id: "more",
      header: () => <span className="hidden-text">actions</span>,
      size: 40,
      enableResizing: false,
      meta: { stays: true },
      cell: ({ row }) => (
        <MenuButton
          align="end"
          entries={entries(row.original)}
          trigger={
            <button type="button" className={css.more} aria-label={`Actions for ${row.original.id}`}>
              <Ellipsis size={14} />
            </button>
          }
        />
      ),
    },
  ];
  return narrow ? columns.filter((one) => NARROW.has(one.id ?? "")) : columns;
}

const short = (text: string) => (text.length > 26 ? `${text.slice(0, 25)}…` : text);

export function withoutTotal(counts: Record<string, number | null | undefined>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).filter((pair): pair is [string, number] => pair[0] !== "total" && typeof pair[1] === "number"));
}
