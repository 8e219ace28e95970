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
