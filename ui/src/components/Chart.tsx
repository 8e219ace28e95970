/**
 * Curves, drawn by uPlot: theme-aware, as wide as its place, brushed to zoom. Import it lazily:
 * `const Chart = lazy(() => import("~/components/Chart"))`.
 */
import "uplot/dist/uPlot.min.css";
import "./Chart.css";

import { useEffect, useRef } from "react";
import uPlot from "uplot";

import { useIsDark } from "~/app/theme";
import { duration, number } from "~/lib/format";

export type Curve = {
  label: string;
  x: readonly number[];
  y: readonly (number | null)[];
  /** The envelope of a curve that was thinned out. */
  low?: readonly (number | null)[] | null;
  high?: readonly (number | null)[] | null;
  /** 1 to 8: which series colour; the index by default. */
  color?: number;
  /** points, or bars, instead of a line */
  points?: boolean;
  bars?: boolean;
  dash?: number[];
};

/** Quartiles and ends of what stands at one place of x. */
export type ChartBox = { at: number; low: number; q1: number; middle: number; q3: number; high: number };
export type ChartTick = { at: number; label: string };

export type ChartProps = {
  curves: readonly Curve[];
  label: string;
  height?: number;
  /** what x is: a step, seconds since a start, or a moment (epoch seconds) */
  x?: "step" | "time" | "wall";
  logY?: boolean;
  /** told when one brushes: ask for finer points of this window; null = all */
  onWindow?: (window: { from: number; to: number } | null) => void;
  unit?: "seconds" | null;
  legend?: boolean;
  /** words at places of an axis, in the place of numbers */
  xTicks?: readonly ChartTick[];
  yTicks?: readonly ChartTick[];
  boxes?: readonly ChartBox[];
  /** empty room at both ends of x, as a share of its range */
  pad?: number;
};

export default function Chart(props: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const dark = useIsDark();
  const { curves, height = 220, x = "step", logY = false, unit = null } = props;
  const latest = useRef(props);
  latest.current = props;
  const shape = JSON.stringify([curves.map((one) => [one.label, one.color, one.points, one.bars, Boolean(one.low)]), height, x, logY, unit, dark, props.legend, props.xTicks, props.yTicks, props.boxes, props.pad]);
  const plot = useRef<uPlot | null>(null);
  const drawn = useRef("");

  useEffect(() => {
    const element = place.current;
    if (!element) return;
    if (plot.current && drawn.current === shape) {
      plot.current.setData(aligned(curves));
      return;
    }
    plot.current?.destroy();
    drawn.current = shape;
    plot.current = new uPlot(options(element.clientWidth || 320, latest), aligned(curves), element);
  }, [curves, shape]);

  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const observer = new ResizeObserver(([entry]) => {
      const width = Math.floor(entry?.contentRect.width ?? 0);
      if (plot.current && width > 40) plot.current.setSize({ width, height: latest.current.height ?? 220 });
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, []);

  return <div ref={place} className="chart" role="img" aria-label={`${props.label}. ${summary(curves)}`} style={{ minHeight: height }} />;
}

function summary(curves: readonly Curve[]): string {
  const said = curves.slice(0, 6).map((one) => {
    const known = one.y.filter((y): y is number => y !== null);
    return known.length ? `${one.label}: ${number(known[0])} to ${number(known.at(-1))}` : one.label;
  });
  return said.join("; ") + (curves.length > 6 ? `; and ${curves.length - 6} more` : "");
}

function aligned(curves: readonly Curve[]): uPlot.AlignedData {
  if (curves.length === 0) return [[], []];
  const tables = curves.map((one) => {
    const columns: (readonly (number | null)[])[] = [one.x, one.y];
    if (one.low && one.high) columns.push(one.low, one.high);
    return columns as unknown as uPlot.AlignedData;
  });
  return uPlot.join(tables);
}

const ink = (name: string) => getComputedStyle(document.body).getPropertyValue(name).trim();

/** A token as a colour that a canvas knows: light-dark() is resolved by the page itself. */
function resolved(token: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(${token})`;
  document.body.append(probe);
  const color = getComputedStyle(probe).color;
  probe.remove();
  return color;
}

function options(width: number, latest: { current: ChartProps }): uPlot.Options {
  const { curves, height = 220, x = "step", logY = false, unit = null, legend, xTicks, yTicks, boxes, pad = 0 } = latest.current;
  const text = resolved("--ink-2");
  const grid = resolved("--line");
  const font = `11px ${ink("--sans") || "sans-serif"}`;
  const series: uPlot.Series[] = [{ label: { step: "step", time: "after", wall: "at" }[x], value: (_, at) => (at == null ? "" : xText(at, x)) }];
  const bands: uPlot.Band[] = [];
  for (const [at, one] of curves.entries()) {
    const color = resolved(`--series-${(((one.color ?? at + 1) - 1) % 8) + 1}`);
    series.push({
      label: one.label,
      stroke: color,
      width: 1.5,
      dash: one.dash ?? (at >= 8 && one.color === undefined ? [4, 3] : []),
      spanGaps: true,
      points: one.points ? { show: true, size: 5, fill: color } : { show: one.x.length < 2, size: 5, fill: color },
      ...(one.points ? { paths: () => null } : {}),
      ...(one.bars && uPlot.paths.bars ? { paths: uPlot.paths.bars({ size: [0.5, 64] }), fill: color, points: { show: false } } : {}),
      value: (_, y) => (y == null ? "" : unit === "seconds" ? duration(y) : number(y)),
    });
    if (one.low && one.high) {
      const envelope: uPlot.Series = { label: "", show: true, stroke: "transparent", width: 0, points: { show: false }, value: () => "" };
      series.push(envelope, envelope);
      bands.push({ series: [series.length - 1, series.length - 2], fill: color.replace("rgb(", "rgba(").replace(")", ", 0.16)") });
    }
  }
  const axis = { stroke: text, font, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1, size: 4 } };
  return {
    width,
    height,
    series,
    bands,
    legend: { show: legend ?? curves.length <= 12 },
    cursor: { points: { size: 6 }, drag: { x: true, y: false }, focus: { prox: 24 } },
    focus: { alpha: 0.3 },
    scales: {
      x: {
        time: x === "wall",
        ...(pad > 0 ? { range: (_, least, most) => [least - (most - least || 1) * pad, most + (most - least || 1) * pad] as [number, number] } : {}),
      },
      y: yTicks ? { range: [-0.04, 1.04] as [number, number] } : logY ? { distr: 3 } : boxes?.length || curves.some((one) => one.bars) ? { range: (_, least, most) => extent(least, most, boxes, curves) } : {},
    },
    axes: [
      xTicks
        ? { ...axis, splits: () => xTicks.map((one) => one.at), values: (self) => xTicks.map((one) => (tight(self.width, xTicks) ? "" : one.label)), size: 26 }
        : { ...axis, values: x === "wall" ? undefined : (_, ticks) => ticks.map((one) => xText(one, x)), size: 26 },
      yTicks
        ? { ...axis, splits: () => yTicks.map((one) => one.at), values: () => yTicks.map((one) => one.label), size: yTicks.length ? 54 : 8 }
        : { ...axis, size: unit === "seconds" ? 68 : 54, values: (_, ticks) => ticks.map((one) => (one == null ? "" : unit === "seconds" ? duration(one) : number(one))) },
    ],
    hooks: {
      drawAxes: [(self) => boxes && drawBoxes(self, boxes, text, resolved("--hover"))],
      setSelect: [
        (self) => {
          const { onWindow } = latest.current;
          if (onWindow && self.select.width > 4) {
            onWindow({ from: self.posToVal(self.select.left, "x"), to: self.posToVal(self.select.left + self.select.width, "x") });
          }
        },
      ],
      ready: [
        (self) => {
          self.over.addEventListener("dblclick", () => latest.current.onWindow?.(null));
        },
      ],
    },
  } as uPlot.Options;
}

/** Whether the words under an axis would run into each other. */
function tight(width: number, ticks: readonly ChartTick[]): boolean {
  return ticks.some((one) => one.label.length * 6.5 > width / ticks.length);
}

/** Room for boxes and bars: bars stand on zero. */
function extent(least: number | null, most: number | null, boxes: readonly ChartBox[] | undefined, curves: readonly Curve[]): [number, number] {
  const zero = curves.some((one) => one.bars) ? [0] : [];
  const ends = [...zero, ...(boxes ?? []).flatMap((one) => [one.low, one.high]), ...(least === null ? [] : [least]), ...(most === null ? [] : [most])];
  const [low, high] = [Math.min(...ends), Math.max(...ends)];
  const room = (high - low || Math.abs(high) || 1) * 0.06;
  return [low === 0 ? 0 : low - room, high === 0 ? 0 : high + room];
}

function drawBoxes(plot: uPlot, boxes: readonly ChartBox[], ink: string, fill: string): void {
  const { ctx } = plot;
  const width = 34 * uPlot.pxRatio;
  ctx.save();
  ctx.strokeStyle = ink;
  ctx.fillStyle = fill;
  ctx.lineWidth = uPlot.pxRatio;
  for (const box of boxes) {
    const x = plot.valToPos(box.at, "x", true);
    const [low, q1, middle, q3, high] = [box.low, box.q1, box.middle, box.q3, box.high].map((one) => plot.valToPos(one, "y", true)) as [number, number, number, number, number];
    ctx.beginPath();
    ctx.moveTo(x, low);
    ctx.lineTo(x, q1);
    ctx.moveTo(x, q3);
    ctx.lineTo(x, high);
    ctx.stroke();
    ctx.fillRect(x - width / 2, q3, width, q1 - q3);
    ctx.strokeRect(x - width / 2, q3, width, q1 - q3);
    ctx.beginPath();
    ctx.lineWidth = 2 * uPlot.pxRatio;
    ctx.moveTo(x - width / 2, middle);
    ctx.lineTo(x + width / 2, middle);
    ctx.stroke();
    ctx.lineWidth = uPlot.pxRatio;
  }
  ctx.restore();
}

function xText(at: number, x: "step" | "time" | "wall"): string {
  if (x === "time") return duration(at);
  if (x === "wall") return new Date(at * 1000).toLocaleString();
  return number(at);
}
