import { describe, expect, it } from "vitest";

import type { LogLine } from "~/api/run";

import { marked, patternOf, pieces, plain } from "./ansi";
import { Rows, foldsOf } from "./folds";
import { offsetOf, rowAtOffset, sizer } from "./window";

const line = (n: number, text: string, task = "fit"): LogLine => ({ n, at: 0, stream: "err", level: 40, task, attempt: 1, text, cut: false });
const TRACE = [
  "before",
  "Traceback (most recent call last):",
  '  File "/opt/venv/lib/python3.12/site-packages/plait/executors/worker.py", line 3, in run',
  "    call()",
  '  File "/home/ana/flights/models.py", line 12, in fit',
  "    model.fit(table)",
  "    ~~~~~~~~~^^^^^^^",
  '  File "/opt/venv/lib/python3.12/site-packages/sklearn/base.py", line 1, in wrapper',
  "    return fit(self)",
  '  File "/opt/venv/lib/python3.12/site-packages/sklearn/linear.py", line 9, in fit',
  "    raise ValueError(1)",
  "ValueError: 1",
  "after",
].map((text, n) => line(n, text));

describe("terminal colours", () => {
  it("become styles, and the text stays", () => {
    expect(pieces("a \u001b[1;31mred\u001b[0m b")).toEqual([
      { text: "a ", style: {} },
      { text: "red", style: { bold: true, color: 1 } },
      { text: " b", style: {} },
    ]);
    expect(plain("\u001b[38;5;196mx\u001b[K\u001b]0;title\u0007y")).toBe("xy");
    expect(pieces("\u001b[38;2;250;10;10mx")[0]?.style.color).toBe(1);
  });
  it("show what a progress bar wrote last", () => {
    expect(plain("10%\r50%\r100%")).toBe("100%");
    expect(plain("100%\r")).toBe("100%");
    expect(plain("bell\u0007")).toBe("bell␇");
  });
  it("keep markup as text", () => {
    expect(pieces("<script>alert(1)</script>")).toEqual([{ text: "<script>alert(1)</script>", style: {} }]);
  });
  it("are cut through by what a search marks", () => {
    const found = marked(pieces("ab\u001b[31mcd\u001b[0mef"), patternOf("BCDE", { case: false, regex: false }));
    expect(found.map((one) => [one.text, one.mark ?? false])).toEqual([
      ["a", false],
      ["b", true],
      ["cd", true],
      ["e", true],
      ["f", false],
    ]);
    expect(patternOf("a(", { case: false, regex: true })).toBeNull();
    expect("a(b".match(patternOf("a(", { case: false, regex: false })!)).not.toBeNull();
  });
});

describe("tracebacks", () => {
  it("fold the frames of libraries and keep the user's open", () => {
    expect(foldsOf(TRACE)).toEqual([
      { at: 2, to: 3, label: "1 frame of plait" },
      { at: 7, to: 10, label: "2 frames of sklearn" },
    ]);
  });
  it("keep the innermost frame where no frame is the user's", () => {
    const only = TRACE.filter((_, at) => ![4, 5, 6].includes(at)).map((one, n) => ({ ...one, n }));
    expect(foldsOf(only)).toEqual([{ at: 2, to: 5, label: "2 frames of plait, sklearn" }]);
  });
  it("end where another task speaks", () => {
    const mixed = TRACE.map((one) => (one.n === 5 ? { ...one, task: "other" } : one));
    expect(foldsOf(mixed).map((one) => one.at)).toEqual([2]);
  });
  it("map lines to rows and back", () => {
    const rows = new Rows(13, foldsOf(TRACE));
    expect(rows.count).toBe(9);
    expect([0, 2, 3, 4, 7, 9, 11, 12].map((one) => rows.rowOf(one))).toEqual([0, 2, 2, 3, 6, 6, 7, 8]);
    expect([0, 1, 2, 3, 4, 5, 6, 7, 8].map((one) => rows.lineOf(one))).toEqual([0, 1, 2, 4, 5, 6, 7, 11, 12]);
    expect(rows.foldAt(7)?.to).toBe(10);
    expect(rows.foldAt(8)).toBeNull();
  });
});

describe("the window over a million rows", () => {
  it("is pixel by pixel as long as a browser can, and scaled beyond", () => {
    expect(sizer(1000)).toBe(18_000);
    expect(sizer(1_000_000)).toBe(15_000_000);
  });
  it("reaches the first and the last row, and comes back to where it was", () => {
    for (const rows of [1000, 1_000_000, 5_000_000]) {
      expect(rowAtOffset(0, rows, 400)).toBe(0);
      expect(rowAtOffset(sizer(rows) - 400, rows, 400)).toBeCloseTo(rows - 400 / 18, 3);
      const middle = Math.floor(rows / 2);
      expect(rowAtOffset(offsetOf(middle, rows, 400), rows, 400)).toBeCloseTo(middle, 2);
    }
  });
});
