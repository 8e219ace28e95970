/** A unified diff, each line with its sign. */
import { classes } from "~/lib/classes";

import css from "./DiffView.module.css";

export function DiffView({ diff, label }: { diff: string; label: string }) {
  const lines = diff.replace(/\n$/, "").split("\n");
  return (
    <pre className={css.diff} tabIndex={0} role="region" aria-label={label}>
      {lines.map((line, at) => {
        if (/^(---|\+\+\+) ?/.test(line) && at < 3) return null;
        const kind = line.startsWith("+") ? "added" : line.startsWith("-") ? "removed" : line.startsWith("@@") ? "place" : "same";
        return (
          <span key={at} className={classes(css.line, css[kind])}>
            {kind === "place" ? "⋯" : line || " "}
            {"\n"}
          </span>
        );
      })}
    </pre>
  );
}
