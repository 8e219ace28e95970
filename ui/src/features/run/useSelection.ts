/** The selection and its setters: all of it lives in the address, so every pane reads the same and a link shows it. */
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useCallback } from "react";

import type { RunSearch } from "~/router";

const route = getRouteApi("/runs/$runId");

/** What belongs to one selection and not to the next: it goes when another thing is selected. */
const OWN: Partial<RunSearch> = { attempt: undefined, line: undefined, artifact: undefined, state: undefined, sort: undefined, tab: undefined };

export function useSelection() {
  const { runId } = route.useParams();
  const search = route.useSearch();
  const navigate = useNavigate({ from: "/runs/$runId" });

  /** Change parts of the address; `replace` for what the back button should not stop at. */
  const patch = useCallback(
    (change: Partial<RunSearch>, replace = true) => void navigate({ search: (before) => ({ ...before, ...change }), replace }),
    [navigate],
  );
  /** Select a step or a task; the tab stays where it is when the next thing has it too. */
  const select = useCallback(
    (next: { step?: string | null; task?: string | null; tab?: string; attempt?: number; line?: number }) =>
      void navigate({
        search: (before) => ({
          ...before,
          ...OWN,
          tab: next.tab ?? kept(before.tab, next),
          step: next.task ? undefined : (next.step ?? undefined),
          task: next.task ?? undefined,
          attempt: next.attempt,
          line: next.line,
          pane: before.pane ? "detail" : undefined,
        }),
      }),
    [navigate],
  );
  return { run: runId, search, patch, select };
}

/** Logs, code and metrics go along from one step to the next. */
function kept(tab: string | undefined, next: { step?: string | null; task?: string | null }): string | undefined {
  return (next.step || next.task) && tab && ["logs", "code", "metrics", "why", "resources"].includes(tab) ? tab : undefined;
}
