/** ⌘K: find a run, pipeline, dataset or page, or do something. */
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Command } from "cmdk";
import { useDeferredValue, useState } from "react";

import { exported, get } from "~/api/client";
import type { RunRow } from "~/api/types";
import { Modal } from "~/components/Modal";
import { StateMark } from "~/components/StateMark";
import { Time } from "~/components/Time";
import { shown } from "~/lib/keys";

import css from "./Palette.module.css";
import { THEMES, useTheme } from "./theme";

export default function Palette({ onClose, onHelp }: { onClose: () => void; onHelp: () => void }) {
  const [text, setText] = useState("");
  const asked = useDeferredValue(text.trim());
  const navigate = useNavigate();
  const [, setTheme] = useTheme();
  const there = !exported;
  const runs = useQuery({
    queryKey: ["runs", "palette", asked],
    queryFn: ({ signal }) => get<{ items: RunRow[] }>("/runs", { q: asked, limit: 6 }, signal),
    enabled: there,
    placeholderData: (before) => before,
  });
  const pipelines = useQuery({
    queryKey: ["pipelines"],
    queryFn: ({ signal }) => get<{ items: { name: string; doc: string | null }[] }>("/pipelines", {}, signal),
    enabled: there,
  });
  const catalog = useQuery({
    queryKey: ["catalog", null],
    queryFn: ({ signal }) => get<{ items: { name: string; type: string | null }[] }>("/catalog", {}, signal),
    enabled: there,
  });
  const matches = (name: string) => name.toLowerCase().includes(asked.toLowerCase());
  const go = (act: () => unknown) => () => {
    onClose();
    void act();
  };
  const pages = [
    { label: "Runs", keys: "g r", run: () => navigate({ to: "/runs" }) },
    { label: "Failed runs", run: () => navigate({ to: "/runs", search: { q: "status:failed,crashed" } }) },
    { label: "Running now", run: () => navigate({ to: "/runs", search: { q: "status:running" } }) },
    { label: "Pipelines", keys: "g p", run: () => navigate({ to: "/pipelines" }) },
    { label: "Catalog", keys: "g c", run: () => navigate({ to: "/catalog" }) },
    { label: "Project: conf, workers, disk", keys: "g s", run: () => navigate({ to: "/project" }) },
  ];
  const actions = [
    ...THEMES.map((theme) => ({ label: `Theme: ${theme}`, run: () => setTheme(theme) })),
    { label: "Keyboard shortcuts", keys: "?", run: onHelp },
    { label: "Copy a link to this page", run: () => navigator.clipboard?.writeText(window.location.href) },
  ];
  return (
    <Modal open onClose={onClose} title="Search" hideTitle>
      <Command shouldFilter={false} label="Search" className={css.palette} loop>
        <Command.Input
          value={text}
          onValueChange={setText}
          placeholder="A run, a pipeline, a dataset, a page … or a filter: status:failed alpha>0.1"
          className={css.input}
        />
        <Command.List className={css.list}>
          <Command.Empty className={css.empty}>Nothing by that name.</Command.Empty>
          {there && asked && (
            <Command.Item className="item" value="filter" onSelect={go(() => navigate({ to: "/runs", search: { q: asked } }))}>
              Filter runs by <code>{asked}</code>
            </Command.Item>
          )}
          {(runs.data?.items.length ?? 0) > 0 && (
            <Command.Group heading="Runs" className={css.group}>
              {runs.data?.items.map((run) => (
                <Command.Item
                  key={run.id}
                  value={`run ${run.id}`}
                  className="item"
                  onSelect={go(() => navigate({ to: "/runs/$runId", params: { runId: run.id } }))}
                >
                  <StateMark state={run.status} word={false} />
                  <code>{run.id}</code>
                  <span className="cut">{run.name ?? run.pipeline}</span>
                  <span className={css.right}>
                    <Time at={run.started_at} />
                  </span>
                </Command.Item>
              ))}
            </Command.Group>
          )}
          <Found heading="Pipelines" items={pipelines.data?.items} matches={matches} onSelect={(name) => go(() => navigate({ to: "/pipelines/$name", params: { name } }))} />
          <Found heading="Datasets" items={catalog.data?.items} matches={matches} onSelect={(dataset) => go(() => navigate({ to: "/catalog/$dataset", params: { dataset } }))} />
          {there && <Actions heading="Pages" list={pages.filter((one) => matches(one.label))} go={go} />}
          <Actions heading="Actions" list={actions.filter((one) => matches(one.label))} go={go} />
        </Command.List>
      </Command>
    </Modal>
  );
}

type Named = { name: string };

function Found({ heading, items, matches, onSelect }: { heading: string; items: Named[] | undefined; matches: (name: string) => boolean; onSelect: (name: string) => () => void }) {
  const found = (items ?? []).filter((one) => matches(one.name)).slice(0, 6);
  if (found.length === 0) return null;
  return (
    <Command.Group heading={heading} className={css.group}>
      {found.map((one) => (
        <Command.Item key={one.name} value={`${heading} ${one.name}`} className="item" onSelect={onSelect(one.name)}>
          {one.name}
        </Command.Item>
      ))}
    </Command.Group>
  );
}

function Actions({ heading, list, go }: { heading: string; list: { label: string; keys?: string; run: () => unknown }[]; go: (act: () => unknown) => () => void }) {
  if (list.length === 0) return null;
  return (
    <Command.Group heading={heading} className={css.group}>
      {list.map((one) => (
        <Command.Item key={one.label} value={`${heading} ${one.label}`} className="item" onSelect={go(one.run)}>
          {one.label}
          {one.keys && <kbd className={css.right}>{shown(one.keys)}</kbd>}
        </Command.Item>
      ))}
    </Command.Group>
  );
}
