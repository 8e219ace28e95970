/** Where does each shape stand? ELK's layered layout, in a worker: the page stays at hand however long it takes. */
import type { ELK, ElkExtendedEdge, ElkNode } from "elkjs/lib/elk-api";
import ElkApi from "elkjs/lib/elk-api";
import workerUrl from "elkjs/lib/elk-worker.min.js?url";

import type { Link, Shape } from "./shapes";

export type Placed = { x: number; y: number; width: number; height: number };
export type Point = { x: number; y: number };
export type Layout = { at: Map<string, Placed>; edges: Map<string, Point[]>; width: number; height: number };
export type Direction = "DOWN" | "RIGHT";

let elk: ELK | null = null;

function engine(): ELK {
  elk ??= new ElkApi({ workerFactory: () => new Worker(address(workerUrl)) });
  return elk;
}

/** Inside an exported page the worker's text is in the page, and a browser starts it from there only as a blob. */
function address(url: string): string {
  if (!url.startsWith("data:")) return url;
  const comma = url.indexOf(",");
  const body = url.slice(comma + 1);
  const text = url.slice(0, comma).endsWith(";base64") ? atob(body) : decodeURIComponent(body);
  return URL.createObjectURL(new Blob([Uint8Array.from(text, (letter) => letter.charCodeAt(0))], { type: "text/javascript" }));
}

const cache = new Map<string, Promise<Layout>>();

/** The layout of these shapes; asked again for the same structure it is there at once. */
export function layout(shapes: Shape[], links: Link[], direction: Direction): Promise<Layout> {
  const key = JSON.stringify([
    direction,
    shapes.map((one) => [one.id, one.parent, one.kind, one.width, one.height]),
    links.map((one) => one.id),
  ]);
  const before = cache.get(key);
  if (before) return before;
  const made = run(shapes, links, direction);
  cache.set(key, made);
  made.catch(() => cache.delete(key));
  if (cache.size > 24) cache.delete(cache.keys().next().value ?? "");
  return made;
}

async function run(shapes: Shape[], links: Link[], direction: Direction): Promise<Layout> {
  const nodes = new Map<string, ElkNode>();
  for (const one of shapes) {
    nodes.set(
      one.id,
      one.kind === "group"
        ? { id: one.id, children: [], layoutOptions: { "elk.padding": "[top=34,left=14,bottom=14,right=14]" } }
        : { id: one.id, width: one.width, height: one.height },
    );
  }
  const roots: ElkNode[] = [];
  for (const one of shapes) {
    const node = nodes.get(one.id);
    const parent = one.parent === null ? undefined : nodes.get(one.parent);
    if (node) (parent?.children ?? roots).push(node);
  }
  const edges: ElkExtendedEdge[] = links.map((one) => ({ id: one.id, sources: [one.source], targets: [one.target] }));
  const done: ElkNode = await engine().layout({
    id: "root",
    children: roots,
    edges,
    layoutOptions: {
      "elk.algorithm": "layered",
      "elk.direction": direction,
      "elk.hierarchyHandling": "INCLUDE_CHILDREN",
      "elk.edgeRouting": "ORTHOGONAL",
      "elk.json.edgeCoords": "ROOT",
      "elk.layered.considerModelOrder.strategy": "NODES_AND_EDGES",
      "elk.layered.nodePlacement.strategy": shapes.length > 150 ? "LINEAR_SEGMENTS" : "NETWORK_SIMPLEX",
      "elk.layered.spacing.nodeNodeBetweenLayers": "30",
      "elk.spacing.nodeNode": "22",
      "elk.spacing.edgeNode": "16",
      "elk.layered.spacing.edgeNodeBetweenLayers": "14",
      "elk.layered.thoroughness": shapes.length > 150 ? "3" : "7",
    },
  });
  const at = new Map<string, Placed>();
  const visit = (node: ElkNode) => {
    for (const child of node.children ?? []) {
      at.set(child.id, { x: child.x ?? 0, y: child.y ?? 0, width: child.width ?? 0, height: child.height ?? 0 });
      visit(child);
    }
  };
  visit(done);
  const routes = new Map<string, Point[]>();
  const collect = (node: ElkNode) => {
    for (const edge of node.edges ?? []) {
      const points = (edge.sections ?? []).flatMap((one) => [one.startPoint, ...(one.bendPoints ?? []), one.endPoint]);
      if (points.length > 1) routes.set(edge.id, points);
    }
    for (const child of node.children ?? []) collect(child);
  };
  collect(done);
  return { at, edges: routes, width: done.width ?? 0, height: done.height ?? 0 };
}

/** A line through points with rounded corners, as an SVG path. */
export function rounded(points: Point[], radius = 6): string {
  const [start, ...rest] = points;
  if (!start) return "";
  let path = `M${start.x} ${start.y}`;
  for (const [index, point] of rest.entries()) {
    const before = index === 0 ? start : (rest[index - 1] as Point);
    const after = rest[index + 1];
    if (!after) {
      path += `L${point.x} ${point.y}`;
      continue;
    }
    const into = Math.min(radius, distance(before, point) / 2);
    const out = Math.min(radius, distance(point, after) / 2);
    const a = towards(point, before, into);
    const b = towards(point, after, out);
    path += `L${a.x} ${a.y}Q${point.x} ${point.y} ${b.x} ${b.y}`;
  }
  return path;
}

function distance(a: Point, b: Point): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}

function towards(from: Point, to: Point, by: number): Point {
  const whole = distance(from, to) || 1;
  return { x: from.x + ((to.x - from.x) * by) / whole, y: from.y + ((to.y - from.y) * by) / whole };
}
