/** What changes while one looks: the server's events, one stream a tab, told to whoever asked. */
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useSyncExternalStore } from "react";

import { exported, path } from "./client";

export type LiveEvents = {
  runs: { changed: unknown[]; more: boolean; removed: string[] };
  project: { changed: boolean };
  run: { run: unknown; steps: unknown[]; log_lines: number; metrics: unknown[]; tick: number };
  end: { status: string };
  problem: { error: { code: string; message: string; hint: string | null } };
};

type Name = keyof LiveEvents;
type Handler<N extends Name> = (data: LiveEvents[N]) => void;

const NAMES: Name[] = ["runs", "project", "run", "end", "problem"];
const handlers: { [N in Name]: Set<Handler<N>> } = {
  runs: new Set(),
  project: new Set(),
  run: new Set(),
  end: new Set(),
  problem: new Set(),
};

export type Connection = "connecting" | "live" | "lost" | "off";
let connection: Connection = exported ? "off" : "connecting";
const watchers = new Set<() => void>();
let source: EventSource | null = null;
let address = "";
/** Whether a stream has been open since the page was loaded. */
let connected = false;

function become(next: Connection): void {
  if (next === connection) return;
  connection = next;
  for (const tell of watchers) tell();
}

/** Listen to the whole project, or to one run (whose stream also tells of the others). One stream is open at a time. */
function open(run: string | null): void {
  if (exported) return;
  const next = path(run ? `/runs/${encodeURIComponent(run)}/events` : "/events");
  if (next === address && source && source.readyState !== EventSource.CLOSED) return;
  source?.close();
  address = next;
  source = new EventSource(next);
  source.onopen = () => become("live");
  source.onerror = () => {
    become("lost");
    // The browser tries again by itself unless the server refused; then once in five seconds is enough.
    if (source?.readyState === EventSource.CLOSED) {
      setTimeout(() => source?.readyState === EventSource.CLOSED && ((address = ""), open(run)), 5000);
    }
  };
  for (const name of NAMES) {
    source.addEventListener(name, (event) => {
      become("live");
      const data = JSON.parse((event as MessageEvent<string>).data) as never;
      for (const handle of handlers[name]) (handle as (data: never) => void)(data);
    });
  }
}

/** Which run's events this page wants beside the project's. */
export function useLiveRun(run: string | null): void {
  const client = useQueryClient();
  useEffect(() => {
    open(run);
    // What happened between two streams was not told: what is on the page is asked again. A page that was loaded just
    // now asks for its run meanwhile, and the stream begins with how that run is.
    const back = () => {
      if (connection !== "live") return;
      const first = !connected;
      connected = true;
      void client.invalidateQueries({ refetchType: "active", predicate: ({ queryKey: [kind, id] }) => !(first && kind === "run" && id === run) });
    };
    watchers.add(back);
    return () => {
      watchers.delete(back);
    };
  }, [run, client]);
  useEffect(() => () => {
    if (run) open(null);
  }, [run]);
}

export function useLive<N extends Name>(name: N, handle: Handler<N>): void {
  const latest = useRef(handle);
  latest.current = handle;
  useEffect(() => {
    const own: Handler<N> = (data) => latest.current(data);
    const set = handlers[name] as Set<Handler<N>>;
    set.add(own);
    return () => void set.delete(own);
  }, [name]);
}

export function useConnection(): Connection {
  return useSyncExternalStore(
    (tell) => {
      watchers.add(tell);
      return () => watchers.delete(tell);
    },
    () => connection,
  );
}
