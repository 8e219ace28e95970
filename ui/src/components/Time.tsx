/** A moment: relative or absolute as the reader chose (`t` switches everywhere), the other one on hover. */
import { useSyncExternalStore } from "react";

import { absolute, ago, clock, duration } from "~/lib/format";
import { useStored } from "~/lib/stored";

let now = Date.now();
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

function subscribe(tell: () => void): () => void {
  listeners.add(tell);
  timer ??= setInterval(() => {
    now = Date.now();
    for (const one of listeners) one();
  }, 1000);
  return () => {
    listeners.delete(tell);
    if (listeners.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

/** The clock of the page, in milliseconds; ticks once a second while someone looks. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => now);
}

export function useAbsoluteTimes(): [boolean, (next: boolean) => void] {
  return useStored("absolute-times", false);
}

export type Moment = string | number | Date;

/** ISO text, a Date, or seconds since 1970. */
export function toDate(moment: Moment): Date {
  return typeof moment === "number" ? new Date(moment * 1000) : new Date(moment);
}

export function Time({ at }: { at: Moment | null | undefined }) {
  const [exact] = useAbsoluteTimes();
  const clockNow = useNow();
  if (at == null) return null;
  const date = toDate(at);
  const relative = ago(date, new Date(Math.max(clockNow, Date.now() - 1000)));
  return (
    <time dateTime={date.toISOString()} title={exact ? relative : absolute(date)}>
      {exact ? absolute(date) : relative}
    </time>
  );
}

/** How long something took, or has taken so far. */
export function Elapsed({ from, seconds, live }: { from?: Moment | null; seconds?: number | null; live?: boolean }) {
  return live && from != null ? <Ticking from={from} /> : <span>{duration(seconds)}</span>;
}

function Ticking({ from }: { from: Moment }) {
  const at = useNow();
  return <span>{clock((Math.max(at, Date.now() - 1000) - toDate(from).getTime()) / 1000)}</span>;
}
