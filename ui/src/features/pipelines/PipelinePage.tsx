/** One pipeline: its graph, how its steps went run by run, its trends, and the form that starts it. */
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { Play } from "lucide-react";
import { Suspense, lazy, useState } from "react";

import { metaQuery, pipelineGraphQuery, pipelineQuery } from "~/api/queries";
import { Button } from "~/components/Button";
import { Answer, ErrorView, Loading } from "~/components/Feedback";
import { PageHead, Problems } from "~/components/Page";
import { Tabs } from "~/components/Tabs";
import { Where } from "~/components/Where";
import { plural } from "~/lib/format";

import { Grid } from "./Grid";
import { LaunchForm } from "./LaunchForm";
import css from "./PipelinePage.module.css";
import { StepFacts } from "./StepFacts";
import { Trends } from "./Trends";

const Graph = lazy(() => import("~/components/graph/Graph"));
const route = getRouteApi("/pipelines/$name");

export function PipelinePage() {
  const { name } = route.useParams();
  const { tab = "graph", step, from } = route.useSearch();
  const navigate = useNavigate({ from: "/pipelines/$name" });
  const meta = useQuery(metaQuery);
  const pipeline = useQuery(pipelineQuery(name));
  const graph = useQuery({ ...pipelineGraphQuery(name), enabled: tab === "graph" });
  const [folded, setFolded] = useState<string | undefined>();
  const show = (next: string) => void navigate({ search: (before) => ({ ...before, tab: next === "graph" ? undefined : next }) });
  if (pipeline.error) return <ErrorView error={pipeline.error} retry={() => void pipeline.refetch()} />;
  const selected = graph.data?.nodes.find((one) => one.id === step);
  return (
    <div className={css.page}>
      <PageHead
        title={name}
        note={
          pipeline.data && (
            <>
              {pipeline.data.doc?.split("\n")[0]} <span className="dim">{plural(pipeline.data.steps, "step")}</span> <Where at={pipeline.data.where} />
            </>
          )
        }
        actions={
          tab !== "run" && (
            <Button tone="primary" onClick={() => show("run")} disabled={meta.data?.read_only}>
              <Play size={13} aria-hidden="true" /> Run …
            </Button>
          )
        }
      />
      {pipeline.data && <Problems problems={pipeline.data.problems} />}
      <Tabs
        rest="page"
        label="Of the pipeline"
        value={tab}
        onChange={show}
        tabs={[
          { id: "graph", label: "Graph" },
          { id: "grid", label: "Runs × steps" },
          { id: "trends", label: "Trends" },
          { id: "run", label: "Run" },
        ]}
      >
        {tab === "graph" && (
          <div className={css.graph}>
            <div className={css.picture}>
              <Answer query={graph} what="Reading the graph">
                {(view) => (
                  <Suspense fallback={<Loading />}>
                    <Graph
                      view={view}
                      label={`Graph of ${name}`}
                      selected={step ?? null}
                      onSelect={(id) => void navigate({ search: (before) => ({ ...before, step: id ?? undefined }), replace: true })}
                      folded={folded}
                      onFold={setFolded}
                    />
                  </Suspense>
                )}
              </Answer>
            </div>
            {selected && <StepFacts node={selected} />}
          </div>
        )}
        {tab === "grid" && <Grid name={name} />}
        {tab === "trends" && <Trends name={name} />}
        {tab === "run" && <Answer query={pipeline}>{(detail) => <LaunchForm key={name + (from ?? "")} pipeline={detail} from={from} readOnly={meta.data?.read_only ?? false} />}</Answer>}
      </Tabs>
    </div>
  );
}
