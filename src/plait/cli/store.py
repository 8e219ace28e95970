"""Which records does a command speak of, and how is JSON printed? And ``plait store``, which moves them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from plait.record.store import RecordStore

__all__ = ["command", "open_store", "print_json"]


def open_store() -> RecordStore:
    """The records of the project or folder that one stands in, on the stack that was asked for.

    Raises:
        RecordError: nothing is recorded there.
        ConfError: the stack does not add up.
    """
    from plait.record.store import find_records

    return find_records()


def print_json(value: Any, *, indent: bool = True) -> None:
    import msgspec

    text = msgspec.json.encode(value, enc_hook=str)
    sys.stdout.write((msgspec.json.format(text, indent=2) if indent else text).decode() + "\n")


@click.group("store", help="Move runs and their results to another store.", no_args_is_help=True)
def command() -> None:
    pass


@command.command(
    "copy",
    help="""Copy all runs with their results from one stack's stores to those of another.

FROM and TO are names of stacks (see `plait stack list`), or paths of folders `.plait`. Every result is checked against
its hash where it comes from and where it went. A copy that was broken off goes on where it was.""",
)
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@click.option("--run", "runs", multiple=True, metavar="RUN", help="Only this run; may be repeated.")
@click.option("--no-verify", is_flag=True, help="Do not read back what was written.")
@click.option("--json", "as_json", is_flag=True, help="A JSON object.")
@click.option("--env", "-e", metavar="ENV", help="The environment of the conf; PLAIT_ENV, else local.")
def copy(
    source: str, target: str, runs: tuple[str, ...], no_verify: bool, as_json: bool, env: str | None
) -> int:
    from plait.cli.copying import copy_between

    return copy_between(source, target, runs, verify=not no_verify, as_json=as_json, env=env)
