/** When did what run? Lanes by step or by worker; brush to zoom, arrow keys to walk from bar to bar. */
import { useQuery } from "@tanstack/react-query";
import { Crosshair, Route, ZoomIn, ZoomOut } from "lucide-react";
import { type KeyboardEvent, type PointerEvent, useCallback, useEffect, useLayoutEffect, useMemo, useReducer, useRef, useState } from "react";

import { type Bar, type Timeline, criticalQuery, timelineQuery } from "~/api/run";
import { Button, IconButton } from "~/components/Button";
import { Answer } from "~/components/Feedback";
import { StateSign } from "~/components/StateMark";
import { classes } from "~/lib/classes";
import { duration } from "~/lib/format";
import { useStored } from "~/lib/stored";
import { asState, inkOf } from "~/lib/states";

import css from "./TimelinePane.module.css";
import { draw } from "./draw";
import { useInk } from "./ink";
import { shapeOf, stepOf } from "./selection";
import { barAt, inside, lanesOf, neighbour, spoken, ticks, timeAt, xOf, zoomed } from "./timeline";
import { useSelection } from "./useSelection";

type Window = { from: number; to: number };

export function TimelinePane({ live }: { live: boolean }) {
  const { run, search, patch } = useSelection();
  const lane = search.lane ?? "step";
  const window = search.from !== undefined && search.to !== undefined && search.to > search.from ? { from: search.from, to: search.to } : null;
  const [path, setPath] = useStored("run.critical", false);
  const start = useRef<number | null>(null);
  const epoch = (at: number | undefined) => (at === undefined || start.current === null ? undefined : start.current + at);
  const query = useQuery(timelineQuery(run, { lane, from: epoch(window?.from), to: epoch(window?.to) }));
  // The server counts from 1970, the address from the run's start: the first answer says where that is.
  const known = query.data?.start ?? null;
  const [, again] = useState(0);
  useEffect(() => {
    if (known === null || start.current !== null) return;
    start.current = known;
    if (window) again((count) => count + 1);
  }, [known, window]);
  const critical = useQuery({ ...criticalQuery(run), enabled: path });
  const onCritical = useMemo(() => (path && critical.data ? new Set(critical.data.items.map((one) => one.task)) : null), [path, critical.data]);
  const setWindow = useCallback((next: Window | null) => patch({ from: next ? round(next.from) : undefined, to: next ? round(next.to) : undefined }), [patch]);

  return (
    <div className={css.pane}>
      <div className={css.tools} role="toolbar" aria-label="Timeline">
        <div className={css.switch} role="radiogroup" aria-label="Lanes">
          {(["step", "worker"] as const).map((one) => (
            <button key={one} type="button" role="radio" aria-checked={lane === one} onClick={() => patch({ lane: one === "step" ? undefined : one })}>
              {one === "step" ? "Steps" : "Workers"}
            </button>
          ))}
        </div>
        <Button tone="quiet" aria-pressed={path} onClick={() => setPath(!path)} title="The chain of tasks that decided how long the run took">
          <Route size={13} aria-hidden="true" /> Critical path
          {path && critical.data?.seconds != null && <span className="dim">{duration(critical.data.seconds)}</span>}
        </Button>
        <span className={css.space} />
        {query.data && !query.data.exact && <span className={css.note}>{query.data.tasks.toLocaleString("en").replace(/,/g, "\u202f")} tasks, drawn in bins: zoom in for each</span>}
        {window && (
          <Button tone="quiet" onClick={() => setWindow(null)}>
            <Crosshair size={13} aria-hidden="true" /> Whole run
          </Button>
        )}
      </div>
      <div className={css.body}>
        <Answer query={query} what="Reading the timeline">
          {(data) => <Lanes data={data} live={live} window={window} setWindow={setWindow} critical={onCritical} />}
        </Answer>
      </div>
    </div>
  );
}

const round = (at: number) => Number(at.toFixed(4));

type LanesProps = { data: Timeline; live: boolean; window: Window | null; setWindow: (next: Window | null) => void; critical: ReadonlySet<string> | null };

function Lanes({ data, live, window, setWindow, critical }: LanesProps) {
  const { search, select } = useSelection();
  const ink = useInk();
  const canvas = useRef<HTMLCanvasElement>(null);
  const scroller = useRef<HTMLDivElement>(null);
  const room = useRef<HTMLDivElement>(null);
  const [size, setSize] = useState({ width: 0, height: 0 });
  const [brush, setBrush] = useState<{ from: number; to: number } | null>(null);
  const [hover, setHover] = useState<{ bar: Bar; x: number; y: number } | null>(null);
  const [focused, setFocused] = useState<Bar | null>(null);
  const press = useRef<{ x: number; pan: boolean; window: Window } | null>(null);
  const { lanes, height } = useMemo(() => lanesOf(data.lanes), [data.lanes]);
  const { start } = data;

  // Server and reader need not have the same clock: what runs grows from the server's own "now".
  const received = useMemo(() => performance.now(), [data]);
  const now = useCallback(() => data.end + (live ? (performance.now() - received) / 1000 : 0), [data.end, live, received]);
  const whole = useCallback((): Window => ({ from: 0, to: Math.max(now() - start, 0.001) * (live ? 1.02 : 1) }), [now, start, live]);
  const shown = useCallback((): Window => window ?? whole(), [window, whole]);
  const scale = useCallback(() => {
    const { from, to } = shown();
    return { from: start + from, to: start + to, width: size.width };
  }, [shown, start, size.width]);

  useEffect(() => {
    const outer = scroller.current;
    const inner = room.current;
    if (!outer || !inner) return;
    const measure = () => setSize({ width: inner.clientWidth, height: outer.clientHeight });
    const observer = new ResizeObserver(measure);
    observer.observe(outer);
    observer.observe(inner);
    return () => observer.disconnect();
  }, []);

  const selectedTask = search.task;
  const shape = shapeOf(search);
  const paint = useCallback(() => {
    const element = canvas.current;
    const context = element?.getContext("2d");
    if (!element || !context || size.width === 0) return;
    const ratio = globalThis.devicePixelRatio || 1;
    const wide = Math.round(size.width * ratio);
    const high = Math.round(size.height * ratio);
    if (element.width !== wide || element.height !== high) {
      element.width = wide;
      element.height = high;
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    draw(
      context,
      {
        bars: data.bars,
        lanes,
        scale: scale(),
        height: size.height,
        top: scroller.current?.scrollTop ?? 0,
        start,
        now: now(),
        live,
        selected: (bar) => (selectedTask ? bar.task === selectedTask : bar.count === 1 && bar.task !== null && bar.task === shape),
        critical,
        focused,
        brush,
      },
      ink,
    );
  }, [data.bars, lanes, scale, size, start, now, live, selectedTask, shape, critical, focused, brush, ink]);

  useLayoutEffect(paint, [paint]);
  // The live tail: four pictures a second are enough for bars that grow.
  useEffect(() => {
    if (!live) return;
    const timer = setInterval(() => document.visibilityState === "visible" && paint(), 250);
    return () => clearInterval(timer);
  }, [live, paint]);

  // The lane of what is selected elsewhere comes into sight.
  useEffect(() => {
    const lane = lanes.find((one) => one.id === shape);
    const element = scroller.current;
    if (!lane || !element) return;
    if (lane.top < element.scrollTop || lane.top + Math.min(lane.height, 30) > element.scrollTop + element.clientHeight) element.scrollTop = Math.max(0, lane.top - 20);
  }, [shape, lanes]);

  const laneLabel = (bar: Bar) => data.lanes[bar.lane]?.label ?? "";
  const choose = (bar: Bar) => {
    if (bar.count === 1 && bar.task) select(stepOf(bar.task) === bar.task ? { step: bar.task } : { task: bar.task, attempt: undefined });
    else if ((search.lane ?? "step") === "step") select({ step: data.lanes[bar.lane]?.id });
    else setWindow(inside({ from: bar.start - start - (bar.end - bar.start), to: bar.end - start + (bar.end - bar.start) }, whole()));
  };
  const at = (event: { clientX: number; clientY: number }) => {
    const box = canvas.current?.getBoundingClientRect();
    return { x: event.clientX - (box?.left ?? 0), y: event.clientY - (box?.top ?? 0) + (scroller.current?.scrollTop ?? 0) };
  };

  const onPointerDown = (event: PointerEvent) => {
    if (event.button !== 0) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    press.current = { x: at(event).x, pan: event.shiftKey || event.pointerType === "touch", window: shown() };
    setHover(null);
  };
  const onPointerMove = (event: PointerEvent) => {
    const { x, y } = at(event);
    const begun = press.current;
    if (!begun) {
      const bar = barAt(data.bars, lanes, scale(), now(), x, y);
      setHover(bar ? { bar, x: event.clientX, y: event.clientY } : null);
      return;
    }
    if (Math.abs(x - begun.x) < 4 && !brush) return;
    if (begun.pan) {
      if (!window) return;
      const by = ((begun.x - x) / size.width) * (begun.window.to - begun.window.from);
      setWindow(inside({ from: begun.window.from + by, to: begun.window.to + by }, whole()));
    } else {
      const bounded = Math.max(0, Math.min(size.width, x));
      setBrush({ from: timeAt(Math.min(begun.x, bounded), scale()), to: timeAt(Math.max(begun.x, bounded), scale()) });
    }
  };
  const onPointerUp = (event: PointerEvent) => {
    const begun = press.current;
    press.current = null;
    if (brush) {
      setWindow(inside({ from: brush.from - start, to: brush.to - start }, whole()));
      setBrush(null);
      return;
    }
    const { x, y } = at(event);
    if (!begun || Math.abs(x - begun.x) >= 4) return;
    const bar = barAt(data.bars, lanes, scale(), now(), x, y);
    if (bar) choose(bar);
  };

  // React listens to wheels passively: a zoom must keep the page where it is.
  useEffect(() => {
    const element = canvas.current;
    if (!element) return;
    const onWheel = (event: WheelEvent) => {
      if (event.ctrlKey || event.metaKey) {
        event.preventDefault();
        const around = timeAt(event.clientX - element.getBoundingClientRect().left, scale()) - start;
        setWindow(zoomed(shown(), Math.exp(event.deltaY * 0.004), around, whole()));
      } else if (window && Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
        event.preventDefault();
        const by = (event.deltaX / size.width) * (window.to - window.from);
        setWindow(inside({ from: window.from + by, to: window.to + by }, whole()));
      }
    };
    element.addEventListener("wheel", onWheel, { passive: false });
    return () => element.removeEventListener("wheel", onWheel);
  }, [scale, shown, whole, setWindow, start, window, size.width]);

  const zoom = (factor: number) => {
    const now = shown();
    setWindow(zoomed(now, factor, (now.from + now.to) / 2, whole()));
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const { key } = event;
    if (key === "ArrowLeft" || key === "ArrowRight" || key === "ArrowUp" || key === "ArrowDown") {
      event.preventDefault();
      if (event.shiftKey && window && (key === "ArrowLeft" || key === "ArrowRight")) {
        const by = (window.to - window.from) * (key === "ArrowLeft" ? -0.2 : 0.2);
        setWindow(inside({ from: window.from + by, to: window.to + by }, whole()));
        return;
      }
      const next = neighbour(data.bars, focused, key);
      setFocused(next);
      const lane = next && lanes[next.lane];
      const element = scroller.current;
      if (lane && element && (lane.top < element.scrollTop || lane.top + 24 > element.scrollTop + element.clientHeight)) element.scrollTop = Math.max(0, lane.top - 20);
    } else if ((key === "Enter" || key === " ") && focused) {
      event.preventDefault();
      choose(focused);
    } else if (key === "+" || key === "=") zoom(0.5);
    else if (key === "-") zoom(2);
    else if (key === "0") setWindow(null);
    else return;
    event.stopPropagation();
  };

  return (
    <div className={css.lanes} role="group" aria-label="Lanes">
      <Axis shown={shown} width={size.width} live={live} />
      <div className={css.zoom}>
        <IconButton label="Zoom in" onClick={() => zoom(0.5)}>
          <ZoomIn size={13} />
        </IconButton>
        <IconButton label="Zoom out" onClick={() => zoom(2)} disabled={!window}>
          <ZoomOut size={13} />
        </IconButton>
      </div>
      <div className={css.scroll} onScroll={paint} ref={scroller} tabIndex={-1}>
        <div className={css.names} style={{ height }}>
          {lanes.map((lane) => (
            <button
              key={lane.id}
              type="button"
              className={classes(css.name, lane.id === shape && css.here)}
              style={{ top: lane.top, height: lane.height }}
              title={lane.label}
              onClick={() => (search.lane === "worker" ? undefined : select({ step: lane.id }))}
              disabled={search.lane === "worker"}
            >
              {lane.label}
            </button>
          ))}
        </div>
        <div ref={room} className={css.room} style={{ minHeight: height }}>
          <canvas
            ref={canvas}
            className={css.canvas}
            style={{ width: size.width, height: size.height }}
            tabIndex={0}
            role="application"
            aria-roledescription="timeline"
            aria-label={`Timeline of ${data.tasks} tasks. Arrow keys move from task to task, Enter selects, plus and minus zoom, 0 shows the whole run.`}
            onPointerDown={onPointerDown}
            onPointerMove={onPointerMove}
            onPointerUp={onPointerUp}
            onPointerLeave={() => setHover(null)}
            onDoubleClick={() => setWindow(null)}
            onKeyDown={onKeyDown}
            onBlur={() => setFocused(null)}
          />
        </div>
      </div>
      <span className="hidden-text" aria-live="polite">
        {focused && spoken(focused, laneLabel(focused), start, now())}
      </span>
      {(hover ?? (focused && { bar: focused, x: null, y: null })) && (
        <Hover bar={(hover?.bar ?? focused)!} lane={laneLabel((hover?.bar ?? focused)!)} start={start} now={now()} x={hover?.x ?? null} y={hover?.y ?? null} />
      )}
    </div>
  );
}

/** The moments above the lanes; while a run goes on they move as its picture does. */
function Axis({ shown, width, live }: { shown: () => Window; width: number; live: boolean }) {
  const [, again] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    if (!live) return;
    const timer = setInterval(() => document.visibilityState === "visible" && again(), 250);
    return () => clearInterval(timer);
  }, [live]);
  const { from, to } = shown();
  return (
    <div className={css.axis} aria-hidden="true">
      {ticks(from, to, width).map(({ at, label }) => {
        const x = xOf(at, { from, to, width });
        return (
          x < width - 24 && (
            <span key={at} style={{ left: x }}>
              {label}
            </span>
          )
        );
      })}
    </div>
  );
}

function Hover({ bar, lane, start, now, x, y }: { bar: Bar; lane: string; start: number; now: number; x: number | null; y: number | null }) {
  const end = bar.state === "running" ? Math.max(bar.end, now) : bar.end;
  const state = asState(bar.state);
  const style = x === null || y === null ? { right: 12, bottom: 12 } : { left: Math.min(x + 12, globalThis.innerWidth - 250), top: y > globalThis.innerHeight - 120 ? y - 92 : y + 14 };
  return (
    <div className={css.hover} style={style} data-corner={x === null ? "" : undefined} role="presentation">
      <strong>{bar.count > 1 ? `${bar.count} tasks of ${lane}` : (bar.task ?? lane)}</strong>
      <span style={{ color: inkOf(state) }} className={css.state}>
        <StateSign state={state} />
        {bar.starting ? "starting" : bar.state}
        {bar.attempt !== null && bar.attempt > 1 && ` · attempt ${bar.attempt}`}
        {bar.count > 1 && bar.failed > 0 && ` · ${bar.failed} failed`}
      </span>
      <span className={css.times}>
        {duration(end - bar.start)} <span className="dim">from {duration(bar.start - start)}</span>
        {bar.queued_at !== null && bar.start - bar.queued_at > 0.001 && <span className="dim"> · waited {duration(bar.start - bar.queued_at)}</span>}
        {bar.called_at !== null && bar.called_at - bar.start > 0.001 && <span className="dim"> · starting {duration(bar.called_at - bar.start)}</span>}
      </span>
    </div>
  );
}
