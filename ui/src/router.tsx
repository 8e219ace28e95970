/** Which address shows which page. Every page is a chunk of its own; every state of a page is in its address. */
import { QueryClient } from "@tanstack/react-query";
import {
  Link,
  Outlet,
  createHashHistory,
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
} from "@tanstack/react-router";

import { ApiError, exported } from "./api/client";
import { runGraphQuery, runQuery } from "./api/run";
import { Shell } from "./app/Shell";
import { Empty, ErrorView, Loading } from "./components/Feedback";

export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      gcTime: 120_000,
      refetchOnWindowFocus: false,
      retry: (times, error) => error instanceof ApiError && ["busy", "too_many"].includes(error.code) && times < 3,
      placeholderData: undefined,
    },
  },
});

const root = createRootRouteWithContext<{ queries: QueryClient }>()({
  component: () => (
    <Shell>
      <Outlet />
    </Shell>
  ),
  notFoundComponent: () => (
    <Empty page title="There is no page at this address" action={<Link className="link" to="/runs">All runs</Link>} />
  ),
  errorComponent: ({ error, reset }) => <ErrorView error={error} retry={reset} />,
});

const text = (value: unknown): string | undefined => {
  if (value === undefined || value === null || value === "") return undefined;
  return typeof value === "string" ? value : JSON.stringify(value);
};

const home = createRoute({
  getParentRoute: () => root,
  path: "/",
  beforeLoad: () => {
    if (exported) throw redirect({ to: "/runs/$runId", params: { runId: exported.run }, replace: true });
    throw redirect({ to: "/runs", replace: true });
  },
});

export type RunsSearch = { q?: string; sort?: string; columns?: string; group?: "pipeline" };

const runs = createRoute({
  getParentRoute: () => root,
  path: "/runs",
  validateSearch: (search: Record<string, unknown>): RunsSearch => ({
    q: text(search.q),
    sort: text(search.sort),
    columns: text(search.columns),
    group: search.group === "pipeline" ? "pipeline" : undefined,
  }),
  component: lazyRouteComponent(() => import("./features/runs/RunsPage"), "RunsPage"),
});

/** What of a run is looked at. All of it is in the address, so that a link shows what its sender saw. */
export type RunSearch = {
  /** a step, by its id: `train.fit` */
  step?: string;
  /** a task, as on the command line: `fit[3]` */
  task?: string;
  attempt?: number;
  /** the part of the detail pane: `overview`, `inputs`, `metrics`, `logs`, `code`, `why`, … */
  tab?: string;
  /** a line of the logs */
  line?: number;
  /** the pane that a narrow page shows */
  pane?: "graph" | "timeline" | "detail";
  /** the timeline's lanes and window (seconds since the run's start) */
  lane?: "step" | "worker";
  from?: number;
  to?: number;
  /** groups and maps that are folded or open, by id, joined by commas */
  folded?: string;
  /** the step that is looked for in the graph */
  find?: string;
  /** what is looked for in the logs, how loud a line must be, and whether others are left out */
  q?: string;
  level?: number;
  only?: boolean;
  /** the states that a map's items are filtered to, and their order */
  state?: string;
  sort?: string;
  artifact?: string;
};

const amount = (value: unknown): number | undefined => {
  const found = typeof value === "number" ? value : typeof value === "string" && value ? Number(value) : Number.NaN;
  return Number.isFinite(found) ? found : undefined;
};

const oneOf = <T extends string>(value: unknown, ...allowed: T[]): T | undefined =>
  allowed.includes(value as T) ? (value as T) : undefined;

const run = createRoute({
  getParentRoute: () => root,
  path: "/runs/$runId",
  validateSearch: (search: Record<string, unknown>): RunSearch => ({
    step: text(search.step),
    task: text(search.task),
    attempt: amount(search.attempt),
    tab: text(search.tab),
    line: amount(search.line),
    pane: oneOf(search.pane, "graph", "timeline", "detail"),
    lane: oneOf(search.lane, "step", "worker"),
    from: amount(search.from),
    to: amount(search.to),
    folded: text(search.folded),
    find: text(search.find),
    q: text(search.q),
    level: amount(search.level),
    only: search.only === true || search.only === "true" ? true : undefined,
    state: text(search.state),
    sort: text(search.sort),
    artifact: text(search.artifact),
  }),
  // What the page shows first is asked for while the page's own code is on its way.
  loader: ({ params }) => {
    void queries.prefetchQuery(runQuery(params.runId));
    void queries.prefetchQuery(runGraphQuery(params.runId));
  },
  staleTime: Number.POSITIVE_INFINITY, // events keep it up to date
  component: lazyRouteComponent(() => import("./features/run/RunPage"), "RunPage"),
});

/** Where the artifact was met: helps the server to find small ones. */
export type ArtifactSearch = { run?: string; task?: string; output?: string };

const artifact = createRoute({
  getParentRoute: () => root,
  path: "/artifacts/$artifactId",
  validateSearch: (search: Record<string, unknown>): ArtifactSearch => ({
    run: text(search.run),
    task: text(search.task),
    output: text(search.output),
  }),
  component: lazyRouteComponent(() => import("./features/artifacts/ArtifactPage"), "ArtifactPage"),
});

export type CompareSearch = {
  runs?: string;
  tab?: string;
  all?: boolean;
  metric?: string;
  x?: string;
  y?: string;
  color?: string;
  task?: string;
  axis?: "step" | "time" | "wall";
  smooth?: number;
  step?: string;
};

const compare = createRoute({
  getParentRoute: () => root,
  path: "/compare",
  validateSearch: (search: Record<string, unknown>): CompareSearch => ({
    runs: text(search.runs),
    tab: text(search.tab),
    all: search.all === true || search.all === "true" ? true : undefined,
    metric: text(search.metric),
    x: text(search.x),
    y: text(search.y),
    color: text(search.color),
    task: text(search.task),
    axis: oneOf(search.axis, "step", "time", "wall"),
    smooth: amount(search.smooth),
    step: text(search.step),
  }),
  component: lazyRouteComponent(() => import("./features/compare/ComparePage"), "ComparePage"),
});

const pipelines = createRoute({
  getParentRoute: () => root,
  path: "/pipelines",
  component: lazyRouteComponent(() => import("./features/pipelines/PipelinesPage"), "PipelinesPage"),
});

export type PipelineSearch = { tab?: string; step?: string; metric?: string; from?: string };

const pipeline = createRoute({
  getParentRoute: () => root,
  path: "/pipelines/$name",
  validateSearch: (search: Record<string, unknown>): PipelineSearch => ({
    tab: text(search.tab),
    step: text(search.step),
    metric: text(search.metric),
    from: text(search.from),
  }),
  component: lazyRouteComponent(() => import("./features/pipelines/PipelinePage"), "PipelinePage"),
});

export type CatalogSearch = { q?: string; env?: string };

const catalog = createRoute({
  getParentRoute: () => root,
  path: "/catalog",
  validateSearch: (search: Record<string, unknown>): CatalogSearch => ({ q: text(search.q), env: text(search.env) }),
  component: lazyRouteComponent(() => import("./features/catalog/CatalogPage"), "CatalogPage"),
});

export type DatasetSearch = { tab?: string; depth?: number };

const dataset = createRoute({
  getParentRoute: () => root,
  path: "/catalog/$dataset",
  validateSearch: (search: Record<string, unknown>): DatasetSearch => ({ tab: text(search.tab), depth: amount(search.depth) }),
  component: lazyRouteComponent(() => import("./features/catalog/DatasetPage"), "DatasetPage"),
});

export type ProjectSearch = { env?: string; tab?: string };

const project = createRoute({
  getParentRoute: () => root,
  path: "/project",
  validateSearch: (search: Record<string, unknown>): ProjectSearch => ({ env: text(search.env), tab: text(search.tab) }),
  component: lazyRouteComponent(() => import("./features/project/ProjectPage"), "ProjectPage"),
});

export const router = createRouter({
  routeTree: root.addChildren([home, runs, run, artifact, compare, pipelines, pipeline, catalog, dataset, project]),
  context: { queries },
  // A file has no paths of its own: its state stands behind the #.
  ...(exported ? { history: createHashHistory() } : {}),
  defaultPreload: "intent",
  defaultPendingComponent: () => <Loading />,
  defaultPendingMs: 300,
  defaultErrorComponent: ({ error, reset }) => <ErrorView error={error} retry={reset} />,
  scrollRestoration: false,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
