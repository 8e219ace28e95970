"""How are runs copied from one store to another, and how is that watched?"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from plait.record.copy import Copying
    from plait.record.store import RecordStore

__all__ = ["copy_between"]

_MOST_LOST = 10


def copy_between(
    source: str, target: str, runs: Sequence[str], *, verify: bool, as_json: bool, env: str | None
) -> int:
    """Copy, and say what was copied; answers with 1 where something was lost before.

    Raises:
        RecordError, StoreError, ConfError: as ``copy_store``, and where one of the two is no store.
    """
    from plait.record.copy import copy_store

    stores = _open(source, env, create=False), _open(target, env, create=True)
    with _watching(quiet=as_json) as tell:
        found = copy_store(*stores, only=runs, verify=verify, tell=tell)
    if as_json:
        from plait.cli.store import print_json

        print_json(found)
        return 1 if found.lost else 0
    from plait.display.screen import Screen
    from plait.display.text import Text
    from plait.display.words import bytes_text

    there = f"; {_counted(found.there, 'run')} already there" if found.there else ""
    what = f"{_counted(found.runs, 'run')} and {_counted(found.blobs, 'blob')}, {bytes_text(found.bytes)}"
    lines = [Text(f"copied {what}{there}")]
    lines += [Text(f"  {run} is going on: copy again when it is over", "warning") for run in found.going_on]
    lines += [Text(f"  {one}", "warning") for one in found.lost[:_MOST_LOST]]
    if len(found.lost) > _MOST_LOST:
        lines.append(Text(f"  and {len(found.lost) - _MOST_LOST} more", "warning"))
    Screen(sys.stdout).write(lines)
    return 1 if found.lost else 0


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _open(name: str, env: str | None, *, create: bool) -> RecordStore:
    from plait.project.project import Project
    from plait.record.store import FOLDER, RecordStore, open_records

    if "/" in name or name in (".", "..", FOLDER):  # a stack's name is one word
        return RecordStore(Path(name).resolve(), create=create)
    return open_records(Project.find(env=env, stack=name), create=create)


@contextmanager
def _watching(*, quiet: bool) -> Iterator[Callable[[Copying], None]]:
    """A bar on a terminal; nothing where nobody looks."""
    if quiet or not sys.stderr.isatty():
        yield lambda _copying: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from plait.display.words import bytes_text

    columns: list[Any] = [
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
    ]
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("runs", total=None)

        def tell(copying: Copying) -> None:
            said = f"runs, {copying.blobs} blobs, {bytes_text(copying.bytes)}"
            progress.update(bar, total=copying.all_runs, completed=copying.runs, description=said)

        yield tell
