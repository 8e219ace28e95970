import { describe, expect, it } from "vitest";

import { heights, matrixOf } from "./shape";

describe("the first values of an array", () => {
  it("stand in rows of its last side", () => {
    expect(matrixOf([2, 3], [1, 2, 3, 4, 5, 6])).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    expect(matrixOf([9, 4], [1, 2, 3, 4, 5])).toEqual([[1, 2, 3, 4]]);
  });
  it("of one side stand ten to a row, and of none there is nothing", () => {
    expect(matrixOf([12], [...Array(12).keys()]).map((row) => row.length)).toEqual([10, 2]);
    expect(matrixOf([0], [])).toEqual([]);
    expect(matrixOf([3, 0], [])).toEqual([]);
  });
});

describe("a histogram", () => {
  it("shows the smallest bin that holds something", () => {
    expect(heights([0, 1, 1000])).toEqual([0, 0.06, 1]);
    expect(heights([0, 0])).toEqual([0, 0]);
  });
});
