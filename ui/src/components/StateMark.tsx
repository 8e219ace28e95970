/** A state as a sign, in its colour, with its word: never by colour alone. */
import { type State, asState, inkOf } from "~/lib/states";

import css from "./StateMark.module.css";

export function StateMark({ state, word = true }: { state: string; word?: boolean }) {
  const known = asState(state);
  return (
    <span className={css.mark} style={{ color: inkOf(known) }} title={word ? undefined : state}>
      <StateSign state={known} />
      {word ? state : <span className="hidden-text">{state}</span>}
    </span>
  );
}

/** The sign alone, 12 px, each of a shape of its own. Decoration: a word or a title must stand beside it. */
export function StateSign({ state, size = 12 }: { state: State; size?: number }) {
  return (
    <svg
      viewBox="0 0 12 12"
      width={size}
      height={size}
      fill="none"
      stroke="currentColor"
      strokeWidth="1.6"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      className={state === "running" ? css.turning : css.sign}
    >
      {SHAPES[state]}
    </svg>
  );
}

const cross = <path d="M3 3l6 6M9 3l-6 6" />;

const SHAPES: Record<State, React.ReactNode> = {
  done: <path d="M2 6.5l2.6 2.7L10 3.2" />,
  cached: <path d="M2 4.2h8M2 7.8h8" />,
  failed: cross,
  crashed: (
    <>
      <path d="M3.6 1h4.8L11 3.6v4.8L8.4 11H3.6L1 8.4V3.6z" strokeWidth="1.2" />
      <path d="M4.4 4.4l3.2 3.2M7.6 4.4L4.4 7.6" strokeWidth="1.3" />
    </>
  ),
  lost: (
    <>
      <path d="M4 4a2 2 0 1 1 2.7 1.9c-.5.2-.7.5-.7 1.1" />
      <path d="M6 9.6v.1" strokeWidth="2" />
    </>
  ),
  running: <path d="M6 1.4A4.6 4.6 0 1 1 1.4 6" />,
  starting: <path d="M4 2.5l5 3.5-5 3.5z" />,
  queued: (
    <>
      <circle cx="6" cy="6" r="4.6" strokeWidth="1.2" />
      <path d="M6 3.6V6l1.6 1.2" strokeWidth="1.3" />
    </>
  ),
  retried: <path d="M10 3.2V1m0 2.2H7.8M10 3.2A4.5 4.5 0 1 0 10.5 6.6" strokeWidth="1.4" />,
  cancelled: <rect x="2.6" y="2.6" width="6.8" height="6.8" rx="0.6" />,
  skipped: (
    <>
      <circle cx="6" cy="6" r="4.2" strokeWidth="1.3" />
      <path d="M3.2 8.8l5.6-5.6" strokeWidth="1.3" />
    </>
  ),
  waiting: <circle cx="6" cy="6" r="1.2" fill="currentColor" strokeWidth="1" />,
};
