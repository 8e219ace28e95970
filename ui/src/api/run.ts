/** What is asked of one run: its tasks, items, timeline and logs. */
import { keepPreviousData, queryOptions } from "@tanstack/react-query";

import { get, part } from "./client";
import type { components } from "./schema";
import type { GraphView, MetricSummary, Page, StepProgress } from "./types";

type Schemas = components["schemas"];

export type Run = Schemas["RunView"];
export type Check = Schemas["CheckRow"];
export type DatasetUse = Schemas["Written"];
export type ValueRef = Schemas["ValueRef"];
export type NamedValue = Schemas["NamedValue"];

export type Frame = Schemas["FrameView"];
export type ErrorInfo = Schemas["ErrorView"];

export type Attempt = Schemas["AttemptRow"];
export type TaskRow = Schemas["TaskRow"];
export type Task = Schemas["TaskView"];
export type Items = Schemas["TaskPage"];
export type Strip = Schemas["Strip"];

export type Bar = Schemas["Bar"];
export type Timeline = Schemas["Timeline"];
export type Critical = Schemas["Critical"];

export type Code = Schemas["TaskCode"];
export type CodePart = Schemas["CodePart"];
export type Why = Schemas["WhyView"];
export type Difference = Schemas["WhyDifference"];

export type Series = Schemas["Curve"];
export type Axis = "step" | "time" | "wall";

export type LogLine = Schemas["Line"];
export type LogPage = Schemas["LogPage"];
export type LogFound = Schemas["Found"];

const of = (run: string, rest = "") => `/runs/${part(run)}${rest}`;

/** Answers that hold until the run's next tick; the page asks for them again when it comes. */
const live = { staleTime: 5_000, placeholderData: keepPreviousData } as const;

export const runQuery = (run: string) =>
  queryOptions({ queryKey: ["run", run], queryFn: ({ signal }) => get<Run>(of(run), {}, signal), staleTime: 5_000 });

export const runGraphQuery = (run: string) =>
  queryOptions({ queryKey: ["run", run, "graph"], queryFn: ({ signal }) => get<GraphView>(of(run, "/graph"), {}, signal), staleTime: 60_000 });

export const stepsQuery = (run: string) =>
  queryOptions({ queryKey: ["run", run, "steps"], queryFn: ({ signal }) => get<{ items: StepProgress[] }>(of(run, "/steps"), {}, signal), ...live });

export const criticalQuery = (run: string) =>
  queryOptions({ queryKey: ["run", run, "critical"], queryFn: ({ signal }) => get<Critical>(of(run, "/critical"), {}, signal), ...live });

export const timelineQuery = (run: string, window: { lane: string; from?: number; to?: number }) =>
  queryOptions({
    queryKey: ["run", run, "timeline", window],
    queryFn: ({ signal }) => get<Timeline>(of(run, "/timeline"), { ...window, limit: 2000 }, signal),
    ...live,
  });

export const taskQuery = (run: string, task: string, attempt?: number) =>
  queryOptions({
    queryKey: ["run", run, "task", task, attempt ?? null],
    queryFn: ({ signal }) => get<Task>(of(run, `/tasks/${part(task)}`), { attempt }, signal),
    staleTime: 5_000,
  });

export const codeQuery = (run: string, task: string) =>
  queryOptions({
    queryKey: ["run", run, "code", task],
    queryFn: ({ signal }) => get<Code>(of(run, `/tasks/${part(task)}/code`), {}, signal),
    staleTime: 300_000,
  });

export const whyQuery = (run: string, task: string) =>
  queryOptions({
    queryKey: ["run", run, "why", task],
    queryFn: ({ signal }) => get<Why>(of(run, `/tasks/${part(task)}/why`), {}, signal),
    staleTime: 60_000,
  });

export const stripQuery = (run: string, step: string, width: number) =>
  queryOptions({
    queryKey: ["run", run, "strip", step, width],
    queryFn: ({ signal }) => get<Strip>(of(run, `/steps/${part(step)}/strip`), { width }, signal),
    ...live,
  });

export const packagesQuery = (run: string) =>
  queryOptions({
    queryKey: ["run", run, "packages"],
    queryFn: ({ signal }) => get<{ items: { name: string; version: string }[] }>(of(run, "/packages"), {}, signal),
    staleTime: 300_000,
  });

export const metricsQuery = (run: string, where: { step?: string; task?: string }) =>
  queryOptions({
    queryKey: ["run", run, "metrics", where],
    queryFn: ({ signal }) => get<Page<MetricSummary>>(of(run, "/metrics"), where, signal),
    ...live,
  });

export type SeriesAsk = { metric: string; task?: string; x: Axis; from?: number; to?: number; points?: number };

export const seriesQuery = (run: string, ask: SeriesAsk) =>
  queryOptions({
    queryKey: ["run", run, "series", ask],
    queryFn: ({ signal }) => get<{ series: Series[]; more: number }>(of(run, "/series"), { points: 1000, ...ask }, signal),
    ...live,
  });

export function itemsPage(run: string, step: string, ask: { sort?: string; state?: string; offset?: number; limit?: number }, signal?: AbortSignal): Promise<Items> {
  return get<Items>(of(run, `/steps/${part(step)}/items`), { ...ask, offset: ask.offset || undefined }, signal);
}

/** Whose lines: the whole run's, a step's or a task's. */
export type LogScope = { run: string; task?: string; step?: string; attempt?: number };

const asked = ({ task, step, attempt }: LogScope) => ({ task, step: task ? undefined : step, attempt });

export const logs = {
  page: (scope: LogScope, from: number, limit: number, level?: number, signal?: AbortSignal) =>
    get<LogPage>(of(scope.run, "/logs"), { ...asked(scope), from, limit, level: level || undefined }, signal),
  search: (scope: LogScope, ask: { q: string; case?: boolean; regex?: boolean; level?: number; from: number }, signal?: AbortSignal) =>
    get<LogFound>(of(scope.run, "/logs/search"), { ...asked(scope), ...ask, level: ask.level || undefined, limit: 200 }, signal),
  next: (scope: LogScope, from: number, back: boolean) =>
    get<{ line: number | null }>(of(scope.run, "/logs/next"), { ...asked(scope), from, back, level: "error" }),
  /** The addresses below the API's base: for links and event streams. */
  followRoute: (run: string) => of(run, "/logs/follow"),
  downloadRoute: (run: string) => of(run, "/logs/download"),
  asked,
};
