/** One pixel per item: cells of the server's strip to pixels and states. */
import type { State } from "~/lib/states";

const LETTERS: Record<string, State> = { w: "waiting", r: "running", d: "done", c: "cached", f: "failed", x: "cancelled", s: "skipped", l: "lost" };

export function stateOf(letter: string | undefined): State {
  return LETTERS[letter ?? ""] ?? "waiting";
}

export type Run = { state: State; from: number; to: number };

/** Neighbours of one state as one run of cells: a strip of 4,000 cells is a handful of rectangles. */
export function runsOf(cells: string): Run[] {
  const runs: Run[] = [];
  for (let at = 0; at < cells.length; at++) {
    const state = stateOf(cells[at]);
    const last = runs.at(-1);
    if (last && last.state === state) last.to = at + 1;
    else runs.push({ state, from: at, to: at + 1 });
  }
  return runs;
}

/** The items that a cell stands for, in words: `item 4`, `items 40–49`. */
export function itemsOf(cell: number, perCell: number, items: number | null): string {
  const first = cell * perCell;
  const last = Math.min(first + perCell, items ?? Number.POSITIVE_INFINITY) - 1;
  return last <= first ? `item ${first}` : `items ${first}–${last}`;
}
