/** The project itself: conf per environment, the stack, what works and waits now, and what lies on the disk. */
import { useQuery } from "@tanstack/react-query";
import { Link, getRouteApi, useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import { get } from "~/api/client";
import { metaQuery, projectQuery } from "~/api/queries";
import type { Activity, ProjectAnswer } from "~/api/types";
import { Answer, Empty } from "~/components/Feedback";
import { Facts, PageHead, Problems, Scroll, Section } from "~/components/Page";
import { SimpleTable } from "~/components/SimpleTable";
import { Tabs } from "~/components/Tabs";
import { Time } from "~/components/Time";
import { bytes, count, value } from "~/lib/format";

import { DiskView } from "./DiskView";
import css from "./ProjectPage.module.css";

const route = getRouteApi("/project");

export function ProjectPage() {
  const { env, tab = "conf" } = route.useSearch();
  const navigate = useNavigate({ from: "/project" });
  const meta = useQuery(metaQuery);
  const project = useQuery(projectQuery(env));
  return (
    <div className={css.page}>
      <PageHead
        title={meta.data?.project.name ?? "Project"}
        note={<code>{meta.data?.project.folder}</code>}
        actions={
          (project.data?.environments.length ?? 0) > 0 && (
            <label className={css.env}>
              Environment
              <select className="field" value={env ?? project.data?.env ?? ""} onChange={(event) => void navigate({ search: (before) => ({ ...before, env: event.target.value || undefined }) })}>
                {project.data?.environments.map((one) => (
                  <option key={one} value={one}>
                    {one}
                  </option>
                ))}
              </select>
            </label>
          )
        }
      />
      <Tabs
        rest="page"
        label="Of the project"
        value={tab}
        onChange={(next) => void navigate({ search: (before) => ({ ...before, tab: next === "conf" ? undefined : next }) })}
        tabs={[
          { id: "conf", label: "Conf" },
          { id: "stack", label: "Stack" },
          { id: "activity", label: "Activity" },
          { id: "disk", label: "Disk" },
        ]}
      >
        <Scroll label="The project" pad="above">
          {tab === "conf" && <Answer query={project}>{(found) => <Conf project={found} />}</Answer>}
          {tab === "stack" && (
            <Answer query={project}>
              {(found) => (
                <Section title="Stack" note="where steps run, and where results and records are">
                  <Facts
                    items={[
                      ["stack", found.stack ?? "not named: as the project stands"],
                      ...found.stack_parts.map((one) => [one.kind, <StackPart key={one.kind + one.type} part={one} />] as const),
                    ]}
                  />
                  <Facts
                    items={[
                      ["plait", meta.data?.version],
                      ["Python", meta.data?.python],
                      ["machine", meta.data?.host],
                      ["records", meta.data && <code>{meta.data.project.home}</code>],
                    ]}
                  />
                </Section>
              )}
            </Answer>
          )}
          {tab === "activity" && <ActivityView />}
          {tab === "disk" && <DiskView readOnly={meta.data?.read_only ?? false} />}
        </Scroll>
      </Tabs>
    </div>
  );
}

function StackPart({ part }: { part: ProjectAnswer["stack_parts"][number] }) {
  const options = Object.entries(part.options);
  return (
    <>
      <b>{part.type}</b> {options.length > 0 && <code>{options.map(([name, of]) => `${name}=${value(of)}`).join(" ")}</code>} {part.where && <code className="dim">{part.where}</code>}
    </>
  );
}

function Conf({ project }: { project: ProjectAnswer }) {
  const [find, setFind] = useState("");
  const found = project.conf.filter((one) => `${one.kind} ${one.key} ${value(one.value)}`.toLowerCase().includes(find.toLowerCase()));
  const kinds = [...new Set(found.map((one) => one.kind))];
  if (project.conf.length === 0 && !project.loading) {
    return (
      <Empty title="No conf here" command="plait new my_project">
        A project has its settings in <code>conf/base</code>, and what differs per environment in a folder beside it.
      </Empty>
    );
  }
  return (
    <>
      <Problems problems={project.problems} />
      <div className={css.find}>
        <input className="field" aria-label="Find a setting" placeholder="Find a setting" value={find} onChange={(event) => setFind(event.target.value)} />
      </div>
      {kinds.map((kind) => {
        const rows = found.filter((one) => one.kind === kind);
        return (
          <Section key={kind} title={kind} note={count(rows.length)}>
            <SimpleTable
              label={kind}
              rows={rows}
              rowKey={(one) => one.key}
              columns={[
                { head: "Key", mono: true, cell: (one) => one.key },
                { head: "Value", mono: true, wide: true, cell: (one) => <span className={css.value}>{value(one.value)}</span> },
                { head: "From", mono: true, cell: (one) => <span className="dim">{one.where}</span> },
              ]}
            />
          </Section>
        );
      })}
    </>
  );
}

function ActivityView() {
  const activity = useQuery({
    queryKey: ["project", "activity"],
    queryFn: ({ signal }) => get<Activity>("/project/activity", {}, signal),
    refetchInterval: 2000,
  });
  return (
    <Answer query={activity} what="Looking at the workers">
      {({ running, waiting, workers }) =>
        running.length + waiting.length + workers.length === 0 ? (
          <Empty title="Nothing runs at the moment" command="plait run" />
        ) : (
          <>
            <Section title="Running" note={count(running.length)}>
              <SimpleTable
                label="Running tasks"
                rows={running}
                rowKey={(one) => `${one.run} ${one.task}`}
                columns={[
                  {
                    head: "Task",
                    cell: (one) => (
                      <Link to="/runs/$runId" params={{ runId: one.run }} search={{ task: one.task }} className="link">
                        {one.task}
                      </Link>
                    ),
                  },
                  { head: "Run", mono: true, cell: (one) => one.run },
                  { head: "Worker", mono: true, cell: (one) => one.worker },
                  { head: "Since", wide: true, cell: (one) => <Time at={one.since} /> },
                ]}
              />
            </Section>
            <Section title="Waiting" note={count(waiting.reduce((sum, one) => sum + one.count, 0))}>
              <SimpleTable
                label="Waiting tasks"
                rows={waiting}
                rowKey={(one) => `${one.run} ${one.step}`}
                columns={[
                  {
                    head: "Step",
                    cell: (one) => (
                      <Link to="/runs/$runId" params={{ runId: one.run }} search={{ step: one.step }} className="link">
                        {one.step}
                      </Link>
                    ),
                  },
                  { head: "Run", mono: true, cell: (one) => one.run },
                  { head: "Tasks", end: true, cell: (one) => count(one.count) },
                  { head: "Waits for", wide: true, cell: (one) => one.why },
                ]}
              />
            </Section>
            <Section title="Workers" note={count(workers.length)}>
              <SimpleTable
                label="Workers"
                rows={workers}
                rowKey={(one) => `${one.host} ${one.pid}`}
                columns={[
                  { head: "Machine", cell: (one) => one.host },
                  { head: "Process", mono: true, cell: (one) => one.pid },
                  { head: "Run", mono: true, cell: (one) => one.run },
                  { head: "Tasks", end: true, cell: (one) => count(one.tasks) },
                  { head: "CPU", end: true, cell: (one) => one.cpu !== null && `${Math.round(one.cpu * 100)} %` },
                  { head: "Memory", end: true, cell: (one) => bytes(one.memory) },
                  { head: "Since", wide: true, cell: (one) => <Time at={one.since} /> },
                ]}
              />
            </Section>
          </>
        )
      }
    </Answer>
  );
}
