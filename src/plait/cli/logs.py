"""``plait logs``: what did the tasks of a run say?"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import click

from plait.errors import ParameterError, RecordError

if TYPE_CHECKING:
    from plait.display.text import Text
    from plait.graph.model import Path
    from plait.record.facts import LogLine
    from plait.record.logged import LogChunk
    from plait.record.views import Run

__all__ = ["command"]

_POLL_SECONDS = 0.4
_LEVELS = ("debug", "info", "warning", "error", "critical")


@click.command(
    "logs",
    help="""Print what the tasks of a run said.

RUN is an id, a unique beginning of one, or `latest` (the default).
TASK is a step (all of its tasks) or a task: 'fit[3]'.""",
)
@click.argument("run_id", default="latest", metavar="[RUN]")
@click.argument("task", required=False)
@click.option("--follow", "-f", is_flag=True, help="Go on printing until the run ends.")
@click.option(
    "--level",
    type=click.Choice(_LEVELS, case_sensitive=False),
    help="Only what was logged at this level or above.",
)
@click.option(
    "--stream",
    type=click.Choice(["out", "err", "log"]),
    help="Only what was printed, written to stderr, or logged.",
)
@click.option("--json", "as_json", is_flag=True, help="A JSON object per line.")
def command(
    run_id: str, task: str | None, follow: bool, level: str | None, stream: str | None, as_json: bool
) -> None:
    from plait.cli.store import open_store

    store = open_store()
    run = store.run(run_id)
    node, path = _place(run, task)
    chosen = _Filter(level, stream)
    printer = _Printer(
        run, as_json=as_json, names=task is None or (node is not None and len(path) < _depth(run, node))
    )
    since = 0 if follow else None
    while True:
        running = run.refresh().status == "running"
        chunks = list(run.log_chunks(node, path, since=since))
        printer.lines(_lines(chunks), chosen)
        if not (follow and running):
            break
        since = chunks[-1].serial + len(chunks[-1].lines) if chunks else since
        store.wait(_POLL_SECONDS)
    if not as_json:
        printer.ending(node, path, follow=follow)


def _depth(run: Run, node: int) -> int:
    return len(run.graph.layout.node_axes[node])


def _place(run: Run, task: str | None) -> tuple[int | None, Path]:
    if task is None:
        return None, ()
    from plait.errors import did_you_mean
    from plait.record.tasks import parse_task

    name, path = parse_task(task)
    node = run.graph.find_node(name)
    if node is None:
        raise RecordError(
            f"run {run.id} has no step {name!r}", hint=did_you_mean(name, run.graph.layout.by_id)
        )
    depth = _depth(run, node)
    if len(path) > depth:
        raise ParameterError(
            f"{name} is {'not mapped' if not depth else f'mapped {depth} deep'}, so there is no {task}"
        )
    if len(path) == depth and run.status != "running":
        run.task(task)
    return node, path


def _lines(chunks: Iterable[LogChunk]) -> Iterator[tuple[int, Path, int, LogLine]]:
    for chunk in chunks:
        for line in chunk.lines:
            yield chunk.node, chunk.path, chunk.attempt, line


class _Filter:
    def __init__(self, level: str | None, stream: str | None) -> None:
        self._least = logging.getLevelNamesMapping()[level.upper()] if level else None
        self._stream = stream

    def takes(self, line: LogLine) -> bool:
        printed = line.stream in ("out", "err")
        if self._stream is not None and (line.stream if printed else "log") != self._stream:
            return False
        if self._least is None:
            return True
        return not printed and logging.getLevelNamesMapping().get(line.stream, logging.INFO) >= self._least


class _Printer:
    """Prints lines, after the names of their tasks where there are several."""

    def __init__(self, run: Run, *, as_json: bool, names: bool) -> None:
        from plait.display.screen import Screen

        self._run = run
        self._json = as_json
        self._names = names
        self._screen = Screen(sys.stdout)
        self._printed = 0

    def lines(self, lines: Iterator[tuple[int, Path, int, LogLine]], chosen: _Filter) -> None:
        from plait.display.progress import said_line
        from plait.graph.model import task_name

        nodes = self._run.graph.nodes
        body = []
        for node, path, attempt, line in lines:
            if not chosen.takes(line):
                continue
            name = task_name(nodes[node].id, path)
            if self._json:
                body.append(self._object(name, attempt, line))
            elif self._names:
                body.append(said_line(name, line).render(colour=self._screen.colour))
            else:
                body.append(_bare(line).render(colour=self._screen.colour))
        self._printed += len(body)
        if body:
            self._screen.write(body)

    def _object(self, name: str, attempt: int, line: LogLine) -> str:
        import msgspec

        found = {"at": line.at, "task": name, "attempt": attempt, "stream": line.stream, "text": line.text}
        return msgspec.json.encode(found).decode()

    def ending(self, node: int | None, path: Path, *, follow: bool) -> None:
        """Why there is nothing, or what went wrong: to the other stream, so that the lines alone can be piped."""
        from plait.display.screen import Screen
        from plait.display.summary import failures_of, head

        errors = Screen(sys.stderr)
        failed = failures_of(self._run, node, path, errors.width)
        if failed:
            errors.write(failed)
        elif not self._printed:
            errors.write(["nothing was printed or logged there"])
        if follow:
            errors.write([head(self._run)])


def _bare(line: LogLine) -> Text:
    from plait.display.text import Text, clean

    if line.stream in ("out", "err"):
        return Text(clean(line.text))
    return Text(f"{line.stream.lower()} ", "dim").add(clean(line.text))
