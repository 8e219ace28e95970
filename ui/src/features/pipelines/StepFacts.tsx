/** What a step of a pipeline is, before it runs. */
import type { GNode } from "~/api/types";
import { Facts } from "~/components/Page";
import { Where } from "~/components/Where";
import { value } from "~/lib/format";

import css from "./PipelinePage.module.css";

export function StepFacts({ node }: { node: GNode }) {
  return (
    <aside className={css.facts} aria-label={`Step ${node.label}`} tabIndex={0}>
      <h2>{node.label}</h2>
      {node.doc && <p>{node.doc}</p>}
      <Facts
        items={[
          ["defined in", node.where && <Where at={node.where} />],
          ["kind", node.kind !== "step" && `${node.kind} ${node.text}`],
          ["runs", node.mapped && "once for each element"],
          ["outputs", node.outputs.join(", ")],
          ["tags", node.tags.join(", ")],
          ...Object.entries(node.options).map(([name, of]) => [name, <code key={name}>{value(of)}</code>] as const),
        ]}
      />
    </aside>
  );
}
