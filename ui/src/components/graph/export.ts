/** The picture as a file, drawn from the same places: everything of the graph, not only what is in sight. */
import { count, duration } from "~/lib/format";
import { asState, fillOf } from "~/lib/states";

import { type Layout, rounded } from "./layout";
import type { Link, Shape } from "./shapes";

const MARGIN = 24;

type Ink = (token: string) => string;

/** Colours of the page as it is now, as plain values: a file knows no tokens. */
function inks(): { ink: Ink; done: () => void } {
  const probe = document.createElement("span");
  document.body.append(probe);
  return {
    ink: (token) => {
      probe.style.color = token.startsWith("var(") ? token : `var(${token})`;
      return getComputedStyle(probe).color;
    },
    done: () => probe.remove(),
  };
}

const escaped = (text: string) => text.replace(/[&<>"]/g, (one) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[one] ?? one);
const cut = (text: string, most: number) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

export function drawSvg(shapes: Shape[], links: Link[], layout: Layout, ink: Ink): { svg: string; width: number; height: number } {
  const width = Math.ceil(layout.width + 2 * MARGIN);
  const height = Math.ceil(layout.height + 2 * MARGIN);
  const byId = new Map(shapes.map((one) => [one.id, one]));
  const absolute = (id: string): { x: number; y: number } => {
    const place = layout.at.get(id);
    const parent = byId.get(id)?.parent ?? null;
    const outer = parent !== null && layout.at.has(parent) ? absolute(parent) : { x: 0, y: 0 };
    return { x: outer.x + (place?.x ?? 0), y: outer.y + (place?.y ?? 0) };
  };
  const parts: string[] = [];
  for (const one of shapes) {
    const place = layout.at.get(one.id);
    if (!place) continue;
    const { x, y } = absolute(one.id);
    const faded = one.off ? ' opacity="0.5"' : "";
    const text = (at: number, row: number, words: string, color: string, size = 12, anchor = "start") =>
      `<text x="${x + at}" y="${y + row}" fill="${color}" font-size="${size}" text-anchor="${anchor}">${escaped(words)}</text>`;
    if (one.kind === "group") {
      parts.push(
        `<g${faded}><rect x="${x}" y="${y}" width="${place.width}" height="${place.height}" rx="6" fill="${ink("--sunken")}" stroke="${ink("--line-strong")}" stroke-dasharray="4 3"/>${text(10, 20, `${one.label}  ${one.note}`, ink("--ink-2"), 11)}</g>`,
      );
      continue;
    }
    const radius = one.kind === "dataset" ? place.height / 2 : 4;
    const bar = one.state ? `<rect x="${x}" y="${y}" width="4" height="${place.height}" fill="${ink(fillOf(asState(one.state)))}"/>` : "";
    const second = one.mapped && one.state ? text(12, 52, Object.entries(one.counts).map(([state, amount]) => `${count(amount)} ${state}`).join(" · "), ink("--ink-2"), 10) : "";
    const time = !one.mapped && one.seconds !== null ? text(place.width - 8, 24, duration(one.seconds), ink("--ink-2"), 11, "end") : "";
    parts.push(
      `<g${faded}><rect x="${x}" y="${y}" width="${place.width}" height="${place.height}" rx="${radius}" fill="${ink("--surface")}" stroke="${ink("--line-strong")}"/>${bar}${text(12, one.kind === "dataset" ? 19 : 24, cut(one.label, 24), ink("--ink"))}${time}${second}</g>`,
    );
  }
  const lines = links.map((link) => {
    const points = layout.edges.get(link.id);
    return points ? `<path d="${rounded(points)}" fill="none" stroke="${ink("--line-strong")}" marker-end="url(#a)"${link.kind === "control" ? ' stroke-dasharray="4 3"' : ""}/>` : "";
  });
  const groups = shapes.filter((one) => one.kind === "group").length;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="${-MARGIN} ${-MARGIN} ${width} ${height}" font-family="IBM Plex Sans, Helvetica, Arial, sans-serif"><defs><marker id="a" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M1 1l6 3-6 3" fill="none" stroke="${ink("--line-strong")}"/></marker></defs><rect x="${-MARGIN}" y="${-MARGIN}" width="${width}" height="${height}" fill="${ink("--page")}"/>${parts.slice(0, groups).join("")}${lines.join("")}${parts.slice(groups).join("")}</svg>`;
  return { svg, width, height };
}

/** Groups first: they lie under their steps. */
const sorted = (shapes: Shape[]) => [...shapes].sort((a, b) => Number(b.kind === "group") - Number(a.kind === "group"));

export function saveSvg(shapes: Shape[], links: Link[], layout: Layout, name: string): void {
  const { ink, done } = inks();
  const { svg } = drawSvg(sorted(shapes), links, layout, ink);
  done();
  save(new Blob([svg], { type: "image/svg+xml" }), `${name}.svg`);
}

export async function savePng(shapes: Shape[], links: Link[], layout: Layout, name: string): Promise<void> {
  const { ink, done } = inks();
  const { svg, width, height } = drawSvg(sorted(shapes), links, layout, ink);
  done();
  const address = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
  try {
    const image = new Image();
    image.src = address;
    await image.decode();
    const scale = Math.min(2, 8000 / Math.max(width, height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/png"));
    if (blob) save(blob, `${name}.png`);
  } finally {
    URL.revokeObjectURL(address);
  }
}

export function save(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name.replace(/[^\w.-]+/g, "_");
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
