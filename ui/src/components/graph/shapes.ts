/**
 * Which shapes does a graph show? Steps, datasets and open groups, at most about 300 of them: a pure function of the
 * server's graph, of what is folded, and of whether datasets are wanted. A map of any width is one shape already.
 */
import type { GGroup, GNode, GraphView, StepProgress } from "~/api/types";

export const MOST_SHAPES = 300;

export type Shape = {
  id: string;
  parent: string | null;
  kind: "step" | "group" | "folded" | "dataset" | "input";
  label: string;
  /** a second line in small letters: where it comes from, what a branch asks, how wide a map is */
  note: string;
  /** the kind of the server's group or node: branch, loop, each, when, switch … */
  role: string;
  state: string | null;
  counts: Record<string, number>;
  total: number | null;
  p50: number | null;
  p95: number | null;
  seconds: number | null;
  mapped: boolean;
  /** a branch that was not taken */
  off: boolean;
  layer: string | null;
  /** the steps inside, of a folded group; itself, of a step */
  steps: string[];
  width: number;
  height: number;
};

export type Link = { id: string; source: string; target: string; label: string; kind: string };
export type Shapes = { shapes: Shape[]; links: Link[]; bundled: boolean };

/** Groups that the reader did not touch fold by themselves when there is too much to draw. */
export type Folding = { folded: ReadonlySet<string>; open: ReadonlySet<string> };

/** `a,b,-c`: a and b are folded, c is open. */
export function parseFolding(text: string | undefined): Folding {
  const parts = (text ?? "").split(",").filter(Boolean);
  return {
    folded: new Set(parts.filter((one) => !one.startsWith("-"))),
    open: new Set(parts.filter((one) => one.startsWith("-")).map((one) => one.slice(1))),
  };
}

const PLAIN = { width: 196, height: 40 };
const MAPPED = { width: 196, height: 62 };
const DATASET = { width: 168, height: 30 };

export function shapesOf(view: GraphView, folding: Folding, datasets: boolean, most = MOST_SHAPES): Shapes {
  const bundles = bundled(view, most);
  const alone = aloneInEach(view);
  const groups = [...view.groups.filter((one) => !alone.has(one.id)), ...bundles.groups];
  const byId = new Map(groups.map((one) => [one.id, one]));
  const parentOf = (node: GNode) => bundles.of.get(node.id) ?? (node.group !== null && alone.has(node.group) ? (alone.get(node.group) ?? null) : node.group);
  const closed = closedGroups(view.nodes, groups, parentOf, folding, most);

  /** The outermost closed group around something, or itself. */
  const shownAs = (id: string, parent: string | null): string => {
    let shown = id;
    for (let at = parent; at !== null; at = byId.get(at)?.parent ?? null) if (closed.has(at)) shown = at;
    return shown;
  };

  const members = new Map<string, GNode[]>();
  const place = new Map<string, string>();
  const inhabited = new Set<string>();
  for (const node of view.nodes) {
    const shown = shownAs(node.id, parentOf(node));
    place.set(node.id, shown);
    const there = members.get(shown);
    if (there) there.push(node);
    else members.set(shown, [node]);
    for (let at = parentOf(node); at !== null && !inhabited.has(at); at = byId.get(at)?.parent ?? null) inhabited.add(at);
  }

  const shapes: Shape[] = [];
  for (const group of groups) {
    const outer = shownAs(group.id, group.parent);
    if (outer !== group.id) continue;
    const inside = members.get(group.id) ?? [];
    if (closed.has(group.id)) {
      if (inside.length > 0) shapes.push(foldedShape(group, inside, group.parent));
    } else if (inhabited.has(group.id)) {
      shapes.push(groupShape(group));
    }
  }
  for (const node of view.nodes) {
    if (place.get(node.id) === node.id) shapes.push(stepShape(node, parentOf(node), byId));
  }
  if (datasets) {
    for (const one of view.datasets) {
      place.set(one.id, one.id);
      shapes.push(dataset(one.id, one.name, one.layer, one.type ?? ""));
    }
  }

  const links = new Map<string, Link>();
  const through = datasets ? [] : bridges(view);
  for (const edge of [...view.edges, ...through]) {
    const source = place.get(edge.source);
    const target = place.get(edge.target);
    if (!source || !target || source === target) continue;
    const id = `${source}→${target}`;
    const before = links.get(id);
    const label = edge.label ?? "";
    if (!before) links.set(id, { id, source, target, label, kind: edge.kind });
    else if (before.kind === "control" && edge.kind !== "control") links.set(id, { ...before, kind: edge.kind, label });
  }
  const connected = new Set([...links.values()].flatMap((link) => [link.source, link.target]));
  return {
    // A dataset that nothing shown reads or writes is noise.
    shapes: shapes.filter((one) => one.kind !== "dataset" || connected.has(one.id)),
    links: [...links.values()],
    bundled: bundles.groups.length > 0,
  };
}

/** `each` around one step alone, with what is around it: the step's own shape says already that it is a map. */
function aloneInEach(view: GraphView): Map<string, string | null> {
  const inside = new Map<string, number>();
  for (const node of view.nodes) if (node.group !== null) inside.set(node.group, (inside.get(node.group) ?? 0) + (node.mapped ? 1 : 2));
  const parents = new Set(view.groups.map((one) => one.parent));
  const alone = new Map(view.groups.filter((one) => one.kind === "each" && inside.get(one.id) === 1 && !parents.has(one.id)).map((one) => [one.id, one.parent]));
  return alone;
}

/** Without datasets, who writes one is before who reads it. */
function bridges(view: GraphView): GraphView["edges"] {
  const found: GraphView["edges"] = [];
  for (const one of view.datasets) {
    for (const write of view.edges) {
      if (write.target !== one.id) continue;
      for (const reads of view.edges) {
        if (reads.source === one.id) found.push({ source: write.source, target: reads.target, label: one.name, kind: "data" });
      }
    }
  }
  return found;
}

/** Which groups are closed: those the reader folded, and from the innermost out as many as bring the count down. */
function closedGroups(
  nodes: GNode[],
  groups: GGroup[],
  parentOf: (node: GNode) => string | null,
  folding: Folding,
  most: number,
): Set<string> {
  const closed = new Set([...folding.folded].filter((id) => groups.some((one) => one.id === id)));
  const byId = new Map(groups.map((one) => [one.id, one]));
  const depth = (id: string): number => {
    let deep = 0;
    for (let at = byId.get(id)?.parent ?? null; at !== null; at = byId.get(at)?.parent ?? null) deep++;
    return deep;
  };
  const drawn = (): number => {
    const shown = new Set<string>();
    for (const node of nodes) {
      let at = node.id;
      for (let group = parentOf(node); group !== null; group = byId.get(group)?.parent ?? null) if (closed.has(group)) at = group;
      shown.add(at);
    }
    return shown.size + groups.length - closed.size;
  };
  if (drawn() <= most) return closed;
  const rest = groups.filter((one) => !closed.has(one.id) && !folding.open.has(one.id));
  rest.sort((a, b) => depth(b.id) - depth(a.id));
  let at = 0;
  for (const deep of [...new Set(rest.map((one) => depth(one.id)))]) {
    for (; at < rest.length && depth(rest[at]?.id ?? "") === deep; at++) closed.add(rest[at]?.id ?? "");
    if (drawn() <= most) break;
  }
  return closed;
}

/** More steps side by side than can be drawn, in no group of their own, are bundled in the order in which they stand. */
function bundled(view: GraphView, most: number): { groups: GGroup[]; of: Map<string, string> } {
  const loose = new Map<string | null, GNode[]>();
  for (const node of view.nodes) {
    const there = loose.get(node.group);
    if (there) there.push(node);
    else loose.set(node.group, [node]);
  }
  const groups: GGroup[] = [];
  const of = new Map<string, string>();
  for (const [parent, nodes] of loose) {
    if (nodes.length <= most / 2) continue;
    const size = Math.max(20, Math.ceil(nodes.length / Math.floor(most / 3)));
    for (let start = 0; start < nodes.length; start += size) {
      const some = nodes.slice(start, start + size);
      const id = `bundle:${parent ?? ""}:${start}`;
      groups.push({
        id,
        kind: "bundle",
        label: `${some[0]?.label} … ${some.at(-1)?.label}`,
        parent,
        pipeline: null,
        items: null,
        taken: null,
        rounds: null,
      });
      for (const node of some) of.set(node.id, id);
    }
  }
  return { groups, of };
}

function stepShape(node: GNode, parent: string | null, byId: Map<string, GGroup>): Shape {
  const progress = node.progress;
  const size = node.mapped ? MAPPED : PLAIN;
  return {
    id: node.id,
    parent,
    kind: "step",
    label: node.label,
    note: node.kind === "step" ? "" : node.text || node.kind,
    role: node.kind,
    ...said(progress ? [progress] : []),
    mapped: node.mapped,
    off: notTaken(parent, byId) || progress?.state === "skipped",
    layer: null,
    steps: [node.id],
    ...size,
  };
}

function notTaken(group: string | null, byId: Map<string, GGroup>): boolean {
  for (let at = group; at !== null; at = byId.get(at)?.parent ?? null) if (byId.get(at)?.taken === "none") return true;
  return false;
}

function groupShape(group: GGroup): Shape {
  return {
    id: group.id,
    parent: group.parent,
    kind: "group",
    label: group.label,
    note: groupNote(group),
    role: group.kind,
    ...said([]),
    mapped: false,
    off: group.taken === "none",
    layer: null,
    steps: [],
    width: 0,
    height: 0,
  };
}

function groupNote(group: GGroup): string {
  if (group.kind === "each") return group.items === null ? "for each" : `for each of ${group.items}`;
  if (group.kind === "loop") return group.rounds === null ? "repeats" : `${group.rounds} rounds`;
  if (group.kind === "branch" && group.taken === "none") return "not taken";
  if (group.kind === "branch" && group.taken) return group.taken === "all" ? "taken" : "taken by some";
  return group.pipeline && group.pipeline !== group.label ? group.pipeline : "";
}

function foldedShape(group: GGroup, inside: GNode[], parent: string | null): Shape {
  return {
    id: group.id,
    parent,
    kind: "folded",
    label: group.label,
    note: `${inside.length} ${inside.length === 1 ? "step" : "steps"}${groupNote(group) ? ` · ${groupNote(group)}` : ""}`,
    role: group.kind,
    ...said(inside.flatMap((node) => (node.progress ? [node.progress] : []))),
    mapped: true,
    off: group.taken === "none",
    layer: null,
    steps: inside.map((node) => node.id),
    ...MAPPED,
  };
}

function dataset(id: string, label: string, layer: string | null, note: string): Shape {
  return {
    id,
    parent: null,
    kind: "dataset",
    label,
    note,
    role: "dataset",
    ...said([]),
    mapped: false,
    off: false,
    layer,
    steps: [],
    ...DATASET,
  };
}

const WORST = ["failed", "lost", "running", "cancelled", "waiting", "skipped", "done", "cached"];

function said(of: StepProgress[]): Pick<Shape, "state" | "counts" | "total" | "p50" | "p95" | "seconds"> {
  if (of.length === 0) return { state: null, counts: {}, total: null, p50: null, p95: null, seconds: null };
  const counts: Record<string, number> = {};
  let total: number | null = 0;
  for (const one of of) {
    for (const [state, amount] of Object.entries(one.counts)) {
      if (state === "total") continue;
      if (amount) counts[state] = (counts[state] ?? 0) + amount;
    }
    total = total === null || one.counts.total == null ? null : total + one.counts.total;
  }
  const states = new Set(of.map((one) => one.state));
  const state = of.length === 1 ? (of[0]?.state ?? null) : (WORST.find((one) => states.has(one)) ?? of[0]?.state ?? null);
  const single = of.length === 1 ? of[0] : undefined;
  const sum = of.reduce((all, one) => all + (one.seconds ?? 0), 0);
  return { state, counts, total, p50: single?.p50 ?? null, p95: single?.p95 ?? null, seconds: single ? single.seconds : sum || null };
}
