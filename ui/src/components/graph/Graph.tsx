/**
 * A pipeline or a run as a picture. Import it lazily:
 * `const Graph = lazy(() => import("~/components/graph/Graph"))`.
 */
import { Database, Shrink } from "lucide-react";
import { useMemo } from "react";

import type { GraphView } from "~/api/types";
import { IconButton } from "~/components/Button";
import { count } from "~/lib/format";
import { useStored } from "~/lib/stored";

import css from "./Graph.module.css";
import Picture from "./Picture";
import { type Shape, parseFolding, shapesOf } from "./shapes";

export type GraphProps = {
  view: GraphView;
  label: string;
  /** the step, group or dataset that is selected (`dataset:NAME` for a dataset) */
  selected?: string | null;
  onSelect?: (id: string | null, kind: Shape["kind"] | null) => void;
  /** what the reader folded (`id`) or opened (`-id`), as it stands in the address */
  folded?: string;
  onFold?: (folded: string | undefined) => void;
  /** steps on the critical path */
  critical?: readonly string[] | null;
  /** what is looked for: shapes that do not hold it are dimmed */
  find?: string;
  name?: string;
};

export default function Graph({ view, label, selected, onSelect, folded, onFold, critical, find, name }: GraphProps) {
  const [datasets, setDatasets] = useStored("graph.datasets", true);
  const folding = useMemo(() => parseFolding(folded), [folded]);
  const { shapes, links, bundled } = useMemo(() => shapesOf(view, folding, datasets), [view, folding, datasets]);
  if (view.nodes.length === 0) return <p className={css.nothing}>This graph has no steps.</p>;

  const fold = (id: string, closed: boolean) => {
    const next = new Set((folded ?? "").split(",").filter(Boolean));
    next.delete(id);
    next.delete(`-${id}`);
    next.add(closed ? id : `-${id}`);
    onFold?.([...next].join(",") || undefined);
  };
  const foldAll = () => {
    const open = shapes.filter((one) => one.kind === "group");
    const next = open.length > 0 ? open.map((one) => one.id) : view.groups.map((one) => `-${one.id}`);
    onFold?.(next.join(",") || undefined);
  };
  return (
    <Picture
      shapes={shapes}
      links={links}
      label={label}
      name={name ?? view.name}
      selected={selected ?? null}
      onSelect={onSelect}
      onFold={onFold && fold}
      critical={critical ?? null}
      find={find}
      tools={
        <>
          {view.datasets.length > 0 && (
            <IconButton label={datasets ? "Hide datasets" : "Show datasets"} aria-pressed={datasets} onClick={() => setDatasets(!datasets)}>
              <Database size={14} />
            </IconButton>
          )}
          {onFold && shapes.some((one) => one.kind === "group" || one.kind === "folded") && (
            <IconButton label="Fold or open all groups" onClick={foldAll}>
              <Shrink size={14} />
            </IconButton>
          )}
        </>
      }
      hint={bundled && `${count(view.nodes.length)} steps, bundled in their order: open a bundle to see its steps`}
    />
  );
}
