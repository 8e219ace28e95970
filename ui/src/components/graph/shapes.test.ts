import { describe, expect, it } from "vitest";

import type { GGroup, GNode, GraphView } from "~/api/types";

import { MOST_SHAPES, shapesOf } from "./shapes";

const node = (id: string, group: string | null = null, more: Partial<GNode> = {}): GNode => ({
  id,
  index: 0,
  label: id,
  step: id,
  kind: "step",
  text: "",
  group,
  mapped: false,
  depth: 0,
  outputs: [id],
  doc: "",
  where: "",
  options: {},
  tags: [],
  progress: null,
  ...more,
});
const group = (id: string, parent: string | null = null, more: Partial<GGroup> = {}): GGroup => ({
  id,
  kind: "group",
  label: id,
  parent,
  pipeline: null,
  items: null,
  taken: null,
  rounds: null,
  ...more,
});
const view = (nodes: GNode[], groups: GGroup[] = [], edges: [string, string][] = [], datasets: string[] = []): GraphView => ({
  name: "p",
  nodes,
  groups,
  edges: edges.map(([source, target]) => ({ source, target, label: "", kind: "data" })),
  datasets: datasets.map((name) => ({ id: `dataset:${name}`, name, layer: null, type: null, place: null })),
  inputs: [],
});
const NONE = { total: 0, waiting: 0, running: 0, done: 0, cached: 0, failed: 0, cancelled: 0, skipped: 0, lost: 0 };
const open = { folded: new Set<string>(), open: new Set<string>() };
const ids = (of: { id: string }[]) => of.map((one) => one.id).sort();

describe("what a graph shows", () => {
  it("draws steps inside their open groups", () => {
    const made = shapesOf(view([node("a"), node("g.b", "g")], [group("g")], [["a", "g.b"]]), open, true);
    expect(ids(made.shapes)).toEqual(["a", "g", "g.b"]);
    expect(made.shapes.find((one) => one.id === "g.b")?.parent).toBe("g");
    expect(ids(made.links)).toEqual(["a→g.b"]);
  });

  it("puts a folded group in the place of all that is inside it, and lifts its edges", () => {
    const graph = view([node("a"), node("g.b", "g"), node("g.h.c", "h")], [group("g"), group("h", "g")], [["a", "g.b"], ["g.b", "g.h.c"], ["a", "g.h.c"]]);
    const made = shapesOf(graph, { folded: new Set(["g"]), open: new Set() }, true);
    expect(ids(made.shapes)).toEqual(["a", "g"]);
    expect(ids(made.links)).toEqual(["a→g"]);
    expect(made.shapes.find((one) => one.id === "g")?.steps).toEqual(["g.b", "g.h.c"]);
  });

  it("does not frame a map of one step: its shape says that it is a map", () => {
    const graph = view([node("a", "e", { mapped: true }), node("b", "f", { mapped: true }), node("c", "f", { mapped: true })], [group("e", null, { kind: "each" }), group("f", null, { kind: "each" })]);
    expect(ids(shapesOf(graph, open, true).shapes)).toEqual(["a", "b", "c", "f"]);
  });

  it("adds up the states of what a folded group holds", () => {
    const progress = (id: string, state: string, amount: number) => ({ id, state, counts: { ...NONE, total: amount, [state]: amount }, first_started: null, last_ended: null, seconds: 1, p50: null, p95: null, longest: null, total_seconds: 1, eta: null, cpu_seconds: null, peak_memory: null, retries: 0 });
    const graph = view([node("g.a", "g", { progress: progress("g.a", "done", 3) }), node("g.b", "g", { progress: progress("g.b", "failed", 1) })], [group("g")]);
    const made = shapesOf(graph, { folded: new Set(["g"]), open: new Set() }, true);
    expect(made.shapes[0]).toMatchObject({ state: "failed", counts: { done: 3, failed: 1 }, total: 4 });
  });

  it("joins who writes a dataset to who reads it when datasets are hidden", () => {
    const graph = view([node("a"), node("b")], [], [["a", "dataset:x"], ["dataset:x", "b"]], ["x", "unused"]);
    expect(ids(shapesOf(graph, open, true).shapes)).toEqual(["a", "b", "dataset:x"]);
    const hidden = shapesOf(graph, open, false);
    expect([ids(hidden.shapes), ids(hidden.links)]).toEqual([["a", "b"], ["a→b"]]);
  });

  it("shows a branch that was not taken as such", () => {
    const made = shapesOf(view([node("a", "no"), node("b", "yes")], [group("no", null, { kind: "branch", taken: "none" }), group("yes", null, { kind: "branch", taken: "all" })]), open, true);
    expect(made.shapes.filter((one) => one.off).map((one) => one.id)).toEqual(["no", "a"]);
  });

  it.each([1000, 5000])("draws at most about 300 shapes of a chain of %i steps, and all of an opened bundle", (length) => {
    const nodes = Array.from({ length }, (_, at) => node(`s${at}`));
    const edges = nodes.slice(1).map((one, at): [string, string] => [`s${at}`, one.id]);
    const made = shapesOf(view(nodes, [], edges), open, true);
    expect(made.bundled).toBe(true);
    expect(made.shapes.length).toBeLessThanOrEqual(MOST_SHAPES);
    expect(made.shapes.flatMap((one) => one.steps)).toHaveLength(length);
    expect(made.links.length).toBe(made.shapes.length - 1);
    const first = made.shapes[0]?.id ?? "";
    const opened = shapesOf(view(nodes, [], edges), { folded: new Set(), open: new Set([first]) }, true);
    expect(opened.shapes.some((one) => one.id === "s0")).toBe(true);
  });

  it("folds the innermost groups first when there is too much to draw", () => {
    const groups: GGroup[] = [group("top")];
    const nodes: GNode[] = [];
    for (let at = 0; at < 60; at++) {
      groups.push(group(`g${at}`, "top"));
      for (let of = 0; of < 10; of++) nodes.push(node(`g${at}.s${of}`, `g${at}`));
    }
    const made = shapesOf(view(nodes, groups), open, true);
    expect(made.shapes.length).toBeLessThanOrEqual(MOST_SHAPES);
    expect(made.shapes.filter((one) => one.kind === "folded")).toHaveLength(60);
    expect(made.shapes.find((one) => one.id === "top")?.kind).toBe("group");
  });
});
