/** Rows of one height in a scroller of any length: which row is at the top? Browsers end at some 17 million pixels. */

export const ROW = 18;
const MOST = 15_000_000;

/** The height of what is scrolled. */
export function sizer(rows: number): number {
  return Math.min(rows * ROW, MOST);
}

/** How many rows one scrolls past for a scroller's pixels: 1/18, and more where it is scaled. */
function factor(rows: number, view: number): number {
  const real = rows * ROW - view;
  const shown = sizer(rows) - view;
  return shown <= 0 ? 1 / ROW : Math.max(real, 0) / shown / ROW;
}

/** The row at the top, with its fraction that is above the edge. */
export function rowAtOffset(offset: number, rows: number, view: number): number {
  return Math.max(0, offset) * factor(rows, view);
}

/** How far to scroll so that a row is at the top. */
export function offsetOf(row: number, rows: number, view: number): number {
  return row / factor(rows, view);
}
