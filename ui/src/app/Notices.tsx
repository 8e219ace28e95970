/** What a reader must know of the page itself: that it is out of date, that nothing answers, that the store cannot be read. */
import { useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useEffect, useRef, useState, useSyncExternalStore } from "react";

import { upgrade } from "~/api/client";
import { type LiveEvents, useConnection, useLive } from "~/api/live";
import { Button } from "~/components/Button";

import css from "./Notices.module.css";

type StoreProblem = LiveEvents["problem"]["error"];

/** A connection that comes back within this time is nobody's concern; in milliseconds. */
const PATIENCE = 1500;

export function Notices() {
  const seen = useSyncExternalStore(upgrade.subscribe, upgrade.seen);
  const lost = useLost();
  const problem = useStoreProblem();
  if (seen)
    return (
      <Notice>
        <span>plait was upgraded while this page was open.</span>
        <Button onClick={() => window.location.reload()}>Reload</Button>
      </Notice>
    );
  if (lost)
    return (
      <Notice bad>
        <b>The server does not answer.</b>
        <span>
          What is here may be old. Start it again with <code>plait ui</code>: this page goes on by itself.
        </span>
      </Notice>
    );
  if (problem)
    return (
      <Notice bad>
        <b>{problem.message}</b>
        {problem.hint && <span>{problem.hint}</span>}
      </Notice>
    );
  return null;
}

function Notice({ bad, children }: { bad?: boolean; children: ReactNode }) {
  return (
    <div className={css.notice} data-tone={bad ? "bad" : undefined} role="alert">
      {children}
    </div>
  );
}

/** Whether the server has been out of reach for longer than a reload of it takes. */
function useLost(): boolean {
  const connection = useConnection();
  const [lost, setLost] = useState(false);
  useEffect(() => {
    if (connection !== "lost") {
      if (connection === "live") setLost(false);
      return;
    }
    const timer = setTimeout(() => setLost(true), PATIENCE);
    return () => clearTimeout(timer);
  }, [connection]);
  return lost;
}

function useStoreProblem(): StoreProblem | null {
  const [problem, setProblem] = useState<StoreProblem | null>(null);
  // Events come faster than the page is drawn: what was said last is kept beside what is shown.
  const said = useRef<StoreProblem | null>(null);
  const client = useQueryClient();
  const connection = useConnection();
  const become = (next: StoreProblem | null) => {
    if (next === said.current) return;
    said.current = next;
    setProblem(next);
    if (next === null) void client.invalidateQueries({ refetchType: "active" });
  };
  // A new stream says it again where it still holds.
  useEffect(() => {
    if (connection !== "lost") return;
    said.current = null;
    setProblem(null);
  }, [connection]);
  useLive("problem", ({ error }) => become(error));
  useLive("runs", () => become(null));
  useLive("run", () => become(null));
  return problem;
}
