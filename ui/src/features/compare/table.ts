/** What is compared, as rows of names: which to show, and which value stands out. */
import type { CompareAnswer, CompareRow } from "~/api/types";

export const BLOCKS = ["params", "metrics", "environment", "code", "datasets"] as const;
export type Block = (typeof BLOCKS)[number];

export const BLOCK_TITLES: Record<Block, string> = {
  params: "Parameters",
  metrics: "Metrics",
  environment: "Environment",
  code: "Code",
  datasets: "Datasets",
};

export function rowsOf(answer: CompareAnswer, block: Block, all: boolean): CompareRow[] {
  return all ? answer[block] : answer[block].filter((one) => one.differs);
}

/** Indexes of the least and the greatest of a row's numbers; nothing when they are equal or not numbers. */
export function extremes(row: CompareRow): { least: number; greatest: number } | null {
  const known = row.values.flatMap((one, at) => (typeof one === "number" && Number.isFinite(one) ? [{ one, at }] : []));
  if (known.length < 2) return null;
  const sorted = known.sort((a, b) => a.one - b.one);
  const [first, last] = [sorted[0], sorted.at(-1)];
  return !first || !last || first.one === last.one ? null : { least: first.at, greatest: last.at };
}

/** The value that most runs share, so that what differs from it can be set off. */
export function usual(values: readonly unknown[]): string | null {
  const times = new Map<string, number>();
  for (const one of values) {
    const text = JSON.stringify(one ?? null);
    times.set(text, (times.get(text) ?? 0) + 1);
  }
  const [most] = [...times].sort((a, b) => b[1] - a[1]);
  return most && most[1] > 1 ? most[0] : null;
}
