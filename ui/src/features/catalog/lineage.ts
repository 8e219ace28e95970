/** Lineage as shapes and links. */
import type { Lineage, LineageNode } from "~/api/types";
import type { Link, Shape } from "~/components/graph/shapes";

export function lineageShapes(lineage: Lineage): { shapes: Shape[]; links: Link[] } {
  const shapes = lineage.nodes.map(shape);
  const links = lineage.edges.map((one) => ({ id: `${one.source}→${one.target}`, source: one.source, target: one.target, label: one.kind, kind: "data" }));
  return { shapes, links };
}

function shape(node: LineageNode): Shape {
  const data = node.kind === "dataset" || node.kind === "artifact";
  return {
    id: node.id,
    parent: null,
    kind: data ? "dataset" : "step",
    label: node.label,
    note: node.kind,
    role: node.kind,
    state: node.status,
    counts: {},
    total: null,
    p50: null,
    p95: null,
    seconds: null,
    mapped: false,
    off: false,
    layer: node.layer,
    steps: [node.id],
    width: data ? 190 : 200,
    height: data ? 32 : 40,
  };
}
