"""``python -m PACKAGE``: how do the pipelines of a packaged project run where there is no project?"""

from __future__ import annotations

import os
import sys
from pathlib import Path

__all__ = ["main"]

_USAGE = """python -m {package} [--conf FOLDER] [TARGET] [NAME=VALUE]…    run a pipeline: as plait run
python -m {package} [--conf FOLDER] COMMAND …                  as plait: runs, show, logs, catalog, params …

TARGET is the name of a pipeline{default}. The conf is read from conf/ in the working directory, or from FOLDER; there
is one beside the wheel: {package}-*-conf.tar.gz. Relative paths of the catalog start in the working directory.
"""


def main(package: str, *, default: str | None = None, conf: bool = False) -> None:
    """Run a command of plait on a package that is installed, the working directory standing for its project.

    Args:
        default: the pipeline that runs when none is named.
        conf: whether the project has a conf, so that it is missed where there is none.
    """
    from plait.cli.main import COMMANDS
    from plait.cli.main import main as plait
    from plait.project.place import PACKAGED

    arguments = sys.argv[1:]
    if arguments in (["-h"], ["--help"]):
        said = f", {default} if left out" if default else ""
        sys.stdout.write(_USAGE.format(package=package, default=said))
        return
    named, arguments = _conf(arguments)
    if named is not None and not Path(named).is_dir():
        sys.stderr.write(f"there is no folder {named}\n")
        sys.exit(2)
    if named is not None:
        os.environ["PLAIT_CONF"] = str(Path(named).resolve())
    elif conf and not Path(os.environ.get("PLAIT_CONF", "conf")).is_dir():
        sys.stderr.write(
            f"there is no conf/ here\n  → tar xf {package}-*-conf.tar.gz, or name one: --conf FOLDER\n"
        )
        sys.exit(2)
    os.environ[PACKAGED] = f"{package}@{Path.cwd()}"
    plait(arguments if arguments[:1] and arguments[0] in COMMANDS else ["run", *arguments])


def _conf(arguments: list[str]) -> tuple[str | None, list[str]]:
    if arguments[:1] == ["--conf"]:
        return (arguments[1] if len(arguments) > 1 else ""), arguments[2:]
    if arguments[:1] and arguments[0].startswith("--conf="):
        return arguments[0].partition("=")[2], arguments[1:]
    return None, arguments
