"""How does a run look on a terminal while it goes on? One line per step, redrawn ten times a second at most."""

from __future__ import annotations

import shutil
import threading
import time
from collections import deque
from collections.abc import Sequence

from plait.display.errors import headline
from plait.display.outline import Row, outline
from plait.display.progress import interrupted_line, said_line
from plait.display.screen import Screen
from plait.display.steps import Progress, finished
from plait.display.tally import Tally
from plait.display.text import Text, columns
from plait.display.words import clock, mark, seconds
from plait.graph.model import Graph, Path, task_name
from plait.record.facts import Advance, ErrorInfo, LogLine, Metric, Usage
from plait.record.views import Run

__all__ = ["LiveProgress", "fold", "picture"]

_REFRESH_SECONDS = 0.1
_MOST_LINES = 200  # above the picture at one refresh; all lines are in the records
_MOST_FAILURES = 5
_BAR = 20
_FINISHED = ("done", "cached")


class LiveProgress:
    """A listener that only counts; a thread of its own draws."""

    def __init__(self, run: Run, screen: Screen) -> None:
        from rich.console import Console
        from rich.live import Live

        self._run_id = run.id
        self._title = f"{run.pipeline}  run {run.id}"
        self._graph = run.graph
        self._rows = outline(run.graph)
        self._tally = Tally(run.graph)
        self._started = time.monotonic()
        self._above: deque[Text] = deque()
        self._failures: dict[int, int] = {}
        self._screen = screen
        self._stopped = threading.Event()
        console = Console(file=screen.stream, highlight=False, soft_wrap=True)
        self._live = Live(
            console=console, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False
        )
        self._live.start()
        self._thread = threading.Thread(target=self._draw, daemon=True, name="plait-progress")
        self._thread.start()

    def task_started(self, node: int, path: Path, attempt: int) -> None:
        self._tally.started(node)

    def task_ended(
        self, node: int, path: Path, state: str, usage: Usage, error: ErrorInfo | None, reason: str
    ) -> None:
        self._tally.ended(node, path, state, usage)
        if state in ("failed", "retried"):
            told = self._failures[node] = self._failures.get(node, 0) + 1
            if told <= _MOST_FAILURES:
                again = "  (it is tried again)" if state == "retried" else ""
                name = task_name(self._graph.nodes[node].id, path)
                said = headline(error) if error else reason
                self._above.append(mark(state).add(f" {name}  ").add(said, "failed").add(again, "dim"))

    def unfolded(self, scope: int, path: Path, items: int) -> None:
        self._tally.unfolded(scope, items)

    def said(self, node: int, path: Path, lines: Sequence[LogLine], metrics: Sequence[Metric]) -> None:
        if lines:
            name = task_name(self._graph.nodes[node].id, path)
            self._above.extend(said_line(name, line) for line in lines)

    def grown(self, graph: Graph) -> None:
        self._tally.grow(graph)
        self._graph, self._rows = graph, outline(graph)

    def advanced(self, node: int, path: Path, advance: Advance) -> None:
        self._tally.advanced(node, advance)

    def interrupted(self) -> None:
        self._above.append(interrupted_line(self._tally))

    def close(self) -> None:
        self._stopped.set()
        self._thread.join()
        self._live.stop()
        rest = self._take_above()
        if rest:
            self._screen.write(rest)

    def _draw(self) -> None:
        from rich.text import Text as RichText

        shown: tuple[int, int] | None = None
        while not self._stopped.wait(_REFRESH_SECONDS):
            # Once a second even if nothing changed: the times go on.
            moment = (self._tally.changes, int((time.monotonic() - self._started) * 2))
            above = self._take_above()
            if moment == shown and not above:
                continue
            shown = moment
            size = shutil.get_terminal_size()
            lines = picture(self._title, self._rows, self._tally, time.monotonic() - self._started, size)
            body = "\n".join(line.render(colour=self._screen.colour) for line in lines)
            with self._live._lock:
                if above:
                    text = "\n".join(line.render(colour=self._screen.colour) for line in above)
                    self._live.console.print(RichText.from_ansi(text))
                self._live.update(RichText.from_ansi(body, no_wrap=True, overflow="crop"), refresh=True)

    def _take_above(self) -> list[Text]:
        taken = [self._above.popleft() for _ in range(len(self._above))]
        if len(taken) > _MOST_LINES:
            left = len(taken) - _MOST_LINES
            note = Text(f"… {left} lines more: plait logs {self._run_id}", "dim")
            taken = [*taken[: _MOST_LINES // 2], note, *taken[-_MOST_LINES // 2 :]]
        return taken


def picture(title: str, rows: list[Row], tally: Tally, elapsed: float, size: tuple[int, int]) -> list[Text]:
    """The lines of one redraw, for a terminal of ``size`` columns and lines."""
    width, height = size
    found = {row.node: tally.progress(row.node) for row in rows if row.node is not None}
    ended = sum(1 for progress in found.values() if _over(progress))
    head = Text(title, "bold").add(f"  {ended}/{len(found)} steps  {clock(elapsed)}", "dim")
    names = [node.id for node in tally.graph.nodes]
    shown, folded = fold(rows, names, found, max(4, height - 4))
    cells = []
    for row in shown:
        progress = found.get(row.node) if row.node is not None else None
        label = Text("  " * row.depth)
        label.add(mark(progress.state) if progress else Text("▾", "dim")).add(" ")
        label.add(
            row.label,
            "bold" if row.node is None else "dim" if progress and progress.state == "waiting" else "",
        )
        took = seconds(progress.elapsed) if progress and progress.elapsed is not None else ""
        cells.append([label, Text(took, "dim"), _bar(progress)])
    lines = [head.cut(width), *columns(cells, width=width, right=(1,), shrink=(0,))]
    for state, count in folded.items():
        line = Text("  ").add(mark(state)).add(f" {count} more {state}", "dim")
        lines.append(line)
    return lines


def fold(
    rows: list[Row], names: list[str], found: dict[int, Progress], most: int
) -> tuple[list[Row], dict[str, int]]:
    """The rows that fit: what runs or failed, then what ended last and what comes next; the others as counts."""
    if len(rows) <= most:
        return rows, {}
    chosen: set[int] = set()
    done = [at for at, row in enumerate(rows) if row.node is not None and found[row.node].state in _FINISHED]
    waiting = [
        at for at, row in enumerate(rows) if row.node is not None and found[row.node].state == "waiting"
    ]
    busy = [at for at, row in enumerate(rows) if row.node is not None and at not in {*done, *waiting}]
    chosen.update(busy[-most:])
    room = most - len(chosen) - 2
    after = waiting[: max(0, room // 2)]
    before = done[-(room - len(after)) :] if room > len(after) else []
    chosen.update(before, after)
    # Without the lines of their groups, steps say their whole names.
    shown = [
        Row(0, names[row.node], row.node, ())
        for at, row in enumerate(rows)
        if at in chosen and row.node is not None
    ]
    folded = {"done": len(done) - len(before), "waiting": len(waiting) - len(after)}
    return shown, {state: count for state, count in folded.items() if count > 0}


def _over(progress: Progress) -> bool:
    return progress.state in (*_FINISHED, "failed", "skipped", "cancelled")


def _bar(progress: Progress | None) -> Text:
    if progress is not None and progress.advance is not None and progress.state == "running":
        return _own_bar(progress.advance)
    if progress is None or not progress.mapped or progress.state == "waiting":
        return Text()
    total = progress.total
    counts = progress.counts
    done, failed, running = finished(counts), counts.get("failed", 0), counts.get("running", 0)
    line = Text()
    if total:
        ended = _BAR * done // total
        bad = min(_BAR - ended, -(-_BAR * failed // total))
        line.add("━" * ended, "done").add("━" * bad, "failed").add("─" * (_BAR - ended - bad), "dim").add(
            "  "
        )
    line.add(f"{done}/{'?' if total is None else total}")
    if failed:
        line.add(f"  {failed} failed", "failed")
    if running:
        line.add(f"  {running} running", "running")
    return line


def _own_bar(advance: Advance) -> Text:
    """How far a task says that it is."""
    if not advance.total:
        return Text(f"{advance.done:g}")
    ended = min(_BAR, max(0, round(_BAR * advance.done / advance.total)))
    line = Text().add("━" * ended, "running").add("─" * (_BAR - ended), "dim")
    return line.add(f"  {advance.done:g}/{advance.total:g}")
