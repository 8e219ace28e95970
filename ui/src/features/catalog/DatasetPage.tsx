/** One dataset: what it is, who wrote it when, whether its checks held, and what it came from and went into. */
import { useQuery } from "@tanstack/react-query";
import { Link, getRouteApi, useNavigate } from "@tanstack/react-router";

import { get, part } from "~/api/client";
import { datasetQuery } from "~/api/queries";
import type { DatasetDetail } from "~/api/types";
import { Command } from "~/components/Copy";
import { Answer, Empty } from "~/components/Feedback";
import { Layer } from "~/components/Layer";
import { Facts, PageHead, Scroll, Section } from "~/components/Page";
import { SimpleTable } from "~/components/SimpleTable";
import { StateMark } from "~/components/StateMark";
import { Tabs } from "~/components/Tabs";
import { Time } from "~/components/Time";
import { Preview, type PreviewAnswer } from "~/features/artifacts/Preview";
import { bytes, count, duration, isNothing, plural, value } from "~/lib/format";

import css from "./CatalogPage.module.css";
import { LineageView } from "./LineageView";

const route = getRouteApi("/catalog/$dataset");

export function DatasetPage() {
  const { dataset: name } = route.useParams();
  const { tab = "about", depth = 3 } = route.useSearch();
  const navigate = useNavigate({ from: "/catalog/$dataset" });
  const dataset = useQuery(datasetQuery(name));
  const show = (next: string) => void navigate({ search: (before) => ({ ...before, tab: next === "about" ? undefined : next }) });
  return (
    <div className={css.dataset}>
      <PageHead
        title={name}
        note={
          dataset.data && (
            <>
              <Layer name={dataset.data.layer} /> <code>{dataset.data.type}</code> <code className="dim">{dataset.data.place}</code>
            </>
          )
        }
      />
      <Tabs
        rest="page"
        label="Of the dataset"
        value={tab}
        onChange={show}
        tabs={[
          { id: "about", label: "About" },
          { id: "lineage", label: "Lineage" },
          { id: "history", label: "Writes", count: dataset.data?.writes.length },
          { id: "checks", label: "Checks", count: dataset.data?.history.length },
          { id: "preview", label: "Preview" },
        ]}
      >
        {tab === "lineage" ? (
          <LineageView of={{ dataset: name }} depth={depth} onDepth={(next) => void navigate({ search: (before) => ({ ...before, depth: next }), replace: true })} />
        ) : tab === "preview" ? (
          <DatasetPreview name={name} />
        ) : (
          <Answer query={dataset} what="Reading the dataset">
            {(found) => (
              <Scroll label="The dataset" pad="above">
                {tab === "about" && <About dataset={found} />}
                {tab === "history" && <Writes dataset={found} />}
                {tab === "checks" && <Checks dataset={found} />}
              </Scroll>
            )}
          </Answer>
        )}
      </Tabs>
    </div>
  );
}

function About({ dataset }: { dataset: DatasetDetail }) {
  const { last } = dataset;
  return (
    <>
      <Section title="State">
        <Facts
          items={[
            [
              "last written",
              last ? (
                <>
                  <Time at={last.at} /> by{" "}
                  <Link to="/runs/$runId" params={{ runId: last.run }} search={last.task ? { task: last.task } : {}} className="link">
                    {last.task ?? last.pipeline} in run {last.run}
                  </Link>
                </>
              ) : (
                "never by a recorded run"
              ),
            ],
            ["size", bytes(last?.size)],
            ["version", last?.version && <code>{last.version}</code>],
            ["age of the data", dataset.freshness !== null && duration(dataset.freshness)],
            [
              "checks",
              dataset.status &&
                (dataset.status.failed > 0 ? <StateMark state="failed" /> : `${count(dataset.status.passed)} passed`),
            ],
            [
              "written by",
              dataset.writers.length > 0 && <PipelineLinks names={dataset.writers} />,
            ],
            ["read by", dataset.readers.length > 0 && <PipelineLinks names={dataset.readers} />],
            ["declared in", dataset.where && <code>{dataset.where}</code>],
          ]}
        />
      </Section>
      <Section title="In the catalog">
        <Facts items={Object.entries(dataset.described).map(([key, of]) => !isNothing(of) && ([key.replaceAll("_", " "), <code key={key}>{value(of)}</code>] as const))} />
      </Section>
      {dataset.versions.length > 0 && (
        <Section title="Versions" note={plural(dataset.versions.length, "version")}>
          <ul>
            {dataset.versions.slice(0, 50).map((one) => (
              <li key={one}>
                <code>{one}</code>
              </li>
            ))}
          </ul>
        </Section>
      )}
      <Section title="In Python">
        <Command prompt={null} text={`from plait import Project\n\nProject.find().catalog.load(${JSON.stringify(dataset.name)})`} />
      </Section>
    </>
  );
}

function PipelineLinks({ names }: { names: string[] }) {
  return names.map((one, at) => (
    <span key={one}>
      {at > 0 && ", "}
      <Link to="/pipelines/$name" params={{ name: one }} className="link">
        {one}
      </Link>
    </span>
  ));
}

function Writes({ dataset }: { dataset: DatasetDetail }) {
  if (dataset.writes.length === 0) {
    return (
      <Empty title="No run has written this dataset" command="plait run">
        A step whose output has this name saves it here.
      </Empty>
    );
  }
  return (
    <>
      <Section title="Writes" note="newest first">
        <SimpleTable
          label="Writes"
          rows={dataset.writes}
          rowKey={(one, at) => `${one.run} ${at}`}
          columns={[
            { head: "When", cell: (one) => <Time at={one.at} /> },
            {
              head: "Run",
              cell: (one) => (
                <Link to="/runs/$runId" params={{ runId: one.run }} search={one.task ? { task: one.task } : {}} className="link mono">
                  {one.run}
                </Link>
              ),
            },
            { head: "Step", cell: (one) => one.task },
            { head: "Version", mono: true, cell: (one) => one.version },
            { head: "Size", end: true, cell: (one) => bytes(one.size) },
            { head: "Content", mono: true, wide: true, cell: (one) => one.content?.slice(0, 12) },
          ]}
        />
      </Section>
      {dataset.reads.length > 0 && (
        <Section title="Reads" note="newest first">
          <SimpleTable
            label="Reads"
            rows={dataset.reads}
            rowKey={(one, at) => `${one.run} ${at}`}
            columns={[
              { head: "When", cell: (one) => <Time at={one.at} /> },
              {
                head: "Run",
                wide: true,
                cell: (one) => (
                  <Link to="/runs/$runId" params={{ runId: one.run }} className="link mono">
                    {one.run}
                  </Link>
                ),
              },
            ]}
          />
        </Section>
      )}
    </>
  );
}

function Checks({ dataset }: { dataset: DatasetDetail }) {
  if (dataset.history.length === 0) {
    return (
      <Empty title={dataset.checks > 0 ? "Its checks have not run yet" : "No checks"}>
        Checks stand in the catalog beside the dataset, under <code>checks:</code>, and run when it is loaded or saved.
      </Empty>
    );
  }
  return (
    <Section title="Checks" note="newest first">
      <SimpleTable
        label="Checks"
        rows={dataset.history}
        rowKey={(_, at) => String(at)}
        columns={[
          { head: "", cell: (one) => <StateMark state={one.passed ? "done" : one.severity === "warn" ? "retried" : "failed"} word={false} /> },
          { head: "Check", mono: true, cell: (one) => one.check },
          { head: "On", cell: (one) => one.on },
          { head: "By", cell: (one) => one.task },
          { head: "Failing", end: true, cell: (one) => one.failing !== null && count(one.failing) },
          { head: "Why", wide: true, cell: (one) => one.why },
        ]}
      />
    </Section>
  );
}

function DatasetPreview({ name }: { name: string }) {
  const preview = useQuery({
    queryKey: ["catalog", "preview", name],
    queryFn: ({ signal }) => get<PreviewAnswer>(`/catalog/${part(name)}/preview`, { rows: 100 }, signal),
    retry: false,
  });
  return (
    <Scroll label="Preview" pad="above">
      <Answer query={preview} what="Loading the dataset">
        {(found) => <Preview preview={found} />}
      </Answer>
    </Scroll>
  );
}
