/** What a dataset came from and went into, across pipelines and runs. Each shape leads to its page. */
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Suspense, lazy, useMemo } from "react";

import { lineageQuery } from "~/api/queries";
import type { Lineage, LineageNode } from "~/api/types";
import { Answer, Empty, Loading } from "~/components/Feedback";

import css from "./CatalogPage.module.css";
import { lineageShapes } from "./lineage";

const Picture = lazy(() => import("~/components/graph/Picture"));

type Props = { of: { dataset?: string; run?: string; artifact?: string }; depth: number; onDepth: (depth: number) => void };

export function LineageView({ of, depth, onDepth }: Props) {
  const lineage = useQuery(lineageQuery(of, depth));
  return (
    <div className={css.lineage}>
      <div className={css.lineageBar}>
        <label>
          How far
          <input type="range" min={1} max={8} value={depth} onChange={(event) => onDepth(Number(event.target.value))} aria-valuetext={`${depth} steps away`} />
          {depth}
        </label>
        <span>A shape leads to its page.</span>
        {lineage.data?.cut && <span>There is more than is drawn.</span>}
      </div>
      <div className={css.picture}>
        <Answer query={lineage} what="Following the data">
          {(found) => (found.nodes.length < 2 ? <Empty title="No run has read or written this yet" command="plait run" /> : <Drawn lineage={found} of={of} />)}
        </Answer>
      </div>
    </div>
  );
}

function Drawn({ lineage, of }: { lineage: Lineage; of: Props["of"] }) {
  const navigate = useNavigate();
  const { shapes, links } = useMemo(() => lineageShapes(lineage), [lineage]);
  const byId = new Map(lineage.nodes.map((one) => [one.id, one]));
  const self = of.dataset ? `dataset:${of.dataset}` : of.run ? `run:${of.run}` : `artifact:${of.artifact}`;
  const open = (node: LineageNode) => {
    const name = node.id.slice(node.id.indexOf(":") + 1);
    if (node.kind === "dataset") void navigate({ to: "/catalog/$dataset", params: { dataset: node.label }, search: { tab: "lineage" } });
    else if (node.kind === "artifact") void navigate({ to: "/artifacts/$artifactId", params: { artifactId: name } });
    else if (node.run) void navigate({ to: "/runs/$runId", params: { runId: node.run }, search: node.kind === "step" ? { step: node.label } : {} });
    else if (node.kind === "pipeline") void navigate({ to: "/pipelines/$name", params: { name: node.label } });
  };
  return (
    <Suspense fallback={<Loading />}>
      <Picture
        shapes={shapes}
        links={links}
        label="Lineage"
        name={`lineage-${of.dataset ?? of.run ?? of.artifact}`}
        direction="RIGHT"
        selected={self}
        onSelect={(id) => {
          const node = id ? byId.get(id) : undefined;
          if (node && node.id !== self) open(node);
        }}
      />
    </Suspense>
  );
}
