/** The tasks of a map: a strip of one pixel each, and a table, failed first, of any length. */
import { useQueries } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";

import { type Items, type TaskRow, itemsPage } from "~/api/run";
import type { GNode } from "~/api/types";
import { Button } from "~/components/Button";
import { type Columns, DataTable } from "~/components/DataTable";
import { ErrorView } from "~/components/Feedback";
import { StateMark, StateSign } from "~/components/StateMark";
import { bytes, count, duration } from "~/lib/format";
import { STATES, asState, inkOf } from "~/lib/states";

import css from "./ItemsView.module.css";
import { Strip } from "./Strip";
import { indexOf } from "./selection";
import { useSelection } from "./useSelection";

type Props = { run: string; node: GNode; counts: Record<string, number>; total: number };

const PAGE = 200;
const LOOK = 150;

/** Rows by their place in the list, in pages of 200: the pages in sight are asked for, those seen are kept. */
function useRows(run: string, step: string, sort: string, state: string | undefined) {
  const [sight, setSight] = useState({ first: 0, last: 0 });
  const latest = useRef(sight);
  const waiting = useRef<ReturnType<typeof setTimeout> | null>(null);
  const look = useCallback(() => {
    const next = latest.current;
    setSight((before) => (before.first === next.first && before.last === next.last ? before : next));
  }, []);
  // Who flies over ten thousand rows sees none of them: what is in sight is asked for a few times a second.
  const onVisible = useCallback(
    (from: number, to: number) => {
      latest.current = { first: Math.floor(from / PAGE), last: Math.floor(to / PAGE) };
      if (waiting.current) return;
      look();
      waiting.current = setTimeout(() => {
        waiting.current = null;
        look();
      }, LOOK);
    },
    [look],
  );
  useEffect(() => () => void (waiting.current && clearTimeout(waiting.current)), []);
  const wanted = [...new Set([0, ...range(sight.first, sight.last)])];
  const pages = useQueries({
    queries: wanted.map((page) => ({
      queryKey: ["run", run, "items", step, sort, state ?? "", page],
      queryFn: ({ signal }: { signal: AbortSignal }) => itemsPage(run, step, { sort, state, offset: page * PAGE, limit: PAGE }, signal),
      staleTime: 5_000,
      placeholderData: (before: Items | undefined) => before,
    })),
  });
  const seen = useRef(new Map<number, TaskRow[]>());
  const key = `${run} ${step} ${sort} ${state ?? ""}`;
  const of = useRef(key);
  if (of.current !== key) {
    of.current = key;
    seen.current = new Map();
  }
  const version = pages.map((one) => one.dataUpdatedAt).join(" ") + key;
  const rowAt = useMemo(() => {
    for (const [at, page] of wanted.entries()) {
      const answer = pages[at];
      if (answer?.data && !answer.isPlaceholderData) seen.current.set(page, answer.data.items);
    }
    const known = seen.current;
    return (index: number) => known.get(Math.floor(index / PAGE))?.[index % PAGE];
    // The version says which pages are there.
  }, [version, sight]);
  const first = pages[0];
  return { rowAt, onVisible, first };
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, at) => from + at);
}

export function ItemsView({ run, node, counts, total }: Props) {
  const { search, patch, select } = useSelection();
  const sort = search.sort ?? "state";
  const chosen = search.state?.split(",").filter(Boolean) ?? [];
  const { rowAt, onVisible, first } = useRows(run, node.id, sort, search.state);
  const toggle = (state: string) => {
    const next = chosen.includes(state) ? chosen.filter((one) => one !== state) : [...chosen, state];
    patch({ state: next.join(",") || undefined });
  };
  const openItem = (flat: number) => {
    if (node.depth <= 1) return select({ task: `${node.id}[${flat}]` });
    // Of nested maps the server knows which path stands at a place.
    void itemsPage(run, node.id, { sort: "index", offset: flat, limit: 1 }).then((page) => page.items[0] && select({ task: page.items[0].task }));
  };
  const present = STATES.filter((state) => counts[state]);
  const columns = useMemo(() => columnsOf(node.depth), [node.depth]);
  return (
    <div className={css.view}>
      <Strip run={run} step={node.id} counts={counts} depth={node.depth} onItem={openItem} />
      <div className={css.filters} role="group" aria-label="Filter by state">
        {present.map((state) => (
          <Button key={state} tone="quiet" aria-pressed={chosen.includes(state)} onClick={() => toggle(state)} className={css.filter}>
            <span style={{ color: inkOf(state), display: "inline-flex" }}>
              <StateSign state={state} />
            </span>
            {state} <span className="dim">{count(counts[state])}</span>
          </Button>
        ))}
        {chosen.length > 0 && (
          <Button tone="quiet" onClick={() => patch({ state: undefined })}>
            all
          </Button>
        )}
      </div>
      <div className={css.table}>
        {first?.error ? (
          <ErrorView error={first.error} retry={() => void first.refetch()} />
        ) : (
          <DataTable
            name="run.items"
            label={`Tasks of ${node.label}`}
            columns={columns}
            count={first?.data ? (first.data.total ?? first.data.items.length) : Math.min(total, 40)}
            rowAt={rowAt}
            rowId={(row) => row.task}
            onOpen={(row) => select({ task: row.task })}
            sort={sort}
            onSort={(next) => patch({ sort: next.replace(/^-/, "") === "state" ? undefined : next.replace(/^-/, "") })}
            onVisible={onVisible}
            rowHeight={28}
            empty={<p className={css.empty}>{chosen.length ? `No task is ${chosen.join(" or ")}.` : "No tasks yet: how many there are is known when what they are made from is."}</p>}
          />
        )}
      </div>
    </div>
  );
}

function columnsOf(depth: number): Columns<TaskRow> {
  return [
    { id: "index", header: depth > 1 ? "Path" : "Index", size: 66, meta: { sort: "index", align: "end" }, cell: ({ row: { original } }) => indexOf(original.task).slice(1, -1) },
    { id: "state", header: "State", size: 90, meta: { sort: "state" }, cell: ({ row: { original } }) => <StateMark state={original.state} /> },
    { id: "label", header: "Element", size: 90, meta: { grow: true }, cell: ({ row: { original } }) => <ElementWords row={original} /> },
    { id: "took", header: "Took", size: 74, meta: { align: "end", sort: "slowest" }, cell: ({ row: { original } }) => duration(original.seconds) },
    { id: "memory", header: "Memory", size: 82, meta: { align: "end", title: "the peak" }, cell: ({ row: { original } }) => bytes(original.peak_memory) },
  ];
}

function ElementWords({ row }: { row: TaskRow }) {
  const state = asState(row.state);
  const bad = state === "failed" || state === "lost" || state === "cancelled";
  return (
    <>
      {row.label}
      {row.attempt > 1 && <span className="dim">{row.label && " · "}attempt {row.attempt}</span>}
      {(row.label || row.attempt > 1) && bad && row.reason && " · "}
      {bad && <span style={{ color: inkOf(state) }}><span title={row.reason ?? undefined}>{row.reason}</span></span>}
    </>
  );
}
