/** The same output of each run beside the others: tables, images, figures, values. */
import { useQueries } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";

import { get, part } from "~/api/client";
import { runQuery } from "~/api/run";
import type { CompareAnswer } from "~/api/types";
import { Empty, ErrorView, Loading } from "~/components/Feedback";
import { Preview, type PreviewAnswer } from "~/features/artifacts/Preview";
import { bytes } from "~/lib/format";

import css from "./ComparePage.module.css";

/** More beside each other cannot be looked at. */
const MOST = 8;

export function OutputsTab({ answer }: { answer: CompareAnswer }) {
  const runs = answer.runs.slice(0, MOST);
  const details = useQueries({ queries: runs.map((one) => runQuery(one.id)) });
  const names = [...new Set(details.flatMap((one) => one.data?.outputs.map((output) => output.name) ?? []))];
  const [chosen, setChosen] = useState<string | null>(null);
  const name = chosen ?? names[0];
  const previews = useQueries({
    queries: details.map((one) => {
      const output = one.data?.outputs.find((of) => of.name === name);
      return {
        queryKey: ["artifact", output?.value.artifact, "preview", "side"],
        queryFn: ({ signal }: { signal: AbortSignal }) =>
          get<PreviewAnswer>(`/artifacts/${part(output?.value.artifact ?? "")}/preview`, { rows: 30, run: one.data?.id, task: output?.task, output: output?.name }, signal),
        enabled: Boolean(output?.value.artifact),
        retry: false,
      };
    }),
  });
  if (details.some((one) => one.isPending)) return <Loading what="Reading the outputs" />;
  if (names.length === 0) return <Empty title="These runs have no outputs" />;
  return (
    <>
      <div className={css.controls}>
        <label>
          Output
          <select className="field" value={name} onChange={(event) => setChosen(event.target.value)}>
            {names.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
        {answer.runs.length > MOST && <span className="dim">the first {MOST} runs</span>}
      </div>
      <div className={css.side} tabIndex={0} role="region" aria-label={`${name} of each run`}>
        {runs.map((run, at) => {
          const output = details[at]?.data?.outputs.find((of) => of.name === name);
          const preview = previews[at];
          return (
            <section key={run.id}>
              <h2>
                <Link to="/runs/$runId" params={{ runId: run.id }} search={output?.task ? { task: output.task } : {}} className="link">
                  {run.name ?? run.id}
                </Link>{" "}
                <span className="dim">
                  {output?.value.type} {bytes(output?.value.size)}
                </span>
              </h2>
              {!output ? (
                <p className="dim">not an output of this run</p>
              ) : !output.value.artifact ? (
                <code>{output.value.text}</code>
              ) : preview?.error ? (
                <ErrorView error={preview.error} />
              ) : preview?.data ? (
                <Preview preview={preview.data} artifact={output.value.artifact ?? undefined} rows={30} />
              ) : (
                <Loading />
              )}
            </section>
          );
        })}
      </div>
    </>
  );
}
