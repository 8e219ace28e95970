import { describe, expect, it } from "vitest";

import { lastWord, suggestions } from "./filter";

const columns = {
  params: [{ name: "alpha", pipelines: ["training"], numeric: true }],
  metrics: [{ name: "rmse", pipelines: ["training"], numeric: true }],
  tags: ["nightly", "two words"],
  users: ["ana"],
  pipelines: ["training", "scoring"],
  statuses: ["done", "failed"],
};
const shown = (text: string) => suggestions(text, columns).map((one) => one.shows);
const texts = (text: string) => suggestions(text, columns).map((one) => one.text);

describe("a filter as it is typed", () => {
  it("knows the word at its end, quotes and all", () => {
    expect(["", "a b", 'note:"two wo', 'note:"x y" st'].map(lastWord)).toEqual(["", "b", 'note:"two wo', "st"]);
  });
  it("offers keys, parameters and metrics by their beginning", () => {
    expect(shown("st")).toEqual(["status:"]);
    expect(shown("status:done al")).toEqual(["alpha"]);
    expect(shown("rm")).toEqual(["rmse"]);
  });
  it("completes values after a colon, after a comma, and after a minus", () => {
    expect(texts("pipeline:tr")).toEqual(["pipeline:training "]);
    expect(texts("status:done,fa")).toEqual(["status:done,failed "]);
    expect(texts("x -status:fa")).toEqual(["x -status:failed "]);
    expect(texts("tag:two")).toEqual(['tag:"two words" ']);
  });
});
