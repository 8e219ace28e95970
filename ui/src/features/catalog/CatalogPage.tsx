/** The datasets of the project: where each is, who wrote it last, who uses it, whether its checks hold. */
import { useQuery } from "@tanstack/react-query";
import { Link, getRouteApi, useNavigate } from "@tanstack/react-router";
import { Search } from "lucide-react";
import { useCallback, useMemo, useRef } from "react";

import { catalogQuery, projectQuery } from "~/api/queries";
import type { CatalogRow } from "~/api/types";
import { type Columns, DataTable } from "~/components/DataTable";
import { Answer, Empty } from "~/components/Feedback";
import { Layer } from "~/components/Layer";
import { Problems } from "~/components/Page";
import { StateMark } from "~/components/StateMark";
import { Time } from "~/components/Time";
import { bytes, count, plural } from "~/lib/format";
import { useKeys } from "~/lib/keys";

import css from "./CatalogPage.module.css";

const route = getRouteApi("/catalog");

const columns: Columns<CatalogRow> = [
  {
    id: "name",
    header: "Dataset",
    size: 210,
    meta: { grow: true },
    cell: ({ row: { original: one } }) => (
      <Link to="/catalog/$dataset" params={{ dataset: one.name }} className={css.name}>
        {one.name}
        {one.factory && <span className={css.badge}>pattern</span>}
        {one.versioned && <span className={css.badge}>versioned</span>}
      </Link>
    ),
  },
  { id: "layer", header: "Layer", size: 110, cell: ({ row }) => <Layer name={row.original.layer} /> },
  { id: "type", header: "Type", size: 150, cell: ({ row }) => <code title={row.original.type ?? undefined}>{row.original.type?.split(".").at(-1)}</code> },
  { id: "place", header: "Place", size: 230, meta: { grow: true }, cell: ({ row }) => <code title={row.original.place ?? undefined}>{row.original.place}</code> },
  {
    id: "last",
    header: "Last written",
    size: 220,
    cell: ({ row: { original: one } }) =>
      one.last ? (
        <Link to="/runs/$runId" params={{ runId: one.last.run }} search={one.last.task ? { task: one.last.task } : {}} className={css.last}>
          <Time at={one.last.at} /> <code className="dim">{one.last.run}</code>
        </Link>
      ) : (
        <span className="dim">never by a run</span>
      ),
  },
  { id: "size", header: "Size", size: 84, meta: { align: "end" }, cell: ({ row }) => bytes(row.original.last?.size) },
  {
    id: "checks",
    header: "Checks",
    size: 120,
    cell: ({ row: { original: one } }) => {
      if (!one.status) return one.checks > 0 ? <span className="dim">{count(one.checks)} not run</span> : null;
      const bad = one.status.failed > 0;
      return (
        <span className={css.checks}>
          <StateMark state={bad ? "failed" : "done"} word={false} />
          {bad ? `${count(one.status.failed)} failed` : `${count(one.status.passed)} passed`}
        </span>
      );
    },
  },
  {
    id: "used",
    header: "Written by → read by",
    size: 230,
    cell: ({ row: { original: one } }) => (
      <span className="dim">
        {one.writers.join(", ") || "—"} → {one.readers.join(", ") || "—"}
      </span>
    ),
  },
];
export function CatalogPage() {
  const { q = "", env } = route.useSearch();
  const navigate = useNavigate({ from: "/catalog" });
  const catalog = useQuery(catalogQuery(env));
  const project = useQuery(projectQuery());
  const input = useRef<HTMLInputElement>(null);
  useKeys("Catalog", [{ keys: "/", does: "find a dataset", run: () => input.current?.focus() }]);
  const items = useMemo(() => {
    const words = q.toLowerCase().split(/\s+/).filter(Boolean);
    return (catalog.data?.items ?? []).filter((one) => {
      const text = [one.name, one.layer, one.type, one.place, ...one.writers, ...one.readers].join(" ").toLowerCase();
      return words.every((word) => text.includes(word));
    });
  }, [catalog.data, q]);
  const open = useCallback((row: CatalogRow) => void navigate({ to: "/catalog/$dataset", params: { dataset: row.name } }), [navigate]);
  return (
    <div className={css.page}>
      <div className={css.bar}>
        <h1 className="hidden-text">Catalog</h1>
        <div className={css.find}>
          <Search size={14} aria-hidden="true" />
          <input
            ref={input}
            className="field"
            aria-label="Find a dataset"
            placeholder="Find by name, layer, type, place or pipeline"
            value={q}
            onChange={(event) => void navigate({ search: (before) => ({ ...before, q: event.target.value || undefined }), replace: true })}
          />
        </div>
        <label className={css.env}>
          Environment
          <select className="field" value={env ?? ""} onChange={(event) => void navigate({ search: (before) => ({ ...before, env: event.target.value || undefined }) })}>
            <option value="">{project.data?.env ?? "as set"}</option>
            {project.data?.environments.map((one) => (
              <option key={one} value={one}>
                {one}
              </option>
            ))}
          </select>
        </label>
      </div>
      <Answer query={catalog} what="Reading the catalog">
        {({ items: all, problems, loading }) => (
          <>
            <Problems problems={problems} />
            <div className={css.table}>
              <DataTable<CatalogRow>
                name="catalog"
                label="Datasets"
                columns={columns}
                count={items.length}
                rowAt={(at) => items[at]}
                rowId={(one) => one.name}
                onOpen={open}
                rowHeight={34}
                empty={
                  loading ? null : all.length > 0 ? (
                    <Empty title="No dataset matches" />
                  ) : (
                    <Empty title="The catalog is empty" command="plait catalog">
                      Datasets are named places: write them in <code>conf/base/catalog.yml</code>.
                    </Empty>
                  )
                }
              />
            </div>
            <div className={css.foot}>{loading ? "reading the project …" : plural(all.length, "dataset")}</div>
          </>
        )}
      </Answer>
    </div>
  );
}
