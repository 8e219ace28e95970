"""``plait plan``: what would a run do, and why?"""

from __future__ import annotations

import sys
from pathlib import Path

import click

__all__ = ["command"]


@click.command(
    "plan",
    help="""Tell what `plait run` with the same words would do, without doing it.

Each step is cached, to run, or not known before something else has run; what is to run says what changed since the
closest earlier task: code, parameters, inputs, packages.""",
)
@click.argument("target")
@click.argument("parameters", nargs=-1, metavar="[NAME=VALUE]...")
@click.option(
    "--params-file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Parameters from a YAML or JSON file.",
)
@click.option("--no-cache", is_flag=True, help="As if no result of an earlier run were taken.")
@click.option(
    "--refresh", multiple=True, metavar="STEP", help="As if this step were computed anew; may be repeated."
)
@click.option(
    "--check", is_flag=True, help="Leave with 2 when there is work to do, with 0 when there is none."
)
@click.option("--json", "as_json", is_flag=True, help="A JSON object.")
def command(
    target: str,
    parameters: tuple[str, ...],
    params_file: Path | None,
    no_cache: bool,
    refresh: tuple[str, ...],
    check: bool,
    as_json: bool,
) -> int:
    from plait.cli.problems import describing
    from plait.cli.target import read_parameters
    from plait.launch.planning import open_records, plan
    from plait.launch.prepare import prepare
    from plait.launch.start import CachePolicy
    from plait.project.discover import find_pipeline

    found = find_pipeline(target)
    with describing(found.pipeline.name):
        prepared = prepare(found.pipeline, read_parameters(found.pipeline, parameters, params_file))
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
