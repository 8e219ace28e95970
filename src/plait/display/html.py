"""How does a run or a pipeline look in a notebook? Small, self-contained HTML; everything from user code is escaped."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from plait.display.errors import error_lines
from plait.display.metrics import MetricRow, metric_tables
from plait.display.outline import Row, Taken, outline
from plait.display.steps import Progress, finished, progress_of
from plait.display.values import describe_result
from plait.display.words import ago, column_of_numbers, mark, seconds, shorten, value_text
from plait.graph.model import Graph, InputSpec
from plait.graph.pipeline import Definition
from plait.record.views import Run

__all__ = ["graph_html", "pipeline_html", "run_html"]

_MOST_STEPS = 100

# Colours of middle lightness read on light and on dark pages alike; all else is the page's own.
_STYLE = """<style>
.plait{font-size:13px;line-height:1.45}.plait .dim{opacity:.65}.plait code,.plait pre{font-size:12px}
.plait table{border-collapse:collapse;margin:.4em 0}.plait td,.plait th{padding:1px 10px 1px 0;text-align:left;
border:0;background:none;font-weight:inherit;white-space:nowrap}.plait .num{text-align:right;
font-variant-numeric:tabular-nums}.plait ul{list-style:none;margin:0;padding-left:1.3em}.plait>ul{padding-left:.2em}
.plait summary{cursor:pointer}
.plait .done{color:#1f9d55}.plait .cached{color:#2193a8}
.plait .failed,.plait .lost,.plait .crashed{color:#e04f4f}
.plait .running{color:#3b82f6}.plait .skipped,.plait .cancelled{color:#c98a1b}.plait .waiting{opacity:.6}
.plait pre{white-space:pre-wrap;border-left:3px solid #e04f4f;padding-left:.8em;margin:.4em 0;background:none}
</style>"""


def run_html(run: Run) -> str:
    """A run: its status, steps, metrics, and its result or what failed."""
    status = run.status
    head = (
        f"<div>{_mark(status)} <b>{escape(run.pipeline)}</b> <span class=dim>run</span> <code>{escape(run.id)}</code>"
        f" <span class={status}>{status}</span>"
        f" <span class=dim>in {seconds(run.seconds)}, {ago(run.started_at)}</span></div>"
    )
    parts = [head, _params(run), graph_html(run.graph, progress_of(run))]
    parts += [_metrics(rows) for rows in metric_tables(run)]
    if status == "done":
        parts.append(f"<div><b>result</b> <code>{escape(describe_result(run, 200))}</code></div>")
    parts += _failures(run)
    return _page(parts)


def pipeline_html(pipeline: Definition, graph: Graph, found: Mapping[str, str] | None = None) -> str:
    """The graph of a pipeline before it runs."""
    doc = f" <span class=dim>{escape(pipeline.doc.splitlines()[0])}</span>" if pipeline.doc else ""
    inputs = "".join(
        f"<tr><td><code>{escape(spec.name)}</code><td class=dim>{escape(spec.annotation)}"
        f"<td>{_given(spec, (found or {}).get(spec.name))}"
        for spec in graph.inputs
    )
    table = f"<table>{inputs}</table>" if inputs else ""
    return _page([f"<div><b>{escape(pipeline.name)}</b>{doc}</div>", table, graph_html(graph)])


def _given(spec: InputSpec, found: str | None) -> str:
    if found is not None:
        return escape(f"= {shorten(found, 80)}")
    return "<i>required</i>" if spec.required else escape("= " + value_text(spec.default, 80))


def graph_html(graph: Graph, found: list[Progress] | None = None) -> str:
    """The steps as nested lists; a group folds."""
    rows = outline(graph)
    text: list[str] = ["<ul>"]
    depth = 0
    for row in rows[:_MOST_STEPS]:
        while depth > row.depth:
            text.append("</ul></details>")
            depth -= 1
        if row.node is None:
            text.append(f"<li><details><summary><b>{escape(row.label)}</b>{_takes(row.takes)}</summary><ul>")
            depth += 1
        else:
            text.append(f"<li>{_step(row, found[row.node] if found else None)}")
    text.append("</ul></details>" * depth + "</ul>")
    if len(rows) > _MOST_STEPS:
        text.append(f"<div class=dim>and {len(rows) - _MOST_STEPS} more</div>")
    return "".join(text)


def _page(parts: list[str]) -> str:
    return f"{_STYLE}<div class=plait>{''.join(parts)}</div>"


def _mark(state: str) -> str:
    return f'<span class={state} title="{state}">{mark(state).plain}</span>'


def _step(row: Row, progress: Progress | None) -> str:
    outputs = f" <span class=dim>→ {escape(', '.join(row.outputs))}</span>" if row.outputs else ""
    if progress is None:
        return f"{escape(row.label)}{outputs}{_takes(row.takes)}"
    said = [seconds(progress.work)] if progress.work is not None else []
    if progress.mapped and progress.state != "waiting":
        total = "?" if progress.total is None else progress.total
        said.insert(0, f"{finished(progress.counts)}/{total}")
    if progress.state not in ("done", "waiting"):
        said.append(progress.state + (f": {progress.reason}" if progress.reason else ""))
    return (
        f"{_mark(progress.state)} {escape(row.label)}{outputs}"
        f" <span class=dim>{escape(' · '.join(said))}</span>{_takes(row.takes)}"
    )


def _takes(takes: tuple[Taken, ...]) -> str:
    return f" <span class=dim>← {escape(', '.join(taken.text for taken in takes))}</span>" if takes else ""


def _params(run: Run) -> str:
    if not run.params:
        return ""
    said = ", ".join(f"{name}={value_text(value, 40)}" for name, value in run.params.items())
    return f"<div class=dim><code>{escape(said)}</code></div>"


def _metrics(rows: list[MetricRow]) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row.values))
    texts = {name: column_of_numbers([row.values.get(name) for row in rows]) for name in names}
    head = "".join(f"<th class=num>{escape(name)}" for name in names)
    body = "".join(
        f"<tr><td>{escape(row.task)}<td class=dim>{escape(row.about)}"
        + "".join(f"<td class=num>{texts[name][at] if name in row.values else ''}" for name in names)
        for at, row in enumerate(rows)
    )
    return f"<table><tr class=dim><th><th>{head}{body}</table>"


def _failures(run: Run) -> list[str]:
    found = []
    for task in run.iter_tasks(state="failed", limit=3):
        lines = (
            [line.plain for line in error_lines(task.error, 110, indent=0)]
            if task.error
            else [task.reason or ""]
        )
        found.append(
            f"<div>{_mark('failed')} <b>{escape(task.name)}</b></div><pre>{escape(chr(10).join(lines))}</pre>"
        )
    return found
