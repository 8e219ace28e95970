import { describe, expect, it } from "vitest";

import type { GraphView } from "~/api/types";

import { indexOf, inside, selectedOf, shapeOf, stepOf } from "./selection";

const node = (id: string, group: string | null, depth = 0) => ({ id, group, depth, mapped: depth > 0, label: id }) as never;
const view = {
  nodes: [node("clean", null), node("train.fit", "train/each", 1)],
  groups: [
    { id: "train", parent: null },
    { id: "train/each", parent: "train" },
  ],
} as unknown as GraphView;

describe("what is selected", () => {
  it("reads a task's name", () => {
    expect(stepOf("train.fit[3,1]")).toBe("train.fit");
    expect(indexOf("train.fit[3,1]")).toBe("[3,1]");
    expect([stepOf("clean"), indexOf("clean")]).toEqual(["clean", ""]);
  });
  it("is the task itself where a step has one, and the step where it has many", () => {
    expect(selectedOf({ step: "clean" }, view)).toMatchObject({ kind: "task", task: "clean" });
    expect(selectedOf({ step: "train.fit" }, view)).toMatchObject({ kind: "step", step: "train.fit" });
    expect(selectedOf({ step: "train.fit", task: "train.fit[2]" }, view)).toMatchObject({ kind: "task", task: "train.fit[2]" });
  });
  it("is the run when nothing is named, and says so when a name is not there", () => {
    expect(selectedOf({}, view)).toEqual({ kind: "run" });
    expect(selectedOf({ step: "fitt" }, view)).toEqual({ kind: "unknown", id: "fitt" });
  });
  it("waits for the graph to know what a step is, but not for a task or a dataset", () => {
    expect(selectedOf({ step: "clean" }, undefined)).toBeNull();
    expect(selectedOf({ task: "fit[1]" }, undefined)).toMatchObject({ kind: "task", step: "fit", node: null });
    expect(selectedOf({ step: "dataset:flights" }, undefined)).toEqual({ kind: "dataset", name: "flights", id: "dataset:flights" });
  });
  it("finds the steps of a group at any depth, and the shape of a task", () => {
    expect(inside("train", view).map((one) => one.id)).toEqual(["train.fit"]);
    expect(shapeOf({ task: "train.fit[2]" })).toBe("train.fit");
  });
});
