"""``plait plan``: what would a run do, and why?"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from plait.cli.asking import cache_options, selection_options, source_option, target_options

__all__ = ["command"]


@click.command(
    "plan",
    help="""Tell what `plait run` with the same words would do, without doing it.

Each step is cached, to run, or not known before something else has run; what is to run says what changed since the
closest earlier task: code, parameters, inputs, packages.""",
)
@target_options
@selection_options
@source_option
@cache_options
@click.option(
    "--check", is_flag=True, help="Leave with 2 when there is work to do, with 0 when there is none."
)
@click.option("--json", "as_json", is_flag=True, help="A JSON object.")
def command(
    target: str | None,
    parameters: tuple[str, ...],
    params_file: Path | None,
    env: str | None,
    load_versions: tuple[str, ...],
    from_: tuple[str, ...],
    to: tuple[str, ...],
    only: tuple[str, ...],
    tags: tuple[str, ...],
    groups: tuple[str, ...],
    inputs_from: str | None,
    step_options: tuple[str, ...],
    no_cache: bool,
    refresh: tuple[str, ...],
    paranoid: bool,
    check: bool,
    as_json: bool,
) -> int:
    from plait.cli.asking import prepare_target
    from plait.launch.orders import CachePolicy
    from plait.launch.planning import open_records, plan

    _, prepared = prepare_target(
        target,
        parameters,
        params_file,
        env=env,
        load_versions=load_versions,
        step_options=step_options,
        paranoid=paranoid,
        selection={"from_": from_, "to": to, "only": only, "tags": tags, "groups": groups},
        inputs_from=inputs_from,
    )
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
