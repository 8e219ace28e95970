/** What of a run is selected, as the address says it: nothing (the run itself), a step, a task, a dataset, a folded group. */
import type { GGroup, GNode, GraphView } from "~/api/types";

/** `train.fit[3,1]` is a task of the step `train.fit`. */
export function stepOf(task: string): string {
  return task.replace(/\[[\d,\s]*\]$/, "");
}

/** `[3,1]` of `train.fit[3,1]`; empty for the only task of a step. */
export function indexOf(task: string): string {
  return task.slice(stepOf(task).length);
}

export type Selected =
  | { kind: "run" }
  | { kind: "task"; task: string; step: string; node: GNode | null }
  | { kind: "step"; step: string; node: GNode }
  | { kind: "group"; group: GGroup; steps: GNode[] }
  | { kind: "dataset"; name: string; id: string }
  | { kind: "unknown"; id: string };

/** The graph may not be there yet: then a task is known by its name alone, and a step waits. */
export function selectedOf(search: { step?: string; task?: string }, view: GraphView | undefined): Selected | null {
  if (search.task) {
    const step = stepOf(search.task);
    return { kind: "task", task: search.task, step, node: view?.nodes.find((one) => one.id === step) ?? null };
  }
  const id = search.step;
  if (!id) return { kind: "run" };
  const data = /^(dataset|input):(.*)$/s.exec(id);
  if (data) return { kind: "dataset", name: data[2] ?? "", id };
  if (!view) return null;
  const node = view.nodes.find((one) => one.id === id);
  if (node) return isMapped(node) ? { kind: "step", step: id, node } : { kind: "task", task: id, step: id, node };
  const group = view.groups.find((one) => one.id === id);
  if (group) return { kind: "group", group, steps: inside(group.id, view) };
  return { kind: "unknown", id };
}

/** Whether a step has (or may have) more tasks than the one of its own name. */
export function isMapped(node: GNode): boolean {
  return node.mapped || node.depth > 0;
}

export function inside(group: string, view: GraphView): GNode[] {
  const parents = new Map(view.groups.map((one) => [one.id, one.parent]));
  return view.nodes.filter((node) => {
    for (let at = node.group; at !== null; at = parents.get(at) ?? null) if (at === group) return true;
    return false;
  });
}

/** The shape of the graph that stands for what is selected. */
export function shapeOf(search: { step?: string; task?: string }): string | null {
  return search.task ? stepOf(search.task) : (search.step ?? null);
}
