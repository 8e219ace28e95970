/** From 2 to 500 runs side by side: what differs, how they learned, what went with what. */
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { Suspense, lazy, useCallback } from "react";

import { get } from "~/api/client";
import type { CompareAnswer } from "~/api/types";
import { Answer, Empty, Loading } from "~/components/Feedback";
import { PageHead, Scroll } from "~/components/Page";
import { Tabs } from "~/components/Tabs";
import { plural } from "~/lib/format";
import type { CompareSearch } from "~/router";

import { CodeTab } from "./CodeTab";
import css from "./ComparePage.module.css";
import { Differences } from "./Differences";
import { OutputsTab } from "./OutputsTab";

const CurvesTab = lazy(() => import("./CurvesTab"));
const PlotsTab = lazy(() => import("./PlotsTab"));
const route = getRouteApi("/compare");

export function ComparePage() {
  const search = route.useSearch();
  const navigate = useNavigate({ from: "/compare" });
  const ids = (search.runs ?? "").split(",").filter(Boolean);
  const change = useCallback((next: Partial<CompareSearch>) => void navigate({ search: (before) => ({ ...before, ...next }), replace: true }), [navigate]);
  const compare = useQuery({
    queryKey: ["compare", search.runs],
    queryFn: ({ signal }) => get<CompareAnswer>("/compare", { runs: ids.join(",") }, signal),
    enabled: ids.length > 1,
  });
  if (ids.length < 2) {
    return (
      <Empty page title="Nothing to compare yet">
        Select two or more runs in the table of runs (<kbd>x</kbd>) and press <kbd>c</kbd>.
      </Empty>
    );
  }
  const tab = search.tab ?? "differences";
  return (
    <div className={css.page}>
      <PageHead title={`Compare ${plural(ids.length, "run")}`} note={compare.data && [...new Set(compare.data.runs.map((one) => one.pipeline))].join(", ")} />
      <Tabs
        rest="page"
        label="Of the comparison"
        value={tab}
        onChange={(next) => void navigate({ search: (before) => ({ ...before, tab: next === "differences" ? undefined : next }) })}
        tabs={[
          { id: "differences", label: "Differences" },
          { id: "curves", label: "Curves" },
          { id: "plots", label: "Plots" },
          { id: "code", label: "Code" },
          { id: "outputs", label: "Outputs" },
        ]}
      >
        <Scroll label="The comparison">
          <Answer query={compare} what="Comparing">
            {(answer) => (
              <Suspense fallback={<Loading />}>
                {tab === "differences" && <Differences answer={answer} all={search.all ?? false} onAll={(all) => change({ all: all || undefined })} />}
                {tab === "curves" && <CurvesTab answer={answer} search={search} onChange={change} />}
                {tab === "plots" && <PlotsTab answer={answer} search={search} onChange={change} />}
                {tab === "code" && <CodeTab answer={answer} search={search} onChange={change} />}
                {tab === "outputs" && <OutputsTab answer={answer} />}
              </Suspense>
            )}
          </Answer>
        </Scroll>
      </Tabs>
    </div>
  );
}
