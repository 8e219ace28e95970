/** Three panes side by side that can be made larger and smaller, by pointer and by keys; what was chosen is remembered. */
import { type KeyboardEvent, type PointerEvent, type ReactNode, useRef } from "react";

import { useStored } from "~/lib/stored";

import css from "./Panes.module.css";

type Split = { detail: number; graph: number };

const WHOLE: Split = { detail: 0.42, graph: 0.6 };
const LEAST = 0.18;

export function Panes({ graph, timeline, detail }: { graph: ReactNode; timeline: ReactNode; detail: ReactNode }) {
  const [split, setSplit] = useStored<Split>("run.panes", WHOLE);
  const place = useRef<HTMLDivElement>(null);
  const set = (which: keyof Split, to: number) => setSplit({ ...split, [which]: Math.min(1 - LEAST, Math.max(LEAST, to)) });
  return (
    <div
      ref={place}
      className={css.panes}
      style={{
        gridTemplateColumns: `minmax(0, ${1 - split.detail}fr) 7px minmax(0, ${split.detail}fr)`,
        gridTemplateRows: `minmax(0, ${split.graph}fr) 7px minmax(0, ${1 - split.graph}fr)`,
      }}
    >
      <section className={css.graph} aria-label="Graph">
        {graph}
      </section>
      <Bar
        label="Height of the graph"
        at={split.graph}
        across={false}
        onMove={(event) => {
          const box = place.current?.getBoundingClientRect();
          if (box) set("graph", (event.clientY - box.top) / box.height);
        }}
        onStep={(by) => set("graph", split.graph + by)}
        onReset={() => setSplit({ ...split, graph: WHOLE.graph })}
      />
      <section className={css.timeline} aria-label="Timeline">
        {timeline}
      </section>
      <Bar
        label="Width of the graph and timeline"
        at={1 - split.detail}
        across
        onMove={(event) => {
          const box = place.current?.getBoundingClientRect();
          if (box) set("detail", 1 - (event.clientX - box.left) / box.width);
        }}
        onStep={(by) => set("detail", split.detail - by)}
        onReset={() => setSplit({ ...split, detail: WHOLE.detail })}
      />
      <section className={css.detail} aria-label="Detail">
        {detail}
      </section>
    </div>
  );
}

type BarProps = { label: string; at: number; across: boolean; onMove: (event: PointerEvent) => void; onStep: (by: number) => void; onReset: () => void };

function Bar({ label, at, across, onMove, onStep, onReset }: BarProps) {
  const onKeyDown = (event: KeyboardEvent) => {
    const back = across ? "ArrowLeft" : "ArrowUp";
    const on = across ? "ArrowRight" : "ArrowDown";
    if (event.key !== back && event.key !== on) return;
    event.preventDefault();
    onStep(event.key === on ? 0.03 : -0.03);
  };
  return (
    <div
      role="separator"
      aria-label={label}
      aria-orientation={across ? "vertical" : "horizontal"}
      aria-valuenow={Math.round(at * 100)}
      aria-valuemin={LEAST * 100}
      aria-valuemax={(1 - LEAST) * 100}
      tabIndex={0}
      className={across ? css.across : css.down}
      onKeyDown={onKeyDown}
      onDoubleClick={onReset}
      onPointerDown={(event) => {
        event.preventDefault();
        event.currentTarget.setPointerCapture(event.pointerId);
      }}
      onPointerMove={(event) => event.currentTarget.hasPointerCapture(event.pointerId) && onMove(event)}
    />
  );
}
