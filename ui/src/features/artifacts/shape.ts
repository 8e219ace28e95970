/** The first values of an array, which come flat, as rows of its last side. */
export function matrixOf(shape: readonly number[], flat: readonly unknown[], most = { rows: 20, columns: 12 }): unknown[][] {
  if (flat.length === 0) return [];
  const width = shape.length > 1 ? (shape.at(-1) ?? 1) : 10;
  if (width === 0) return [];
  const rows: unknown[][] = [];
  for (let at = 0; at < flat.length && rows.length < most.rows; at += width) {
    const row = flat.slice(at, at + width);
    // A row that is cut off in the middle would look like a short one.
    if (shape.length > 1 && row.length < width && rows.length > 0) break;
    rows.push(row.slice(0, most.columns));
  }
  return rows;
}

export type Histogram = { edges: unknown[]; counts: number[] };

/** Heights from 0 to 1; a bin that holds anything is seen. */
export function heights(counts: readonly number[]): number[] {
  const most = Math.max(...counts, 1);
  return counts.map((one) => (one === 0 ? 0 : Math.max(one / most, 0.06)));
}
