/** All items of a map at one glance, a pixel each (or a pixel for several): press one to see it. */
import { useQuery } from "@tanstack/react-query";
import { type KeyboardEvent, useEffect, useLayoutEffect, useRef, useState } from "react";

import { stripQuery } from "~/api/run";
import { StateSign } from "~/components/StateMark";
import { countsText } from "~/components/StateBar";
import { count } from "~/lib/format";
import { fillOf, inkOf } from "~/lib/states";

import css from "./Strip.module.css";
import { useInk } from "./ink";
import { itemsOf, runsOf, stateOf } from "./strip";

const HEIGHT = 26;

type Props = { run: string; step: string; counts: Record<string, number>; depth: number; onItem: (index: number) => void };

export function Strip({ run, step, counts, onItem, depth }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [width, setWidth] = useState(0);
  const [cell, setCell] = useState<number | null>(null);
  const ink = useInk();
  // Asked in steps of 50 px: dragging a pane's edge must not ask a hundred times.
  const strip = useQuery({ ...stripQuery(run, step, Math.max(100, Math.min(4000, Math.floor(width / 50) * 50))), enabled: width > 0 });
  const cells = strip.data?.cells ?? "";
  const perCell = strip.data?.per_cell ?? 1;
  const items = strip.data?.items ?? null;

  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry?.contentRect.width ?? 0)));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  useLayoutEffect(() => {
    const element = canvas.current;
    const context = element?.getContext("2d");
    if (!element || !context || width === 0) return;
    const ratio = window.devicePixelRatio || 1;
    element.width = Math.round(width * ratio);
    element.height = HEIGHT * ratio;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, HEIGHT);
    const wide = width / Math.max(cells.length, 1);
    for (const one of runsOf(cells)) {
      context.fillStyle = ink(fillOf(one.state));
      const x = one.from * wide;
      const w = Math.max((one.to - one.from) * wide, 1);
      // Height says it too: what failed stands tallest, what waits lies low.
      const low = one.state === "waiting" || one.state === "skipped" ? HEIGHT - 8 : one.state === "failed" || one.state === "lost" ? 0 : 5;
      context.fillRect(x, low, w, HEIGHT - low);
    }
    if (wide >= 5) {
      context.fillStyle = ink("--surface");
      for (let at = 1; at < cells.length; at++) context.fillRect(Math.round(at * wide), 0, 1, HEIGHT);
    }
    if (cell !== null) {
      context.strokeStyle = ink("--ink");
      context.strokeRect(cell * wide + 0.5, 0.5, Math.max(wide, 2), HEIGHT - 1);
    }
  }, [cells, width, ink, cell]);

  const at = (clientX: number) => {
    const box = canvas.current?.getBoundingClientRect();
    if (!box || cells.length === 0) return null;
    return Math.max(0, Math.min(cells.length - 1, Math.floor(((clientX - box.left) / box.width) * cells.length)));
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const by = { ArrowLeft: -1, ArrowRight: 1, PageUp: -20, PageDown: 20, Home: -cells.length, End: cells.length }[event.key];
    if (by !== undefined) {
      event.preventDefault();
      setCell((before) => Math.max(0, Math.min(cells.length - 1, (before ?? 0) + by)));
    } else if (event.key === "Enter" && cell !== null) onItem(cell * perCell);
  };
  const state = stateOf(cells[cell ?? 0]);
  return (
    <div className={css.place}>
      <div ref={place}>
        <canvas
          ref={canvas}
          className={css.strip}
          style={{ width, height: HEIGHT }}
          tabIndex={0}
          role="slider"
          aria-label={`Tasks of ${step}: ${countsText(counts)}`}
          aria-valuemin={0}
          aria-valuemax={Math.max(cells.length - 1, 0)}
          aria-valuenow={cell ?? 0}
          aria-valuetext={cells ? `${itemsOf(cell ?? 0, perCell, items)}, ${state}` : "none yet"}
          onPointerMove={(event) => setCell(at(event.clientX))}
          onPointerLeave={() => setCell(null)}
          onClick={(event) => {
            const found = at(event.clientX);
            if (found !== null) onItem(found * perCell);
          }}
          onKeyDown={onKeyDown}
          onBlur={() => setCell(null)}
        />
      </div>
      <div className={css.legend}>
        {cell !== null && cells ? (
          <span style={{ color: inkOf(state) }} className={css.said}>
            <StateSign state={state} size={11} /> {itemsOf(cell, perCell, items)}: {state}
            {perCell > 1 && " (worst of them)"}
          </span>
        ) : (
          <span className="dim">
            {items === null ? "" : `${count(items)} in their order${perCell > 1 ? `, ${count(perCell)} to a line` : ""}${depth > 1 ? ", the inner index last" : ""}`}
          </span>
        )}
      </div>
    </div>
  );
}
