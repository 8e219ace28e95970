"""``plait ui``: how do you look at it all in a browser?"""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from plait.errors import PlaitError

if TYPE_CHECKING:
    from plait.server.settings import Settings

__all__ = ["command"]

_PORT = 8321


class _Ui(click.Group):
    """A group that does something by itself: ``plait ui``, beside ``plait ui export RUN``."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands:
            raise click.UsageError(
                f"there is no command 'ui {args[0]}'\n  → plait ui, or: plait ui export RUN"
            )
        return super().resolve_command(ctx, args)


@click.group(
    "ui",
    cls=_Ui,
    invoke_without_command=True,
    help="""Look at runs, pipelines and data in a browser.

It speaks of the project or folder that one stands in, reads the records that are there, and goes on until Ctrl-C.
""",
)
@click.option("--port", "-p", type=click.IntRange(0, 65535), help=f"{_PORT}, or the next one that is free.")
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Any other than loopback asks browsers for a token.",
)
@click.option("--no-browser", is_flag=True, help="Do not open a browser.")
@click.option("--read-only", is_flag=True, help="Nothing can be started or changed from the page.")
@click.option(
    "--allow-host", "hosts", multiple=True, metavar="NAME", help="Another name that the server is called by."
)
@click.option("--env", "-e", metavar="ENV", help="The environment of the conf that is shown first.")
@click.pass_context
def command(
    context: click.Context,
    port: int | None,
    host: str,
    no_browser: bool,
    read_only: bool,
    hosts: tuple[str, ...],
    env: str | None,
) -> None:
    if context.invoked_subcommand is not None:
        return
    _require()
    settings, bound = _settings(port, host, read_only=read_only, hosts=hosts, env=env)
    serve(settings, bound, browser=not no_browser)


def _require() -> None:
    """The web server is an optional part.

    Raises:
        PlaitError: it is not installed.
    """
    from importlib.util import find_spec

    missing = [name for name in ("fastapi", "uvicorn") if find_spec(name) is None]
    if missing:
        raise PlaitError(
            f"plait ui needs {' and '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not installed",
            hint="pip install 'plait[ui]'",
        )


def _settings(
    port: int | None, host: str, *, read_only: bool, hosts: tuple[str, ...], env: str | None
) -> tuple[Settings, socket.socket]:
    import secrets

    from msgspec.structs import replace

    from plait.server.settings import LOOPBACK

    token = os.environ.get("PLAIT_UI_TOKEN") or None
    if token is None and host not in LOOPBACK:
        token = secrets.token_urlsafe(24)
    place = _place(read_only=read_only, env=env)
    place.open_store().database.close()  # what is wrong with the records is said here, not in the browser
    bound = _bind(host, port)
    settings = replace(place, host=host, port=bound.getsockname()[1], token=token, hosts=hosts)
    return settings, bound


def _place(*, read_only: bool, env: str | None = None) -> Settings:
    """What is shown: the records of the project or folder that one stands in."""
    from plait.project.place import project_root
    from plait.record.store import find_records
    from plait.server.settings import Settings

    start = Path.cwd()
    found = project_root(start.resolve())
    if found is not None and not read_only:
        _begin_records(found)  # a project that has not run yet is looked at as well, and started from there
    store = find_records(start)
    home = store.home
    store.database.close()
    return Settings(start=start, home=home, root=found or home.parent, read_only=read_only, env=env)


def _begin_records(root: Path) -> None:
    from plait.project.project import Project
    from plait.record.store import open_records

    open_records(Project(root), create=True).database.close()


def _bind(host: str, port: int | None) -> socket.socket:
    """A socket that listens; without a port asked for, the first free one from 8321 on."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    ports = [port] if port is not None else [*range(_PORT, _PORT + 20), 0]
    problem: OSError | None = None
    for one in ports:
        # With the protocol by name: only then does asyncio send small answers at once, not after 40 ms.
        bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            if os.name == "posix":
                bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind((host, one))
            bound.listen(128)  # whoever opens the address that is printed waits, instead of being refused
        except OSError as error:
            bound.close()
            problem = error
            continue
        return bound
    raise PlaitError(
        f"plait ui cannot listen on {host}:{ports[0]}: {problem.strerror if problem else 'no port is free'}",
        hint="another program has the port: choose one with --port, or --port 0 for any" if port else None,
    )


def address(settings: Settings) -> str:
    """What to open in a browser."""
    host = "localhost" if settings.host in ("127.0.0.1", "::1", "0.0.0.0", "::") else settings.host  # noqa: S104
    token = f"/?token={settings.token}" if settings.token else ""
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}{token}"


def serve(settings: Settings, bound: socket.socket, *, browser: bool) -> None:
    """Answer until Ctrl-C."""
    import uvicorn

    from plait.server.app import make_app

    config = uvicorn.Config(
        make_app(settings),
        log_level="warning",
        access_log=False,
        server_header=False,
        lifespan="on",
        timeout_graceful_shutdown=2,
        timeout_keep_alive=30,
        h11_max_incomplete_event_size=64 * 1024,
    )

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:  # an address is said when it answers
                _say_address(settings, browser=browser)

    Server(config).run(sockets=[bound])


def _say_address(settings: Settings, *, browser: bool) -> None:
    from plait.display.screen import Screen
    from plait.display.text import Text

    lines: list[Any] = [Text("plait ui ", "name").add(address(settings))]
    if settings.read_only:
        lines.append(Text("  nothing can be changed from it (--read-only)", "dim"))
    lines.append(Text("  Ctrl-C ends it; runs that it started go on", "dim"))
    Screen(sys.stderr).write(lines)
    if browser and sys.stderr.isatty():
        import threading
        import webbrowser

        threading.Timer(0.5, webbrowser.open, (address(settings),)).start()


@command.command("export", help="Write a run as one HTML file, which opens without a server.")
@click.argument("run_id", default="latest", metavar="[RUN]")
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="RUN.html if left out; - for standard output.",
)
def export(run_id: str, output: Path | None) -> None:
    from plait.display.screen import Screen
    from plait.display.text import Text
    from plait.server.export import export_run

    _require()
    settings = _place(read_only=True)
    store = settings.open_store()
    run = store.run(run_id).id
    store.database.close()
    page = export_run(settings, run)
    if output == Path("-"):
        sys.stdout.write(page)
        return
    file = output or Path(f"{run}.html")
    beside = file.with_name(f".{file.name}.part")
    try:
        beside.write_text(page, encoding="utf-8")
        beside.replace(file)
    except OSError as error:
        raise PlaitError(f"{file} cannot be written: {error.strerror}") from None
    size = f"{len(page.encode()) / 1e6:.1f} MB"
    Screen(sys.stdout).write([Text("run ").add(run, "name").add(f"  {file}  {size}")])
