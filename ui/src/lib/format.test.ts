import { describe, expect, it } from "vitest";

import { absolute, ago, bytes, clock, count, duration, number, plural, value } from "./format";

describe("words are those of the command line", () => {
  it("says durations", () => {
    expect([0.003, 1.236, 12.34, 59.96, 200, 7500, 273600].map(duration)).toEqual([
      "3 ms",
      "1.24 s",
      "12.3 s",
      "1 min 00 s",
      "3 min 20 s",
      "2 h 05 min",
      "3 d 4 h",
    ]);
    expect(duration(null)).toBe("");
  });
  it("says a duration that goes on", () => {
    expect([7, 750, 3723].map(clock)).toEqual(["0:07", "12:30", "1:02:03"]);
  });
  it("says sizes with a thousand to the next unit", () => {
    expect([812, 4100, 1.3e9, 999_600].map(bytes)).toEqual(["812 B", "4.1 kB", "1.3 GB", "1.0 MB"]);
  });
  it("says numbers with five significant digits and keeps whole ones", () => {
    expect([0, 90000, 0.30000001, 12.3456, 1e-9, 123456.7, Number.NaN].map(number)).toEqual([
      "0",
      "90\u202f000",
      "0.3",
      "12.346",
      "1e-9",
      "123457",
      "nan",
    ]);
    expect(count(1234567)).toBe("1\u202f234\u202f567");
  });
  it("says when something was", () => {
    const now = new Date(2026, 10, 25, 14, 30);
    const before = (seconds: number) => ago(new Date(now.getTime() - seconds * 1000), now);
    expect([3, 40, 300, 7200].map(before)).toEqual(["just now", "40 s ago", "5 min ago", "2 h ago"]);
    expect(ago(new Date(2026, 10, 24, 9, 5), now)).toBe("yesterday 09:05");
    expect(ago(new Date(2026, 8, 1), now)).toBe("2026-09-01");
    expect(absolute(new Date(2026, 0, 2, 3, 4, 5))).toBe("2026-01-02 03:04:05");
  });
  it("writes values as Python does", () => {
    expect([null, true, "ana", " x", ["a", 1.5], { a: [null] }].map(value)).toEqual([
      "None",
      "True",
      "ana",
      '" x"',
      '["a", 1.5]',
      "{a: [None]}",
    ]);
    expect([plural(1, "run"), plural(3, "run")]).toEqual(["1 run", "3 runs"]);
  });
});
