/** The words of a filter, as far as typing needs them: what is being typed, and what could stand there. */
import type { RunColumns } from "~/api/types";

export type Suggestion = { text: string; shows: string; says: string };

const KEYS: [string, string][] = [
  ["status:", "done, failed, running, cancelled, crashed"],
  ["pipeline:", "of this pipeline"],
  ["tag:", "with this tag"],
  ["user:", "started by"],
  ["since:", "1h, 7d, 2026-11-01"],
  ["is:pinned", "pinned runs"],
  ["env:", "of this environment"],
  ["executor:", "inline, processes, …"],
  ["note:", "whose note contains"],
  ["id:", "whose id begins with"],
];

/** The word that ends at the end of the text, a quoted part as one word. */
export function lastWord(text: string): string {
  let quoted = false;
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '"') quoted = !quoted;
    else if (text[at] === " " && !quoted) start = at + 1;
  }
  return text.slice(start);
}

export function suggestions(text: string, columns: RunColumns | undefined): Suggestion[] {
  const word = lastWord(text);
  const before = text.slice(0, text.length - word.length);
  const negated = word.startsWith("-") ? "-" : "";
  const bare = word.slice(negated.length).toLowerCase();
  const colon = bare.indexOf(":");
  const made = (full: string, shows: string, says: string): Suggestion => ({ text: before + negated + full, shows, says });
  if (colon > 0) {
    const key = bare.slice(0, colon);
    const typed = bare.slice(colon + 1);
    const comma = typed.lastIndexOf(",") + 1;
    const last = typed.slice(comma);
    const values = {
      status: columns?.statuses ?? ["done", "failed", "running", "cancelled", "crashed"],
      pipeline: columns?.pipelines,
      tag: columns?.tags,
      user: columns?.users,
      since: ["1h", "24h", "7d", "30d"],
      is: ["pinned"],
    }[key];
    return (values ?? [])
      .filter((one) => one.toLowerCase().startsWith(last) && one.toLowerCase() !== last)
      .slice(0, 10)
      .map((one) => made(`${word.slice(negated.length, negated.length + colon + 1 + comma)}${quoted(one)} `, one, ""));
  }
  const keys = KEYS.filter(([key]) => key.startsWith(bare)).map(([key, says]) => made(key.endsWith(":") ? key : `${key} `, key, says));
  if (bare.length === 0) return keys;
  const names = (list: { name: string }[] | undefined, says: string) =>
    (list ?? []).filter(({ name }) => name.toLowerCase().includes(bare) && name.toLowerCase() !== bare).map(({ name }) => made(name, name, says));
  return [...keys, ...names(columns?.params, "parameter: = > < >="), ...names(columns?.metrics, "metric: = > < >=")].slice(0, 12);
}

function quoted(value: string): string {
  return /[\s",]/.test(value) ? JSON.stringify(value) : value;
}
