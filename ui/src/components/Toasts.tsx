/** What an action did, said once at the foot of the page, with a way back where there is one. */
import { X } from "lucide-react";
import { useSyncExternalStore } from "react";

import { Button } from "./Button";
import css from "./Toasts.module.css";

type Toast = { id: number; text: string; tone: "plain" | "bad"; action?: { label: string; run: () => void } };

let toasts: readonly Toast[] = [];
let last = 0;
const listeners = new Set<() => void>();

function set(next: readonly Toast[]): void {
  toasts = next;
  for (const tell of listeners) tell();
}

function drop(id: number): void {
  set(toasts.filter((one) => one.id !== id));
}

/** Say something that passes; what went wrong stays until it is closed. */
export function say(text: string, options: { tone?: "plain" | "bad"; action?: Toast["action"] } = {}): void {
  const id = ++last;
  const tone = options.tone ?? "plain";
  set([...toasts.slice(-3), { id, text, tone, action: options.action }]);
  if (tone === "plain") setTimeout(() => drop(id), options.action ? 9000 : 4500);
}

/** Say why something failed. */
export function complain(error: unknown): void {
  say(error instanceof Error ? error.message : String(error), { tone: "bad" });
}

export function Toasts() {
  const all = useSyncExternalStore(
    (tell) => {
      listeners.add(tell);
      return () => listeners.delete(tell);
    },
    () => toasts,
  );
  return (
    <div className={css.list} role="region" aria-label="Messages" aria-live="polite">
      {all.map((one) => (
        <div key={one.id} className={css.toast} data-tone={one.tone} role={one.tone === "bad" ? "alert" : undefined}>
          <span className={css.text}>{one.text}</span>
          {one.action && (
            <Button
              tone="quiet"
              onClick={() => {
                one.action?.run();
                drop(one.id);
              }}
            >
              {one.action.label}
            </Button>
          )}
          <button type="button" aria-label="Close" onClick={() => drop(one.id)} className={css.close}>
            <X size={14} />
          </button>
        </div>
      ))}
    </div>
  );
}
