/** How the code that really ran differs between two runs: function by function, class by class. */
import { useQuery } from "@tanstack/react-query";

import { get } from "~/api/client";
import type { CodeDiff, CompareAnswer } from "~/api/types";
import { DiffView } from "~/components/DiffView";
import { Answer } from "~/components/Feedback";
import { Section } from "~/components/Page";
import type { CompareSearch } from "~/router";
import { plural } from "~/lib/format";

import css from "./ComparePage.module.css";

type Props = { answer: CompareAnswer; search: CompareSearch; onChange: (next: Partial<CompareSearch>) => void };

export function CodeTab({ answer, search, onChange }: Props) {
  const ids = answer.runs.map((one) => one.id);
  const left = search.x && ids.includes(search.x) ? search.x : (ids[0] ?? "");
  const right = search.y && ids.includes(search.y) ? search.y : (ids[1] ?? "");
  const diff = useQuery({
    queryKey: ["compare", "code", left, right],
    queryFn: ({ signal }) => get<CodeDiff>("/compare/code", { left, right }, signal),
  });
  const choice = (label: string, value: string, key: "x" | "y") => (
    <label>
      {label}
      <select className="field" value={value} onChange={(event) => onChange({ [key]: event.target.value })}>
        {answer.runs.map((one) => (
          <option key={one.id} value={one.id}>
            {one.name ?? one.id}
          </option>
        ))}
      </select>
    </label>
  );
  return (
    <>
      <div className={css.controls}>
        {choice("From", left, "x")}
        {choice("To", right, "y")}
      </div>
      <Answer query={diff} what="Comparing the code">
        {({ steps }) => {
          const changed = steps.filter((one) => !one.same);
          return (
            <>
              {changed.length === 0 && <p className={css.none}>All steps ran the same code.</p>}
              {changed.map((one) => (
                <Section key={one.step} title={one.step} note={plural(one.components.length, "change")}>
                  {one.components.map((part) => (
                    <div key={part.kind + part.name} className={css.component}>
                      <p>
                        <b className="mono">{part.name}</b> <span className="dim">{part.change}</span> <code className="dim">{part.where}</code>
                      </p>
                      {part.diff && <DiffView diff={part.diff} label={`${part.name} ${part.change}`} />}
                    </div>
                  ))}
                </Section>
              ))}
              {changed.length > 0 && changed.length < steps.length && <p className={css.none}>{plural(steps.length - changed.length, "other step")} ran the same code.</p>}
            </>
          );
        }}
      </Answer>
    </>
  );
}
