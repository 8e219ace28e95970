/** How many of many are in which state: a bar of segments, with the counts in words for who cannot see it. */
import { count } from "~/lib/format";
import { STATES, asState, fillOf } from "~/lib/states";

import css from "./StateBar.module.css";

export type Counts = Readonly<Record<string, number>>;

export function StateBar({ counts, total, height = 6 }: { counts: Counts; total?: number; height?: number }) {
  const parts = inOrder(counts);
  const known = parts.reduce((sum, [, amount]) => sum + amount, 0);
  const all = Math.max(total ?? known, known, 1);
  return (
    <span className={css.bar} style={{ height }} role="img" aria-label={countsText(counts) || "nothing yet"} title={countsText(counts)}>
      {parts.map(([state, amount]) => (
        <span
          key={state}
          className={css.part}
          data-state={state}
          style={{ flexGrow: Math.max(amount / all, 0.004), background: fillOf(asState(state)) }}
        />
      ))}
      {all > known && <span style={{ flexGrow: (all - known) / all }} />}
    </span>
  );
}

/** `2 failed · 14 done · 3 waiting`. */
export function countsText(counts: Counts): string {
  return inOrder(counts)
    .map(([state, amount]) => `${count(amount)} ${state}`)
    .join(" · ");
}

function inOrder(counts: Counts): [string, number][] {
  const order: readonly string[] = STATES;
  return Object.entries(counts)
    .filter(([, amount]) => amount > 0)
    .sort(([a], [b]) => order.indexOf(a) - order.indexOf(b));
}
