/** What went with what: parallel coordinates of all that differs; one thing against another; boxes by class. */
import { useMemo } from "react";

import type { CompareAnswer } from "~/api/types";
import Chart, { type Curve } from "~/components/Chart";
import { Empty } from "~/components/Feedback";
import { Section } from "~/components/Page";
import { number, value } from "~/lib/format";
import type { CompareSearch } from "~/router";

import css from "./ComparePage.module.css";
import { axisOf, boxOf, classesOf } from "./plots";

type Props = { answer: CompareAnswer; search: CompareSearch; onChange: (next: Partial<CompareSearch>) => void };
const MOST_AXES = 10;
const shown = (one: unknown) => (typeof one === "number" ? number(one) : value(one));

export default function PlotsTab({ answer, search, onChange }: Props) {
  const columns = useMemo(() => {
    const found = new Map<string, unknown[]>();
    for (const one of answer.params) if (one.differs) found.set(`param:${one.name}`, one.values);
    for (const one of answer.metrics) found.set(`metric:${one.name}`, one.values);
    found.set("duration", answer.runs.map((one) => one.seconds));
    return found;
  }, [answer]);
  const names = [...columns.keys()];
  const metric = names.find((one) => one.startsWith("metric:")) ?? "duration";
  const pick = (given: string | undefined, otherwise: string) => (given && columns.has(given) ? given : otherwise);
  const x = pick(search.x, names.find((one) => one.startsWith("param:")) ?? names[0] ?? "duration");
  const y = pick(search.y, metric);
  const color = search.color && columns.has(search.color) ? search.color : y;
  const values = (name: string) => columns.get(name) ?? [];

  const classes = classesOf(values(color), shown);
  const axes = names.filter((one) => new Set(values(one).map(shown)).size > 1).slice(0, MOST_AXES);
  const placed = axes.map((one) => axisOf(one, values(one), shown));
  const parallel: Curve[] = answer.runs.map((run, at) => ({
    label: run.name ?? run.id,
    x: placed.map((_, index) => index),
    y: placed.map((one) => one.at[at] ?? null),
    color: (classes.of[at] ?? 7) + 1,
  }));

  if (axes.length < 2) return <Empty title="Nothing differs that could be drawn">The runs need two parameters or metrics that are not the same.</Empty>;
  return (
    <>
      <div className={css.controls}>
        <Choice label="Colour" value={color} names={names} onChange={(next) => onChange({ color: next })} />
        <ul className={css.key} aria-label={`Colours of ${color}`}>
          {classes.labels.map((label, at) => (
            <li key={label}>
              <span style={{ background: `var(--series-${at + 1})` }} aria-hidden="true" /> {label}
            </li>
          ))}
        </ul>
      </div>
      <Section title="All together" note="one line a run; the words at an axis are its ends">
        <Chart
          label="Parallel coordinates of the runs"
          curves={parallel}
          height={300}
          legend={false}
          xTicks={placed.map((one, at) => ({ at, label: plain(one.name) }))}
          yTicks={[]}
          pad={0.06}
        />
        <div className={css.axes} style={{ gridTemplateColumns: `repeat(${placed.length}, minmax(0, 1fr))` }}>
          {placed.map((one) => (
            <span key={one.name}>
              <b className="cut">{plain(one.name)}</b>
              <span className="cut" title={one.ticks?.map((tick) => tick.label).join(", ")}>
                {one.low} … {one.high}
              </span>
            </span>
          ))}
        </div>
      </Section>
      <Section
        title="One against another"
        actions={
          <span className={css.inline}>
            <Choice label="Across" value={x} names={names} onChange={(next) => onChange({ x: next })} />
            <Choice label="Up" value={y} names={names} onChange={(next) => onChange({ y: next })} />
          </span>
        }
      >
        <Against xName={x} yName={y} x={values(x)} y={values(y)} classes={classes} />
      </Section>
    </>
  );
}

function plain(name: string): string {
  return name.slice(name.indexOf(":") + 1);
}

function Choice({ label, value: chosen, names, onChange }: { label: string; value: string; names: string[]; onChange: (next: string) => void }) {
  return (
    <label>
      {label}
      <select className="field" value={chosen} onChange={(event) => onChange(event.target.value)}>
        {names.map((one) => (
          <option key={one} value={one}>
            {plain(one)}
          </option>
        ))}
      </select>
    </label>
  );
}

type AgainstProps = { xName: string; yName: string; x: unknown[]; y: unknown[]; classes: { of: (number | null)[]; labels: string[] } };

/** Points when x is a number of many values; else a box for each value, or a bar where each has one run. */
function Against({ xName, yName, x, y, classes }: AgainstProps) {
  const heights = y.map((one) => (typeof one === "number" ? one : null));
  if (heights.every((one) => one === null)) return <p className="dim">{plain(yName)} is not a number.</p>;
  const distinct = [...new Set(x.filter((one) => one !== null && one !== undefined).map(shown))];
  const numeric = x.every((one) => one === null || one === undefined || typeof one === "number");
  const label = `${plain(yName)} against ${plain(xName)}`;
  if (numeric && distinct.length > 6) {
    const curves: Curve[] = classes.labels.map((name, of) => {
      const points = x
        .map((one, at) => ({ x: one as number | null, y: heights[at] ?? null, of: classes.of[at] }))
        .filter((one): one is { x: number; y: number; of: number } => one.of === of && typeof one.x === "number" && one.y !== null)
        .sort((a, b) => a.x - b.x);
      return { label: name, x: points.map((one) => one.x), y: points.map((one) => one.y), points: true, color: of + 1 };
    });
    return <Chart label={label} curves={curves.filter((one) => one.x.length > 0)} height={340} />;
  }
  const order = numeric ? distinct.sort((a, b) => Number(a.replace(/\s/g, "")) - Number(b.replace(/\s/g, ""))) : distinct.sort();
  const groups = order.map((word) => heights.filter((one, at): one is number => one !== null && shown(x[at]) === word));
  const ticks = order.map((word, at) => ({ at, label: word }));
  const single = groups.every((one) => one.length <= 1);
  if (single) {
    return <Chart label={label} curves={[{ label: plain(yName), x: order.map((_, at) => at), y: groups.map((one) => one[0] ?? null), bars: true }]} height={320} xTicks={ticks} pad={0.08} />;
  }
  const boxes = groups.flatMap((one, at) => {
    const box = boxOf(one);
    return box ? [{ at, ...box }] : [];
  });
  const dots: Curve[] = classes.labels.map((name, of) => {
    const points = x
      .map((one, at) => ({ x: order.indexOf(shown(one)), y: heights[at] ?? null, of: classes.of[at] }))
      .filter((one): one is { x: number; y: number; of: number } => one.of === of && one.x >= 0 && one.y !== null)
      .map((one, at) => ({ ...one, x: one.x + (((at * 7) % 11) - 5) / 60 }))
      .sort((a, b) => a.x - b.x);
    return { label: name, x: points.map((one) => one.x), y: points.map((one) => one.y), points: true, color: of + 1 };
  });
  return <Chart label={label} curves={dots.filter((one) => one.x.length > 0)} boxes={boxes} height={340} xTicks={ticks} pad={0.1} />;
}
