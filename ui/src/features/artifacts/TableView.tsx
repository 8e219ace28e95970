/** A table of any length: pages as one scrolls, and of each column its type, its histogram, how much is missing. */
import { useQueries, useQuery } from "@tanstack/react-query";
import { useVirtualizer } from "@tanstack/react-virtual";
import { ArrowDown, ArrowUp } from "lucide-react";
import { useMemo, useRef, useState } from "react";

import { type ColumnFacts, type Met, columnsQuery, tableQuery } from "~/api/artifacts";
import { ErrorView, Loading } from "~/components/Feedback";
import { count, number, plural, value as written } from "~/lib/format";

import { Cell, isNumeric } from "./Preview";
import css from "./TableView.module.css";
import { heights } from "./shape";

const PAGE = 100;
const ROW = 26;

type Sort = { column: string; desc: boolean } | null;

export function TableView({ id, met }: { id: string; met: Met }) {
  const [sort, setSort] = useState<Sort>(null);
  const scroller = useRef<HTMLDivElement>(null);
  const facts = useQuery(columnsQuery(id, met));
  const ask = (page: number) => tableQuery(id, met, { offset: page * PAGE, limit: PAGE, sort: sort?.column, desc: sort?.desc || undefined });
  const first = useQuery(ask(0));
  const total = first.data?.total ?? 0;
  const virtual = useVirtualizer({ count: total, getScrollElement: () => scroller.current, estimateSize: () => ROW, overscan: 10 });
  const items = virtual.getVirtualItems();
  const pages = [...new Set(items.map((one) => Math.floor(one.index / PAGE)))];
  const answers = useQueries({ queries: pages.map(ask) });
  const byColumn = useMemo(() => new Map((facts.data?.columns ?? []).map((one) => [String(one.name), one])), [facts.data]);
  if (first.error) return <ErrorView error={first.error} retry={() => void first.refetch()} />;
  if (!first.data) return <Loading what="Reading the table" />;
  const { columns } = first.data;
  const template = `minmax(56px, max-content) ${columns.map((one) => `${widthOf(one.type, String(one.name))}px`).join(" ")}`;
  const press = (column: string) => setSort((before) => (before?.column !== column ? { column, desc: false } : before.desc ? null : { column, desc: true }));
  return (
    <div className={css.view}>
      <div ref={scroller} className={css.scroller} role="grid" aria-label="Table" aria-rowcount={total + 1} aria-colcount={columns.length + 1} tabIndex={0}>
        <div className={css.inner}>
          <div className={css.head} role="row" style={{ gridTemplateColumns: template.replace("minmax(56px, max-content)", "64px") }}>
            <div role="columnheader" className={css.corner}>
              #
            </div>
            {columns.map((one, at) => {
              const name = String(one.name);
              const fact = byColumn.get(name);
              return (
                <div key={at} role="columnheader" className={css.column} aria-sort={sort?.column === name ? (sort.desc ? "descending" : "ascending") : undefined}>
                  <button type="button" className={css.name} onClick={() => press(name)} title={name}>
                    <span className="cut">{name}</span>
                    {sort?.column === name && (sort.desc ? <ArrowDown size={11} aria-hidden="true" /> : <ArrowUp size={11} aria-hidden="true" />)}
                  </button>
                  <span className={css.type}>
                    {one.type}
                    {fact && fact.missing !== null && fact.missing > 0 && (
                      <span className={css.missing} title={`${count(fact.missing)} of ${count(facts.data?.rows)} are missing`}>
                        {percent(fact.missing, facts.data?.rows ?? 0)} missing
                      </span>
                    )}
                  </span>
                  {fact && <Shape fact={fact} />}
                </div>
              );
            })}
          </div>
          <div className={css.rows} role="rowgroup" style={{ height: virtual.getTotalSize() }}>
            {items.map((item) => {
              const answer = answers[pages.indexOf(Math.floor(item.index / PAGE))]?.data;
              const row = answer && answer.offset === Math.floor(item.index / PAGE) * PAGE ? answer.rows[item.index % PAGE] : undefined;
              const label = answer?.index?.[item.index % PAGE];
              return (
                <div key={item.index} role="row" aria-rowindex={item.index + 2} className={css.row} style={{ transform: `translateY(${item.start}px)`, gridTemplateColumns: template.replace("minmax(56px, max-content)", "64px") }}>
                  <div role="rowheader" className={css.index}>
                    {label === undefined || label === null ? count(item.index) : String(label)}
                  </div>
                  {row?.map((cell, at) => (
                    <div key={at} role="gridcell" className={isNumeric(columns[at]?.type) ? css.number : css.cell} title={typeof cell === "string" && cell.length > 12 ? cell : undefined}>
                      <Cell value={cell} />
                    </div>
                  ))}
                </div>
              );
            })}
          </div>
        </div>
      </div>
      <p className={css.foot}>
        {count(total)} × {count(columns.length)}
        {facts.data?.sampled != null && ` · histograms of ${plural(facts.data.sampled, "row")}`}
      </p>
    </div>
  );
}

function widthOf(type: string, name: string): number {
  const wide = /int|float|bool|double|decimal/i.test(type) ? 104 : /date|time/i.test(type) ? 168 : 150;
  return Math.max(wide, Math.min(220, name.length * 8 + 28));
}

function percent(part: number, whole: number): string {
  if (whole === 0) return "0 %";
  const share = (100 * part) / whole;
  return share < 0.1 ? "< 0.1 %" : `${share.toFixed(share < 10 ? 1 : 0)} %`;
}

const edge = (of: unknown) => (typeof of === "number" ? number(of) : written(of));

/** A histogram of numbers and times; of texts the most frequent. */
function Shape({ fact }: { fact: ColumnFacts }) {
  if (fact.histogram && fact.histogram.counts.length > 0) {
    const { counts, edges } = fact.histogram;
    const said = `from ${edge(edges[0])} to ${edge(edges.at(-1))}${fact.mean == null ? "" : `, mean ${number(fact.mean)}`}${fact.std == null ? "" : `, deviation ${number(fact.std)}`}`;
    const wide = 88 / counts.length;
    return (
      <span className={css.shape} title={said}>
        <svg width="88" height="22" role="img" aria-label={said}>
          {heights(counts).map((one, at) => (
            <rect key={at} x={at * wide} width={Math.max(wide - 1, 1)} y={22 - one * 22} height={one * 22} fill="var(--accent)" opacity="0.62">
              <title>{`${edge(edges[at])} … ${edge(edges[at + 1])}: ${count(counts[at])}`}</title>
            </rect>
          ))}
        </svg>
      </span>
    );
  }
  const top = fact.top?.[0];
  return (
    <span className={css.shape} title={fact.top?.map(([one, many]) => `${written(one)}: ${count(Number(many))}`).join("\n")}>
      <span className={css.words}>
        {fact.distinct !== null && `${count(fact.distinct)} distinct`}
        {top && fact.distinct !== null && fact.distinct > 1 && <span className="cut"> · {written(top[0])}</span>}
      </span>
    </span>
  );
}
