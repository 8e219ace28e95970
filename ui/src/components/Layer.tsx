/** A dataset's layer: its word, with a dot of its colour. */
import css from "./Layer.module.css";
import { layerIndex } from "./graph/layers";

export function Layer({ name }: { name: string | null }) {
  if (!name) return null;
  return (
    <span className={css.layer}>
      <span className={css.dot} style={{ background: `var(--series-${LAYER_SERIES[(layerIndex(name) ?? 8) - 1] ?? 8})` }} aria-hidden="true" />
      {name}
    </span>
  );
}

/** Which series colour each layer has: as in the graph. */
export const LAYER_SERIES = [4, 2, 3, 6, 1, 5, 7, 8];
