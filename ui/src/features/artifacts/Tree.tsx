/** A value of values, opened where one wants: dicts, lists, dataclasses, JSON. */
import { useState } from "react";

import type { PreviewOf } from "~/api/artifacts";
import { count, value as written } from "~/lib/format";

import css from "./Tree.module.css";

type Node = { open: true; note: string; items: [string, Node][] ; more: number } | { open: false; text: string; type: string };

export function Tree({ of, value }: { of?: PreviewOf; value?: unknown }) {
  const root = of ? fromPreview(of) : fromJson(value, 0);
  return <ul className={css.tree}>{root.open ? <Items node={root} depth={0} /> : <li className={css.leaf}>{root.text}</li>}</ul>;
}

function Items({ node, depth }: { node: Extract<Node, { open: true }>; depth: number }) {
  return (
    <>
      {node.items.map(([key, inner], at) => (
        <Branch key={`${key} ${at}`} name={key} node={inner} depth={depth} />
      ))}
      {node.more > 0 && <li className={css.more}>and {count(node.more)} more</li>}
      {node.items.length === 0 && node.more === 0 && <li className={css.more}>empty</li>}
    </>
  );
}

function Branch({ name, node, depth }: { name: string; node: Node; depth: number }) {
  const [shown, setShown] = useState(depth < 1);
  if (!node.open) {
    return (
      <li className={css.leaf}>
        <span className={css.key}>{name}</span> <code data-type={node.type}>{node.text}</code>
      </li>
    );
  }
  return (
    <li>
      <button type="button" className={css.branch} aria-expanded={shown} onClick={() => setShown(!shown)}>
        <span className={css.mark} aria-hidden="true">
          {shown ? "▾" : "▸"}
        </span>
        <span className={css.key}>{name}</span> <span className="dim">{node.note}</span>
      </button>
      {shown && (
        <ul className={css.tree}>
          <Items node={node} depth={depth + 1} />
        </ul>
      )}
    </li>
  );
}

function fromPreview(of: PreviewOf): Node {
  switch (of.kind) {
    case "tree":
      return { open: true, note: `${of.type} of ${count(of.length)}`, items: of.items.map(([key, inner], at) => [key === null ? String(at) : String(key), fromPreview(inner)]), more: of.length - of.items.length };
    case "scalar":
      return { open: false, text: written(of.value), type: typeof of.value };
    case "text":
      return { open: false, text: of.length > of.text.length ? `${of.text}…` : of.text, type: "string" };
    case "table":
      return { open: false, text: `${of.type} ${of.shape.map(count).join(" × ")}`, type: "object" };
    case "array":
      return { open: false, text: `${of.dtype} array ${of.shape.map(count).join(" × ")}`, type: "object" };
    case "object":
      return { open: false, text: of.text, type: "object" };
    default:
      return { open: false, text: of.type, type: "object" };
  }
}

const MOST = 200;

function fromJson(value: unknown, depth: number): Node {
  if (value === null || typeof value !== "object" || depth > 20) return { open: false, text: written(value), type: typeof value };
  const pairs: [string, unknown][] = Array.isArray(value) ? value.map((one, at) => [String(at), one]) : Object.entries(value);
  return {
    open: true,
    note: Array.isArray(value) ? `list of ${count(pairs.length)}` : `${count(pairs.length)} entries`,
    items: pairs.slice(0, MOST).map(([key, one]) => [key, fromJson(one, depth + 1)]),
    more: Math.max(0, pairs.length - MOST),
  };
}
