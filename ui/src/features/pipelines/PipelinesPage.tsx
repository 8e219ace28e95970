/** The pipelines of the project, and those that only runs know: how each has gone lately. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Play } from "lucide-react";

import { pipelinesQuery } from "~/api/queries";
import { Answer, Empty } from "~/components/Feedback";
import { PageHead, Problems } from "~/components/Page";
import { RecentRuns } from "~/components/RecentRuns";
import { StateMark } from "~/components/StateMark";
import { Time } from "~/components/Time";
import { Where } from "~/components/Where";
import { duration, plural } from "~/lib/format";

import css from "./PipelinesPage.module.css";

export function PipelinesPage() {
  const pipelines = useQuery(pipelinesQuery);
  return (
    <>
      <PageHead title="Pipelines" note={pipelines.data?.loading ? "reading the project's code …" : undefined} />
      <Answer query={pipelines} what="Reading the pipelines">
        {({ items, problems, loading }) => (
          <>
            <Problems problems={problems} />
            {items.length === 0 && !loading ? (
              <Empty title="No pipelines here" command={["plait new my_project", "plait run my_file.py"]}>
                A pipeline is a function under <code>@pipeline</code>. A new project has one to start from.
              </Empty>
            ) : (
              <ul className={css.list}>
                {items.map((one) => (
                  <li key={one.name} className={css.row}>
                    <div className={css.what}>
                      <Link to="/pipelines/$name" params={{ name: one.name }} className={css.name}>
                        {one.name}
                      </Link>
                      {one.default && <span className={css.badge}>default</span>}
                      {!one.known && (
                        <span className={css.badge} title="Runs of it are recorded, and the project's code no longer has it">
                          only in runs
                        </span>
                      )}
                      <p className="dim">{one.doc?.split("\n")[0]}</p>
                      <Where at={one.where} />
                    </div>
                    <RecentRuns runs={one.recent} />
                    <div className={css.last}>
                      {one.last ? (
                        <>
                          <Link to="/runs/$runId" params={{ runId: one.last.id }} className={css.line}>
                            <StateMark state={one.last.status} />
                            <Time at={one.last.started_at} />
                          </Link>
                          <span className="dim">
                            {duration(one.last.seconds)}
                            {" · "}
                            <Link to="/runs" search={{ q: `pipeline:${one.name}` }} className="link">
                              {plural(one.runs, "run")}
                            </Link>
                          </span>
                        </>
                      ) : (
                        <span className="dim">never run</span>
                      )}
                    </div>
                    {one.known ? (
                      <Link to="/pipelines/$name" params={{ name: one.name }} search={{ tab: "run" }} className={css.run}>
                        <Play size={13} aria-hidden="true" /> Run
                        <span className="hidden-text"> {one.name}</span>
                      </Link>
                    ) : (
                      <span />
                    )}
                  </li>
                ))}
              </ul>
            )}
          </>
        )}
      </Answer>
    </>
  );
}
