/** Terminal colours in a line of log as pieces of text with a style. Everything else that a terminal would do is left out. */

export type Style = { color?: number; bold?: boolean; faint?: boolean; italic?: boolean; underline?: boolean };
export type Piece = { text: string; style: Style; mark?: boolean };

const ESCAPE = /\u001b(?:\[([0-9;:]*)([@-~])|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\^_])/g;

export function pieces(text: string): Piece[] {
  if (!text.includes("\u001b")) return text ? [{ text: clean(text), style: {} }] : [];
  const found: Piece[] = [];
  let style: Style = {};
  let at = 0;
  const push = (part: string) => {
    const said = clean(part);
    if (said) found.push({ text: said, style });
  };
  for (const match of text.matchAll(ESCAPE)) {
    push(text.slice(at, match.index));
    at = match.index + match[0].length;
    if (match[2] === "m") style = after(style, match[1] ?? "");
  }
  push(text.slice(at));
  return found;
}

/** The text alone, as one reads it. */
export function plain(text: string): string {
  return clean(text.replace(ESCAPE, ""));
}

/** What a carriage return wrote over is gone, as on a terminal; other control characters show as what they are. */
function clean(text: string): string {
  const last = text.replace(/\r+$/, "").split("\r").at(-1) ?? "";
  return last.replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, (one) => String.fromCharCode(0x2400 + (one === "\u007f" ? 0x21 : one.charCodeAt(0))));
}

function after(style: Style, codes: string): Style {
  let next = { ...style };
  const list = (codes || "0").split(/[;:]/).map(Number);
  for (let at = 0; at < list.length; at++) {
    const code = list[at] ?? 0;
    if (code === 0) next = {};
    else if (code === 1) next.bold = true;
    else if (code === 2) next.faint = true;
    else if (code === 3) next.italic = true;
    else if (code === 4) next.underline = true;
    else if (code === 22) next = { ...next, bold: false, faint: false };
    else if (code === 23) next.italic = false;
    else if (code === 24) next.underline = false;
    else if (code >= 30 && code <= 37) next.color = code - 30;
    else if (code >= 90 && code <= 97) next.color = code - 90;
    else if (code === 39) delete next.color;
    else if (code === 38 || code === 48) {
      // 256 colours and true colour: the nearest of the eight is enough, a background is not shown.
      if (list[at + 1] === 5) {
        if (code === 38) next.color = (list[at + 2] ?? 7) % 8;
        at += 2;
      } else if (list[at + 1] === 2) {
        if (code === 38) next.color = nearest(list[at + 2] ?? 0, list[at + 3] ?? 0, list[at + 4] ?? 0);
        at += 4;
      }
    }
  }
  return next;
}

function nearest(red: number, green: number, blue: number): number {
  const most = Math.max(red, green, blue, 1);
  return (red > most / 2 ? 1 : 0) + (green > most / 2 ? 2 : 0) + (blue > most / 2 ? 4 : 0);
}

/** Pieces with what a search found marked, whatever colours cut through it. */
export function marked(of: Piece[], pattern: RegExp | null): Piece[] {
  if (!pattern) return of;
  const text = of.map((one) => one.text).join("");
  const ranges: [number, number][] = [];
  for (const match of text.matchAll(pattern)) {
    if (match[0].length === 0) break;
    ranges.push([match.index, match.index + match[0].length]);
    if (ranges.length > 200) break;
  }
  if (ranges.length === 0) return of;
  const found: Piece[] = [];
  let at = 0;
  for (const piece of of) {
    const end = at + piece.text.length;
    let from = at;
    for (const [start, stop] of ranges) {
      if (stop <= from || start >= end) continue;
      if (start > from) found.push({ ...piece, text: text.slice(from, start) });
      found.push({ ...piece, text: text.slice(Math.max(start, from), Math.min(stop, end)), mark: true });
      from = Math.min(stop, end);
    }
    if (from < end) found.push({ ...piece, text: text.slice(from, end) });
    at = end;
  }
  return found;
}

/** What is looked for as a pattern that marks; null for nothing, or for what is no pattern (yet). */
export function patternOf(query: string, options: { case: boolean; regex: boolean }): RegExp | null {
  if (!query) return null;
  try {
    return new RegExp(options.regex ? query : query.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), options.case ? "g" : "gi");
  } catch {
    return null;
  }
}
