/** What this browser remembers between visits: columns, saved views, the theme. Lost storage is never an error. */
import { useCallback, useSyncExternalStore } from "react";

const PREFIX = "plait.";
const listeners = new Map<string, Set<() => void>>();

export function read<T>(key: string, otherwise: T): T {
  try {
    const text = localStorage.getItem(PREFIX + key);
    return text === null ? otherwise : (JSON.parse(text) as T);
  } catch {
    return otherwise;
  }
}

export function write(key: string, value: unknown): void {
  try {
    localStorage.setItem(PREFIX + key, JSON.stringify(value));
  } catch {
    // A full or forbidden storage: the choice holds until the page is left.
  }
  for (const tell of listeners.get(key) ?? []) tell();
}

const seen = new Map<string, { text: string | null; value: unknown }>();

/** A remembered value and its setter; every component with the same key sees a change at once. */
export function useStored<T>(key: string, otherwise: T): [T, (next: T) => void] {
  const subscribe = useCallback(
    (tell: () => void) => {
      const all = listeners.get(key) ?? new Set();
      listeners.set(key, all.add(tell));
      const other = (event: StorageEvent) => event.key === PREFIX + key && tell();
      window.addEventListener("storage", other);
      return () => {
        all.delete(tell);
        window.removeEventListener("storage", other);
      };
    },
    [key],
  );
  const snapshot = () => {
    let text: string | null = null;
    try {
      text = localStorage.getItem(PREFIX + key);
    } catch {
      // as above
    }
    const last = seen.get(key);
    if (last && last.text === text) return last.value as T;
    const value = text === null ? otherwise : read(key, otherwise);
    seen.set(key, { text, value });
    return value;
  };
  const value = useSyncExternalStore(subscribe, snapshot);
  return [value, useCallback((next: T) => write(key, next), [key])];
}
