"""``plait notebook``: how does one look at a project's data and pipelines by hand?"""

from __future__ import annotations

from pathlib import Path

import click

from plait.cli.here import env_option, open_here

__all__ = ["command"]

_SERVERS = {"jupyterlab": "JupyterLab", "notebook": "Jupyter Notebook"}


@click.command(
    "notebook",
    help="""Open JupyterLab, or Jupyter Notebook, in the project.

FILE is a notebook or a folder; the project's notebooks/ if left out. In a notebook, `%load_ext plait` gives project,
catalog, params and pipelines. What comes after -- is passed on: plait notebook -- --no-browser""",
)
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
@env_option
def command(file: Path | None, options: tuple[str, ...], env: str | None) -> int:
    import os
    import subprocess
    import sys

    from plait.errors import ConfError

    if file is not None and str(file).startswith("-"):
        file, options = None, (str(file), *options)
    project = open_here(env, conf=False)
    if env is not None and project.has_conf:
        env = project.env  # an environment that is not there is told now
    server = _server()
    if file is not None and not file.exists():
        raise ConfError(f"there is no notebook {file}", hint=_nearest(file))
    place = file.resolve() if file is not None else project.root / "notebooks"
    place = place if place.exists() else project.root
    variables = {**os.environ, **({"PLAIT_ENV": env} if env else {})}
    arguments = [sys.executable, "-m", server, *options]
    # A notebook that is named is opened; of a folder the server shows the files.
    arguments.append(str(place) if place.is_file() else f"--ServerApp.root_dir={project.root}")
    if place.is_dir() and place != project.root:
        arguments.append(f"--ServerApp.preferred_dir={place}")
    return subprocess.call(arguments, cwd=project.root, env=variables)


def _server() -> str:
    """The module that serves notebooks here.

    Raises:
        ConfError: there is none.
    """
    from importlib.util import find_spec

    from plait.errors import ConfError

    for module in _SERVERS:
        if find_spec(module) is not None:
            return module
    raise ConfError(
        "neither JupyterLab nor Jupyter Notebook is installed here", hint="pip install jupyterlab ipykernel"
    )


def _nearest(file: Path) -> str | None:
    from plait.errors import did_you_mean

    folder = file.parent
    return did_you_mean(file.name, [one.name for one in folder.glob("*.ipynb")]) if folder.is_dir() else None
