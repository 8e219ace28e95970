/** The lines that hold what is looked for, or are loud enough, found little by little. */
import { useCallback, useEffect, useRef, useState } from "react";

import { type LogLine, type LogScope, logs } from "~/api/run";

export type Look = { q: string; case: boolean; regex: boolean; level: number };
export type Found = { lines: LogLine[]; done: boolean; searching: boolean; searchedTo: number; error: unknown; more: () => void };

const AT_ONCE = 1000;

export function useFound(scope: LogScope, look: Look | null): Found {
  const [state, setState] = useState<Omit<Found, "more">>(NOTHING);
  const [goal, setGoal] = useState(AT_ONCE);
  const next = useRef(0);
  const key = JSON.stringify([scope, look]);
  const lines = useRef<LogLine[]>([]);

  useEffect(() => {
    next.current = 0;
    lines.current = [];
    setGoal(AT_ONCE);
    setState(NOTHING);
  }, [key]);

  useEffect(() => {
    if (!look) return;
    const control = new AbortController();
    setState((before) => ({ ...before, searching: true }));
    const run = async () => {
      // Typing goes on: the server is asked when it rests.
      await new Promise((resolve) => setTimeout(resolve, 160));
      let done = false;
      while (!control.signal.aborted && lines.current.length < goal && !done) {
        if (look.q) {
          const answer = await logs.search(scope, { q: look.q, case: look.case || undefined, regex: look.regex || undefined, level: look.level, from: next.current }, control.signal);
          lines.current = [...lines.current, ...answer.lines];
          next.current = answer.searched_to;
          done = answer.done;
        } else {
          const answer = await logs.page(scope, next.current, 500, look.level, control.signal);
          lines.current = [...lines.current, ...answer.lines];
          done = answer.next === null;
          next.current = answer.next ?? next.current;
        }
        if (!control.signal.aborted) setState({ lines: lines.current, done, searching: !done, searchedTo: next.current, error: null });
      }
      if (!control.signal.aborted) setState((before) => ({ ...before, searching: false }));
    };
    run().catch((error: unknown) => {
      if (!control.signal.aborted) setState((before) => ({ ...before, searching: false, error }));
    });
    return () => control.abort();
    // The key stands for scope and look.
  }, [key, goal]);

  const more = useCallback(() => setGoal((before) => (lines.current.length >= before ? before + AT_ONCE : before)), []);
  return { ...state, more };
}

const NOTHING: Omit<Found, "more"> = { lines: [], done: false, searching: false, searchedTo: 0, error: null };
