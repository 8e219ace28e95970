/** The keyboard: who listens to which key, in one list, which `?` shows. */
import { useEffect, useRef } from "react";

export type Binding = {
  /** `j`, `Enter`, `?`, `mod+k` (⌘ or Ctrl), or two keys after each other: `g r`. */
  keys: string;
  does: string;
  run: (event: KeyboardEvent) => void;
  /** Whether it also works while a text field has the focus. */
  inFields?: boolean;
};

type Entry = Binding & { scope: string; order: number };

const entries: Entry[] = [];
let rendered = 0;
let first = "";
let firstAt = 0;

/** Everything that can be pressed now, the innermost scope last. */
export function bindings(): readonly Entry[] {
  return entries;
}

/**
 * Bind keys while a component is on the page; of two bindings of one key the inner one wins. What is rendered first is
 * further out, whichever of the two is there first.
 */
export function useKeys(scope: string, list: Binding[], active = true): void {
  const latest = useRef(list);
  latest.current = list;
  const order = useRef(0);
  order.current ||= ++rendered;
  const shape = list.map((one) => `${one.keys}=${one.does}`).join("|");
  useEffect(() => {
    if (!active) return;
    const own: Entry[] = latest.current.map((one, index) => ({
      ...one,
      scope,
      order: order.current,
      run: (event) => latest.current[index]?.run(event),
    }));
    entries.push(...own);
    entries.sort((one, other) => one.order - other.order);
    return () => {
      for (const one of own) entries.splice(entries.indexOf(one), 1);
    };
    // The shape says whether the list changed; its functions are read when a key is pressed.
  }, [scope, shape, active]);
}

/** How an event is written in a binding. */
export function chord(event: KeyboardEvent): string {
  const mod = event.metaKey || event.ctrlKey ? "mod+" : "";
  const shift = event.shiftKey && event.key.length > 1 ? "shift+" : "";
  return mod + shift + (event.key.length === 1 && mod ? event.key.toLowerCase() : event.key);
}

function inField(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement && /^(checkbox|radio)$/.test(target.type)) return false; // nothing is typed into them
  return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
}

function onKey(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.altKey || event.isComposing) return;
  const pressed = chord(event);
  const typing = inField(event.target);
  const two = event.timeStamp - firstAt < 1200 ? `${first} ${pressed}` : "";
  // In an open dialog or menu only the dialog's own keys work, and those that work everywhere.
  const inDialog = event.target instanceof Element && event.target.closest('[role="dialog"],[role="menu"],[role="listbox"]') !== null;
  // Two keys after each other mean what they mean together, whatever the second means alone: `g c` is not `c`.
  const latest = [...entries].reverse();
  for (const one of [...latest.filter((of) => of.keys === two), ...latest.filter((of) => of.keys === pressed)]) {
    if ((typing || inDialog) && !one.inFields) continue;
    // Enter and Space on a button or link are the button's own.
    if (/^(Enter| )$/.test(pressed) && event.target instanceof Element && event.target.closest("button,a,summary,input")) continue;
    event.preventDefault();
    first = "";
    one.run(event);
    return;
  }
  if (!typing && pressed.length === 1) {
    first = pressed;
    firstAt = event.timeStamp;
  }
}

export function listen(): void {
  window.addEventListener("keydown", onKey);
}

const mac = typeof navigator !== "undefined" && /Mac|iP(hone|ad)/.test(navigator.platform);

/** A binding's keys as they stand on the keyboard. */
export function shown(keys: string): string {
  return keys
    .split(" ")
    .map((one) =>
      one
        .replace("mod+", mac ? "⌘" : "Ctrl ")
        .replace("shift+", "⇧ ")
        .replace("Escape", "Esc")
        .replace("ArrowDown", "↓")
        .replace("ArrowUp", "↑")
        .replace(/k$/, (key) => (one.includes("mod+") ? key.toUpperCase() : key)),
    )
    .join(" ");
}
