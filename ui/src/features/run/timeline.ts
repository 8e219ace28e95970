/** Where does each bar of a timeline stand? Pure arithmetic: lanes to pixels, seconds to pixels, ticks, what is under a point. */
import type { Bar, Timeline } from "~/api/run";
import { clock, duration } from "~/lib/format";

export type Lane = { id: string; label: string; top: number; height: number; row: number; rows: number };

const PADDING = 4;
const TALLEST = 14;
/** A lane of many rows grows to this, then its rows get thinner, to two pixels. */
const LANE = 112;

/** Lanes under each other: a row is 14 px, less in lanes that hold many. */
export function lanesOf(lanes: Timeline["lanes"]): { lanes: Lane[]; height: number } {
  let top = 0;
  const placed = lanes.map(({ id, label, rows }) => {
    const many = Math.max(1, rows);
    const row = Math.max(2, Math.min(TALLEST, LANE / many));
    const lane = { id, label, top, height: Math.max(row * many, TALLEST) + 2 * PADDING, row, rows: many };
    top += lane.height;
    return lane;
  });
  return { lanes: placed, height: top };
}

export type Box = { x: number; y: number; width: number; height: number };
export type Scale = { from: number; to: number; width: number };

export function xOf(at: number, scale: Scale): number {
  return ((at - scale.from) / (scale.to - scale.from || 1)) * scale.width;
}

export function timeAt(x: number, scale: Scale): number {
  return scale.from + (x / (scale.width || 1)) * (scale.to - scale.from);
}

/** A bar's rectangle; never thinner than what can be seen. `now` is the end of what still runs. */
export function boxOf(bar: Bar, lane: Lane, scale: Scale, now: number): Box {
  const end = bar.state === "running" ? Math.max(bar.end, now) : bar.end;
  const x = xOf(bar.start, scale);
  const single = lane.rows === 1;
  const height = single ? lane.height - 2 * PADDING : Math.max(1, lane.row - (lane.row > 4 ? 1 : 0));
  return {
    x,
    y: lane.top + PADDING + bar.row * lane.row,
    width: Math.max(xOf(end, scale) - x, 1.5),
    height,
  };
}

/** The bar under a point, with 3 px of grace to the side: the last one drawn wins. */
export function barAt(bars: readonly Bar[], lanes: readonly Lane[], scale: Scale, now: number, x: number, y: number): Bar | null {
  const lane = laneAt(lanes, y);
  if (!lane) return null;
  const index = lanes.indexOf(lane);
  let near: Bar | null = null;
  let nearest = 4;
  for (let at = bars.length - 1; at >= 0; at--) {
    const bar = bars[at];
    if (!bar || bar.lane !== index) continue;
    const box = boxOf(bar, lane, scale, now);
    if (y < box.y - 1 || y > box.y + box.height + 1) continue;
    const away = x < box.x ? box.x - x : Math.max(0, x - box.x - box.width);
    if (away === 0) return bar;
    if (away < nearest) [near, nearest] = [bar, away];
  }
  return near;
}

export function laneAt(lanes: readonly Lane[], y: number): Lane | null {
  return lanes.find((one) => y >= one.top && y < one.top + one.height) ?? null;
}

const STEPS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400];

/** Round moments about 90 px apart, in seconds since the run's start. */
export function ticks(from: number, to: number, width: number): { at: number; label: string }[] {
  const wanted = ((to - from) / Math.max(width, 1)) * 90;
  if (!(wanted > 0) || !Number.isFinite(wanted)) return [];
  const step = STEPS.find((one) => one >= wanted) ?? Math.ceil(wanted / 86400) * 86400;
  const found: { at: number; label: string }[] = [];
  for (let count = Math.ceil(from / step - 1e-9); count * step <= to + 1e-9; count++) {
    const at = count * step;
    found.push({ at, label: tickLabel(at, step) });
  }
  return found;
}

function tickLabel(at: number, step: number): string {
  if (Math.abs(at) < 1e-9) return "0";
  if (step < 1) return at < 1 ? duration(at) : `${at.toFixed(step < 0.01 ? 3 : step < 0.1 ? 2 : 1)} s`;
  return at < 60 && step < 60 ? `${Math.round(at)} s` : clock(at);
}

/** A window zoomed by a factor around a moment, kept inside the run; null when it shows the whole. */
export function zoomed(window: { from: number; to: number }, factor: number, around: number, whole: { from: number; to: number }): { from: number; to: number } | null {
  const length = (window.to - window.from) * factor;
  if (length >= whole.to - whole.from) return null;
  if (length < 0.0005) return window;
  const share = (around - window.from) / (window.to - window.from || 1);
  return inside({ from: around - share * length, to: around - share * length + length }, whole);
}

/** A window moved back into the run without a change of its length. */
export function inside(window: { from: number; to: number }, whole: { from: number; to: number }): { from: number; to: number } {
  const length = Math.min(window.to - window.from, whole.to - whole.from);
  const from = Math.min(Math.max(window.from, whole.from), whole.to - length);
  return { from, to: from + length };
}

/** The next bar in a direction: along its lane, or the one nearest in time in the lane above or below. */
export function neighbour(bars: readonly Bar[], current: Bar | null, key: "ArrowLeft" | "ArrowRight" | "ArrowUp" | "ArrowDown"): Bar | null {
  if (bars.length === 0) return null;
  const byStart = [...bars].sort((a, b) => a.lane - b.lane || a.start - b.start || a.row - b.row);
  if (!current) return byStart[0] ?? null;
  const same = (bar: Bar) => bar.lane === current.lane && bar.start === current.start && bar.row === current.row;
  if (key === "ArrowLeft" || key === "ArrowRight") {
    const lane = byStart.filter((bar) => bar.lane === current.lane);
    const at = lane.findIndex(same);
    return lane[at + (key === "ArrowRight" ? 1 : -1)] ?? current;
  }
  const lanes = [...new Set(byStart.map((bar) => bar.lane))];
  const lane = lanes[lanes.indexOf(current.lane) + (key === "ArrowDown" ? 1 : -1)];
  if (lane === undefined) return current;
  let best = current;
  let away = Number.POSITIVE_INFINITY;
  for (const bar of byStart) {
    if (bar.lane === lane && Math.abs(bar.start - current.start) < away) [best, away] = [bar, Math.abs(bar.start - current.start)];
  }
  return best;
}

/** What a bar says in words, for hover and for who does not see it. */
export function spoken(bar: Bar, lane: string, start: number, now: number): string {
  const end = bar.state === "running" ? Math.max(bar.end, now) : bar.end;
  const long = duration(end - bar.start);
  const when = `from ${duration(bar.start - start)}`;
  if (bar.count > 1) return `${bar.count} tasks of ${lane}, ${bar.failed ? `${bar.failed} failed, ` : ""}${when}, within ${long}`;
  const attempt = bar.attempt && bar.attempt > 1 ? `, attempt ${bar.attempt}` : "";
  return `${bar.task ?? lane}, ${bar.state}${attempt}, ${when}, took ${long}`;
}
