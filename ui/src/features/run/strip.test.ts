import { describe, expect, it } from "vitest";

import { itemsOf, runsOf, stateOf } from "./strip";

describe("the strip of items", () => {
  it("joins neighbours of one state", () => {
    expect(runsOf("ddddffdr")).toEqual([
      { state: "done", from: 0, to: 4 },
      { state: "failed", from: 4, to: 6 },
      { state: "done", from: 6, to: 7 },
      { state: "running", from: 7, to: 8 },
    ]);
    expect(runsOf("")).toEqual([]);
  });
  it("shows letters that it does not know as waiting", () => {
    expect(stateOf("?")).toBe("waiting");
    expect(stateOf(undefined)).toBe("waiting");
  });
  it("says which items a cell stands for", () => {
    expect(itemsOf(4, 1, 90)).toBe("item 4");
    expect(itemsOf(4, 10, 90)).toBe("items 40–49");
    expect(itemsOf(8, 10, 85)).toBe("items 80–84");
    expect(itemsOf(8, 10, 81)).toBe("item 80");
  });
});
