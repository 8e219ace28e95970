/** The shapes that the server answers with, by the names that the pages use: all of them are made from its description. */
import type { components } from "./schema";

type Schemas = components["schemas"];

export type Counts = Schemas["Counts"];
export type RunRow = Schemas["RunRow"];
export type Meta = Schemas["Meta"];
export type StepProgress = Schemas["StepProgress"];
export type GNode = Schemas["GNode"];
export type GGroup = Schemas["GGroup"];
export type GEdge = Schemas["GEdge"];
export type GDataset = Schemas["GDataset"];
export type GraphView = Schemas["GraphView"];

export type Term = Schemas["Term"];
export type RunsPageAnswer = Schemas["RunPage"];
export type RunColumns = Schemas["Columns"];
export type Recent = Schemas["RecentRun"];
export type RunGroup = Schemas["RunGroup"];
export type RunGroups = Schemas["RunGroups"];
export type Launch = Schemas["Launch"];
/** A page of a list: `next` is the cursor of the one after it. */
export type Page<T> = { items: T[]; next: string | null; total: number | null };
export type Bulk = Schemas["Bulk"];
export type MetricSummary = Schemas["MetricSummary"];

export type Problem = Schemas["Problem"];
export type PipelineRow = Schemas["PipelineRow"];
export type Pipelines = Schemas["PipelinePage"];
export type Param = Schemas["ParamSpec"];
export type PipelineDetail = Schemas["PipelineView"];
export type PipelineGrid = Schemas["Grid"];
export type PipelineTrends = Schemas["Trends"];
export type CheckAnswer = Schemas["CheckAnswer"];
export type PlanItem = Schemas["PlanItem"];
export type Plan = Schemas["PlanView"];
/** The part of JSON Schema by which the launch form chooses its fields. */
export type Schema = { type?: string | string[]; enum?: unknown[]; minimum?: number; maximum?: number; items?: Schema };

export type ProjectAnswer = Schemas["ProjectView"];
export type Disk = Schemas["Disk"];
export type GcAnswer = Schemas["Freed"];
export type Activity = Schemas["Activity"];

export type CatalogRow = Schemas["CatalogRow"];
export type CatalogAnswer = Schemas["CatalogPage"];
export type Check = Schemas["CheckRow"];
export type DatasetDetail = Schemas["DatasetView"];
export type LineageNode = Schemas["LineageNode"];
export type Lineage = Schemas["Lineage"];

export type CompareRow = Schemas["Row"];
export type CompareAnswer = Schemas["Comparison"];
export type CodeDiff = Schemas["CodeDiff"];
export type Series = Schemas["Curve"];
export type Curves = Schemas["Curves"];
export type Points = Schemas["Points"];
