/** What is asked of an artifact, and the shapes of the answers. */
import { keepPreviousData, queryOptions } from "@tanstack/react-query";

import { get, part, path } from "./client";
import type { ValueRef } from "./run";

export type Cell = unknown;

export type PreviewOf =
  | { kind: "table"; type: string; columns: { name: string; type: string }[]; rows: Cell[][]; index: Cell[] | null; shape: [number, number] }
  | { kind: "array"; type: string; shape: number[]; dtype: string; values: unknown; least: number | null; greatest: number | null; mean: number | null; missing: number | null; stored?: number | null }
  | { kind: "image"; type: string; png: string; width: number; height: number }
  | { kind: "plotly"; type: string; figure: unknown; html?: string | null }
  | { kind: "text"; type: string; text: string; length: number }
  | { kind: "markdown"; type: string; text: string }
  | { kind: "html"; type: string; url: string }
  | { kind: "svg"; type: string; url: string }
  | { kind: "scalar"; type: string; value: unknown }
  | { kind: "tree"; type: string; length: number; items: [string | number, PreviewOf][] }
  | { kind: "estimator"; type: string; class: string; params: Record<string, unknown> | [string, unknown][]; fitted: Record<string, unknown> | string[] | boolean | null; text: string | null }
  | { kind: "object"; type: string; text: string; html?: string | null }
  | { kind: "gathered"; type: string; length: number; items: ValueRef[] }
  | { kind: "dataset"; type: string; name: string; [more: string]: unknown }
  | { kind: "too_large"; type: string; size: number | null; limit: number | null; python: string | null }
  | { kind: "gone"; type: string; message: string }
  | { kind: "failed"; type: string; message: string };

export type Artifact = {
  id: string;
  type: string | null;
  format: string | null;
  size: number | null;
  meta: Record<string, unknown> | null;
  blobs: number | unknown[] | null;
  made_by: { run: string; task: string; output: string | null }[];
  used_by: { run: string; task: string; input: string | null }[];
  more_users: number;
  pinned: boolean;
  python: string | null;
  suffix: string | null;
};

export type TablePage = { columns: { name: string; type: string }[]; rows: Cell[][]; index: Cell[] | null; offset: number; total: number };
export type ColumnFacts = {
  name: string;
  type: string;
  missing: number | null;
  distinct: number | null;
  least: unknown;
  greatest: unknown;
  mean: number | null;
  std: number | null;
  top: [unknown, number][] | null;
  histogram: { edges: unknown[]; counts: number[] } | null;
};
export type ColumnsAnswer = { rows: number; columns: ColumnFacts[]; sampled: number | null };

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
