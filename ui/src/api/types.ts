/** The shapes that the server answers with, by the names that the pages use. */

export type Counts = { total?: number | null } & Record<string, number | null | undefined>;

export type RunRow = {
  id: string;
  name: string | null;
  pipeline: string;
  status: string;
  reason: string | null;
  started_at: number;
  ended_at: number | null;
  seconds: number | null;
  executor: string;
  user: string | null;
  host: string | null;
  env: string | null;
  parent: string | null;
  tags: string[];
  note: string;
  pinned: boolean;
  counts: Counts | null;
  git: { commit: string; branch: string | null; dirty: boolean } | null;
  values: Record<string, unknown>;
  spark: Record<string, (number | null)[]>;
  differing: Record<string, unknown>;
};

export type Meta = {
  version: string;
  api: string;
  project: { name: string; folder: string; home: string; env: string | null; has_project: boolean };
  read_only: boolean;
  user: string;
  host: string;
  python: string;
  features: string[];
  now: number;
};

export type StepProgress = {
  id: string;
  state: string;
  counts: Counts;
  first_started: number | null;
  last_ended: number | null;
  seconds: number | null;
  p50: number | null;
  p95: number | null;
  longest: number | null;
  total_seconds: number | null;
  eta: number | null;
  cpu_seconds: number | null;
  peak_memory: number | null;
  retries: number;
};

export type GNode = {
  id: string;
  index: number;
  label: string;
  step: string | null;
  kind: string;
  text: string;
  group: string | null;
  mapped: boolean;
  depth: number;
  outputs: string[];
  doc: string | null;
  where: string | null;
  options: Record<string, unknown>;
  tags: string[];
  progress: StepProgress | null;
};

export type GGroup = {
  id: string;
  kind: string;
  label: string;
  parent: string | null;
  pipeline: string | null;
  items: number | null;
  taken: string | null;
  rounds: number | null;
};

export type GEdge = { source: string; target: string; label: string | null; kind: string };
export type GDataset = { id: string; name: string; layer: string | null; type: string | null; place: string | null };

export type GraphView = {
  name: string;
  nodes: GNode[];
  groups: GGroup[];
  edges: GEdge[];
  datasets: GDataset[];
  inputs: { name: string; value: unknown; origin: string | null; dataset: string | null }[];
};

export type Page<T> = { items: T[]; next: string | null; total: number | null };
export type Term = { text: string; kind: string; error: string | null };
export type RunsPageAnswer = Page<RunRow> & { query: { terms: Term[] }; searched: number };
export type RunColumns = {
  params: { name: string; pipelines: string[]; numeric: boolean }[];
  metrics: { name: string; pipelines: string[] }[];
  tags: string[];
  users: string[];
  pipelines: string[];
  statuses: string[];
};
export type Recent = { id: string; status: string; seconds: number | null; started_at: number };
export type RunGroup = { pipeline: string; counts: Record<string, number>; runs: number; last: RunRow; recent: Recent[] };
export type Launch = { state: "starting" | "running" | "ended"; run: string | null; exit: number | null; output: string };
export type LaunchStarted = { run: string | null; launch: string };

export type Problem = { message: string; where: string | null; hint: string | null };

export type PipelineRow = {
  name: string;
  where: string | null;
  doc: string | null;
  target: string | null;
  default: boolean;
  known: boolean;
  runs: number;
  last: RunRow | null;
  recent: Recent[];
};
export type Pipelines = { items: PipelineRow[]; problems: Problem[]; loading: boolean };

export type Schema = {
  type?: string | string[];
  enum?: unknown[];
  minimum?: number;
  maximum?: number;
  items?: Schema;
  properties?: Record<string, Schema>;
  format?: string;
};
export type Param = {
  name: string;
  annotation: string | null;
  required: boolean;
  default: unknown;
  schema: Schema | null;
  value: unknown;
  origin: string | null;
  dataset: boolean;
  secret: boolean;
  help: string | null;
};
export type PipelineDetail = {
  name: string;
  where: string | null;
  doc: string | null;
  target: string | null;
  params: Param[];
  tags: string[];
  steps: number;
  problems: Problem[];
};
export type PipelineGrid = { steps: string[]; runs: RunRow[]; cells: ({ state: string; seconds: number | null; failed: number } | null)[][] };
export type PipelineTrends = {
  runs: { id: string; started_at: number; seconds: number | null; status: string }[];
  metrics: Record<string, (number | null)[]>;
  steps: Record<string, (number | null)[]>;
};
export type CheckAnswer = { ok: boolean; errors: { name: string; message: string; hint: string | null }[] };
export type PlanItem = {
  task: string;
  step: string;
  decision: string;
  reason: string | null;
  source: string | null;
  closest: { run: string; task: string } | null;
  differences: { kind: string; name: string; change: string; text: string | null }[];
  notes: string[];
};
export type Plan = { pipeline: string; done: boolean; counts: Record<string, number>; seconds: number; items: PlanItem[]; more: number };

export type MetricSummary = { name: string; tasks: number; points: number; last: number | null; least: number | null; greatest: number | null; task: string | null };
export type RunDetail = RunRow & {
  target: string | null;
  folder: string | null;
  params: { name: string; value: unknown; origin: string | null }[];
  command: string | null;
  metrics: MetricSummary[];
  outputs: { name: string; task: string | null; type: string | null; size: number | null; artifact: string | null }[];
};
export type ProjectAnswer = {
  name: string;
  folder: string;
  environments: string[];
  env: string | null;
  conf: { kind: string; key: string; value: unknown; where: string | null }[];
  stack: Record<string, unknown>;
  problems: Problem[];
  loading: boolean;
};

export type CatalogRow = {
  name: string;
  type: string | null;
  place: string | null;
  layer: string | null;
  versioned: boolean;
  checks: number;
  factory: boolean;
  where: string | null;
  last: { run: string; task: string | null; pipeline: string | null; at: number; size: number | null; version: string | null } | null;
  freshness: number | null;
  readers: string[];
  writers: string[];
  status: { passed: number; failed: number } | null;
};
export type CatalogAnswer = { items: CatalogRow[]; problems: Problem[]; loading: boolean };
export type Check = {
  task: string | null;
  dataset: string | null;
  check: string;
  severity: string | null;
  on: string | null;
  passed: boolean;
  why: string | null;
  failing: number | null;
  rows: number | null;
};
export type DatasetDetail = CatalogRow & {
  described: Record<string, unknown>;
  versions: string[];
  writes: { run: string; task: string | null; at: number; version: string | null; size: number | null; content: string | null; place: string | null }[];
  reads: { run: string; at: number }[];
  history: Check[];
};
export type LineageNode = { id: string; kind: string; label: string; layer: string | null; run: string | null; at: number | null; status: string | null };
export type Lineage = { nodes: LineageNode[]; edges: { source: string; target: string; kind: string }[]; cut: boolean };

export type Disk = {
  records_bytes: number | null;
  artifacts_bytes: number | null;
  blobs: number | null;
  home: string;
  free_bytes: number | null;
  by_pipeline: { pipeline: string; bytes: number }[];
  measured_at: number | null;
  measuring: boolean;
};
export type GcAnswer = { runs: number; bytes: number; blobs: number; leftover_bytes: number };
export type Activity = {
  running: { run: string; task: string; worker: string | null; since: number | null }[];
  waiting: { run: string; step: string; count: number; why: string | null }[];
  workers: { host: string | null; pid: number | null; run: string; since: number | null; tasks: number; cpu: number | null; memory: number | null }[];
};

export type CompareRow = { name: string; differs: boolean; values: unknown[] };
export type CompareAnswer = {
  runs: RunRow[];
  params: CompareRow[];
  metrics: CompareRow[];
  environment: CompareRow[];
  code: CompareRow[];
  datasets: CompareRow[];
  cut?: Record<string, number>;
};
export type CodeDiff = { steps: { step: string; same: boolean; components: { name: string; kind: string; change: string; where: string | null; diff: string }[] }[] };
export type Series = {
  run: string;
  task: string | null;
  metric: string;
  points: number;
  exact: boolean;
  x: number[];
  y: (number | null)[];
  low: (number | null)[] | null;
  high: (number | null)[] | null;
};
export type Points = { items: { run: string; x: unknown; y: unknown; color: unknown }[] };
