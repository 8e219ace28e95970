/** Which lines of a traceback are a library's own? They fold into one row; the user's frames stay open. */
import type { LogLine } from "~/api/run";

import { plain } from "./ansi";

/** Lines `at`…`to` show as one row. */
export type Fold = { at: number; to: number; label: string };

const FILE = /^ {2}File "(.+?)", line \d+/;
const BEGIN = /^\s*Traceback \(most recent call last\):|^\s*\+ Exception Group Traceback/;
const LIBRARY = /[/\\](?:site-packages|dist-packages)[/\\]|[/\\]lib[/\\]python3|^<frozen |^<string>|[/\\]plait[/\\](?:engine|executors|graph|data|record|project|cli)[/\\]/;

/** Folds among lines that stand one after another. */
export function foldsOf(lines: readonly LogLine[]): Fold[] {
  const folds: Fold[] = [];
  for (let at = 0; at < lines.length; at++) {
    const first = lines[at];
    if (!first || !BEGIN.test(plain(first.text))) continue;
    let end = at + 1;
    while (end < lines.length && belongs(lines, end, first)) end++;
    folds.push(...within(lines, at + 1, end));
    at = end - 1;
  }
  return folds;
}

function belongs(lines: readonly LogLine[], at: number, first: LogLine): boolean {
  const line = lines[at];
  return line !== undefined && line.n === (lines[at - 1]?.n ?? -2) + 1 && line.task === first.task && line.attempt === first.attempt && /^ {2}/.test(plain(line.text));
}

function within(lines: readonly LogLine[], from: number, to: number): Fold[] {
  // A frame is its File line and what is indented deeper below it.
  const frames: { from: number; to: number; library: string | null }[] = [];
  for (let at = from; at < to; at++) {
    const file = FILE.exec(plain(lines[at]?.text ?? ""))?.[1];
    const last = frames.at(-1);
    if (file !== undefined) frames.push({ from: at, to: at, library: LIBRARY.test(file) ? packageOf(file) : null });
    else if (last) last.to = at;
  }
  if (!frames.some((one) => one.library === null)) frames.pop();
  const folds: Fold[] = [];
  for (let at = 0; at < frames.length; at++) {
    const first = frames[at];
    if (!first || first.library === null) continue;
    let last = first;
    const packages = new Set<string>();
    let count = 0;
    for (; at < frames.length && frames[at]?.library != null; at++) {
      last = frames[at] ?? last;
      packages.add(last.library ?? "");
      count++;
    }
    const label = `${count} ${count === 1 ? "frame" : "frames"} of ${[...packages].slice(0, 3).join(", ")}`;
    folds.push({ at: lines[first.from]?.n ?? 0, to: lines[last.to]?.n ?? 0, label });
  }
  return folds.filter((one) => one.to > one.at);
}

function packageOf(file: string): string {
  const inside = /(?:site-packages|dist-packages)[/\\]([^/\\]+)/.exec(file)?.[1] ?? /[/\\]python3[^/\\]*[/\\]([^/\\]+)/.exec(file)?.[1];
  return (inside ?? (/[/\\]plait[/\\]/.test(file) ? "plait" : (file.split(/[/\\]/).at(-1) ?? file))).replace(/\.py$/, "");
}

/** Lines and rows: a row is a line, or a fold. Folds are in order and do not overlap. */
export class Rows {
  private readonly hidden: number[];

  constructor(
    readonly total: number,
    readonly folds: readonly Fold[],
  ) {
    // How many lines are hidden by all folds up to and with each.
    let sum = 0;
    this.hidden = folds.map((one) => (sum += one.to - one.at));
  }

  get count(): number {
    return Math.max(0, this.total - (this.hidden.at(-1) ?? 0));
  }

  /** The last fold that begins at or before a line; -1 for none. */
  private before(line: number): number {
    let low = 0;
    let high = this.folds.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.folds[middle]?.at ?? 0) <= line) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  rowOf(line: number): number {
    const at = this.before(line);
    if (at < 0) return line;
    const fold = this.folds[at];
    const earlier = at > 0 ? (this.hidden[at - 1] ?? 0) : 0;
    if (fold && line <= fold.to) return fold.at - earlier;
    return line - (this.hidden[at] ?? 0);
  }

  lineOf(row: number): number {
    let low = 0;
    let high = this.folds.length;
    // Folds whose head stands above the row hide their lines before it.
    while (low < high) {
      const middle = (low + high) >> 1;
      const head = (this.folds[middle]?.at ?? 0) - (middle > 0 ? (this.hidden[middle - 1] ?? 0) : 0);
      if (head < row) low = middle + 1;
      else high = middle;
    }
    return row + (low > 0 ? (this.hidden[low - 1] ?? 0) : 0);
  }

  foldAt(line: number): Fold | null {
    const fold = this.folds[this.before(line)];
    return fold && fold.at === line ? fold : null;
  }
}
