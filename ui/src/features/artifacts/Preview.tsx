/** What does a value look like? One view for each kind of it; what came from somebody's code is text, or in a sandbox. */
import { useQuery } from "@tanstack/react-query";
import { Suspense, lazy, useState } from "react";

import { exported } from "~/api/client";
import { type Met, type PreviewOf, previewQuery, previewRoute } from "~/api/artifacts";
import { Button } from "~/components/Button";
import { ErrorView, Loading } from "~/components/Feedback";
import { Facts } from "~/components/Page";
import { SimpleTable } from "~/components/SimpleTable";
import { TaskLink } from "~/features/run/DataTables";
import { bytes, count, number, plural, value as written } from "~/lib/format";

import css from "./Preview.module.css";
import { Tree } from "./Tree";
import { matrixOf } from "./shape";

const Markdown = lazy(() => import("./Markdown"));

/** A preview as the server answers it; a kind that this page is too old to know shows as what is in it. */
export type PreviewAnswer = { kind: string } & Record<string, unknown>;

/** A stored value, asked for by its id. */
export default function ArtifactPreview({ id, met, compact = false }: { id: string; met: Met; compact?: boolean }) {
  const query = useQuery(previewQuery(previewRoute(id, met)));
  if (query.error) return <ErrorView error={query.error} retry={() => void query.refetch()} />;
  if (!query.data) return <Loading what="Reading the value" />;
  return <Preview preview={query.data} rows={compact ? 12 : 50} tall={!compact} />;
}

export function Preview({ preview, rows = 50, tall = false }: { preview: PreviewAnswer | PreviewOf; artifact?: string; rows?: number; tall?: boolean }) {
  return (
    <div className={css.preview}>
      <View of={preview as PreviewOf} rows={rows} tall={tall} />
    </div>
  );
}

function View({ of, rows, tall }: { of: PreviewOf; rows: number; tall: boolean }) {
  switch (of.kind) {
    case "table":
      return <TableHead of={of} rows={rows} />;
    case "array":
      return <ArrayView of={of} />;
    case "image":
      return <Picture of={of} />;
    case "plotly":
      return of.html ? <Sandbox url={of.html} title="Figure" scripts trusted tall={tall} /> : <Tree value={of.figure} />;
    case "html":
      return <Sandbox url={of.url} title="HTML" tall={tall} />;
    case "svg":
      return <Sandbox url={of.url} title="Drawing" still tall={tall} />;
    case "markdown":
      return (
        <Suspense fallback={<Loading />}>
          <Markdown text={of.text} />
        </Suspense>
      );
    case "text":
      return <Text of={of} />;
    case "scalar":
      return <p className={css.scalar}>{written(of.value)}</p>;
    case "tree":
      return <Tree of={of} />;
    case "estimator":
      return <Model of={of} />;
    case "gathered":
      return <Gathered of={of} />;
    case "too_large":
      return (
        <p className={css.words}>
          {bytes(of.size)} of {of.type}: more than the {bytes(of.limit)} that are read here. It can be loaded in Python.
        </p>
      );
    case "gone":
    case "failed":
      return (
        <div className={css.words} role="alert">
          <p>{of.message}</p>
          {of.hint && <p className="dim">→ {of.hint}</p>}
        </div>
      );
    case "object":
      return (
        <>
          <pre className={css.text} tabIndex={0}>
            {of.text}
          </pre>
          {of.html && <Opened url={of.html} />}
        </>
      );
    default:
      // A kind that a newer server knows: what it says is still text.
      return <Tree value={of} />;
  }
}

type Of<K extends PreviewOf["kind"]> = Extract<PreviewOf, { kind: K }>;

export function Cell({ value }: { value: unknown }) {
  if (value === null || value === undefined) return <span className={css.none}>none</span>;
  if (value === "nan" || value === "NaT" || value === "<NA>") return <span className={css.none}>{value}</span>;
  if (typeof value === "number") return <>{number(value)}</>;
  if (typeof value === "boolean") return <>{value ? "True" : "False"}</>;
  return <>{typeof value === "string" ? value : JSON.stringify(value)}</>;
}

export function isNumeric(type: string | undefined): boolean {
  return /^(u?int|float|double|decimal)/i.test(type ?? "");
}

function TableHead({ of, rows }: { of: Of<"table">; rows: number }) {
  const shown = of.rows.slice(0, rows);
  const [height = 0, width = 0] = of.shape;
  return (
    <>
      <div className={css.scroll} tabIndex={0} role="region" aria-label="First rows">
        <table className={css.table}>
          <thead>
            <tr>
              {of.index && (
                <th scope="col">
                  <span className="hidden-text">index</span>
                </th>
              )}
              {of.columns.map((one, at) => (
                <th key={at} scope="col" className={isNumeric(one.type) ? "num" : undefined}>
                  {written(one.name)}
                  <span className={css.type}>{one.type}</span>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map((row, at) => (
              <tr key={at}>
                {of.index && <th scope="row">{<Cell value={of.index[at]} />}</th>}
                {row.map((cell, column) => (
                  <td key={column} className={isNumeric(of.columns[column]?.type) ? "num" : undefined} title={typeof cell === "string" ? cell : undefined}>
                    <Cell value={cell} />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p className={css.caption}>
        {count(height)} × {count(width)}
        {height > shown.length && `, the first ${count(shown.length)} rows`}
        {width > of.columns.length && `, the first ${count(of.columns.length)} columns`}
      </p>
    </>
  );
}

const brief = (one: unknown) => (typeof one === "number" ? number(one) : written(one));

function ArrayView({ of }: { of: Of<"array"> }) {
  const values = Array.isArray(of.values) ? of.values : [];
  const matrix = matrixOf(of.shape, values);
  return (
    <>
      <Facts
        items={[
          ["shape", of.shape.map(count).join(" × ") || "()"],
          ["dtype", of.dtype],
          ["least … greatest", of.least != null && `${brief(of.least)} … ${brief(of.greatest)}`],
          ["mean", of.mean != null && number(Number(of.mean))],
          ["missing", of.missing],
          ["stored", of.stored != null && plural(of.stored, "value")],
        ]}
      />
      {matrix.length > 0 && (
        <div className={css.scroll} tabIndex={0} role="region" aria-label="First values">
          <table className={css.table}>
            <tbody>
              {matrix.map((row, at) => (
                <tr key={at}>
                  {row.map((one, column) => (
                    <td key={column} className="num">
                      <Cell value={one} />
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}

function Picture({ of }: { of: Of<"image"> }) {
  const [whole, setWhole] = useState(false);
  return (
    <figure className={css.figure}>
      <button type="button" onClick={() => setWhole(!whole)} aria-label={whole ? "Fit into the pane" : "Show in full size"} className={css.image} data-whole={whole ? "" : undefined}>
        <img src={`data:image/png;base64,${of.png}`} alt={`A ${of.type.split(".").at(-1) ?? "picture"} of ${of.width} × ${of.height} pixels`} />
      </button>
    </figure>
  );
}

/** HTML of somebody's code: in a frame that reaches nothing; its scripts run only when one asks for it. */
export function Sandbox({ url, title, scripts = false, trusted = false, still = false, tall = false }: { url: string; title: string; scripts?: boolean; trusted?: boolean; still?: boolean; tall?: boolean }) {
  const [run, setRun] = useState(scripts);
  if (exported) return <p className={css.words}>The page is not part of this file: plait ui shows it.</p>;
  const address = run ? `${url}${url.includes("?") ? "&" : "?"}scripts=true` : url;
  return (
    <div className={css.sandbox}>
      <iframe key={address} title={title} src={address} sandbox={run ? "allow-scripts" : ""} className={css.frame} data-tall={tall ? "" : undefined} loading="lazy" />
      {!trusted && !still && (
        <p className={css.caption}>
          {run ? "Its scripts run, in a frame that reaches neither this page nor the network." : "Shown without its scripts."}{" "}
          <Button tone="quiet" onClick={() => setRun(!run)}>
            {run ? "Without scripts" : "Run its scripts"}
          </Button>
        </p>
      )}
    </div>
  );
}

function Opened({ url }: { url: string }) {
  const [open, setOpen] = useState(false);
  return open ? (
    <Sandbox url={url} title="The value as a page" />
  ) : (
    <Button tone="quiet" onClick={() => setOpen(true)}>
      Show as a page
    </Button>
  );
}

function Text({ of }: { of: Of<"text"> }) {
  return (
    <>
      <pre className={css.text} tabIndex={0}>
        {of.text}
      </pre>
      {of.length > of.text.length && (
        <p className={css.caption}>
          the first {count(of.text.length)} of {count(of.length)} characters
        </p>
      )}
    </>
  );
}

function Model({ of }: { of: Of<"estimator"> }) {
  const params = Array.isArray(of.params) ? of.params : Object.entries(of.params ?? {});
  const fitted = of.fitted && typeof of.fitted === "object" && !Array.isArray(of.fitted) ? Object.entries(of.fitted) : [];
  return (
    <>
      <p className={css.class}>
        <code>{of.class}</code> {of.fitted !== null && <span className="dim">{of.fitted === false ? "not fitted" : Array.isArray(of.fitted) ? `fitted: ${of.fitted.join(", ")}` : "fitted"}</span>}
      </p>
      {of.text && (
        <pre className={css.text} tabIndex={0}>
          {of.text}
        </pre>
      )}
      {fitted.length > 0 && <Facts items={fitted.map(([name, one]) => [name, <code key={name}>{written(one)}</code>] as const)} />}
      {params.length > 0 && (
        <details open={params.length <= 12} className={css.params}>
          <summary>Parameters</summary>
          <Facts items={params.map(([name, one]) => [name, <code key={name}>{written(one)}</code>] as const)} />
        </details>
      )}
    </>
  );
}

function Gathered({ of }: { of: Of<"gathered"> }) {
  return (
    <>
      <SimpleTable
        label="Items"
        rows={of.items}
        rowKey={(_, at) => String(at)}
        columns={[
          { head: "#", cell: (_, at) => at, end: true },
          { head: "Value", cell: (one) => <span className={css.cell}>{one.text}</span>, mono: true, wide: true },
          { head: "Size", cell: (one) => bytes(one.size), end: true },
          { head: "From", cell: (one) => one.from_task && <TaskLink task={one.from_task} /> },
        ]}
      />
      {of.length > of.items.length && (
        <p className={css.caption}>
          the first {count(of.items.length)} of {count(of.length)}
        </p>
      )}
    </>
  );
}
