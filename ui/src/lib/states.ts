/** The states of tasks, steps and runs: one word, one sign and one colour each, in the order in which bars show them. */

export const STATES = [
  "failed",
  "crashed",
  "lost",
  "running",
  "starting",
  "queued",
  "retried",
  "done",
  "cached",
  "cancelled",
  "skipped",
  "waiting",
] as const;

export type State = (typeof STATES)[number];

const known = new Set<string>(STATES);

/** A state of the records as one that has a sign; one that this page is too old to know shows as waiting. */
export function asState(name: string | null | undefined): State {
  return name && known.has(name) ? (name as State) : "waiting";
}

const hue: Partial<Record<State, string>> = {
  crashed: "failed",
  lost: "failed",
  starting: "running",
  queued: "waiting",
};

/** The CSS colour of a state's word and sign. */
export function inkOf(state: State): string {
  return `var(--${hue[state] ?? state})`;
}

/** The CSS colour of a state's bar. */
export function fillOf(state: State): string {
  return `var(--${hue[state] ?? state}-fill)`;
}

/** Whether a run or task in this state can still change. */
export function isLive(state: State): boolean {
  return state === "running" || state === "starting" || state === "queued" || state === "waiting" || state === "retried";
}
