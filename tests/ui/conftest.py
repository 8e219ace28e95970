"""A real server on real records, and a real browser that looks at it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import pytest

from tests.ui import project as projects
from tests.ui import showing

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: make setup")
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright  # noqa: E402

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "src/plait/server/static"
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()

# The one limit of all waiting, in milliseconds: shared machines are slow at times, and a page that never shows what
# it should fails all the same.
TIMEOUT = 60_000
expect.set_options(timeout=TIMEOUT)


def chromium() -> str:
    """Debian's Chromium, or the one that PLAIT_CHROMIUM names."""
    named = os.environ.get("PLAIT_CHROMIUM")
    found = named or next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )
    if found is None:
        pytest.fail(
            "no Chromium to look with: apt-get install chromium, or set PLAIT_CHROMIUM to one", pytrace=False
        )
    return found


@pytest.fixture(scope="session")
def built() -> Path:
    """The interface, built from what is in ui/ now."""
    subprocess.run([sys.executable, "tools/ui.py", "build"], cwd=ROOT, check=True, capture_output=True)
    return STATIC


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return projects.make(tmp_path_factory.mktemp("ui"))


class Server:
    """`plait ui` in a process of its own, on a port that is free."""

    def __init__(
        self,
        root: Path,
        *options: str,
        port: int = 0,
        env: dict[str, str] | None = None,
        program: Sequence[str] = (sys.executable, "-m", "plait"),
    ) -> None:
        self.folder = root
        self.process = subprocess.Popen(
            [*program, "ui", "--no-browser", "--port", str(port), *options],
            cwd=root,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=projects.environment() | {"PYTHONUNBUFFERED": "1"} | (env or {}),
        )
        said = []
        assert self.process.stdout is not None
        for line in self.process.stdout:
            said.append(line)
            if found := re.search(r"http://\S+", line):
                self.url = found[0].partition("/?")[0].rstrip("/")
                self.wait()
                return
        pytest.fail("plait ui did not say where it is:\n" + "".join(said))

    def wait(self) -> None:
        """Until it answers: it says where it is a moment before."""
        for _ in range(200):
            try:
                urllib.request.urlopen(f"{self.url}/theme.js").close()
            except OSError:
                time.sleep(0.1)
            else:
                return
        pytest.fail(f"nothing answers at {self.url}")

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def close(self) -> None:
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@pytest.fixture(scope="session")
def server(project: Path, built: Path) -> Iterator[Server]:
    running = Server(project)
    yield running
    running.close()


@pytest.fixture(scope="session")
def shown(project: Path, server: Server) -> showing.Shown:
    """Runs for the pages of a run: branches and loops, a wide map, a log of a million lines."""
    return showing.Shown(project)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield browser
        browser.close()


class Complaints(list[str]):
    """What the page's console and its policy complained about; every test ends with none."""


@pytest.fixture
def complaints() -> Iterator[Complaints]:
    heard = Complaints()
    yield heard
    assert heard == []


class Visit(Protocol):
    """Opens a page at a server's address, in a browser window of its own."""

    def __call__(
        self, server: Server | None = None, *, width: int = 1280, height: int = 800, scheme: str = "light"
    ) -> Page: ...


@pytest.fixture
def visit(browser: Browser, server: Server, complaints: Complaints) -> Iterator[Visit]:
    opened: list[BrowserContext] = []

    def open_page(
        at: Server | None = None, *, width: int = 1280, height: int = 800, scheme: str = "light"
    ) -> Page:
        context = browser.new_context(
            base_url=(at or server).url, viewport={"width": width, "height": height}, color_scheme=scheme
        )
        context.set_default_timeout(TIMEOUT)
        opened.append(context)
        page = context.new_page()
        listen(page, complaints)
        return page

    yield open_page
    for context in opened:
        context.close()


@pytest.fixture
def page(visit: Visit) -> Page:
    return visit()


def listen(page: Page, complaints: Complaints) -> None:
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        # A 4xx that the page asked for and shows is said by the browser too, and a script that its sandbox stopped.
        lambda said: (
            complaints.append(said.text)
            if said.type == "error"
            and not re.search("Failed to load resource|Blocked script execution", said.text)
            else None
        ),
    )
    page.on(
        "request",
        lambda request: (
            complaints.append(f"asked another host: {request.url}")
            if not re.match(r"(http://(localhost|127\.0\.0\.[12])(:\d+)?/|data:|blob:|file:|$)", request.url)
            else None
        ),
    )
