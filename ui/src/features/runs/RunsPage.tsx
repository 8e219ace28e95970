/** All runs: filtered by text, live, with the columns that one wants to see. */
import { keepPreviousData, useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { Ban, GitCompareArrows, Pin, Rows3, Tag, Trash2, X } from "lucide-react";
import { useCallback, useMemo, useRef, useState } from "react";

import { get } from "~/api/client";
import { useLive } from "~/api/live";
import { metaQuery } from "~/api/queries";
import type { RunColumns, RunRow, RunsPageAnswer } from "~/api/types";
import { Button } from "~/components/Button";
import { DataTable } from "~/components/DataTable";
import { Empty, ErrorView, Loading } from "~/components/Feedback";
import { count, plural } from "~/lib/format";
import { useKeys } from "~/lib/keys";
import { useMedia } from "~/lib/media";
import { useStored } from "~/lib/stored";

import { ColumnChooser } from "./ColumnChooser";
import { FilterBox } from "./FilterBox";
import { Groups } from "./Groups";
import css from "./RunsPage.module.css";
import { Views } from "./Views";
import { useRunActions } from "./actions";
import { takeRuns } from "./cache";
import { runColumns } from "./columns";

const route = getRouteApi("/runs");
const PAGE = 100;

export function RunsPage() {
  const search = route.useSearch();
  const navigate = useNavigate({ from: "/runs" });
  const client = useQueryClient();
  const meta = useQuery(metaQuery);
  const [remembered, remember] = useStored("runs.columns", "");
  const columns = search.columns ?? remembered;
  const q = search.q ?? "";
  const sort = search.sort ?? "";
  const grouped = search.group === "pipeline";

  const key = { q, sort, columns };
  const metrics = columns.split(",").filter((one) => one.startsWith("metric:"));
  const runs = useInfiniteQuery({
    queryKey: ["runs", "list", key],
    queryFn: ({ pageParam, signal }) =>
      get<RunsPageAnswer>("/runs", { q, sort, columns, spark: metrics.join(","), limit: PAGE, cursor: pageParam }, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
    placeholderData: keepPreviousData,
    enabled: !grouped,
  });
  const known = useQuery({
    queryKey: ["runs", "columns"],
    queryFn: ({ signal }) => get<RunColumns>("/runs/columns", {}, signal),
    staleTime: 30_000,
  });
  useLive("runs", (event) => takeRuns(client, event));

  const rows = useMemo(() => runs.data?.pages.flatMap((page) => page.items) ?? [], [runs.data]);
  const total = runs.data?.pages[0]?.total ?? null;
  const terms = runs.data?.pages[0]?.query.terms ?? [];

  const [selected, setSelected] = useState<ReadonlyMap<string, RunRow>>(new Map());
  const anchor = useRef(-1);
  const toggle = useCallback(
    (row: RunRow, range: boolean, index: number) => {
      // Read now: the change below is made later, when the anchor has moved on.
      const from = range && anchor.current >= 0 ? anchor.current : index;
      const picked = rows.slice(Math.min(from, index), Math.max(from, index) + 1);
      setSelected((before) => {
        const next = new Map(before);
        if (!range && next.has(row.id)) next.delete(row.id);
        else for (const one of picked) next.set(one.id, one);
        return next;
      });
      anchor.current = index;
    },
    [rows],
  );
  // As they are now; a selected run that the filter has left out since is as it was.
  const chosen = useMemo(() => {
    const now = new Map(rows.map((one) => [one.id, one]));
    return [...selected.values()].map((one) => now.get(one.id) ?? one);
  }, [rows, selected]);
  const readOnly = meta.data?.read_only ?? false;
  const actions = useRunActions({
    readOnly,
    onDeleted: (ids) => setSelected((before) => new Map([...before].filter(([id]) => !ids.includes(id)))),
  });

  const change = useCallback((next: Partial<typeof search>) => void navigate({ search: (before) => ({ ...before, ...next }), replace: true }), [navigate]);
  const compare = () => void navigate({ to: "/compare", search: { runs: chosen.map((one) => one.id).join(",") } });
  useKeys("Runs", [
    { keys: "c", does: "compare the selected runs", run: () => (chosen.length > 1 ? compare() : undefined) },
    { keys: "Escape", does: "select nothing", run: () => setSelected(new Map()) },
  ]);

  const longest = useMemo(() => rows.reduce((most, one) => Math.max(most, one.seconds ?? 0), 0), [rows]);
  const entries = useRef(actions.entries);
  entries.current = actions.entries;
  const narrow = useMedia("(max-width: 620px)");
  const shape = useMemo(
    () => runColumns({ chosen: columns.split(",").filter(Boolean), longest, selected, toggle, entries: (run) => entries.current(run), narrow }),
    [columns, longest, selected, toggle, narrow],
  );

  const open = useCallback(
    (row: RunRow, event?: { metaKey?: boolean; ctrlKey?: boolean }) => {
      if (event?.metaKey || event?.ctrlKey) window.open(`/runs/${encodeURIComponent(row.id)}`, "_blank", "noopener");
      else void navigate({ to: "/runs/$runId", params: { runId: row.id } });
    },
    [navigate],
  );
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = runs;
  const onVisible = useCallback(
    (_first: number, last: number) => {
      if (last > rows.length - 40 && hasNextPage && !isFetchingNextPage) void fetchNextPage();
    },
    [rows.length, hasNextPage, isFetchingNextPage, fetchNextPage],
  );
  const rowAt = useCallback((index: number) => rows[index], [rows]);

  return (
    <div className={css.page}>
      <div className={css.bar}>
        <h1 className="hidden-text">Runs</h1>
        <FilterBox value={q} onChange={(next) => change({ q: next || undefined })} terms={terms} columns={known.data} />
        <div className={css.tools}>
          <Views search={search} onOpen={(view) => void navigate({ search: view })} />
          <ColumnChooser
            known={known.data}
            value={columns}
            onChange={(next) => {
              remember(next);
              change({ columns: next || undefined });
            }}
          />
          <Button aria-pressed={grouped} tone={grouped ? "plain" : "quiet"} onClick={() => change({ group: grouped ? undefined : "pipeline" })}>
            <Rows3 size={14} aria-hidden="true" /> By pipeline
          </Button>
        </div>
      </div>
      {chosen.length > 0 && (
        <div className={css.selection} role="toolbar" aria-label="Selected runs">
          <span>{plural(chosen.length, "run")} selected</span>
          <Button tone="primary" onClick={compare} disabled={chosen.length < 2 || chosen.length > 500} title={chosen.length < 2 ? "Select at least two" : undefined}>
            <GitCompareArrows size={14} aria-hidden="true" /> Compare
          </Button>
          <Button disabled={readOnly} onClick={() => actions.bulk("tag", chosen)}>
            <Tag size={14} aria-hidden="true" /> Tag
          </Button>
          <Button disabled={readOnly} onClick={() => actions.bulk(chosen.every((one) => one.pinned) ? "unpin" : "pin", chosen)}>
            <Pin size={14} aria-hidden="true" /> {chosen.every((one) => one.pinned) ? "Unpin" : "Pin"}
          </Button>
          {chosen.some((one) => one.status === "running") && (
            <Button disabled={readOnly} onClick={() => actions.bulk("cancel", chosen.filter((one) => one.status === "running"))}>
              <Ban size={14} aria-hidden="true" /> Cancel
            </Button>
          )}
          <Button tone="danger" disabled={readOnly} onClick={() => actions.bulk("delete", chosen)}>
            <Trash2 size={14} aria-hidden="true" /> Delete
          </Button>
          <Button tone="quiet" onClick={() => setSelected(new Map())}>
            <X size={14} aria-hidden="true" /> None
          </Button>
        </div>
      )}
      {grouped ? (
        <Groups q={q} />
      ) : runs.error && rows.length === 0 ? (
        <ErrorView error={runs.error} retry={() => void runs.refetch()} />
      ) : runs.isPending ? (
        <Loading what="Reading the runs" />
      ) : (
        <>
          <div className={css.table}>
            <DataTable<RunRow>
              name={narrow ? "runs-narrow" : "runs"}
              label="Runs"
              columns={shape}
              count={rows.length}
              rowAt={rowAt}
              rowId={rowId}
              onOpen={open}
              selection={{ has: (id) => selected.has(id), toggle }}
              sort={sort || "started"}
              onSort={(next) => change({ sort: next === "started" ? undefined : next })}
              onVisible={onVisible}
              empty={
                q ? (
                  <Empty title="No run matches this filter" action={<Button onClick={() => change({ q: undefined })}>Show all runs</Button>}>
                    A filter is words: <code>status:failed</code>, <code>pipeline:training</code>, <code>alpha&gt;0.1</code>, <code>since:7d</code>, or part of a name.
                  </Empty>
                ) : (
                  <Empty title="No runs yet" command={["plait run", "plait run my_file.py alpha=0.5"]}>
                    Run a pipeline, and it appears here while it works.
                  </Empty>
                )
              }
            />
          </div>
          <div className={css.foot}>
            {total === null ? `${count(rows.length)}${hasNextPage ? "+" : ""} runs` : plural(total, "run")}
            {isFetchingNextPage && " · reading more …"}
          </div>
        </>
      )}
      {actions.dialogs}
    </div>
  );
}

const rowId = (run: RunRow) => run.id;
