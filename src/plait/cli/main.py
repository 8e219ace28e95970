"""What does ``plait`` do with what was typed? It finds the command, runs it, and says what went wrong in few words."""

from __future__ import annotations

import os
import sys
from typing import Any, NoReturn

import click

from plait._version import __version__
from plait.errors import ConfError, DefinitionError, ParameterError, PlaitError, TargetError, nearest

__all__ = ["COMMANDS", "main", "plait", "run_command"]

# Each command, where it is, and its line in the help: nothing is imported before it is called.
COMMANDS = {
    "new": "Write a project that runs, tests and lints at once.",
    "run": "Run a pipeline and record everything.",
    "plan": "Tell what a run would do, and why.",
    "resume": "Go on with a run that failed, was cancelled or killed.",
    "cancel": "End a run that goes on in another process.",
    "fork": "Start a new run in the middle of an earlier one.",
    "runs": "List the latest runs.",
    "show": "Show a run, or the graph of a pipeline.",
    "logs": "Print what the tasks of a run said.",
    "ui": "Look at it all in a browser.",
    "catalog": "What data is there, and is it right?",
    "params": "What can be set, and where it is written.",
    "pipelines": "What can be run in this project.",
    "stack": "On what runs go, and whether it answers.",
    "store": "Move runs and their results to another store.",
    "integration": "What plait works with, and what it needs for that.",
    "conf": "What the conf says, and which line says it.",
    "notebook": "Open a notebook in the project.",
    "package": "Make a wheel and a conf that run anywhere.",
    "why": "Explain why a task ran, or why it did not.",
    "verify": "Run a step again and compare what comes out.",
    "status": "Tell which results are up to date.",
    "gc": "Free the space of what nobody needs any more.",
    "tag": "Put tags on a run, or take them off.",
    "note": "Write a note to a run, or give it a name.",
    "pin": "Keep a run or an artifact, whatever its age.",
    "unpin": "Keep it no longer.",
    "delete": "Delete a run.",
}
# Those that read or write runs: where these are is said by the environment and the stack.
_PLACED = frozenset(COMMANDS) - {
    "new",
    "conf",
    "params",
    "pipelines",
    "catalog",
    "package",
    "stack",
    "store",
    "integration",
}
BY_CTRL_C = 130
_WRONG_USE = (TargetError, ParameterError, ConfError, DefinitionError)


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        from importlib import import_module

        found: click.Command = import_module(f"plait.cli.{cmd_name}").command
        if cmd_name in _PLACED:
            from plait.cli.placing import add_place_options

            add_place_options(found)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            close = nearest(args[0], COMMANDS)
            hint = f"did you mean: plait {close[0]}?" if close else "plait --help lists the commands"
            raise click.UsageError(f"there is no command {args[0]!r}\n  → {hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


_HELP = """Pipelines of plain Python functions, every run recorded.

\b
plait run train.py alpha=0.3     run the pipeline of a file
plait runs                       what has run so far
plait show latest                how it went, step by step
plait logs latest 'fit[3]'       what a task said
"""


@click.group(
    cls=_Commands, help=_HELP, context_settings={"help_option_names": ["-h", "--help"]}, no_args_is_help=True
)
@click.version_option(__version__, "--version", message="plait %(version)s")
def plait() -> None:
    pass


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run one command and leave with its status: 0 done, 1 failed, 2 wrong use, 130 by Ctrl-C.

    With ``--check`` 2 says that there is work to do, and 1 that something is wrong.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a console that lacks ✓ still gets the words
    status = 0
    try:
        status = run_command(arguments)
        if status == BY_CTRL_C:
            leave_in_peace()
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read our output has gone, such as `head`; nobody is left to be told.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(status)


def leave_in_peace() -> None:
    """It was heard: Ctrl-C pressed once more, out of impatience, does not break off what is said at the end."""
    import signal
    import threading

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def run_command(arguments: list[str] | None) -> int:
    """Run one command; answers with its status, what went wrong has been said on standard error."""
    arguments = sys.argv[1:] if arguments is None else arguments
    # With --check, 2 is an answer: there is work to do. What is wrong must not look like it.
    wrong_use = 1 if "--check" in arguments else 2
    try:
        # Not `plait.main`: it turns a reader that has gone into status 1 and Ctrl-C into an empty line.
        with plait.make_context("plait", list(arguments)) as context:
            answer: Any = plait.invoke(context)
        return answer if isinstance(answer, int) else 0
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except PlaitError as error:
        return _tell(error, wrong_use)
    except click.UsageError as error:
        from plait.cli.usage import explain

        explain(error)
        return wrong_use
    except click.ClickException as error:
        error.show()
        return wrong_use
    except (click.Abort, KeyboardInterrupt):
        print("interrupted", file=sys.stderr)
        return BY_CTRL_C


def _tell(error: PlaitError, wrong_use: int) -> int:
    if os.environ.get("PLAIT_DEBUG"):
        import traceback

        traceback.print_exception(error)
    else:
        from plait.cli.problems import show

        show(error)
    return wrong_use if isinstance(error, _WRONG_USE) else 1
