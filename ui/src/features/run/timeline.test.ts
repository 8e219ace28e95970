import { describe, expect, it } from "vitest";

import type { Bar } from "~/api/run";

import { barAt, boxOf, inside, lanesOf, neighbour, spoken, ticks, timeAt, xOf, zoomed } from "./timeline";

const bar = (lane: number, start: number, end: number, more: Partial<Bar> = {}): Bar => ({
  lane,
  row: 0,
  start,
  end,
  queued_at: null,
  called_at: null,
  starting: false,
  state: "done",
  count: 1,
  failed: 0,
  task: `t${lane}`,
  attempt: 1,
  busy: null,
  ...more,
});
const scale = { from: 100, to: 200, width: 1000 };
const { lanes, height } = lanesOf([
  { id: "a", label: "a", rows: 1 },
  { id: "b", label: "b", rows: 40 },
]);

describe("the timeline", () => {
  it("stacks lanes, and thins the rows of wide ones", () => {
    expect(lanes[1]?.top).toBe(lanes[0]?.height);
    expect(lanes[1]?.row).toBeLessThan(14);
    expect(height).toBeLessThan(160);
  });
  it("maps time to pixels and back", () => {
    expect(xOf(150, scale)).toBe(500);
    expect(timeAt(500, scale)).toBe(150);
  });
  it("shows the shortest task, and grows what runs to now", () => {
    expect(boxOf(bar(0, 150, 150), lanes[0]!, scale, 160).width).toBe(1.5);
    expect(boxOf(bar(0, 150, 151, { state: "running" }), lanes[0]!, scale, 160).width).toBe(100);
  });
  it("finds the bar under a point, with a little grace", () => {
    const bars = [bar(0, 110, 120), bar(0, 150, 150), bar(1, 110, 120, { row: 39 })];
    expect(barAt(bars, lanes, scale, 0, 150, 8)).toBe(bars[0]);
    expect(barAt(bars, lanes, scale, 0, 498, 8)).toBe(bars[1]);
    expect(barAt(bars, lanes, scale, 0, 400, 8)).toBeNull();
    expect(barAt(bars, lanes, scale, 0, 150, lanes[1]!.top + 4 + 39 * lanes[1]!.row)).toBe(bars[2]);
  });
  it("marks round moments", () => {
    expect(ticks(0, 10, 900).map((one) => one.label)).toEqual(["0", "1 s", "2 s", "3 s", "4 s", "5 s", "6 s", "7 s", "8 s", "9 s", "10 s"]);
    expect(ticks(0, 7200, 360).map((one) => one.label)).toEqual(["0", "30:00", "1:00:00", "1:30:00", "2:00:00"]);
    expect(ticks(0, 0, 900)).toEqual([]);
  });
  it("zooms around a moment and stays inside the run", () => {
    const whole = { from: 0, to: 100 };
    expect(zoomed(whole, 0.5, 25, whole)).toEqual({ from: 12.5, to: 62.5 });
    expect(zoomed({ from: 10, to: 60 }, 4, 30, whole)).toBeNull();
    expect(inside({ from: 80, to: 120 }, whole)).toEqual({ from: 60, to: 100 });
  });
  it("moves from bar to bar", () => {
    const bars = [bar(0, 110, 120), bar(0, 130, 140), bar(1, 128, 140)];
    expect(neighbour(bars, bars[0]!, "ArrowRight")).toBe(bars[1]);
    expect(neighbour(bars, bars[1]!, "ArrowDown")).toBe(bars[2]);
    expect(neighbour(bars, bars[2]!, "ArrowDown")).toBe(bars[2]);
    expect(neighbour(bars, null, "ArrowRight")).toBe(bars[0]);
  });
  it("says what a bar is", () => {
    expect(spoken(bar(0, 102, 104.5, { task: "fit[3]", attempt: 2, state: "failed" }), "fit", 100, 0)).toBe("fit[3], failed, attempt 2, from 2.00 s, took 2.50 s");
    expect(spoken(bar(0, 102, 104, { count: 90, failed: 2, task: null }), "fit", 100, 0)).toBe("90 tasks of fit, 2 failed, from 2.00 s, within 2.00 s");
  });
});
