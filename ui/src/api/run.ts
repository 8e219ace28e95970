/** What is asked of one run: its tasks, items, timeline, logs and artifacts, and the shapes of the answers. */
import { keepPreviousData, queryOptions } from "@tanstack/react-query";

import { get, part } from "./client";
import type { Counts, GraphView, MetricSummary, Page, RunDetail, StepProgress } from "./types";

export type Check = {
  task: string | null;
  dataset: string;
  check: string;
  severity: string;
  on: string | null;
  passed: boolean;
  why: string | null;
  failing: number | null;
  /** of which rows a check says that they fail: the first of them */
  rows: number[] | null;
};

export type DatasetUse = {
  name: string;
  task: string | null;
  version: string | null;
  place: string | null;
  size: number | null;
  written_at: number | null;
};

export type Failure = { task: string; reason: string | null; where: string | null; error_type: string | null };

export type Run = Omit<RunDetail, "outputs"> & {
  facts: Record<string, unknown>;
  argv: string | null;
  resume_command: string | null;
  python: string | null;
  plait: string | null;
  platform: string | null;
  outputs: { name: string; step: string; task: string | null; value: ValueRef }[];
  checks: { passed: number; failed: number; warned: number; items: Check[] } | null;
  datasets: DatasetUse[];
  failures: Failure[];
  children: string[];
  log_lines: number | null;
  can: { cancel: boolean; resume: boolean; rerun: boolean; delete: boolean; why_not: Record<string, string> } | null;
};

export type ValueRef = {
  kind: string;
  text: string | null;
  artifact: string | null;
  type: string | null;
  size: number | null;
  from_task: string | null;
  from_input: string | null;
  items: number | null;
  dataset: string | null;
};
export type NamedValue = { name: string; value: ValueRef };

export type Frame = { file: string; line: number | null; function: string; code: string | null; origin: string };
export type ErrorInfo = { type: string; message: string; frames: Frame[]; notes: string[]; cause: ErrorInfo | null };

export type Attempt = {
  attempt: number;
  state: string;
  reason: string | null;
  worker: string | null;
  queued_at: number | null;
  started_at: number | null;
  ended_at: number | null;
  seconds: number | null;
  cpu_seconds: number | null;
  peak_memory: number | null;
};

export type TaskRow = Attempt & { task: string; path: number[]; source: string | null; label: string | null };

export type Task = TaskRow & {
  id: string;
  step_doc: string | null;
  where: string | null;
  attempts: Attempt[];
  error: ErrorInfo | null;
  inputs: NamedValue[];
  outputs: NamedValue[];
  objects: NamedValue[];
  metrics: MetricSummary[];
  options: Record<string, unknown>;
  resources: {
    asked: Record<string, unknown>;
    cpu_seconds: number | null;
    cpu_share: number | null;
    peak_memory: number | null;
    hint: string | null;
  } | null;
  datasets: DatasetUse[];
  checks: Check[];
  log_lines: number | null;
  commands: { why: string | null; rerun: string | null; logs: string | null; python: string | null };
  previous: string | null;
  next: string | null;
};

export type Items = Page<TaskRow> & { counts: Counts };
export type Strip = { items: number | null; per_cell: number; cells: string };

export type Bar = {
  lane: number;
  row: number;
  start: number;
  end: number;
  queued_at: number | null;
  state: string;
  count: number;
  failed: number;
  task: string | null;
  attempt: number | null;
  busy?: number | null;
};
export type Timeline = {
  from: number;
  to: number;
  start: number;
  end: number;
  lanes: { id: string; label: string; rows: number }[];
  bars: Bar[];
  exact: boolean;
  tasks: number;
};
export type Critical = { items: { task: string; step: string; start: number; end: number }[]; seconds: number | null };

export type CodePart = { name: string; kind: string; where: string | null; source: string | null; digest: string | null };
export type Code = {
  digest: string | null;
  cacheable: boolean | string | null;
  components: CodePart[];
  packages: { name: string; version: string | null }[];
  opaque: string[];
};

export type Difference = {
  kind: string;
  name: string;
  change: string;
  text: string | null;
  where: string | null;
  old: string | null;
  new: string | null;
};
export type Why = {
  task: string;
  state: string;
  decision: string;
  key: string | null;
  source: string | null;
  closest: { run: string; task: string } | null;
  differences: Difference[];
  notes: string[];
  inputs: { name: string; kind: string; source: string | null; run: string | null; text: string | null; artifact: string | null }[];
};

export type Series = {
  run: string;
  task: string;
  metric: string;
  points: number;
  exact: boolean;
  x: number[];
  y: (number | null)[];
  low: (number | null)[] | null;
  high: (number | null)[] | null;
};
export type Axis = "step" | "time" | "wall";

export type LogLine = {
  n: number;
  at: number | null;
  stream: string;
  level: number;
  task: string | null;
  attempt: number | null;
  text: string;
  cut?: boolean;
};
export type LogPage = { lines: LogLine[]; first: number; total: number; next: number | null };
export type LogFound = { lines: LogLine[]; searched_to: number; total: number; done: boolean };

const of = (run: string, rest = "") => `/runs/${part(run)}${rest}`;

/** Answers that hold until the run's next tick; the page asks for them again when it comes. */
const live = { staleTime: 5_000, placeholderData: keepPreviousData } as const;

export const oneRunQuery = (run: string) =>
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
