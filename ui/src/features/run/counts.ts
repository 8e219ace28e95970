/** How far is a run, a group or a step? Sums over the counts of its steps. */
import type { Counts, GNode } from "~/api/types";

const ENDED = ["done", "cached", "failed", "skipped", "cancelled", "lost"];

/** Counts by state without the total, summed over steps. */
export function summed(nodes: readonly GNode[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const node of nodes) if (node.progress) add(sum, node.progress.counts);
  return sum;
}

export function add(sum: Record<string, number>, counts: Counts): void {
  for (const [state, amount] of Object.entries(counts)) if (state !== "total" && amount) sum[state] = (sum[state] ?? 0) + amount;
}

/** How many tasks have ended, of how many that are known. */
export function amounts(counts: Record<string, number>, total: number | null): { done: number; all: number } {
  const known = Object.values(counts).reduce((sum, one) => sum + one, 0);
  const done = ENDED.reduce((sum, state) => sum + (counts[state] ?? 0), 0);
  return { done, all: Math.max(known, total ?? 0) };
}
