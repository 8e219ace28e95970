/** A page of words and tables: a head, then sections. */
import type { ReactNode } from "react";

import { classes } from "~/lib/classes";

import css from "./Page.module.css";

export function PageHead({ title, note, actions, children }: { title: ReactNode; note?: ReactNode; actions?: ReactNode; children?: ReactNode }) {
  return (
    <div className={css.head}>
      <div className={css.titles}>
        <h1>{title}</h1>
        {note && <div className={css.note}>{note}</div>}
      </div>
      {actions && <div className={css.actions}>{actions}</div>}
      {children}
    </div>
  );
}

export function Section({ title, note, actions, children }: { title: ReactNode; note?: ReactNode; actions?: ReactNode; children: ReactNode }) {
  return (
    <section className={css.section}>
      <div className={css.sectionHead}>
        <h2>{title}</h2>
        {note && <span className="dim">{note}</span>}
        {actions && <span className={css.actions}>{actions}</span>}
      </div>
      {children}
    </section>
  );
}

/** What scrolls by itself, with the keyboard, too. */
export function Scroll({ label, pad, children }: { label: string; pad?: "above" | "around"; children: ReactNode }) {
  return (
    <div className={classes(css.scroll, pad && css[pad])} tabIndex={0} role="region" aria-label={label}>
      {children}
    </div>
  );
}

/** Names and values, one a line. */
export function Facts({ items }: { items: (readonly [ReactNode, ReactNode] | false | null | undefined)[] }) {
  return (
    <dl className={css.facts}>
      {items.map(
        (one, index) =>
          one &&
          one[1] !== null &&
          one[1] !== undefined &&
          one[1] !== false &&
          one[1] !== "" && (
            <div key={index}>
              <dt>{one[0]}</dt>
              <dd>{one[1]}</dd>
            </div>
          ),
      )}
    </dl>
  );
}

/** What is wrong with the project's own files, in the server's words. */
export function Problems({ problems }: { problems: readonly { message: string; where: string | null; hint: string | null }[] }) {
  if (problems.length === 0) return null;
  return (
    <div className={css.problems} role="alert">
      {problems.map((one, index) => (
        <p key={index}>
          {one.message}
          {one.where && <code> {one.where}</code>}
          {one.hint && <span className={css.hint}>→ {one.hint}</span>}
        </p>
      ))}
    </div>
  );
}
