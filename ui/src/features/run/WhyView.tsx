/** Why did this task run, or why not? The cache's decision, and what differs from the nearest earlier result. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import { type Difference, type Why, whyQuery } from "~/api/run";
import { Command } from "~/components/Copy";
import { DiffView } from "~/components/DiffView";
import { Answer } from "~/components/Feedback";
import { Facts } from "~/components/Page";
import { SimpleTable } from "~/components/SimpleTable";

import { Block, Blocks } from "./Block";
import css from "./WhyView.module.css";

export function WhyView({ run, task, command }: { run: string; task: string; command: string | null }) {
  const query = useQuery(whyQuery(run, task));
  return (
    <Answer query={query} what="Comparing keys">
      {(why) => (
        <Blocks label="Why">
          <Block title="Decision">
            <p className={css.decision}>{sentence(why)}</p>
            {why.notes.map((one, at) => (
              <p key={at} className={css.note}>
                {one}
              </p>
            ))}
            <Facts
              items={[
                ["key", why.key && <code>{why.key}</code>],
                ["result of", why.source && <RunLink run={why.source} task={why.task} />],
                ["nearest earlier result", why.closest && <RunLink run={why.closest.run} task={why.closest.task} />],
              ]}
            />
          </Block>
          {why.differences.length > 0 && (
            <Block title="What differs" note={why.closest ? `from ${why.closest.task} of ${why.closest.run}` : undefined}>
              <ul className={css.differences}>
                {why.differences.map((one, at) => (
                  <DifferenceView key={at} of={one} />
                ))}
              </ul>
            </Block>
          )}
          {why.inputs.length > 0 && (
            <Block title="Where its inputs come from">
              <SimpleTable
                label="Inputs"
                rows={why.inputs}
                rowKey={(one) => one.name}
                columns={[
                  { head: "Input", cell: (one) => one.name },
                  { head: "Kind", cell: (one) => one.kind },
                  { head: "From", cell: (one) => [one.source, one.run].filter(Boolean).join(" of ") },
                  { head: "Value", cell: (one) => one.text, wide: true, mono: true },
                ]}
              />
            </Block>
          )}
          {command && (
            <Block title="From a terminal">
              <Command text={command} />
            </Block>
          )}
        </Blocks>
      )}
    </Answer>
  );
}

const SAID: Record<string, string> = {
  cached: "It did not run: a result with the same key was there.",
  first: "It ran because it never ran before.",
  changed: "It ran because something that its result rests on changed.",
  refresh: "It ran because a refresh was asked for.",
  "no-cache": "It ran because the cache was switched off.",
  uncached: "It ran because its step is not cached.",
  off: "It ran because the cache was switched off.",
  expired: "It ran because the earlier result was too old.",
  new: "It ran because it never ran before.",
};

export function sentence(why: Pick<Why, "decision" | "state">): string {
  return SAID[why.decision] ?? why.decision ?? why.state;
}

function RunLink({ run, task }: { run: string; task: string }) {
  return (
    <Link to="/runs/$runId" params={{ runId: run }} search={{ task }} className="link">
      {task} of {run}
    </Link>
  );
}

const SIGNS: Record<string, string> = { added: "+", removed: "−", changed: "~" };

function DifferenceView({ of }: { of: Difference }) {
  const before = worded(of.old);
  const after = worded(of.new);
  return (
    <li>
      <p>
        <span className={css.sign} data-change={of.change} aria-hidden="true">
          {SIGNS[of.change] ?? "·"}
        </span>
        <span className="dim">{of.kind}</span> <strong>{of.name}</strong> {of.change} {of.where && <code className="dim">{of.where}</code>}
      </p>
      {of.text.includes("\n") ? (
        <DiffView diff={of.text} label={`${of.kind} ${of.name}`} />
      ) : before !== null || after !== null ? (
        <p className={css.change}>
          <code>{before ?? "nothing"}</code> → <code>{after ?? "nothing"}</code>
        </p>
      ) : (
        of.text && (
          <p className={css.change}>
            <code>{of.text}</code>
          </p>
        )
      )}
    </li>
  );
}

/** What a value was, in a few words. */
function worded(value: Difference["old"]): string | null {
  if (value === null) return null;
  return typeof value.text === "string" ? value.text : JSON.stringify(value);
}
