/** A part of the detail: a small head, then what it holds. */
import type { ReactNode } from "react";

import css from "./Block.module.css";

export function Block({ title, note, actions, children }: { title: ReactNode; note?: ReactNode; actions?: ReactNode; children: ReactNode }) {
  return (
    <section className={css.block}>
      <div className={css.head}>
        <h2>{title}</h2>
        {note && <span className={css.note}>{note}</span>}
        {actions && <span className={css.actions}>{actions}</span>}
      </div>
      {children}
    </section>
  );
}

/** The parts of a tab, under each other, in one scroller. */
export function Blocks({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div className={css.blocks} role="region" aria-label={label} tabIndex={0}>
      {children}
    </div>
  );
}
