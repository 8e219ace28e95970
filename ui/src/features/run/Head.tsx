/** Which run is this, how is it going, and what can be done with it? */
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { Ban, Ellipsis, GitBranch, Pin, Play, RotateCcw } from "lucide-react";

import { exported } from "~/api/client";
import { metaQuery } from "~/api/queries";
import type { Run } from "~/api/run";
import { Button, IconButton } from "~/components/Button";
import { MenuButton, type MenuEntry } from "~/components/MenuButton";
import { StateBar } from "~/components/StateBar";
import { StateMark } from "~/components/StateMark";
import { Elapsed, Time } from "~/components/Time";
import { useRunActions } from "~/features/runs/actions";
import { count } from "~/lib/format";
import { asState, isLive } from "~/lib/states";

import css from "./Head.module.css";
import { amounts } from "./counts";

export function Head({ run, counts }: { run: Run; counts: Record<string, number> }) {
  const meta = useQuery(metaQuery);
  const navigate = useNavigate();
  const readOnly = meta.data?.read_only ?? false;
  const actions = useRunActions({ readOnly, onDeleted: () => void navigate({ to: "/runs" }) });
  const live = isLive(asState(run.status));
  const entries = actions.entries(run);
  const first = entries[0];
  const again = entries[1];
  const { done, all } = amounts(counts, run.counts?.total ?? null);
  return (
    <header className={css.head}>
      <div className={css.line}>
        <h1 className={css.name}>
          <StateMark state={run.status} />
          <span className={css.id}>{run.name || run.id}</span>
        </h1>
        <Link to="/pipelines/$name" params={{ name: run.pipeline }} className={css.pipeline} disabled={exported !== null}>
          {run.pipeline}
        </Link>
        <span className={css.fact}>
          <Time at={run.started_at} />
        </span>
        <span className={css.fact}>
          <Elapsed from={run.started_at} seconds={run.seconds} live={live} />
        </span>
        {all > 0 && (
          <span className={css.fact}>
            {count(done)}/{count(all)} tasks
          </span>
        )}
        {run.git && (
          <span className={css.fact} title={run.git.dirty ? "with changes that were not committed" : undefined}>
            <GitBranch size={12} aria-hidden="true" /> {run.git.branch ?? ""} <code>{run.git.commit?.slice(0, 7)}</code>
            {run.git.dirty && "*"}
          </span>
        )}
        {run.pinned && (
          <span className={css.fact} title="Pinned: gc keeps it">
            <Pin size={12} aria-hidden="true" /> pinned
          </span>
        )}
        {run.tags.map((tag) => (
          <Link key={tag} to="/runs" search={{ q: `tag:${tag}` }} className={css.tag}>
            {tag}
          </Link>
        ))}
        {!exported && (
          <span className={css.actions}>
            {isItem(first) && !first.disabled && (
              <Button onClick={first.run}>
                {live ? <Ban size={13} aria-hidden="true" /> : <Play size={13} aria-hidden="true" />} {first.text}
              </Button>
            )}
            {isItem(again) && !again.disabled && !live && (
              <Button onClick={again.run}>
                <RotateCcw size={13} aria-hidden="true" /> {again.text}
              </Button>
            )}
            <MenuButton
              align="end"
              entries={entries}
              trigger={
                <IconButton label="More to do with this run">
                  <Ellipsis size={15} />
                </IconButton>
              }
            />
          </span>
        )}
      </div>
      <StateBar counts={counts} total={all} height={4} />
      {actions.dialogs}
    </header>
  );
}

function isItem(entry: MenuEntry | undefined): entry is Extract<MenuEntry, { run: () => void }> {
  return entry !== undefined && "run" in entry;
}
