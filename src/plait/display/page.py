"""What is there to know of one run, or of a pipeline before it runs? All of it on one page of text."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from plait.display.checks import check_lines
from plait.display.errors import shown_path
from plait.display.metrics import metric_lines
from plait.display.steps import opened_groups, progress_of, step_lines
from plait.display.summary import failure_lines, head
from plait.display.text import Text, columns
from plait.display.values import describe_output, result_lines
from plait.display.words import value_text
from plait.graph.model import Graph, InputSpec
from plait.graph.pipeline import Definition
from plait.graph.selection import Selection
from plait.record.annotations import annotations_of
from plait.record.views import Run

__all__ = ["pipeline_page", "run_page"]

_MOST_OUTPUTS = 60


def run_page(
    run: Run, width: int, *, opened: Collection[str] = (), nodes: Collection[int] | None = None
) -> list[Text]:
    """Head, parameters, steps, metrics, outputs and failures of a run.

    Args:
        opened: the groups of steps that are shown open, beside those in which something failed; ``*`` for all.
        nodes: only these steps.
    """
    progress = progress_of(run)
    shown = opened_groups(run.graph, progress, opened)
    steps = step_lines(run.graph, progress, width, opened=shown, nodes=nodes)
    lines = [head(run), *_facts(run, width)]
    blocks = (
        _params(run, width),
        [Text("steps", "title"), *steps],
        metric_lines(run, width),
        _outputs(run, width),
        result_lines(run, width) if run.status == "done" else [],
        check_lines(run, width),
        failure_lines(run, width),
    )
    for block in blocks:
        if block:
            lines += [Text(), *block]
    return lines


def _facts(run: Run, width: int) -> list[Text]:
    facts = run.facts
    rows = [("started", f"{run.started_at:%Y-%m-%d %H:%M:%S} by {run.user} on {run.host}, {run.executor}")]
    commit = facts.get("git_commit")
    if commit:
        branch = facts.get("git_branch")
        dirty = ", with changes that were not committed" if facts.get("git_dirty") else ""
        rows.append(("code", f"git {commit[:10]}{f' ({branch})' if branch else ''}{dirty}"))
    rows.append(
        (
            "with",
            f"Python {facts.get('python', '?')}, plait {facts.get('plait', '?')}, {facts.get('platform', '?')}",
        )
    )
    selections = [str(Selection(**words)) for words in facts.get("selections", ())]
    source = [f"inputs of run {facts['inputs_from']}"] if facts.get("inputs_from") else []
    if selections or source:
        rows.append(("part", ", ".join([*selections, *source])))
    if facts.get("argv"):
        import shlex

        rows.append(("typed", shlex.join(facts["argv"])))
    said = annotations_of(run.store, [run.key]).get(run.key)
    if said is not None:
        words = [("name", said.name), ("tags", ", ".join(said.tags)), ("note", said.note)]
        rows += [(name, text) for name, text in words if text]
    rows.append(("folder", shown_path(facts.get("folder", "")) or "."))
    return columns([(Text(name, "dim"), text) for name, text in rows], width=width, shrink=(1,))


def _params(run: Run, width: int) -> list[Text]:
    if not run.params:
        return []
    origins = run.origins
    rows = [
        (Text(name, "name"), value_text(value, max(20, width - 40)), Text(origins.get(name, ""), "dim"))
        for name, value in run.params.items()
    ]
    return [Text("parameters", "title"), *columns(rows, width=width, shrink=(1,))]


def _outputs(run: Run, width: int) -> list[Text]:
    """Every named value that there is."""
    names = run.outputs
    room = max(30, width - 30)
    rows = [(name, Text(describe_output(run, name, room), "")) for name in names[:_MOST_OUTPUTS]]
    rows = [(name, text) for name, text in rows if text.spans]
    if not rows:
        return []
    lines = [Text("outputs", "title"), *columns(rows, width=width, shrink=(1, 0))]
    if len(names) > _MOST_OUTPUTS:
        lines.append(Text(f"  and {len(names) - _MOST_OUTPUTS} more", "dim"))
    return lines


def pipeline_page(
    pipeline: Definition,
    graph: Graph,
    width: int,
    target: str,
    found: Mapping[str, str] | None = None,
    *,
    opened: Collection[str] = (),
) -> list[Text]:
    """The graph of a pipeline as text, its parameters, and how to run it.

    Args:
        found: what the project has for its arguments, by name.
        opened: the groups of steps that are shown open; ``*`` for all.
    """
    known = found or {}
    title = Text(pipeline.name, "bold").add(
        f"  {len(graph.nodes)} step{'s' if len(graph.nodes) > 1 else ''}", "dim"
    )
    lines = [title.add(f"  {shown_path(pipeline.where)}", "dim")]
    if pipeline.doc:
        lines.append(Text(f"  {pipeline.doc.splitlines()[0]}"))
    if graph.inputs:
        lines += [Text(), Text("parameters", "title")]
        lines += columns(
            [_input(spec, width, known.get(spec.name)) for spec in graph.inputs], width=width, shrink=(2, 1)
        )
    lines += [
        Text(),
        Text("steps", "title"),
        *step_lines(graph, None, width, opened=opened_groups(graph, None, opened)),
    ]
    needed = "".join(
        f" {spec.name}=…"
        for spec in graph.inputs
        if spec.required and not spec.kind and spec.name not in known
    )
    part = "".join(f" {selection}" for selection in pipeline.selections)
    source = " --inputs-from RUN" if any(spec.kind == "output" for spec in graph.inputs) else ""
    return [
        *lines,
        Text(),
        Text("  ").add("→ ", "dim").add(f"plait run {target}{part}{source}{needed}", "name"),
    ]


def _input(spec: InputSpec, width: int, found: str | None) -> tuple[Text, Text, Text]:
    kind = Text(spec.annotation, "dim")
    if found is not None:
        return Text(spec.name, "name"), kind, Text(f"= {found}")
    if spec.kind == "output":
        return Text(spec.name, "name"), kind, Text("of the catalog, or of an earlier run", "dim")
    if spec.kind == "argument":
        return Text(spec.name, "name"), kind, Text("of an earlier run", "dim")
    if spec.required:
        return Text(spec.name, "name"), kind, Text("required", "warning")
    return (
        Text(spec.name, "name"),
        kind,
        Text(f"= {value_text(spec.default, max(20, width - 40))}" if spec.default is not None else "= None"),
    )
