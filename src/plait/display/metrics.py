"""How do the metrics of a run compare? Tasks as rows, metric names as columns."""

from __future__ import annotations

from plait.display.elements import element_text
from plait.display.text import Text, columns
from plait.display.words import column_of_numbers
from plait.graph.model import Path, task_name
from plait.record.views import Run

__all__ = ["metric_lines"]

_MOST_ROWS = 20

Logged = dict[tuple[int, Path], dict[str, float]]


def metric_lines(run: Run, width: int) -> list[Text]:
    """A table for the tasks that logged the same names; for very many tasks the smallest, middle and largest value."""
    logged = run.last_metrics()
    lines: list[Text] = []
    for group in _groups(logged):
        lines += _table(run, group, width)
    return lines


def _groups(logged: Logged) -> list[Logged]:
    """Tasks that share a metric's name stand in one table."""
    groups: list[tuple[set[str], Logged]] = []
    for place, values in logged.items():
        names = set(values)
        shared = [group for group in groups if group[0] & names]
        if not shared:
            groups.append((names, {place: values}))
            continue
        first, *others = shared
        first[0].update(names)
        for other in others:
            first[0].update(other[0])
            first[1].update(other[1])
            groups.remove(other)
        first[1][place] = values
    return [group for _, group in groups]


def _table(run: Run, group: Logged, width: int) -> list[Text]:
    names = list(dict.fromkeys(name for values in group.values() for name in values))
    labelled = _rows(run, group)
    texts = {name: column_of_numbers([values.get(name) for _, _, values in labelled]) for name in names}
    cells: list[list[Text | str]] = []
    for at, (label, element, values) in enumerate(labelled):
        numbers = [texts[name][at] if name in values else "" for name in names]
        cells.append([Text(label), Text(element, "dim"), *numbers])
    per_table = _fitting(names, texts, width)
    lines: list[Text] = []
    for start in range(0, len(names), per_table):
        some = slice(2 + start, 2 + start + per_table)
        header: list[Text | str] = [
            Text("metrics" if not start else "", "title"),
            Text(),
            *[Text(name, "title") for name in names][start : start + per_table],
        ]
        body: list[list[Text | str]] = [[row[0], row[1], *row[some]] for row in cells]
        lines += columns([header, *body], width=width, right=range(2, 2 + per_table), shrink=(1, 0), indent=2)
    return lines


def _fitting(names: list[str], texts: dict[str, list[str]], width: int) -> int:
    """How many columns one table takes: as many as leave room for the names of the tasks."""
    room, count = width - 30, 0
    for name in names:
        room -= 2 + max(len(name), *(len(text) for text in texts[name]))
        if room < 0:
            break
        count += 1
    return max(1, count)


def _rows(run: Run, group: Logged) -> list[tuple[str, str, dict[str, float]]]:
    by_node: dict[int, list[tuple[Path, dict[str, float]]]] = {}
    for (node, path), values in group.items():
        by_node.setdefault(node, []).append((path, values))
    rows: list[tuple[str, str, dict[str, float]]] = []
    for node, tasks in by_node.items():
        name = run.graph.nodes[node].id
        if len(tasks) <= _MOST_ROWS:
            rows += [(task_name(name, path), element_text(run, node, path), values) for path, values in tasks]
        else:
            rows += _summary(name, tasks)
    return rows


def _summary(
    name: str, tasks: list[tuple[Path, dict[str, float]]]
) -> list[tuple[str, str, dict[str, float]]]:
    columns_of: dict[str, list[float]] = {}
    for _, values in tasks:
        for key, value in values.items():
            if value == value:
                columns_of.setdefault(key, []).append(value)
    ordered = {key: sorted(values) for key, values in columns_of.items()}
    label = f"{name}[*]"
    return [
        (label, f"smallest of {len(tasks)}", {key: values[0] for key, values in ordered.items()}),
        (label, "median", {key: values[len(values) // 2] for key, values in ordered.items()}),
        (label, "largest", {key: values[-1] for key, values in ordered.items()}),
    ]
