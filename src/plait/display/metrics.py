"""How do the metrics of a run compare? Tasks as rows, names as columns; very many tasks as their range."""

from __future__ import annotations

import math

from msgspec import Struct

from plait.display.elements import element_text
from plait.display.text import Text, columns
from plait.display.words import column_of_numbers
from plait.graph.model import Path, task_name
from plait.record.views import Run

__all__ = ["MetricRow", "metric_lines", "metric_tables"]

_MOST_ROWS = 20
_NAMES_WIDTH = 30

Logged = dict[tuple[int, Path], dict[str, float]]


class MetricRow(Struct, frozen=True):
    """A task's metrics: its name, the element that it is about, and the last value of each."""

    task: str
    about: str
    values: dict[str, float]


def metric_tables(run: Run) -> list[list[MetricRow]]:
    """Rows of tasks that logged some of the same names, each such group apart."""
    return [_rows(run, group) for group in _groups(run.last_metrics())]


def metric_lines(run: Run, width: int) -> list[Text]:
    """The tables as text, with a title."""
    lines: list[Text] = []
    for rows in metric_tables(run):
        lines += [Text(), *_table(rows, width)] if lines else _table(rows, width)
    return [Text("metrics", "title"), *lines] if lines else []


def _groups(logged: Logged) -> list[Logged]:
    groups: list[tuple[set[str], Logged]] = []
    for place, values in logged.items():
        names = set(values)
        shared = [group for group in groups if group[0] & names]
        if not shared:
            groups.append((names, {place: values}))
            continue
        first, *others = shared
        first[0].update(names, *(other[0] for other in others))
        for other in others:
            first[1].update(other[1])
            groups.remove(other)
        first[1][place] = values
    return [dict(sorted(group.items())) for _, group in groups]


def _rows(run: Run, group: Logged) -> list[MetricRow]:
    by_node: dict[int, list[tuple[Path, dict[str, float]]]] = {}
    for (node, path), values in group.items():
        by_node.setdefault(node, []).append((path, values))
    rows: list[MetricRow] = []
    for node, tasks in by_node.items():
        name = run.graph.nodes[node].id
        if len(tasks) > _MOST_ROWS:
            rows += _range(name, [values for _, values in tasks])
            continue
        rows += [
            MetricRow(task_name(name, path), element_text(run, node, path), values) for path, values in tasks
        ]
    return rows


def _range(name: str, logged: list[dict[str, float]]) -> list[MetricRow]:
    by_name: dict[str, list[float]] = {}
    for values in logged:
        for key, value in values.items():
            if not math.isnan(value):
                by_name.setdefault(key, []).append(value)
    ordered = {key: sorted(values) for key, values in by_name.items()}
    label = f"{name}[*]"
    return [
        MetricRow(label, f"least of {len(logged)}", {key: values[0] for key, values in ordered.items()}),
        MetricRow(label, "median", {key: values[len(values) // 2] for key, values in ordered.items()}),
        MetricRow(label, "greatest", {key: values[-1] for key, values in ordered.items()}),
    ]


def _table(rows: list[MetricRow], width: int) -> list[Text]:
    names = list(dict.fromkeys(name for row in rows for name in row.values))
    texts = {name: column_of_numbers([row.values.get(name) for row in rows]) for name in names}
    lines: list[Text] = []
    for some in _fitting(names, texts, width):
        header: list[Text | str] = ["", "", *(Text(name, "dim") for name in some)]
        body: list[list[Text | str]] = [
            [
                row.task,
                Text(row.about, "dim"),
                *(texts[name][at] if name in row.values else "" for name in some),
            ]
            for at, row in enumerate(rows)
        ]
        lines += columns([header, *body], width=width, right=range(2, 2 + len(some)), shrink=(1, 0))
    return lines


def _fitting(names: list[str], texts: dict[str, list[str]], width: int) -> list[list[str]]:
    """The columns in as many tables as the page needs, with room left for the names of the tasks."""
    tables: list[list[str]] = [[]]
    room = width - _NAMES_WIDTH
    for name in names:
        needed = 2 + max(len(name), *(len(text) for text in texts[name]))
        if needed > room and tables[-1]:
            tables.append([])
            room = width - _NAMES_WIDTH
        tables[-1].append(name)
        room -= needed
    return tables
