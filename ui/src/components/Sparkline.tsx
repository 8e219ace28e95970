/** A row's curve, 20 px high: the shape alone, its last value beside it in words. */
import { number } from "~/lib/format";

const WIDTH = 72;
const HEIGHT = 18;

export function Sparkline({ values, label }: { values: readonly (number | null)[]; label: string }) {
  const known = values.filter((one): one is number => one !== null && Number.isFinite(one));
  if (known.length < 2) return null;
  const least = Math.min(...known);
  const range = Math.max(...known) - least || 1;
  let pen = "M";
  const path = values
    .map((one, at) => {
      if (one === null || !Number.isFinite(one)) {
        pen = "M";
        return "";
      }
      const x = 1 + (at / (values.length - 1)) * (WIDTH - 4);
      const y = HEIGHT - 2 - ((one - least) / range) * (HEIGHT - 4);
      const move = `${pen}${x.toFixed(1)} ${y.toFixed(1)}`;
      pen = "L";
      return move;
    })
    .join("");
  return (
    <svg width={WIDTH} height={HEIGHT} role="img" aria-label={`${label}: from ${number(known[0])} to ${number(known.at(-1))}`} style={{ display: "block" }}>
      <path d={path} fill="none" stroke="var(--accent)" strokeWidth="1.3" strokeLinejoin="round" />
    </svg>
  );
}
