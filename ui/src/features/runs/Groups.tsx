/** Runs by pipeline: how each has gone lately. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import { get } from "~/api/client";
import type { RunGroup } from "~/api/types";
import { Answer, Empty } from "~/components/Feedback";
import { RecentRuns } from "~/components/RecentRuns";
import { countsText } from "~/components/StateBar";
import { StateMark } from "~/components/StateMark";
import { Time } from "~/components/Time";
import { duration, plural } from "~/lib/format";

import css from "./Groups.module.css";

export function Groups({ q }: { q: string }) {
  const groups = useQuery({
    queryKey: ["runs", "groups", q],
    queryFn: ({ signal }) => get<{ items: RunGroup[] }>("/runs/groups", { q }, signal),
    placeholderData: (before) => before,
  });
  return (
    <Answer query={groups} what="Reading the runs">
      {({ items }) =>
        items.length === 0 ? (
          <Empty title="No runs" command="plait run" />
        ) : (
          <ul className={css.list}>
            {items.map((group) => (
              <li key={group.pipeline} className={css.group}>
                <Link to="/runs" search={{ q: `${q ? `${q} ` : ""}pipeline:${group.pipeline}` }} className={css.name}>
                  {group.pipeline}
                </Link>
                <span className={css.counts}>
                  {plural(group.runs, "run")} <span className="dim">{countsText(group.counts)}</span>
                </span>
                <RecentRuns runs={group.recent} />
                <span className={css.last}>
                  <StateMark state={group.last.status} />
                  <Link to="/runs/$runId" params={{ runId: group.last.id }} className="link mono">
                    {group.last.id}
                  </Link>
                  <Time at={group.last.started_at} />
                  <span className="dim">{duration(group.last.seconds)}</span>
                </span>
              </li>
            ))}
          </ul>
        )
      }
    </Answer>
  );
}
