/** Every question to the server that more than one place asks. */
import { queryOptions } from "@tanstack/react-query";

import { get, part } from "./client";
import type { CatalogAnswer, DatasetDetail, GraphView, Lineage, Meta, PipelineDetail, Pipelines, ProjectAnswer } from "./types";

export const metaQuery = queryOptions({
  queryKey: ["meta"],
  queryFn: ({ signal }) => get<Meta>("/meta", {}, signal),
  staleTime: 60_000,
});

export const pipelinesQuery = queryOptions({
  queryKey: ["pipelines"],
  queryFn: ({ signal }) => get<Pipelines>("/pipelines", {}, signal),
  // The server reads the project's code in a process of its own: what is not there yet is asked again.
  refetchInterval: (query) => (query.state.data?.loading ? 1000 : false),
});

export const pipelineQuery = (name: string) =>
  queryOptions({
    queryKey: ["pipeline", name],
    queryFn: ({ signal }) => get<PipelineDetail>(`/pipelines/${part(name)}`, {}, signal),
  });

export const pipelineGraphQuery = (name: string) =>
  queryOptions({
    queryKey: ["pipeline", name, "graph"],
    queryFn: ({ signal }) => get<GraphView>(`/pipelines/${part(name)}/graph`, {}, signal),
  });

export const projectQuery = (env?: string) =>
  queryOptions({
    queryKey: ["project", env ?? null],
    queryFn: ({ signal }) => get<ProjectAnswer>("/project", { env }, signal),
    refetchInterval: (query) => (query.state.data?.loading ? 1000 : false),
  });

export const catalogQuery = (env?: string) =>
  queryOptions({
    queryKey: ["catalog", env ?? null],
    queryFn: ({ signal }) => get<CatalogAnswer>("/catalog", { env }, signal),
    refetchInterval: (query) => (query.state.data?.loading ? 1000 : false),
  });

export const datasetQuery = (name: string) =>
  queryOptions({
    queryKey: ["catalog", "dataset", name],
    queryFn: ({ signal }) => get<DatasetDetail>(`/catalog/${part(name)}`, {}, signal),
  });

export const lineageQuery = (of: { dataset?: string; run?: string; artifact?: string }, depth: number) =>
  queryOptions({
    queryKey: ["lineage", of, depth],
    queryFn: ({ signal }) => get<Lineage>("/lineage", { ...of, depth }, signal),
    placeholderData: (before) => before,
  });
