/** How a timeline looks: bars, lanes, grid and brush on a canvas. */
import type { Bar } from "~/api/run";
import { asState, fillOf } from "~/lib/states";

import type { Ink } from "./ink";
import { type Lane, type Scale, boxOf, ticks, xOf } from "./timeline";

export type Picture = {
  bars: readonly Bar[];
  lanes: readonly Lane[];
  scale: Scale;
  height: number;
  /** how far the lanes are scrolled */
  top: number;
  start: number;
  now: number;
  live: boolean;
  selected: (bar: Bar) => boolean;
  /** tasks on the critical path, or null when it is not shown */
  critical: ReadonlySet<string> | null;
  focused: Bar | null;
  brush: { from: number; to: number } | null;
};

export function draw(context: CanvasRenderingContext2D, picture: Picture, ink: Ink): void {
  const { lanes, scale, height, top, start } = picture;
  const { width } = scale;
  context.clearRect(0, 0, width, height);
  context.save();
  context.translate(0, -top);

  context.lineWidth = 1;
  context.strokeStyle = ink("--line");
  context.globalAlpha = 0.6;
  context.beginPath();
  for (const { at } of ticks(scale.from - start, scale.to - start, width)) {
    const x = Math.round(xOf(at + start, scale)) + 0.5;
    context.moveTo(x, top);
    context.lineTo(x, top + height);
  }
  for (const lane of lanes) {
    const y = Math.round(lane.top + lane.height) - 0.5;
    context.moveTo(0, y);
    context.lineTo(width, y);
  }
  context.stroke();
  context.globalAlpha = 1;

  for (const bar of picture.bars) drawBar(context, bar, picture, ink);
  if (picture.critical) drawPath(context, picture, ink);

  if (picture.live) {
    const x = Math.round(xOf(picture.now, scale)) + 0.5;
    context.strokeStyle = ink("--running-fill");
    context.setLineDash([2, 3]);
    context.beginPath();
    context.moveTo(x, top);
    context.lineTo(x, top + height);
    context.stroke();
    context.setLineDash([]);
  }
  if (picture.brush) {
    const from = xOf(picture.brush.from, scale);
    const to = xOf(picture.brush.to, scale);
    context.fillStyle = ink("--accent");
    context.globalAlpha = 0.14;
    context.fillRect(from, top, to - from, height);
    context.globalAlpha = 1;
    context.fillRect(from, top, 1, height);
    context.fillRect(to, top, 1, height);
  }
  context.restore();
}

function drawBar(context: CanvasRenderingContext2D, bar: Bar, picture: Picture, ink: Ink): void {
  const lane = picture.lanes[bar.lane];
  if (!lane) return;
  const box = boxOf(bar, lane, picture.scale, picture.now);
  if (box.y > picture.top + picture.height || box.y + box.height < picture.top) return;
  const state = asState(bar.state);

  // It waited for a worker: a thin line before the bar.
  if (bar.queued_at !== null && bar.count === 1 && bar.queued_at < bar.start) {
    const x = xOf(bar.queued_at, picture.scale);
    context.fillStyle = ink("--line-strong");
    context.globalAlpha = 0.55;
    context.fillRect(x, box.y + box.height / 2 - 0.5, Math.max(0, box.x - x), 1);
    context.fillRect(x, box.y + box.height / 4, 1, box.height / 2);
    context.globalAlpha = 1;
  }

  context.fillStyle = ink(fillOf(state));
  // A bin is as dense as what ran in it.
  context.globalAlpha = bar.count > 1 ? 0.4 + 0.6 * Math.min(1, bar.busy ?? 1) : 1;
  context.fillRect(box.x, box.y, box.width, box.height);
  context.globalAlpha = 1;

  // Before its function was called its inputs were loaded: the paler head of the bar.
  const called = bar.starting ? Infinity : (bar.called_at ?? 0);
  if (bar.count === 1 && called > bar.start) {
    const head = bar.starting ? box.width : Math.min(box.width, xOf(called, picture.scale) - box.x);
    if (head >= 1) {
      context.fillStyle = ink("--surface");
      context.globalAlpha = 0.55;
      context.fillRect(box.x, box.y, head, box.height);
      context.globalAlpha = 1;
    }
  }

  if (box.height >= 4) {
    if (state === "failed" || state === "lost") hatch(context, box, "rgb(255 255 255 / 45%)", 4);
    else if (state === "retried") hatch(context, box, "rgb(255 255 255 / 40%)", 7);
    else if (state === "cached") {
      context.fillStyle = "rgb(255 255 255 / 30%)";
      context.fillRect(box.x, box.y + box.height * 0.55, box.width, box.height * 0.45);
    }
  }
  if (bar.count > 1 && bar.failed > 0) {
    context.fillStyle = ink("--failed-fill");
    context.fillRect(box.x, box.y + box.height - Math.max(2, box.height / 4), Math.max(box.width, 2), Math.max(2, box.height / 4));
  }
  if (box.height >= 11 && box.width > 44 && bar.count === 1 && bar.task) label(context, bar.task, box);
  if (bar === picture.focused || picture.selected(bar)) {
    context.strokeStyle = ink(bar === picture.focused ? "--ink" : "--accent");
    context.lineWidth = 2;
    context.strokeRect(box.x - 1, box.y - 1, box.width + 2, box.height + 2);
    context.lineWidth = 1;
  }
}

/** Dark on every fill of both themes: 4.5:1 and more. */
const BAR_INK = "#111113";

function label(context: CanvasRenderingContext2D, text: string, box: { x: number; y: number; width: number; height: number }): void {
  const x = Math.max(box.x, 0) + 5;
  const room = box.x + box.width - x - 4;
  if (room < 20) return;
  context.save();
  context.beginPath();
  context.rect(x, box.y, room, box.height);
  context.clip();
  context.font = "500 10.5px 'Plex Sans', sans-serif";
  context.textBaseline = "middle";
  context.fillStyle = BAR_INK;
  context.fillText(text, x, box.y + box.height / 2 + 0.5);
  context.restore();
}

/** The chain of tasks that decided how long the run took: outlined, joined from end to start. */
function drawPath(context: CanvasRenderingContext2D, picture: Picture, ink: Ink): void {
  context.strokeStyle = ink("--ink");
  context.lineWidth = 1.5;
  let before: { x: number; y: number } | null = null;
  const chain = picture.bars.filter((bar) => bar.task !== null && bar.count === 1 && picture.critical?.has(bar.task) && bar.state !== "retried").sort((a, b) => a.start - b.start);
  for (const bar of chain) {
    const lane = picture.lanes[bar.lane];
    if (!lane) continue;
    const box = boxOf(bar, lane, picture.scale, picture.now);
    context.strokeRect(box.x - 0.5, box.y - 0.5, box.width + 1, box.height + 1);
    const middle = box.y + box.height / 2;
    if (before) {
      context.setLineDash([2, 2]);
      context.beginPath();
      context.moveTo(before.x, before.y);
      context.lineTo(box.x, before.y);
      context.lineTo(box.x, middle);
      context.stroke();
      context.setLineDash([]);
    }
    before = { x: box.x + box.width, y: middle };
  }
  context.lineWidth = 1;
}

function hatch(context: CanvasRenderingContext2D, box: { x: number; y: number; width: number; height: number }, color: string, gap: number): void {
  const left = Math.max(box.x, -20);
  const right = Math.min(box.x + box.width, context.canvas.width);
  if (right - left < 2) return;
  context.save();
  context.beginPath();
  context.rect(left, box.y, right - left, box.height);
  context.clip();
  context.strokeStyle = color;
  context.lineWidth = 1.2;
  context.beginPath();
  for (let x = left - box.height; x < right; x += gap) {
    context.moveTo(x, box.y + box.height);
    context.lineTo(x + box.height, box.y);
  }
  context.stroke();
  context.restore();
  context.lineWidth = 1;
}
