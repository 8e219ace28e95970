/** The last runs side by side, oldest first: height says how long, colour and sign how it ended. Each leads to its run. */
import { Link } from "@tanstack/react-router";

import type { Recent } from "~/api/types";
import { absolute, duration } from "~/lib/format";
import { asState, fillOf } from "~/lib/states";

import css from "./RecentRuns.module.css";
import { toDate } from "./Time";

export function RecentRuns({ runs }: { runs: readonly Recent[] }) {
  const longest = Math.max(...runs.map((one) => one.seconds ?? 0), 0.001);
  return (
    <span className={css.bars}>
      {[...runs].reverse().map((one) => {
        const said = `${one.id}: ${one.status}${one.seconds === null ? "" : `, ${duration(one.seconds)}`}, ${absolute(toDate(one.started_at))}`;
        return (
          <Link key={one.id} to="/runs/$runId" params={{ runId: one.id }} className={css.bar} title={said} aria-label={said} preload={false}>
            <span
              className={css.fill}
              data-state={one.status}
              style={{ height: `${Math.max(16, (100 * (one.seconds ?? longest)) / longest)}%`, background: fillOf(asState(one.status)) }}
            />
          </Link>
        );
      })}
    </span>
  );
}
