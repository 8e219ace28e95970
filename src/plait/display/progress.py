"""What is seen of a run while it goes on? A picture that moves on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from plait.display.errors import headline
from plait.display.screen import Screen
from plait.display.steps import finished
from plait.display.tally import Tally
from plait.display.text import Text, clean
from plait.display.words import mark, seconds
from plait.graph.model import Calls, Graph, Path, task_name
from plait.record.facts import Advance, ErrorInfo, LogLine, Metric, Usage
from plait.record.views import Run

if TYPE_CHECKING:
    from plait.engine.notices import Listener

__all__ = ["PlainProgress", "said_line", "watch"]

_MOST_FAILURES = 10
_TENTHS_FROM = 20  # tasks; fewer are soon over


def watch(run: Run, *, screen: Screen | None = None, repeat: bool | None = None) -> Listener:
    """A listener that shows a run on standard error.

    Args:
        screen: another place to show it.
        repeat: show the lines that steps print; by default unless they reach the terminal by themselves, as those of
            the inline executor do. That one keeps to plain lines: its steps own the terminal, and may ask something.
    """
    chosen = screen or Screen(sys.stderr, optional=True)
    inline = run.executor == "inline"
    repeated = not inline if repeat is None else repeat
    if chosen.terminal and not inline and chosen.moves:
        from plait.display.live import LiveProgress

        return LiveProgress(run, chosen)
    return PlainProgress(run, chosen, repeat=repeated)


def said_line(name: str, line: LogLine) -> Text:
    """A line that a task said, after the task's name."""
    text = Text(f"{name} ", "name").add("│ ", "dim")
    if line.stream in ("out", "err"):
        return text.add(clean(line.text))
    style = {"WARNING": "warning", "ERROR": "error", "CRITICAL": "error"}.get(line.stream, "dim")
    return text.add(f"{line.stream.lower()} ", style).add(clean(line.text))


class PlainProgress:
    """A line per finished step; for a map one at its start, one for each tenth, and one at its end."""

    def __init__(self, run: Run, screen: Screen, *, repeat: bool) -> None:
        self._graph = run.graph
        self._screen = screen
        self._repeat = repeat
        self._tally = Tally(run.graph)
        self._mapped = [bool(axes) for axes in run.graph.layout.node_axes]
        self._next: dict[int, int] = {}
        self._failures: dict[int, int] = {}
        self._tenths: dict[tuple[int, Path], int] = {}
        self._run_id = run.id
        screen.write([Text("▸ ", "running").add(f"run {run.id} of {run.pipeline}")])

    def task_started(self, node: int, path: Path, attempt: int) -> None:
        self._tally.started(node)

    def task_ended(
        self, node: int, path: Path, state: str, usage: Usage, error: ErrorInfo | None, reason: str
    ) -> None:
        self._tally.ended(node, path, state, usage)
        if state in ("failed", "retried"):
            self._tell_failure(node, path, state, error, reason)
        if not self._mapped[node]:
            if state not in ("failed", "retried"):
                self._tell_single(node, state, usage, reason)
            return
        self._tell_mapped(node, state, reason)

    def unfolded(self, scope: int, path: Path, items: int) -> None:
        self._tally.unfolded(scope, items)
        if path:
            return
        if isinstance(self._graph.scopes[scope], Calls):  # there will be no more of them
            for node in self._graph.layout.subtree(scope):
                self._tell_mapped(node, "done", "")
            return
        for node in self._graph.layout.inside[scope]:
            name = self._graph.nodes[node].id
            if items:
                self._screen.write(
                    [Text("▸ ", "running").add(f"{name}: {items} task{'s' if items > 1 else ''}")]
                )
            else:
                self._screen.write([mark("done").add(f" {name}: an empty list, no tasks")])

    def said(self, node: int, path: Path, lines: Sequence[LogLine], metrics: Sequence[Metric]) -> None:
        if self._repeat and lines:
            name = task_name(self._graph.nodes[node].id, path)
            self._screen.write([said_line(name, line) for line in lines])

    def grown(self, graph: Graph) -> None:
        self._tally.grow(graph)
        self._graph = graph
        self._mapped = [bool(axes) for axes in graph.layout.node_axes]

    def advanced(self, node: int, path: Path, advance: Advance) -> None:
        """A line for each tenth."""
        if not advance.total:
            return
        tenth = int(10 * advance.done / advance.total)
        if tenth > self._tenths.get((node, path), 0):
            self._tenths[node, path] = tenth
            name = task_name(self._graph.nodes[node].id, path)
            self._screen.write([Text("  ").add(f"{name}  {advance.done:g}/{advance.total:g}", "dim")])

    def interrupted(self) -> None:
        self._screen.write([interrupted_line(self._tally)])

    def close(self) -> None:
        self._screen.write([])

    def _tell_single(self, node: int, state: str, usage: Usage, reason: str) -> None:
        line = mark(state).add(f" {self._graph.nodes[node].id}")
        if state == "done":
            line.add(f"  {seconds(usage.ended_at - usage.started_at)}", "dim")
        elif state == "cached":
            line.add(f"  cached, from run {reason}", "dim")
        else:
            line.add(f"  {state}{f': {reason}' if reason else ''}", state)
        self._screen.write([line])

    def _tell_failure(self, node: int, path: Path, state: str, error: ErrorInfo | None, reason: str) -> None:
        told = self._failures[node] = self._failures.get(node, 0) + 1
        name = task_name(self._graph.nodes[node].id, path)
        if told <= _MOST_FAILURES:
            said = headline(error) if error else reason
            again = "  (it is tried again)" if state == "retried" else ""
            self._screen.write([mark(state).add(f" {name}  ").add(said, "failed").add(again, "dim").cut(400)])
        elif told == _MOST_FAILURES + 1:
            self._screen.write(
                [mark(state).add(f" {self._graph.nodes[node].id}  more of its tasks failed", "failed")]
            )

    def _tell_mapped(self, node: int, state: str, reason: str) -> None:
        tally, name = self._tally, self._graph.nodes[node].id
        counts = tally.counts[node]
        ended = sum(counts.values())
        if tally.over(node):
            progress = tally.progress(node)
            line = mark(progress.state).add(f" {name}  {finished(counts)}/{progress.total or ended}")
            others = ", ".join(f"{count} {other}" for other, count in counts.items() if other != "done")
            if others:
                line.add(
                    f"  {others}{f': {reason}' if state == 'skipped' and reason else ''}", progress.state
                )
            if progress.elapsed is not None:
                line.add(f"  {seconds(progress.elapsed)}", "dim")
            self._screen.write([line])
            return
        known = tally.total(node) or 0  # while it grows, a share of it would say little
        step = max(1, known // 10)
        if known >= _TENTHS_FROM and ended >= self._next.get(node, step):
            self._next[node] = (ended // step + 1) * step
            self._screen.write([Text("  ").add(f"{name}  {ended}/{known}", "dim")])


def interrupted_line(tally: Tally) -> Text:
    count = sum(tally.running)
    what = "the running task is" if count == 1 else f"the {count} running tasks are"
    text = f"stopping: {what} finished first" if count else "stopping"
    return Text(f"■ {text}; press Ctrl-C again to end now", "cancelled")
