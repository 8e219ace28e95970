"""Could a run with these words begin? The checks of the command line, for the form of the web interface.

``python -m plait.cli.checking TARGET FOLDER ENV NAME=VALUE…`` prints JSON.
"""

from __future__ import annotations

import os
import sys

from plait.errors import PlaitError

__all__ = ["check"]


def check(target: str, folder: str, env: str, *assignments: str) -> list[PlaitError]:
    """What is wrong with a target and its NAME=VALUE texts; nothing is recorded."""
    from plait.cli.target import open_project
    from plait.launch.prepare import prepare
    from plait.project.discover import find_pipeline

    os.chdir(folder)
    try:
        found = find_pipeline(target)
        project, given = open_project(found, assignments, None, env=env or None)
        prepare(found.pipeline, given, project)
    except PlaitError as error:
        return [error]
    return []


def main(arguments: list[str]) -> None:
    import msgspec

    from plait.server.problems import problems_of

    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what the project's code prints goes elsewhere
    errors = [problem for error in check(*arguments) for problem in problems_of(error)]
    out.write(msgspec.json.encode({"ok": not errors, "errors": errors}))
    out.close()


if __name__ == "__main__":
    main(sys.argv[1:])
