/** What did it say? A log of any length: live, searched, filtered, with tracebacks folded and a link to each line. */
import { useNavigate, useSearch } from "@tanstack/react-router";
import { ArrowDownToLine, CaseSensitive, ChevronDown, ChevronUp, Download, Filter, Regex, TriangleAlert, WrapText } from "lucide-react";
import { type KeyboardEvent, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";

import { exported, path } from "~/api/client";
import { type LogLine, type LogScope, logs } from "~/api/run";
import { Button, IconButton } from "~/components/Button";
import { ErrorView, Loading } from "~/components/Feedback";
import { complain, say } from "~/components/Toasts";
import { classes } from "~/lib/classes";
import { count } from "~/lib/format";
import { useKeys } from "~/lib/keys";
import { useStored } from "~/lib/stored";

import { FoldRow, LineRow, MissingRow } from "./LogRow";
import css from "./LogView.module.css";
import { patternOf } from "./ansi";
import { LogStore } from "./store";
import { useFound } from "./useFound";
import { ROW, offsetOf, rowAtOffset, sizer } from "./window";

type Props = {
  scope: LogScope;
  live: boolean;
  /** the moment that times are counted from, epoch seconds */
  start: number | null;
  lines?: number | null;
};

const LEVELS: [number, string][] = [
  [0, "all levels"],
  [10, "debug and up"],
  [20, "info and up"],
  [30, "warnings and up"],
  [40, "errors"],
];

export function LogView({ scope, live, start }: Props) {
  const search = useSearch({ from: "/runs/$runId" });
  const navigate = useNavigate({ from: "/runs/$runId" });
  const key = JSON.stringify(scope);
  const store = useMemo(() => new LogStore(scope), [key]);
  useSyncExternalStore(store.subscribe, store.snapshot);
  useEffect(() => () => store.stop(), [store]);

  const query = search.q ?? "";
  const level = search.level ?? 0;
  const [matchCase, setMatchCase] = useState(false);
  const [regex, setRegex] = useState(false);
  const only = level > 0 || (search.only ?? false);
  const pattern = useMemo(() => patternOf(query, { case: matchCase, regex }), [query, matchCase, regex]);
  const wrong = query !== "" && regex && pattern === null;
  const found = useFound(scope, (query && !wrong) || level > 0 ? { q: query, case: matchCase, regex, level } : null);
  const filtered = only && (query !== "" || level > 0);

  const patch = useCallback((change: Partial<typeof search>) => void navigate({ search: (before) => ({ ...before, ...change }), replace: true }), [navigate]);

  const scroller = useRef<HTMLDivElement>(null);
  const drawn = useRef<HTMLDivElement>(null);
  const field = useRef<HTMLInputElement>(null);
  const [view, setView] = useState({ top: 0, height: 400 });
  const [wrap, setWrap] = useStored("logs.wrap", false);
  const [follow, setFollow] = useState(live && search.line === undefined);
  const own = useRef(-1);
  /** Where the end of wrapped lines is, for how many of them: known when it was in sight. */
  const end = useRef({ rows: -1, top: 0 });
  // Wrapped lines are of any height: the last one, too, may have to stand at the top.
  const span = useCallback((rows: number, height: number) => (wrap ? rows + Math.max(0, Math.floor(height / ROW) - 1) : rows), [wrap]);

  const count_ = filtered ? found.lines.length : store.rows.count;
  const lineAt = useCallback((row: number): number => (filtered ? (found.lines[row]?.n ?? -1) : store.rows.lineOf(row)), [filtered, found.lines, store, store.version]);

  // The first page says how many lines there are.
  useEffect(() => store.want(0, 0), [store]);

  // Follow: what is written comes by server-sent events.
  useEffect(() => {
    if (!live || exported || !store.known) return;
    const source = new EventSource(path(logs.followRoute(scope.run), { ...logs.asked(scope), from: store.total }));
    source.addEventListener("lines", (event) => {
      const data = JSON.parse((event as MessageEvent<string>).data) as { lines: LogLine[]; total: number };
      store.append(data.lines, data.total);
    });
    source.addEventListener("end", () => source.close());
    return () => source.close();
    // The store stands for the scope; its total when it became known is where the stream goes on.
  }, [live, store, store.known]);

  useEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setView((before) => ({ ...before, height: element.clientHeight })));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const scrollTo = useCallback(
    (row: number, rows: number) => {
      const element = scroller.current;
      if (!element) return;
      const top = Math.max(0, offsetOf(row, span(rows, element.clientHeight), element.clientHeight));
      own.current = top;
      element.scrollTop = top;
      setView({ top: element.scrollTop, height: element.clientHeight });
    },
    [span],
  );

  // At the tail while one follows; and where rows above fold away, what one reads stays where it is.
  const anchor = useRef<{ line: number; rest: number } | null>(null);
  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element || count_ === 0) return;
    if (follow) scrollTo(count_, count_);
    else if (!filtered && anchor.current) {
      const row = store.rows.rowOf(anchor.current.line);
      const now = rowAtOffset(element.scrollTop, span(count_, element.clientHeight), element.clientHeight);
      if (Math.floor(now) !== row && Math.abs(now - row) < 200) scrollTo(row + anchor.current.rest, count_);
    }
  }, [count_, follow, filtered, store, store.version, scrollTo, span]);

  const onScroll = () => {
    const element = scroller.current;
    if (!element) return;
    const top = element.scrollTop;
    const atEnd = wrap && !whole ? end.current.rows === count_ && top >= end.current.top - 2 : top + element.clientHeight >= element.scrollHeight - 3;
    // Only the reader's own scrolling counts, not what follows the tail.
    if (Math.abs(top - own.current) > 1) {
      if (follow && !atEnd) setFollow(false);
      else if (!follow && atEnd && live && !filtered) setFollow(true);
    }
    own.current = -1;
    const row = rowAtOffset(top, span(count_, element.clientHeight), element.clientHeight);
    anchor.current = { line: lineAt(Math.floor(row)), rest: row % 1 };
    setView({ top, height: element.clientHeight });
  };

  const top = rowAtOffset(view.top, span(count_, view.height), view.height);
  const page = Math.ceil(view.height / ROW);
  const whole = wrap && count_ * ROW <= view.height; // few stand as they are
  const first = whole ? 0 : Math.max(0, Math.floor(top) - 8 - (wrap && top + page >= count_ ? page : 0));
  const last = Math.min(count_ - 1, Math.ceil(top + view.height / ROW) + 8);

  // The row at the top stands there whatever the heights above it; below the last one nothing is left empty.
  useLayoutEffect(() => {
    const [element, rows] = [scroller.current, drawn.current];
    if (!element || !rows) return;
    if (!wrap || whole) {
      rows.style.transform = whole ? "" : `translateY(${(first - top) * ROW}px)`;
      return;
    }
    const heights = [...rows.children].map((row) => (row as HTMLElement).offsetHeight);
    const above = heights.slice(0, Math.floor(top) - first).reduce((sum, one) => sum + one, 0);
    const wanted = above + (top % 1) * (heights[Math.floor(top) - first] ?? ROW);
    const most = Math.max(0, heights.reduce((sum, one) => sum + one, 0) - view.height);
    const at = last === count_ - 1 ? Math.min(wanted, most) : wanted;
    rows.style.transform = `translateY(${-at}px)`;
    if (at === wanted) return;
    // It was scrolled past the end: back to where the last line is the lowest.
    let [row, passed] = [0, 0];
    while (row < heights.length - 1 && passed + (heights[row] ?? ROW) <= at) passed += heights[row++] ?? ROW;
    const there = first + row + (at - passed) / (heights[row] || ROW);
    if (top - there < 0.2) return;
    scrollTo(there, count_);
    end.current = { rows: count_, top: element.scrollTop };
  });

  useEffect(() => {
    if (filtered) {
      if (last >= found.lines.length - 60 && !found.done) found.more();
    } else if (count_ > 0 && last >= first) store.want(lineAt(first), lineAt(last));
  }, [first, last, filtered, count_, store, store.version, found, lineAt]);

  const goTo = useCallback(
    (line: number) => {
      setFollow(false);
      store.reveal(line);
      const element = scroller.current;
      const rows = store.rows.count;
      if (!element || rows === 0) return;
      const row = store.rows.rowOf(line);
      if (wrap) {
        const there = drawn.current?.querySelector(`[data-line="${line}"]`);
        const [box, at] = [element.getBoundingClientRect(), there?.getBoundingClientRect()];
        if (rows * ROW <= element.clientHeight) there?.scrollIntoView({ block: "nearest" });
        else if (!at || at.top < box.top || at.bottom > box.bottom) scrollTo(row, rows);
        return;
      }
      const now = rowAtOffset(element.scrollTop, rows, element.clientHeight);
      const seen = element.clientHeight / ROW;
      if (row < now + 1 || row > now + seen - 3) scrollTo(Math.max(0, row - seen / 3), rows);
    },
    [store, scrollTo, wrap],
  );

  // A link to a line: once the log is there.
  const went = useRef<number | null>(null);
  useEffect(() => {
    if (!store.known || search.line === undefined || filtered || went.current === search.line) return;
    went.current = search.line;
    goTo(search.line);
  }, [store, store.known, search.line, filtered, goTo]);

  const pick = (line: number) => {
    went.current = filtered ? null : line;
    patch({ line });
  };
  /** Where one is: the line that is linked while it is in sight, else the topmost one. */
  const here = () => {
    const line = search.line;
    const row = line === undefined ? -1 : filtered ? -1 : store.rows.rowOf(line);
    return line !== undefined && row >= Math.floor(top) && row <= top + view.height / ROW ? line : lineAt(Math.floor(top)) - 1;
  };
  const toMatch = (back: boolean) => {
    if (found.lines.length === 0) return;
    const at = search.line ?? -1;
    const next = back ? (found.lines.findLast((one) => one.n < at) ?? found.lines.at(-1)) : (found.lines.find((one) => one.n > at) ?? found.lines[0]);
    if (next) {
      went.current = next.n;
      patch({ line: next.n });
      if (!filtered) goTo(next.n);
      else scrollTo(Math.max(0, found.lines.indexOf(next) - 4), found.lines.length);
    }
  };
  const toError = (back: boolean) => {
    logs
      .next(scope, Math.max(0, here() + (back ? -1 : 1)), back)
      .then(({ line }) => {
        if (line === null) return say(back ? "No error before this." : "No error after this.");
        if (filtered) patch({ only: undefined, level: undefined, line });
        else pick(line);
        goTo(line);
      })
      .catch(complain);
  };
  const toEnd = () => {
    if (live && !filtered) setFollow(true);
    scrollTo(count_, count_);
  };

  useKeys("Logs", [
    { keys: "/", does: "search the log", run: () => field.current?.focus() },
    { keys: "n", does: "next match", run: () => toMatch(false) },
    { keys: "N", does: "previous match", run: () => toMatch(true) },
    { keys: "e", does: "next error", run: () => toError(false) },
    { keys: "E", does: "previous error", run: () => toError(true) },
    { keys: "f", does: "follow what is written", run: toEnd },
  ]);

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.target !== event.currentTarget) return;
    const seen = Math.floor(view.height / ROW) - 2;
    const to = { ArrowDown: top + 1, ArrowUp: top - 1, j: top + 1, k: top - 1, PageDown: top + seen, PageUp: top - seen, Home: 0, End: count_ }[event.key];
    if (to === undefined || event.metaKey || event.ctrlKey) return;
    event.preventDefault();
    event.stopPropagation();
    if (to < top) setFollow(false);
    if (event.key === "End") toEnd();
    else scrollTo(Math.max(0, Math.min(to, count_)), count_);
  };

  const rows: number[] = [];
  for (let row = first; row <= last; row++) rows.push(row);
  const at = search.line === undefined ? -1 : found.lines.findIndex((one) => one.n === search.line);
  const width = Math.max(store.longest, ...(filtered ? found.lines.slice(first, last + 1).map((one) => one.text.length) : [0]));
  return (
    <div className={css.view}>
      <div className={css.tools} role="toolbar" aria-label="Log">
        <div className={css.search} data-wrong={wrong ? "" : undefined}>
          <input
            ref={field}
            type="search"
            aria-label="Search the log"
            placeholder="Search"
            value={query}
            spellCheck={false}
            onChange={(event) => patch({ q: event.target.value || undefined })}
            onKeyDown={(event) => {
              if (event.key === "Enter") toMatch(event.shiftKey);
              if (event.key === "Escape") {
                patch({ q: undefined });
                scroller.current?.focus();
              }
            }}
          />
          <IconButton label="Match case" aria-pressed={matchCase} onClick={() => setMatchCase(!matchCase)} className={css.small}>
            <CaseSensitive size={14} />
          </IconButton>
          <IconButton label="Regular expression" aria-pressed={regex} onClick={() => setRegex(!regex)} className={css.small}>
            <Regex size={13} />
          </IconButton>
        </div>
        {query && (
          <span className={css.found} role="status">
            {wrong ? "no expression yet" : `${at >= 0 ? `${count(at + 1)} of ` : ""}${count(found.lines.length)}${found.done ? "" : found.searching ? " …" : "+"}`}
          </span>
        )}
        {query && (
          <>
            <IconButton label="Previous match" keys="N" onClick={() => toMatch(true)} className={css.small}>
              <ChevronUp size={14} />
            </IconButton>
            <IconButton label="Next match" keys="n" onClick={() => toMatch(false)} className={css.small}>
              <ChevronDown size={14} />
            </IconButton>
            <IconButton label="Only lines that match" aria-pressed={search.only ?? false} onClick={() => patch({ only: search.only ? undefined : true })} className={css.small}>
              <Filter size={13} />
            </IconButton>
          </>
        )}
        <select className={css.level} aria-label="Level" value={level} onChange={(event) => patch({ level: Number(event.target.value) || undefined })}>
          {LEVELS.map(([value, word]) => (
            <option key={value} value={value}>
              {word}
            </option>
          ))}
        </select>
        <IconButton label="Next error" keys="e" onClick={() => toError(false)}>
          <TriangleAlert size={14} />
        </IconButton>
        <IconButton label="Wrap long lines" aria-pressed={wrap} onClick={() => setWrap(!wrap)}>
          <WrapText size={14} />
        </IconButton>
        <span className={css.space} />
        {!exported && (
          <a className={css.download} href={path(logs.downloadRoute(scope.run), logs.asked(scope))} download aria-label="Download the log" title="Download the log">
            <Download size={14} />
          </a>
        )}
        {live && (
          <Button tone="quiet" aria-pressed={follow} onClick={() => (follow ? setFollow(false) : toEnd())}>
            <ArrowDownToLine size={13} aria-hidden="true" /> {follow ? "Following" : "Follow"}
          </Button>
        )}
      </div>
      {store.error !== null && !store.known ? (
        <ErrorView error={store.error} retry={() => store.want(0, 0)} />
      ) : (
        <div ref={scroller} className={css.scroller} onScroll={onScroll} onKeyDown={onKeyDown} style={{ "--number": `${String(store.total).length * 7 + 22}px` } as React.CSSProperties} tabIndex={0} role="log" aria-live="off" aria-label={`Log, ${count(count_)} lines`}>
          {!store.known && !filtered && <Loading what="Reading the log" />}
          {store.known && !filtered && store.total === 0 && <p className={css.nothing}>{live ? "Nothing has been written yet." : "Nothing was written."}</p>}
          {filtered && found.done && found.lines.length === 0 && <p className={css.nothing}>No line {query ? `holds “${query}”` : "is that loud"}.</p>}
          {found.error !== null && <ErrorView error={found.error} />}
          <div className={css.sizer} style={wrap ? { height: whole ? undefined : sizer(span(count_, view.height)) } : { height: sizer(count_), minWidth: `calc(${Math.min(width, 4000)}ch + ${scope.task ? 140 : 264}px)` }}>
            <div className={classes(css.window, wrap && css.wrapped)} style={{ height: whole ? undefined : Math.min(view.height, sizer(span(count_, view.height))) }}>
              <div ref={drawn} className={css.rows}>
                {rows.map((row) => {
                  const n = lineAt(row);
                  const fold = filtered ? null : store.rows.foldAt(n);
                  if (fold) return <FoldRow key={n} n={n} label={fold.label} wide={!scope.task} onOpen={() => store.toggle(n)} />;
                  const line = filtered ? found.lines[row] : store.line(n);
                  if (!line) return <MissingRow key={n} n={n} />;
                  return (
                    <LineRow
                      key={n}
                      line={line}
                      start={start}
                      pattern={pattern}
                      current={n === search.line}
                      wide={!scope.task}
                      onPick={pick}
                      onFold={!filtered && store.openedAt(n) ? () => store.toggle(n) : undefined}
                    />
                  );
                })}
              </div>
            </div>
          </div>
        </div>
      )}
      {live && !follow && !filtered && store.total > 0 && (
        <button type="button" className={css.more} onClick={toEnd}>
          Follow <kbd>f</kbd>
        </button>
      )}
    </div>
  );
}
