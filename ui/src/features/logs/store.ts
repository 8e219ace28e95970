/** The lines of a log that were fetched, by their number: pages of 500, the last ones used kept. */
import { type LogLine, type LogScope, logs } from "~/api/run";

import { type Fold, Rows, foldsOf } from "./folds";

export const PAGE = 500;
const KEPT = 80;

export class LogStore {
  private readonly pages = new Map<number, LogLine[]>();
  private readonly asked = new Map<number, AbortController>();
  private readonly folds = new Map<number, Fold>();
  private readonly opened = new Set<number>();
  private listeners = new Set<() => void>();
  private ordered: Rows = new Rows(0, []);
  total = 0;
  longest = 80;
  known = false;
  error: unknown = null;
  version = 0;

  constructor(readonly scope: LogScope) {}

  readonly subscribe = (tell: () => void): (() => void) => {
    this.listeners.add(tell);
    return () => this.listeners.delete(tell);
  };
  readonly snapshot = (): number => this.version;

  private changed(): void {
    this.version++;
    for (const tell of this.listeners) tell();
  }

  get rows(): Rows {
    return this.ordered;
  }

  line(n: number): LogLine | undefined {
    return this.pages.get(Math.floor(n / PAGE))?.[n % PAGE];
  }

  /** Ask for what of these lines is not there. */
  want(first: number, last: number): void {
    for (let page = Math.floor(Math.max(0, first) / PAGE); page <= Math.floor(last / PAGE); page++) {
      const have = this.pages.get(page);
      const full = have && (have.length === PAGE || page * PAGE + have.length >= this.total);
      if (full || this.asked.has(page) || (this.known && page * PAGE >= this.total && this.total > 0)) continue;
      void this.fetch(page);
    }
  }

  private async fetch(page: number): Promise<void> {
    const control = new AbortController();
    this.asked.set(page, control);
    try {
      const answer = await logs.page(this.scope, page * PAGE, PAGE, undefined, control.signal);
      this.put(page, answer.lines);
      this.total = Math.max(this.total, answer.total);
      this.known = true;
      this.error = null;
      this.refold(page);
    } catch (error) {
      if (!control.signal.aborted) this.error = error;
    } finally {
      this.asked.delete(page);
      if (!control.signal.aborted) this.changed();
    }
  }

  private put(page: number, lines: LogLine[]): void {
    this.pages.delete(page);
    this.pages.set(page, lines);
    for (const line of lines) if (line.text.length > this.longest) this.longest = Math.min(line.text.length, 10_000);
    while (this.pages.size > KEPT) {
      const oldest = this.pages.keys().next().value;
      if (oldest === undefined) break;
      this.pages.delete(oldest);
    }
  }

  /** Lines that were just written, from a stream. */
  append(lines: LogLine[], total: number): void {
    const touched = new Set<number>();
    for (const line of lines) {
      const page = Math.floor(line.n / PAGE);
      const have = this.pages.get(page) ?? (line.n % PAGE === 0 ? [] : undefined);
      // A page of which the beginning is not there is asked for when it is looked at.
      if (!have || have.length < line.n % PAGE) continue;
      have[line.n % PAGE] = line;
      if (line.text.length > this.longest) this.longest = Math.min(line.text.length, 10_000);
      this.pages.set(page, have);
      touched.add(page);
    }
    this.total = Math.max(this.total, total, (lines.at(-1)?.n ?? -1) + 1);
    this.known = true;
    for (const page of touched) this.refold(page, true);
    if (touched.size === 0) this.arrange();
    this.changed();
  }

  private refold(page: number, tail = false): void {
    const around = [page - 1, page, tail ? -1 : page + 1].flatMap((one) => this.pages.get(one) ?? []).filter(Boolean);
    for (const fold of foldsOf(around)) this.folds.set(fold.at, fold);
    this.arrange();
  }

  private arrange(): void {
    const shown = [...this.folds.values()].filter((one) => !this.opened.has(one.at)).sort((a, b) => a.at - b.at);
    this.ordered = new Rows(this.total, shown);
  }

  toggle(at: number): void {
    if (this.opened.has(at)) this.opened.delete(at);
    else this.opened.add(at);
    this.arrange();
    this.changed();
  }

  /** Open the fold that hides a line: one came for that line. */
  reveal(line: number): void {
    for (const fold of this.folds.values()) {
      if (line > fold.at && line <= fold.to && !this.opened.has(fold.at)) return this.toggle(fold.at);
    }
  }

  /** The fold that begins at a line and was opened. */
  openedAt(line: number): Fold | null {
    return this.opened.has(line) ? (this.folds.get(line) ?? null) : null;
  }

  stop(): void {
    for (const one of this.asked.values()) one.abort();
    this.asked.clear();
  }
}
