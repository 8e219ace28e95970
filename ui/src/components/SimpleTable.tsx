/** A short table, whole: for lists that the server already cut. Long ones are DataTable's. */
import type { ReactNode } from "react";

import { classes } from "~/lib/classes";

import css from "./SimpleTable.module.css";

type Column<T> = { head: ReactNode; cell: (row: T, index: number) => ReactNode; end?: boolean; mono?: boolean; wide?: boolean };

export function SimpleTable<T>({ label, columns, rows, rowKey, muted }: { label: string; columns: Column<T>[]; rows: readonly T[]; rowKey: (row: T, index: number) => string; muted?: (row: T) => boolean }) {
  return (
    <div className={css.scroll} tabIndex={0} role="region" aria-label={label}>
      <table className={css.table} aria-label={label}>
        <thead>
          <tr>
            {columns.map((one, at) => (
              <th key={at} scope="col" className={classes(one.end && "num", one.wide && css.wide)}>
                {one.head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <tr key={rowKey(row, index)} className={muted?.(row) ? css.muted : undefined}>
              {columns.map((one, at) => (
                <td key={at} className={classes(one.end && "num", one.mono && "mono", one.wide ? css.wide : css.whole)}>
                  {one.cell(row, index)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
