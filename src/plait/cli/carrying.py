"""How is a run watched from the command line, and what is said when it is over? Shared by run, resume and fork."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from plait.cli.asking import cache_options

if TYPE_CHECKING:
    from plait.project.project import Project
    from plait.record.views import Run

__all__ = ["Watch", "conclude", "executor_options", "make_watch", "tell"]


def executor_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of every command that carries a run to its end; how that is to be done arrives as ``orders``."""

    @wraps(command)
    def carrying(**words: Any) -> Any:
        from plait.launch.orders import make_orders

        said = {ours: words.pop(typed) for typed, ours in _ORDERS.items()}
        return command(orders=make_orders(cache=not words.pop("no_cache"), **said), **words)

    decorated: Callable[..., Any] = carrying
    for option in reversed(
        (
            click.option(
                "--executor",
                metavar="NAME",
                help="processes (all cores), threads (of one process), inline (here, one by one) or another type;"
                " that of the stack if left out, else processes.",
            ),
            click.option(
                "--workers",
                type=click.IntRange(min=1),
                metavar="N",
                help="How many tasks at once at most.",
            ),
            cache_options,
            click.option(
                "--max-parallel",
                type=click.IntRange(min=1),
                metavar="N",
                help="How many tasks at once, at most.",
            ),
            click.option(
                "--fail-fast",
                is_flag=True,
                help="Begin nothing more once a step has failed, instead of doing all that can still be done.",
            ),
            click.option(
                "--name",
                "run_name",
                metavar="TEXT",
                help="What the run is called; {alpha} stands for a parameter, {now:%d %b} for the time.",
            ),
            click.option("--run-tag", "run_tags", multiple=True, metavar="TAG", help="Tag the run."),
            click.option("--note", metavar="TEXT", help="A note on the run."),
            click.option(
                "--json",
                "as_json",
                is_flag=True,
                help="Every event as a JSON object on its line, nothing else.",
            ),
            click.option("--quiet", "-q", is_flag=True, help="Only the id of the run, and what failed."),
        )
    ):
        decorated = option(decorated)
    return decorated


_ORDERS = {
    "refresh": "refresh",
    "max_parallel": "max_parallel",
    "fail_fast": "fail_fast",
    "run_name": "name",
    "run_tags": "tags",
    "note": "note",
}


class Watch:
    """An executor and a listener that fit together: what steps print is shown once."""

    def __init__(self, executor: Any, listener: Any, *, as_json: bool, quiet: bool) -> None:
        self.executor = executor
        self.listener = listener
        self.as_json = as_json
        self.quiet = quiet


def make_watch(
    executor: str | None,
    workers: int | None,
    *,
    as_json: bool,
    quiet: bool,
    project: Project | None = None,
    debug: bool = False,
) -> Watch:
    """What runs the tasks, and what shows them.

    Args:
        project: whose stack says what is left out.

    Raises:
        ParameterError: there is no such executor.
        ConfError: what the stack says of it is wrong.
    """
    from plait.executors import debugging_executor, make_executor

    chosen: Any = (
        debugging_executor(executor) if debug else make_executor(executor, workers=workers, project=project)
    )
    inline = chosen.name == "inline"
    shown_by_itself = inline and not as_json and not quiet and sys.stdout.isatty()
    if inline and not shown_by_itself:
        from plait.executors.inline import InlineExecutor

        chosen = InlineExecutor(tee=False, debug=debug)
    listener = _listener(as_json=as_json, quiet=quiet, repeat=not shown_by_itself)
    return Watch(chosen, listener, as_json=as_json, quiet=quiet)


def _listener(*, as_json: bool, quiet: bool, repeat: bool) -> Any:
    if as_json:
        from plait.display.events import EventLines

        return lambda run: EventLines(run, sys.stdout)
    if quiet:
        return None
    from plait.display.progress import watch

    return lambda run: watch(run, repeat=repeat)


def tell(text: str) -> None:
    """A sentence for the person at the keyboard that is neither a result nor an error."""
    from plait.display.screen import Screen
    from plait.display.text import Text

    Screen(sys.stderr).write([Text("! ", "warning").add(text)])


def conclude(run: Run, watch: Watch) -> int:
    """Say how a run ended; answers with the status that the command leaves with."""
    from plait.cli.main import BY_CTRL_C, leave_in_peace
    from plait.display.screen import Screen
    from plait.display.summary import failure_lines, summary

    if run.status == "cancelled":
        leave_in_peace()
    screen = Screen(sys.stdout)
    if watch.quiet and not watch.as_json:
        screen.write([run.id])
        if run.status != "done":
            errors = Screen(sys.stderr)
            errors.write(failure_lines(run, errors.width))
    elif not watch.as_json:
        screen.write(["", *summary(run, screen.width)])
    return {"done": 0, "cancelled": BY_CTRL_C}.get(run.status, 1)
