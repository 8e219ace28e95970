/** From compared runs to what is drawn: axes of parallel coordinates, quartiles of boxes, smoothed curves. */

/** An exponential moving average with bias taken out, as one knows it from training curves; 0 = none, < 1. */
export function smoothed(values: readonly (number | null)[], weight: number): (number | null)[] {
  if (weight <= 0) return [...values];
  let sum = 0;
  let seen = 0;
  return values.map((one) => {
    if (one === null || !Number.isFinite(one)) return null;
    sum = sum * weight + (1 - weight) * one;
    seen += 1;
    return sum / (1 - weight ** seen);
  });
}

export type Axis = {
  name: string;
  /** one of 0…1 for each run */
  at: (number | null)[];
  low: string;
  high: string;
  ticks: { at: number; label: string }[] | null;
};

/** A column of values as places on an axis: numbers by size (or by their logarithm when they span decades), words in a row. */
export function axisOf(name: string, values: readonly unknown[], shown: (value: unknown) => string): Axis {
  const numbers = values.map((one) => (typeof one === "number" && Number.isFinite(one) ? one : null));
  const known = numbers.filter((one): one is number => one !== null);
  const numeric = known.length > 0 && values.every((one, at) => one === null || one === undefined || numbers[at] !== null);
  if (numeric) {
    const least = Math.min(...known);
    const greatest = Math.max(...known);
    const log = least > 0 && greatest / least >= 1000;
    const by = (one: number) => (log ? Math.log(one) : one);
    const range = by(greatest) - by(least);
    return {
      name,
      at: numbers.map((one) => (one === null ? null : range === 0 ? 0.5 : (by(one) - by(least)) / range)),
      low: shown(least),
      high: shown(greatest),
      ticks: null,
    };
  }
  const words = [...new Set(values.filter((one) => one !== null && one !== undefined).map(shown))].sort();
  const place = (word: string) => (words.length < 2 ? 0.5 : words.indexOf(word) / (words.length - 1));
  return {
    name,
    at: values.map((one) => (one === null || one === undefined ? null : place(shown(one)))),
    low: words[0] ?? "",
    high: words.at(-1) ?? "",
    ticks: words.map((word) => ({ at: place(word), label: word })),
  };
}

export type Box = { low: number; q1: number; middle: number; q3: number; high: number; count: number };

/** Quartiles by linear interpolation, as numpy's default. */
export function boxOf(values: readonly number[]): Box | null {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  if (sorted.length === 0) return null;
  const quantile = (q: number) => {
    const at = (sorted.length - 1) * q;
    const below = Math.floor(at);
    const low = sorted[below] ?? 0;
    const high = sorted[Math.min(below + 1, sorted.length - 1)] ?? low;
    return low + (high - low) * (at - below);
  };
  return { low: quantile(0), q1: quantile(0.25), middle: quantile(0.5), q3: quantile(0.75), high: quantile(1), count: sorted.length };
}

/** Values in at most `most` classes, each with its label: words as they are, numbers in ranges of equal counts. */
export function classesOf(values: readonly unknown[], shown: (value: unknown) => string, most = 6): { of: (number | null)[]; labels: string[] } {
  const numbers = values.filter((one): one is number => typeof one === "number" && Number.isFinite(one));
  const distinct = [...new Set(values.filter((one) => one !== null && one !== undefined).map(shown))];
  if (distinct.length <= most || numbers.length === 0) {
    const labels = distinct.sort().slice(0, 8);
    return { of: values.map((one) => (one === null || one === undefined ? null : Math.min(labels.indexOf(shown(one)), 7))).map((one) => (one === -1 ? null : one)), labels };
  }
  const sorted = [...numbers].sort((a, b) => a - b);
  const edges = Array.from({ length: most - 1 }, (_, at) => sorted[Math.floor(((at + 1) * sorted.length) / most)] ?? 0);
  const cuts = [...new Set(edges)];
  const labels = [...cuts.map((one) => `< ${shown(one)}`), `≥ ${shown(cuts.at(-1))}`];
  return {
    of: values.map((one) => {
      if (typeof one !== "number") return null;
      const at = cuts.findIndex((cut) => one < cut);
      return at < 0 ? cuts.length : at;
    }),
    labels,
  };
}
