import { describe, expect, it } from "vitest";

import { axisOf, boxOf, classesOf, smoothed } from "./plots";
import { extremes, usual } from "./table";

const shown = (value: unknown) => String(value);

describe("plots of compared runs", () => {
  it("smooths as a moving average without the pull of its start", () => {
    expect(smoothed([1, 1, null, 1], 0.9)).toEqual([1, 1, null, 1].map((one) => (one === null ? null : expect.closeTo(one))));
    expect(smoothed([0, 10], 0.5)).toEqual([expect.closeTo(0), expect.closeTo(6.667, 2)]);
    expect(smoothed([3, 4], 0)).toEqual([3, 4]);
  });
  it("places numbers by size, by logarithm over decades, and words in a row", () => {
    expect(axisOf("a", [0, 5, 10], shown).at).toEqual([0, 0.5, 1]);
    expect(axisOf("a", [0.001, 1, 1000], shown).at).toEqual([0, expect.closeTo(0.5), 1]);
    expect(axisOf("a", ["b", "a", null], shown).at).toEqual([1, 0, null]);
    expect(axisOf("a", [2, 2], shown).at).toEqual([0.5, 0.5]);
  });
  it("knows quartiles as numpy does", () => {
    expect(boxOf([1, 2, 3, 4])).toEqual({ low: 1, q1: 1.75, middle: 2.5, q3: 3.25, high: 4, count: 4 });
    expect(boxOf([])).toBeNull();
  });
  it("colours by words or by ranges of equal counts", () => {
    expect(classesOf(["x", "y", "x", null], shown)).toEqual({ of: [0, 1, 0, null], labels: ["x", "y"] });
    const many = classesOf(Array.from({ length: 60 }, (_, at) => at), shown, 3);
    expect(many.labels).toEqual(["< 20", "< 40", "≥ 40"]);
    expect([many.of[0], many.of[25], many.of[59]]).toEqual([0, 1, 2]);
  });
});

describe("the table of differences", () => {
  it("knows the least, the greatest and the usual", () => {
    expect(extremes({ name: "rmse", differs: true, values: [3, null, 1, 2] })).toEqual({ least: 2, greatest: 0 });
    expect(extremes({ name: "n", differs: false, values: [1, 1] })).toBeNull();
    expect(usual(["a", "b", "a"])).toBe('"a"');
    expect(usual(["a", "b"])).toBeNull();
  });
});
