"""How do a project's catalog, parameters, conf and pipelines look? As lines of text, and in a notebook."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from plait.display.text import Text, clean, columns
from plait.display.words import value_text

if TYPE_CHECKING:
    from plait.errors import PlaitError
    from plait.project.catalog import Catalog, Entry
    from plait.project.catalog.checks import CheckResult
    from plait.project.conf import Shown
    from plait.project.parameters import Parameters
    from plait.project.pipelines import Pipelines
    from plait.project.project import Project

__all__ = [
    "catalog_html",
    "catalog_lines",
    "check_lines",
    "conf_lines",
    "describe_lines",
    "parameters_html",
    "pipelines_html",
    "pipelines_lines",
    "problem_lines",
    "project_html",
]

_MOST_ROWS = 200  # in a notebook: a page is not a file
_SHORT = 60
_LEAST_VALUE = 24  # cells; with less room the places are shortened
_MOST_ITEMS = 20

_STYLE = """<style>
.plait{font-size:13px;line-height:1.45}.plait .dim{opacity:.65}.plait code{font-size:12px}
.plait table{border-collapse:collapse;margin:.4em 0}.plait td,.plait th{padding:1px 10px 1px 0;text-align:left;
border:0;background:none;font-weight:inherit;white-space:nowrap}.plait .failed{color:#e04f4f}
</style>"""


# As text.


def catalog_lines(entries: Sequence[Entry], patterns: set[str], width: int) -> list[Text]:
    """One line for each entry, then one for each factory."""
    if not entries:
        return [
            Text("the catalog is empty", "dim"),
            Text("  → conf/base/catalog.yml says where the data is"),
        ]
    head = [Text(name, "dim") for name in ("name", "type", "place", "layer", "")]
    own = [_entry_row(one) for one in entries if one.name not in patterns]
    factories = [_entry_row(one) for one in entries if one.name in patterns]
    title = [[], [Text("factories", "title")]] if factories else []
    return columns(
        [*([head] if own else []), *own, *title, *factories], width=width, shrink=(2, 1, 0, 4), indent=0
    )


def _entry_row(entry: Entry) -> list[Text]:
    said = ["versioned"] if entry.versioned else []
    if entry.checks:
        said.append(f"{len(entry.checks)} check{'s' if len(entry.checks) > 1 else ''}")
    return [
        Text(clean(entry.name), "name"),
        Text(clean(entry.type), ""),
        Text(clean(entry.place or ""), "dim"),
        Text(clean(entry.layer or "")),
        Text(", ".join(said), "dim"),
    ]


def describe_lines(described: Mapping[str, Any], width: int) -> list[Text]:
    """What is known of one dataset."""
    lines = [Text(clean(described["name"]), "bold").add(f"  {clean(described['type'])}", "")]
    rows: list[Sequence[Text | str]] = [
        (Text(key, "dim"), clean(str(described[key])))
        for key in ("place", "as", "layer", "pattern")
        if described[key]
    ]
    if described["versioned"]:
        pinned = described["load_version"]
        rows.append((Text("versions", "dim"), "kept" + (f", loads {pinned}" if pinned else "")))
    for check in described["checks"]:
        when = "" if check["on"] == "both" else f" on {check['on']}"
        said = f"{check['check']}  {check['path'] or check['where'] or ''} ({check['severity']}{when})"
        rows.append((Text("check", "dim"), clean(said)))
    if described["where"]:
        rows.append((Text("written", "dim"), str(described["where"])))
    lines += columns(rows, width=width, shrink=(1,))
    for title in ("arguments", "metadata"):
        if described[title]:
            lines += [Text(), Text(title, "title"), *_tree_lines(described[title], width)]
    return lines


def _tree_lines(values: Mapping[str, Any], width: int) -> list[Text]:
    from plait.project.origin import COMMAND_LINE, dotted, leaves, node_of, plain

    found = leaves(node_of(dict(values), COMMAND_LINE))
    room = max(20, width - 6)
    rows = [(Text(clean(dotted(path)), "dim"), _value(plain(node), room)) for path, node in found]
    return columns(rows, width=width, shrink=(1, 0))


def conf_lines(shown: Sequence[Shown], width: int, *, kinds: bool = True) -> list[Text]:
    """Each value with the file and line that it comes from, under the name of its kind."""
    lines: list[Text] = []
    indent = 2 if kinds else 0
    for kind in dict.fromkeys(one.kind for one in shown):
        own = [one for one in shown if one.kind == kind]
        names = max(len(one.key) for one in own)
        places = {one.origin: one.origin for one in own}
        room = width - indent - names - max(map(len, places.values())) - 4
        if room < _LEAST_VALUE:
            places = {origin: origin.partition("/")[2] or origin for origin in places}
            room = width - indent - names - max(map(len, places.values())) - 4
        rows = [row for one in own for row in _conf_rows(one, kind, places[one.origin], max(room, 8))]
        if kinds:
            lines += [*([Text()] if lines else []), Text(kind, "title")]
        lines += columns(rows, width=width, shrink=(1, 0, 2), indent=indent)
    return lines


def _conf_rows(one: Shown, kind: str, place: str, room: int) -> list[list[Text]]:
    """The row of a value; a list that is too long for one line has a row for each item."""
    name, origin = Text(clean(one.key) or kind, "name"), Text(place, "dim")
    if not isinstance(one.value, list) or len(repr(one.value)) <= room or len(one.value) < 2:
        return [[name, _value(one.value, room), origin]]
    items = one.value[:_MOST_ITEMS]
    rows = [[Text(f"{one.key}[{at}]", "name"), _value(item, room)] for at, item in enumerate(items)]
    rows[0].append(origin)
    left = len(one.value) - len(items)
    return [*rows, [Text(f"and {left} more", "dim")]] if left else rows


def _value(value: Any, width: int) -> Text:
    """A value as YAML has it."""
    if value is None or isinstance(value, bool):
        return Text({None: "null", True: "true", False: "false"}[value])
    if isinstance(value, dict) and value:
        inside = ", ".join(f"{key}: {_value(inner, width).plain}" for key, inner in value.items())
        return Text(clean(f"{{{inside}}}")).cut(width)
    if isinstance(value, list):
        inside = ", ".join(_value(item, width).plain for item in value)
        return Text(clean(f"[{inside}]")).cut(width)
    return Text(value_text(value, width))


def pipelines_lines(pipelines: Pipelines, default: str | None, width: int) -> list[Text]:
    """One line for each pipeline, then those modules that could not be imported."""
    rows = [
        (
            Text(name, "name"),
            Text(_steps(pipeline)),
            Text(clean(pipeline.doc.splitlines()[0]) if pipeline.doc else ""),
            Text("default" if name == default else "", "dim"),
        )
        for name, pipeline in pipelines.items()
    ]
    return columns(rows, width=width, right=(1,), shrink=(2, 0), indent=0)


def _steps(pipeline: Any) -> str:
    try:
        count = len(pipeline.trace().graph.nodes)
    except Exception:  # noqa: BLE001 - whatever the user's function raises: the list of names is still good
        return "cannot be described"
    return f"{count} step{'s' if count != 1 else ''}"


def check_lines(results: Iterable[CheckResult]) -> list[Text]:
    """What checks of data found."""
    lines = []
    for one in results:
        sign = (
            ("✓ ", "done")
            if one.passed
            else ("✗ ", "failed")
            if one.severity == "error"
            else ("! ", "warning")
        )
        lines.append(Text(*sign).add(clean(str(one))))
    return lines


def problem_lines(problems: Iterable[PlaitError]) -> list[Text]:
    """What is wrong with entries, and where."""
    lines = []
    for one in problems:
        lines.append(Text("✗ ", "failed").add(clean(one.what)))
        if one.where:
            lines.append(Text("    at ", "dim").add(one.where, "name"))
        if one.hint:
            lines.append(Text(f"    → {one.hint}"))
    return lines


# In a notebook.


def project_html(project: Project) -> str:
    """The project: its name, environment, and what there is."""
    env = (
        f" <span class=dim>environment</span> <code>{escape(project.env)}</code>" if project.has_conf else ""
    )
    rows = [("pipelines", ", ".join(project.pipelines.modules()))]
    if project.has_conf:
        rows.append(("datasets", _few(project.catalog.names())))
        rows.append(("parameters", _few(map(str, project.params.all()))))
    rows.append(("folder", str(project.root)))
    return _page(f"<div><b>{escape(project.root.name)}</b>{env}</div>", _table(rows, dim=(0,)))


def catalog_html(catalog: Catalog) -> str:
    """The catalog: an entry a row."""
    entries = [catalog.entry(name) for name in catalog.names()[:_MOST_ROWS]]
    entries += catalog.factories()
    rows = [
        (one.name, one.type, one.place or "", one.layer or "", "versioned" if one.versioned else "")
        for one in entries
    ]
    said = f"{len(catalog)} datasets, environment {escape(catalog.env)}"
    return _page(
        f"<div><b>catalog</b> <span class=dim>{said}</span></div>",
        _table(rows, code=(0,), dim=(2, 4)),
        _more(len(catalog)),
    )


def parameters_html(params: Parameters) -> str:
    """The parameters: a value a row, with where it is written."""
    shown = params.conf.show("parameters") if params.conf.raw("parameters").value else []
    rows = [(one.key, _value(one.value, _SHORT).plain, one.origin) for one in shown[:_MOST_ROWS]]
    return _page("<div><b>parameters</b></div>", _table(rows, code=(0,), dim=(2,)), _more(len(shown)))


def pipelines_html(pipelines: Pipelines) -> str:
    """The pipelines: one a row, and what could not be imported."""
    rows = [
        (name, _steps(one), one.doc.splitlines()[0] if one.doc else "") for name, one in pipelines.items()
    ]
    broken = "".join(f"<div class=failed>{escape(error.what)}</div>" for error in pipelines.broken)
    return _page("<div><b>pipelines</b></div>", _table(rows, code=(0,), dim=(1,)), broken)


def _few(names: Iterable[str], most: int = 12) -> str:
    listed = list(names)
    return ", ".join(listed[:most]) + (f" and {len(listed) - most} more" if len(listed) > most else "")


def _more(count: int) -> str:
    return f"<div class=dim>and {count - _MOST_ROWS} more</div>" if count > _MOST_ROWS else ""


def _table(rows: Iterable[Sequence[str]], *, code: tuple[int, ...] = (), dim: tuple[int, ...] = ()) -> str:
    def cell(at: int, text: str) -> str:
        text = escape(clean(text))
        return f"<td{' class=dim' if at in dim else ''}>{f'<code>{text}</code>' if at in code else text}"

    body = "".join("<tr>" + "".join(cell(at, text) for at, text in enumerate(row)) for row in rows)
    return f"<table>{body}</table>" if body else ""


def _page(*parts: str) -> str:
    return f"{_STYLE}<div class=plait>{''.join(parts)}</div>"
