/** A step of many tasks: each as a pixel and as a row, and what holds for all of them. */
import { useQuery } from "@tanstack/react-query";

import { type Run, metricsQuery } from "~/api/run";
import type { GNode } from "~/api/types";
import { StateBar } from "~/components/StateBar";
import { StateMark } from "~/components/StateMark";
import { Tabs } from "~/components/Tabs";
import { Facts } from "~/components/Page";
import { LogView } from "~/features/logs/LogView";
import { bytes, count, duration, value } from "~/lib/format";

import { Block, Blocks } from "./Block";
import { ItemsView } from "./ItemsView";
import { MetricsView } from "./MetricsView";
import css from "./StepDetailView.module.css";
import { amounts, summed } from "./counts";
import { useSelection } from "./useSelection";

export function StepDetailView({ run, node, live }: { run: Run; node: GNode; live: boolean }) {
  const { search, patch } = useSelection();
  const metrics = useQuery(metricsQuery(run.id, { step: node.id }));
  const counts = summed([node]);
  const { done, all } = amounts(counts, node.progress?.counts.total ?? null);
  const tabs = [
    { id: "items", label: "Tasks", count: all ? count(all) : null },
    { id: "logs", label: "Logs" },
    { id: "about", label: "About" },
    { id: "metrics", label: "Metrics", count: metrics.data?.items.length },
  ];
  const tab = tabs.some((one) => one.id === search.tab) ? (search.tab ?? "items") : "items";
  const progress = node.progress;
  return (
    <div className={css.view}>
      <div className={css.head}>
        <div className={css.line}>
          <h2>{node.label}</h2>
          {progress && <StateMark state={progress.state} />}
          <span className={css.facts}>
            {count(done)}/{progress?.counts.total == null ? "?" : count(all)}
            {progress?.p50 != null && ` · p50 ${duration(progress.p50)} · p95 ${duration(progress.p95)}`}
            {progress?.longest != null && ` · longest ${duration(progress.longest)}`}
            {progress?.eta != null && live && ` · about ${duration(progress.eta)} to go`}
          </span>
        </div>
        <StateBar counts={counts} total={all} height={6} />
      </div>
      <Tabs rest="pane" label="Of the step" value={tab} onChange={(next) => patch({ tab: next === "items" ? undefined : next, line: undefined }, false)} tabs={tabs}>
        {tab === "items" && <ItemsView run={run.id} node={node} counts={counts} total={all} />}
        {tab === "logs" && <LogView scope={{ run: run.id, step: node.id }} live={live} start={run.started_at} lines={null} />}
        {tab === "about" && (
          <Blocks label="About the step">
            {node.doc && (
              <Block title="What it does">
                <p className={css.doc}>{node.doc}</p>
              </Block>
            )}
            <Block title="Step">
              <Facts
                items={[
                  ["defined in", node.where && <code>{node.where}</code>],
                  ["outputs", node.outputs.join(", ")],
                  ["tags", node.tags.join(", ")],
                  ...Object.entries(node.options).map(([name, of]) => [name, <code key={name}>{value(of)}</code>] as const),
                ]}
              />
            </Block>
            {progress && (
              <Block title="All tasks together">
                <Facts
                  items={[
                    ["time", duration(progress.total_seconds)],
                    ["processor time", duration(progress.cpu_seconds)],
                    ["largest peak of memory", bytes(progress.peak_memory)],
                    ["retries", progress.retries > 0 && count(progress.retries)],
                  ]}
                />
              </Block>
            )}
          </Blocks>
        )}
        {tab === "metrics" && <MetricsView run={run.id} scope={{ step: node.id }} metrics={metrics.data?.items ?? []} />}
      </Tabs>
    </div>
  );
}
