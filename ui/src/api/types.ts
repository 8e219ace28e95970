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
