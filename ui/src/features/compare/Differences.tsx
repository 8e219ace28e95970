/** What differs between runs, block by block: names down and runs across, or runs down when they are many. */
import { Link } from "@tanstack/react-router";
import { useMemo } from "react";

import type { CompareAnswer, CompareRow, RunRow } from "~/api/types";
import { type Columns, DataTable } from "~/components/DataTable";
import { Section } from "~/components/Page";
import { StateMark } from "~/components/StateMark";
import { Time } from "~/components/Time";
import { classes } from "~/lib/classes";
import { duration, number, plural, value } from "~/lib/format";

import css from "./ComparePage.module.css";
import { BLOCKS, BLOCK_TITLES, extremes, rowsOf, usual } from "./table";

const ACROSS = 12;

type Props = { answer: CompareAnswer; all: boolean; onAll: (all: boolean) => void };

export function Differences({ answer, all, onAll }: Props) {
  const across = answer.runs.length <= ACROSS;
  const same = BLOCKS.reduce((sum, block) => sum + answer[block].filter((one) => !one.differs).length, 0);
  return (
    <>
      <div className={css.bar}>
        <label className={css.check}>
          <input type="checkbox" checked={all} onChange={(event) => onAll(event.target.checked)} />
          also what is the same ({plural(same, "line")})
        </label>
      </div>
      {across ? <Across answer={answer} all={all} /> : <Down answer={answer} all={all} />}
      {BLOCKS.every((block) => rowsOf(answer, block, all).length === 0) && <p className={css.none}>Nothing differs: same parameters, code, data and environment.</p>}
    </>
  );
}

function Across({ answer, all }: { answer: CompareAnswer; all: boolean }) {
  return (
    <div className={css.wideScroll} tabIndex={0} role="region" aria-label="Differences">
      <table className={css.table} aria-label="Runs side by side">
        <thead>
          <tr>
            <td className={css.corner} />
            {answer.runs.map((run) => (
              <th key={run.id} scope="col">
                <Link to="/runs/$runId" params={{ runId: run.id }} className="link">
                  {run.name ?? run.id}
                </Link>
                <div className={css.sub}>
                  <StateMark state={run.status} /> <Time at={run.started_at} />
                </div>
              </th>
            ))}
          </tr>
        </thead>
        {BLOCKS.map((block) => {
          const rows = rowsOf(answer, block, all);
          const took = block === "metrics" ? { name: "duration", differs: true, values: answer.runs.map((one) => one.seconds) } : null;
          if (rows.length === 0 && !took) return null;
          return (
            <tbody key={block}>
              <tr>
                <th colSpan={answer.runs.length + 1} scope="rowgroup" className={css.block}>
                  {BLOCK_TITLES[block]}
                </th>
              </tr>
              {took && <Line row={took} block="duration" />}
              {rows.map((row) => (
                <Line key={row.name} row={row} block={block} />
              ))}
              {(answer.cut?.[block] ?? 0) > 0 && (
                <tr>
                  <td colSpan={answer.runs.length + 1} className="dim">
                    and {plural(answer.cut?.[block] ?? 0, "more line")}
                  </td>
                </tr>
              )}
            </tbody>
          );
        })}
      </table>
    </div>
  );
}

function Line({ row, block }: { row: CompareRow; block: string }) {
  const edge = block === "metrics" || block === "duration" ? extremes(row) : null;
  const common = row.differs ? usual(row.values) : null;
  return (
    <tr className={row.differs ? undefined : css.same}>
      <th scope="row" title={row.name}>
        {row.name}
      </th>
      {row.values.map((one, at) => (
        <td key={at} title={isHash(one) ? one : undefined} className={classes(row.differs && common !== null && JSON.stringify(one ?? null) !== common && css.other)}>
          {text(one, block)}
          {edge?.least === at && <span className={css.edge} title="least"> ↓</span>}
          {edge?.greatest === at && <span className={css.edge} title="greatest"> ↑</span>}
        </td>
      ))}
    </tr>
  );
}

function text(one: unknown, block: string): string {
  if (one === null || one === undefined) return "—";
  if (block === "duration" && typeof one === "number") return duration(one);
  if (typeof one === "number") return block === "metrics" ? number(one) : value(one);
  if (isHash(one)) return one.slice(0, 10);
  return value(one);
}

/** What stands for a content: its beginning tells two apart. */
const isHash = (one: unknown): one is string => typeof one === "string" && /^[0-9a-f]{24,}$/.test(one);

type Row = { run: RunRow; at: number };

function Down({ answer, all }: { answer: CompareAnswer; all: boolean }) {
  const columns = useMemo<Columns<Row>>(
    () => [
      {
        id: "run",
        header: "Run",
        size: 150,
        cell: ({ row }) => (
          <Link to="/runs/$runId" params={{ runId: row.original.run.id }}>
            <StateMark state={row.original.run.status} word={false} /> {row.original.run.name ?? row.original.run.id}
          </Link>
        ),
      },
      ...(["params", "metrics", "environment", "datasets"] as const).flatMap((block) =>
        rowsOf(answer, block, all)
          .slice(0, 60)
          .map((line): Columns<Row>[number] => ({
            id: `${block} ${line.name}`,
            header: line.name,
            size: 120,
            meta: { align: typeof line.values[0] === "number" ? "end" : undefined, title: `${BLOCK_TITLES[block]}: ${line.name}` },
            cell: ({ row }) => text(line.values[row.original.at], block),
          })),
      ),
    ],
    [answer, all],
  );
  const rows = useMemo(() => answer.runs.map((run, at) => ({ run, at })), [answer]);
  return (
    <Section title="Runs" note={plural(rows.length, "run")}>
      <div className={css.tall}>
        <DataTable<Row> name="compare" label="Runs and what differs" columns={columns} count={rows.length} rowAt={(at) => rows[at]} rowId={(one) => one.run.id} />
      </div>
    </Section>
  );
}
