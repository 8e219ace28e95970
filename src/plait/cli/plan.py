"""``plait plan``: what would a run do, and why?"""

from __future__ import annotations

import sys

import click

from plait.cli.asking import Asked, asking_options, cache_options

__all__ = ["command"]


@click.command(
    "plan",
    help="""Tell what `plait run` with the same words would do, without doing it.

Each step is cached, to run, or not known before something else has run; what is to run says what changed since the
closest earlier task: code, parameters, inputs, packages.""",
)
@asking_options
@cache_options
@click.option(
    "--check", is_flag=True, help="Leave with 2 when there is work to do, with 0 when there is none."
)
@click.option("--json", "as_json", is_flag=True, help="A JSON object.")
def command(
    asked: Asked,
    no_cache: bool,
    refresh: tuple[str, ...],
    paranoid: bool,
    check: bool,
    as_json: bool,
) -> int:
    from plait.cli.asking import prepare_target
    from plait.launch.orders import CachePolicy
    from plait.launch.planning import open_records, plan

    _, prepared = prepare_target(asked, paranoid=paranoid)
    records = open_records(prepared)
    made = plan(prepared, records=records, policy=CachePolicy(not no_cache, refresh))
    if as_json:
        from plait.cli.store import print_json
        from plait.display.plan import plan_object

        print_json(plan_object(made, records.artifacts))
    else:
        from plait.display.plan import plan_page
        from plait.display.screen import Screen

        screen = Screen(sys.stdout)
        screen.write(plan_page(made, records.artifacts, screen.width))
    return 2 if check and not made.is_done else 0
