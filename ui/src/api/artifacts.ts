/** What is asked of an artifact, and what its previews can be. */
import { keepPreviousData, queryOptions } from "@tanstack/react-query";

import { get, part, path } from "./client";
import type { components } from "./schema";

type Schemas = components["schemas"];

export type Artifact = Schemas["ArtifactView"];
export type TablePage = Schemas["TablePage"];
export type ColumnFacts = Schemas["ColumnFact"];
export type ColumnsAnswer = Schemas["ColumnFacts"];

type Whole = Schemas["Preview"];
type Filled<Field extends keyof Whole> = { [F in Field]: NonNullable<Whole[F]> };
/** A preview of one kind: the fields that it always has, and those that it may have. */
type Kind<Name extends string, Has extends keyof Whole, May extends keyof Whole = "hint"> = { kind: Name } & Filled<"type" | Has> & Pick<Whole, May>;

/** What the server says of a value, told apart by its kind. */
export type PreviewOf =
  | Kind<"table", "columns" | "rows" | "shape", "index">
  | Kind<"array", "shape" | "dtype" | "values", "least" | "greatest" | "mean" | "missing" | "stored">
  | Kind<"image", "png" | "width" | "height">
  | Kind<"plotly", "figure", "html">
  | Kind<"text", "text" | "length">
  | Kind<"markdown", "text">
  | Kind<"html", "url">
  | Kind<"svg", "url">
  | Kind<"scalar", never, "value">
  | (Kind<"tree", "length"> & { items: [string | number | null, PreviewOf][] })
  | Kind<"estimator", "class" | "params", "fitted" | "text">
  | Kind<"object", "text", "html">
  | (Kind<"gathered", "length"> & { items: Schemas["ValueRef"][] })
  | Kind<"too_large", never, "size" | "limit">
  | Kind<"gone", "message", "hint">
  | Kind<"failed", "message", "hint">;

const of = (id: string, rest = "") => `/artifacts/${part(id)}${rest}`;

/** The place where an artifact was met: helps to find small ones, which have no blob of their own. */
export type Met = { run?: string; task?: string; output?: string };

export const artifactQuery = (id: string, met: Met = {}) =>
  queryOptions({ queryKey: ["artifact", id], queryFn: ({ signal }) => get<Artifact>(of(id), met, signal), staleTime: 60_000 });

export const previewQuery = (route: string) =>
  queryOptions({ queryKey: ["preview", route], queryFn: ({ signal }) => get<PreviewOf>(route, {}, signal), staleTime: 300_000 });

/** The route of a preview, from an artifact's id or from the ready address that a value carries. */
export function previewRoute(id: string, met: Met = {}): string {
  return path(of(id, "/preview"), met).replace(/^\/api\/v1/, "");
}

export const columnsQuery = (id: string, met: Met) =>
  queryOptions({ queryKey: ["artifact", id, "columns"], queryFn: ({ signal }) => get<ColumnsAnswer>(of(id, "/columns"), met, signal), staleTime: 300_000 });

export const tableQuery = (id: string, met: Met, ask: { offset: number; limit: number; sort?: string; desc?: boolean }) =>
  queryOptions({
    queryKey: ["artifact", id, "table", ask],
    queryFn: ({ signal }) => get<TablePage>(of(id, "/table"), { ...met, ...ask }, signal),
    staleTime: 300_000,
    placeholderData: keepPreviousData,
  });

export const downloadAddress = (id: string, ask: Met & { format?: string }) => path(of(id, "/download"), ask);
