"""``plait catalog``: what data is there, what does it look like, and is it right?"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from plait.cli.here import env_option, json_option, open_here

if TYPE_CHECKING:
    from plait.display.text import Text
    from plait.project.catalog import Catalog

__all__ = ["command"]

_SUBCOMMANDS = ("list", "describe", "preview", "check", "versions")


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_SUBCOMMANDS)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        from plait.errors import nearest

        if args and args[0] not in _SUBCOMMANDS and not args[0].startswith("-"):
            close = nearest(args[0], _SUBCOMMANDS)
            hint = (
                f"did you mean: plait catalog {close[0]}?"
                if close
                else f"there is: {', '.join(_SUBCOMMANDS)}"
            )
            raise click.UsageError(f"there is no command 'catalog {args[0]}'\n  → {hint}", ctx)
        return super().resolve_command(ctx, args)


@click.group(
    "catalog", cls=_Commands, help="What data is there by name, and is it right?", no_args_is_help=True
)
def command() -> None:
    pass


@command.command("list", help="Every dataset of the environment: its type, place and layer.")
@click.option("--layer", metavar="NAME", help="Only those of one layer.")
@click.option("--type", "type_", metavar="TYPE", help="Only those of one type.")
@env_option
@json_option
def list_(layer: str | None, type_: str | None, env: str | None, as_json: bool) -> None:
    from plait.display.project import catalog_lines

    catalog = open_here(env).catalog
    entries = [*map(catalog.entry, catalog.names()), *catalog.factories()]
    chosen = [one for one in entries if layer in (None, one.layer) and type_ in (None, one.type)]
    if as_json:
        _print(
            [
                {
                    "name": one.name,
                    "type": one.type,
                    "place": one.place,
                    "layer": one.layer,
                    "versioned": one.versioned,
                    "checks": len(one.checks),
                    "factory": one.name in catalog.patterns(),
                    "where": one.where,
                }
                for one in chosen
            ]
        )
    elif entries and not chosen:
        _refuse(layer, type_, entries)
    else:
        _write(lambda width: catalog_lines(chosen, set(catalog.patterns()), width))


def _refuse(layer: str | None, type_: str | None, entries: list[Any]) -> None:
    from plait.errors import CatalogError, did_you_mean

    layers, types = {one.layer for one in entries if one.layer}, {one.type for one in entries}
    if layer is not None and layer not in layers:
        raise CatalogError(f"no dataset is of layer {layer!r}", hint=did_you_mean(layer, layers))
    if type_ is not None and type_ not in types:
        raise CatalogError(f"no dataset is of type {type_!r}", hint=did_you_mean(type_, types))
    raise CatalogError(f"no dataset of layer {layer!r} is of type {type_!r}")


@command.command("describe", help="All that the catalog says of one dataset; credentials masked.")
@click.argument("name")
@env_option
@json_option
def describe(name: str, env: str | None, as_json: bool) -> None:
    from plait.display.project import describe_lines

    project = open_here(env)
    described = project.catalog.describe(name)
    masker = project.masker()
    if masker is not None:
        described = masker.mask(described)
    if as_json:
        _print(described)
    else:
        _write(lambda width: describe_lines(described, width))


@command.command("preview", help="The beginning of a dataset, as it is loaded; its checks are not run.")
@click.argument("name")
@click.option(
    "--rows", "-n", type=click.IntRange(min=1), default=10, show_default=True, help="How many at most."
)
@click.option("--load-version", metavar="VERSION", help="Of a versioned dataset.")
@env_option
@json_option
def preview(name: str, rows: int, load_version: str | None, env: str | None, as_json: bool) -> None:
    from plait.display.preview import preview_document, preview_lines

    project = open_here(env, load_versions={name: load_version} if load_version else None)
    found = preview_document(project.catalog.peek(name), rows)
    masker = project.masker()
    if masker is not None:
        found = masker.mask(found)
    if as_json:
        _print(found)
    else:
        _write(lambda width: preview_lines(found, width))


@command.command("versions", help="The versions of a dataset, newest first.")
@click.argument("name")
@env_option
@json_option
def versions(name: str, env: str | None, as_json: bool) -> None:
    from plait.display.text import Text

    catalog = open_here(env).catalog
    entry = catalog.entry(name)
    found = catalog.versions(name)
    if as_json:
        _print(found)
    elif found:
        latest = Text(found[0], "name").add("  loaded unless another is asked for", "dim")
        _write(lambda width: [latest, *(Text(one, "name") for one in found[1:])])
    else:
        said = "no version was saved yet" if entry.versioned else f"{name} keeps only what was saved last"
        hint = [] if entry.versioned else [f"  → write `versioned: true` in its entry, {entry.where}"]
        _write(lambda width: [Text(said), *map(Text, hint)])


@command.command(
    "check",
    help="""Is the catalog right, and is the data what it should be?

Without NAME: looks at every entry, and runs the checks of all datasets that have some and whose data is there. With
NAME: loads those datasets and runs their checks. Leaves with 1 when something of severity error was found.""",
)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@env_option
@json_option
def check(names: tuple[str, ...], env: str | None, as_json: bool) -> int:
    from plait.display.project import check_lines, problem_lines

    catalog = open_here(env).catalog
    for name in names:
        catalog.entry(name)
    problems = [] if names else catalog.problems()
    wrong = {problem.where for problem in problems}
    chosen = names or tuple(
        name
        for name in catalog.names()
        if catalog.entry(name).checks and catalog.entry(name).where not in wrong
    )
    results, missing, unchecked = _run_checks(catalog, chosen, problems, named=bool(names))
    failed = bool(problems) or any(not one.passed and one.severity == "error" for one in results)
    if as_json:
        _print(
            {
                "problems": [{"what": one.what, "where": one.where, "hint": one.hint} for one in problems],
                "checks": results,
                "no_data": missing,
                "no_checks": unchecked,
            }
        )
    else:
        _write(
            lambda width: [
                *problem_lines(problems),
                *check_lines(results),
                *_left_out(missing, unchecked),
                *([] if failed or names else [_all_right(catalog)]),
            ]
        )
    return 1 if failed else 0


def _run_checks(
    catalog: Catalog, names: tuple[str, ...], problems: list[Any], *, named: bool
) -> tuple[list[Any], list[str], list[str]]:
    from plait.errors import CatalogError

    results: list[Any] = []
    missing: list[str] = []
    unchecked: list[str] = []
    for name in names:
        try:
            if not named and catalog.knows_missing(name):
                missing.append(name)
                continue
            found = catalog.check(name)
        except CatalogError as error:
            problems.append(error)
            continue
        results += found
        if not found:
            unchecked.append(name)
    return results, missing, unchecked


def _left_out(missing: list[str], unchecked: list[str]) -> list[Text]:
    from plait.display.text import Text

    lines = [Text("· ", "dim").add(f"{name}: there is no data yet", "dim") for name in missing]
    return [
        *lines,
        *(Text("✓ ", "done").add(f"{name} can be loaded; it has no checks") for name in unchecked),
    ]


def _all_right(catalog: Catalog) -> Text:
    from plait.display.text import Text

    count = len(catalog) + len(catalog.patterns())
    return Text("✓ ", "done").add(f"{count} {'entries are' if count != 1 else 'entry is'} right")


def _print(value: Any) -> None:
    from plait.cli.store import print_json

    print_json(value)


def _write(lines: Any) -> None:
    from plait.display.screen import Screen

    screen = Screen(sys.stdout)
    screen.write(lines(screen.width))
