/** Shapes and links as a picture: xyflow draws, ELK places. What they stand for is Graph's, or the lineage's. */
import "@xyflow/react/dist/base.css";

import {
  BaseEdge,
  type Edge,
  type EdgeProps,
  Handle,
  MiniMap,
  type Node,
  type NodeProps,
  Panel,
  Position,
  ReactFlow,
  ReactFlowProvider,
  useReactFlow,
  useStore,
} from "@xyflow/react";
import { ArrowRightLeft, Database, Download, Maximize, Minus, Plus } from "lucide-react";
import { type KeyboardEvent, type ReactNode, type RefObject, memo, useCallback, useEffect, useMemo, useRef, useState } from "react";

import { IconButton } from "~/components/Button";
import { ErrorView, Loading } from "~/components/Feedback";
import { MenuButton } from "~/components/MenuButton";
import { StateBar, countsText } from "~/components/StateBar";
import { StateSign } from "~/components/StateMark";
import { classes } from "~/lib/classes";
import { count, duration } from "~/lib/format";
import { asState, fillOf, inkOf } from "~/lib/states";
import { useStored } from "~/lib/stored";

import css from "./Graph.module.css";
import { savePng, saveSvg } from "./export";
import { layerIndex } from "./layers";
import { type Direction, type Layout, type Point, layout, rounded } from "./layout";
import type { Link, Shape } from "./shapes";

export type PictureProps = {
  shapes: Shape[];
  links: Link[];
  label: string;
  /** names the files that are saved */
  name: string;
  selected?: string | null;
  onSelect?: ((id: string | null, kind: Shape["kind"] | null) => void) | undefined;
  onFold?: ((id: string, closed: boolean) => void) | undefined;
  /** steps on the critical path */
  critical?: readonly string[] | null;
  /** what is looked for: shapes that do not hold it are dimmed */
  find?: string | undefined;
  /** more buttons */
  tools?: ReactNode;
  hint?: ReactNode;
  /** as the reader chose unless it is given */
  direction?: Direction;
};

export default function Picture(props: PictureProps) {
  return (
    <ReactFlowProvider>
      <Inner {...props} />
    </ReactFlowProvider>
  );
}

/** What is left free around a whole graph: above it stand the buttons. */
const ROOM = { top: "42px", right: "12px", bottom: "8px", left: "12px" } as const;

type Data = { shape: Shape; critical: boolean; dimmed: boolean; selected: boolean; onFold: (id: string, closed: boolean) => void };
type ShapeNode = Node<Data>;
type RouteEdge = Edge<{ points: Point[] | undefined; link: Link; critical: boolean; dimmed: boolean; near: boolean }>;

// xyflow styles a type named `group` of its own.
const nodeTypes = { step: memo(StepBox), folded: memo(StepBox), box: memo(GroupBox), dataset: memo(DatasetBox), input: memo(DatasetBox) };
const edgeTypes = { route: memo(Route) };

function Inner({ shapes, links, label, name, selected = null, onSelect, onFold, critical, find, tools, hint, direction: fixed }: PictureProps) {
  const [chosen, setDirection] = useStored<Direction>("graph.direction", "DOWN");
  const direction = fixed ?? chosen;
  const [placed, setPlaced] = useState<{ layout: Layout; ids: string } | null>(null);
  const [problem, setProblem] = useState<unknown>(null);
  const flow = useReactFlow();
  const fitted = useRef("");
  const place = useRef<HTMLDivElement>(null);
  const ids = useMemo(() => direction + shapes.map((one) => one.id).join(" "), [direction, shapes]);

  useEffect(() => {
    let current = true;
    layout(shapes, links, direction).then(
      (done) => {
        if (!current) return;
        setProblem(null);
        setPlaced((before) => (before?.layout === done ? before : { layout: done, ids }));
      },
      (error: unknown) => current && setProblem(error),
    );
    return () => {
      current = false;
    };
  }, [shapes, links, direction, ids]);

  const fit = useCallback(() => void flow.fitView({ padding: ROOM, maxZoom: 1.1, minZoom: 0.25, duration: 0 }), [flow]);
  useEffect(() => {
    if (!placed || fitted.current === placed.ids) return;
    fitted.current = placed.ids;
    requestAnimationFrame(fit);
  }, [placed, fit]);

  const latestFold = useRef(onFold);
  latestFold.current = onFold;
  const fold = useCallback((id: string, closed: boolean) => latestFold.current?.(id, closed), []);

  const looked = find?.trim().toLowerCase() ?? "";
  const onPath = useMemo(() => new Set(critical ?? []), [critical]);
  const { nodes, edges } = useMemo(() => {
    const at = placed?.layout.at;
    if (!at) return { nodes: [] as ShapeNode[], edges: [] as RouteEdge[] };
    const isCritical = (shape: Shape | undefined) => shape?.steps.some((id) => onPath.has(id)) ?? false;
    const byId = new Map(shapes.map((one) => [one.id, one]));
    const missed = (shape: Shape | undefined) =>
      looked !== "" && !`${shape?.label} ${shape?.note} ${shape?.steps.join(" ")}`.toLowerCase().includes(looked);
    const nodes: ShapeNode[] = [];
    for (const shape of shapes) {
      const place = at.get(shape.id);
      if (!place) continue;
      nodes.push({
        id: shape.id,
        type: shape.kind === "group" ? "box" : shape.kind,
        position: { x: place.x, y: place.y },
        width: place.width,
        height: place.height,
        ...(shape.parent !== null && at.has(shape.parent) ? { parentId: shape.parent } : {}),
        zIndex: shape.kind === "group" ? 0 : 2,
        selectable: shape.kind !== "group",
        focusable: true,
        draggable: false,
        ariaLabel: spoken(shape),
        data: { shape, critical: isCritical(shape), dimmed: missed(shape) && shape.kind !== "group", selected: shape.id === selected, onFold: fold },
      });
    }
    const edges: RouteEdge[] = links
      .filter((link) => at.has(link.source) && at.has(link.target))
      .map((link) => ({
        id: link.id,
        source: link.source,
        target: link.target,
        type: "route",
        focusable: false,
        selectable: false,
        zIndex: 1,
        data: {
          points: placed?.layout.edges.get(link.id),
          link,
          critical: isCritical(byId.get(link.source)) && isCritical(byId.get(link.target)),
          dimmed: (byId.get(link.source)?.off ?? false) || (byId.get(link.target)?.off ?? false),
          near: link.source === selected || link.target === selected,
        },
      }));
    return { nodes, edges };
  }, [shapes, links, placed, onPath, looked, selected, fold]);

  // What is found, or selected from elsewhere, comes into sight.
  useEffect(() => {
    const found = looked ? shapes.find((one) => one.kind !== "group" && one.label.toLowerCase().includes(looked)) : undefined;
    if (found && placed) void flow.fitView({ nodes: [{ id: found.id }], maxZoom: 1, minZoom: 0.5, duration: 200 });
  }, [looked, shapes, placed, flow]);

  const onKeyDown = (event: KeyboardEvent) => {
    const target = event.target instanceof Element ? event.target.closest(".react-flow__node") : null;
    const id = target?.getAttribute("data-id");
    if (!id || (event.key !== "Enter" && event.key !== " ")) return;
    event.preventDefault();
    const shape = shapes.find((one) => one.id === id);
    if (shape?.kind === "group") fold(id, true);
    else if (shape) onSelect?.(id, shape.kind);
  };

  if (problem) return <ErrorView error={problem} />;
  return (
    <div ref={place} className={css.place} onKeyDown={onKeyDown} role="group" aria-label={label}>
      <Distance of={place} />
      {!placed && (
        <div className={css.placing}>
          <Loading what="Placing the graph" />
        </div>
      )}
      <svg className="hidden-text" aria-hidden="true">
        <defs>
          <marker id="plait-arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" markerUnits="userSpaceOnUse" orient="auto">
            <path d="M1 1l6 3-6 3" fill="none" stroke="var(--line-strong)" strokeWidth="1.2" />
          </marker>
        </defs>
      </svg>
      <ReactFlow
        nodes={nodes}
        edges={edges}
        nodeTypes={nodeTypes}
        edgeTypes={edgeTypes}
        minZoom={0.08}
        maxZoom={2}
        nodesDraggable={false}
        nodesConnectable={false}
        edgesFocusable={false}
        elementsSelectable={false}
        nodesFocusable
        onlyRenderVisibleElements={shapes.length > 120}
        disableKeyboardA11y
        proOptions={{ hideAttribution: true }}
        onNodeClick={(_, node) => onSelect?.(node.id, node.data.shape.kind)}
        onNodeDoubleClick={(_, node) => node.data.shape.kind === "folded" && fold(node.id, false)}
        onPaneClick={() => onSelect?.(null, null)}
        zoomOnDoubleClick={false}
      >
        {shapes.length > 24 && (
          <MiniMap className={css.map} pannable zoomable nodeColor={miniColor} nodeStrokeWidth={0} ariaLabel="Overview of the graph" />
        )}
        <Panel position="top-right" className={css.tools}>
          <IconButton label="Zoom in" onClick={() => void flow.zoomIn()}>
            <Plus size={14} />
          </IconButton>
          <IconButton label="Zoom out" onClick={() => void flow.zoomOut()}>
            <Minus size={14} />
          </IconButton>
          <IconButton label="Fit into the pane" onClick={fit}>
            <Maximize size={14} />
          </IconButton>
          {!fixed && (
            <IconButton label={direction === "DOWN" ? "Left to right" : "Top to bottom"} onClick={() => setDirection(direction === "DOWN" ? "RIGHT" : "DOWN")}>
              <ArrowRightLeft size={14} />
            </IconButton>
          )}
          {tools}
          <MenuButton
            align="end"
            trigger={
              <button type="button" className={css.tool} aria-label="Save the picture" title="Save the picture">
                <Download size={14} />
              </button>
            }
            entries={[
              { text: "Save as SVG", disabled: !placed, run: () => placed && saveSvg(shapes, links, placed.layout, name) },
              { text: "Save as PNG", disabled: !placed, run: () => placed && void savePng(shapes, links, placed.layout, name) },
            ]}
          />
        </Panel>
        {hint && (
          <Panel position="bottom-left" className={css.hint}>
            {hint}
          </Panel>
        )}
      </ReactFlow>
    </div>
  );
}

/** Tells the styles how far one stands away: from afar a shape says its name alone, in letters that can be read. */
function Distance({ of }: { of: RefObject<HTMLDivElement | null> }) {
  const zoom = useStore((state) => Math.round(state.transform[2] * 50) / 50);
  useEffect(() => {
    of.current?.style.setProperty("--zoom", String(zoom));
    of.current?.toggleAttribute("data-far", zoom < 0.7);
  }, [zoom, of]);
  return null;
}

function spoken(shape: Shape): string {
  const parts = [shape.kind === "folded" ? "group" : shape.kind, shape.label];
  if (shape.state) parts.push(shape.mapped ? countsText(shape.counts) : shape.state);
  if (shape.note) parts.push(shape.note);
  return parts.join(", ");
}

function miniColor(node: Node): string {
  const { shape } = node.data as Data;
  if (shape.kind === "group") return "transparent";
  return shape.state ? fillOf(asState(shape.state)) : "var(--line-strong)";
}

function Ports() {
  return (
    <>
      <Handle type="target" position={Position.Top} className={css.port} isConnectable={false} />
      <Handle type="source" position={Position.Bottom} className={css.port} isConnectable={false} />
    </>
  );
}

function StepBox({ data }: NodeProps<ShapeNode>) {
  const { shape, critical, dimmed, selected, onFold } = data;
  const done = Object.entries(shape.counts).reduce((sum, [state, amount]) => (/done|cached|failed|skipped|cancelled|lost/.test(state) ? sum + amount : sum), 0);
  return (
    <div
      className={classes(css.step, css[shape.kind], selected && css.selected, critical && css.critical, shape.off && css.off, dimmed && css.dimmed, shape.mapped && css.stacked)}
      style={shape.state ? { borderLeftColor: fillOf(asState(shape.state)) } : undefined}
    >
      <Ports />
      <div className={css.line}>
        {shape.state && (
          <span style={{ color: inkOf(asState(shape.state)), display: "inline-flex" }} title={shape.state}>
            <StateSign state={asState(shape.state)} />
          </span>
        )}
        <span className={css.label}>{shape.label}</span>
        {shape.kind === "folded" ? (
          <button type="button" className={classes(css.fold, "nodrag")} aria-label={`Open ${shape.label}`} tabIndex={-1} onClick={(event) => (event.stopPropagation(), onFold(shape.id, false))}>
            <Plus size={12} />
          </button>
        ) : (
          !shape.mapped && <span className={css.time}>{shape.note || duration(shape.seconds)}</span>
        )}
      </div>
      {shape.mapped && (
        <>
          <StateBar counts={shape.counts} total={shape.total ?? undefined} height={5} />
          <div className={css.small}>
            <span>
              {shape.kind === "folded" && shape.state === null
                ? shape.note
                : shape.state === null
                  ? "a task each"
                  : `${count(done)}/${shape.total === null ? "?" : count(shape.total)}${shape.kind === "folded" ? ` · ${shape.note}` : ""}`}
            </span>
            {shape.p50 !== null && (
              <span title="median and 95th percentile of a task's duration">
                {duration(shape.p50)} · {duration(shape.p95)}
              </span>
            )}
          </div>
        </>
      )}
    </div>
  );
}

function GroupBox({ data }: NodeProps<ShapeNode>) {
  const { shape, onFold } = data;
  return (
    <div className={classes(css.group, shape.off && css.off)} data-role={shape.role}>
      <Ports />
      <button type="button" className={classes(css.title, "nodrag")} tabIndex={-1} onClick={(event) => (event.stopPropagation(), onFold(shape.id, true))}>
        <Minus size={11} aria-hidden="true" />
        <span className="hidden-text">Fold </span>
        {shape.label}
        {shape.note && <span className="dim">{shape.note}</span>}
      </button>
    </div>
  );
}

function DatasetBox({ data }: NodeProps<ShapeNode>) {
  const { shape, dimmed, selected } = data;
  return (
    <div className={classes(css.dataset, selected && css.selected, dimmed && css.dimmed)} data-layer={layerIndex(shape.layer)} title={[shape.note, shape.layer && `layer: ${shape.layer}`].filter(Boolean).join("\n")}>
      <Ports />
      <Database size={11} aria-hidden="true" />
      <span className={css.label}>{shape.label}</span>
      {shape.layer && <span className={css.layer}>{shape.layer}</span>}
    </div>
  );
}

function Route({ id, data, sourceX, sourceY, targetX, targetY }: EdgeProps<RouteEdge>) {
  const points = data?.points ?? [
    { x: sourceX, y: sourceY },
    { x: targetX, y: targetY },
  ];
  const kind = data?.link.kind ?? "data";
  return (
    <BaseEdge
      id={id}
      path={rounded(points)}
      className={classes(css.edge, data?.critical && css.criticalEdge, data?.near && css.near, data?.dimmed && css.dimmed, kind === "control" && css.control, (kind === "each" || kind === "gather") && css.many)}
      markerEnd="url(#plait-arrow)"
      interactionWidth={0}
    />
  );
}
