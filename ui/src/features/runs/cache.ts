/** What the server tells of runs while one looks, laid into the lists that are on the page. */
import type { InfiniteData, QueryClient } from "@tanstack/react-query";

import type { LiveEvents } from "~/api/live";
import type { RunRow, RunsPageAnswer } from "~/api/types";

export type RunsKey = { q: string; sort: string; columns: string };
type Lists = InfiniteData<RunsPageAnswer>;

/** The rows with changes laid in; `fresh` are those that no list held. Rows keep what only the list asked for. */
export function merged(lists: Lists, changed: RunRow[], removed: ReadonlySet<string>): { lists: Lists; fresh: RunRow[] } {
  const byId = new Map(changed.map((one) => [one.id, one]));
  const known = new Set<string>();
  const pages = lists.pages.map((page) => ({
    ...page,
    items: page.items
      .filter((one) => !removed.has(one.id))
      .map((one) => {
        known.add(one.id);
        const next = byId.get(one.id);
        return next ? { ...next, values: { ...one.values, ...next.values }, spark: { ...one.spark, ...next.spark } } : one;
      }),
  }));
  return { lists: { ...lists, pages }, fresh: changed.filter((one) => !known.has(one.id) && !removed.has(one.id)) };
}

let again: ReturnType<typeof setTimeout> | null = null;

export function takeRuns(client: QueryClient, event: LiveEvents["runs"]): void {
  const changed = event.changed as RunRow[];
  const removed = new Set(event.removed);
  let refetch = event.more;
  for (const [key, lists] of client.getQueriesData<Lists>({ queryKey: ["runs", "list"] })) {
    if (!lists) continue;
    const { q, sort } = key[2] as RunsKey;
    const made = merged(lists, changed, removed);
    const first = made.lists.pages[0];
    if (made.fresh.length > 0 && first && !q && (!sort || sort === "started")) {
      const newer = made.fresh.filter((one) => !first.items[0] || one.started_at >= first.items[0].started_at);
      newer.sort((a, b) => b.started_at - a.started_at);
      made.lists.pages[0] = { ...first, items: [...newer, ...first.items], total: first.total === null ? null : first.total + newer.length };
    } else if (made.fresh.length > 0) refetch = true;
    // What a filter or an order rests on may have changed, and columns are known once a run ends.
    if (changed.some((one) => one.status !== "running")) refetch = true;
    client.setQueryData(key, made.lists);
  }
  if (refetch && again === null) {
    again = setTimeout(() => {
      again = null;
      void client.invalidateQueries({ queryKey: ["runs", "list"], refetchType: "active" });
      void client.invalidateQueries({ queryKey: ["runs", "groups"], refetchType: "active" });
    }, 1500);
  }
}
