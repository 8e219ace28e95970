"""What did one child process cost? It runs in an empty folder and home; its descendants count."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from benchmarks.peer import Peer, Way
from benchmarks.venvs import BENCH, BIN, Venv

SCRIPTS = Path(__file__).parent / "peers"


class FailedError(Exception):
    """A child that ended badly or ran over its time; the text says how in one line."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What one run of a way cost. Seconds; `report` is what the script itself measured between two points."""

    wall: float
    cpu: float
    stored: int
    """Bytes of files that appeared in the folder and in the home, without bytecode."""
    report: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scratch:
    """The fresh folder, home and temporary folder of one run."""

    root: Path
    temporary: Path
    """Apart from `root`, since a socket's path must be short."""

    @property
    def work(self) -> Path:
        return self.root / "work"

    @property
    def report(self) -> Path:
        return self.root / "report.json"

    def environment(self, peer: Peer, venv: Venv) -> dict[str, str]:
        """Only what a program needs: nothing of the caller's settings may favour or disturb a tool."""
        own = {
            "PATH": os.pathsep.join([str(venv.path / BIN), "/usr/local/bin", "/usr/bin", "/bin"]),
            "HOME": str(self.root / "home"),
            "TMPDIR": str(self.temporary),
            "USER": "bench",
            "LANG": "C.UTF-8",
            "DO_NOT_TRACK": "1",
            "BENCH_REPORT": str(self.report),
        }
        return own | dict(peer.env)

    def stored(self) -> int:
        return tree_bytes(self.work) + tree_bytes(self.root / "home")


def tree_bytes(root: Path) -> int:
    """Bytes of the regular files below `root`, each inode once, without `__pycache__`."""
    sizes: dict[int, int] = {}
    for folder, folders, files in os.walk(root):
        folders[:] = [one for one in folders if one != "__pycache__"]
        for name in files:
            with suppress(FileNotFoundError):  # a tool may still be tidying up
                about = os.lstat(Path(folder, name))
                sizes[about.st_ino] = about.st_size
    return sum(sizes.values())


@contextmanager
def scratch(peer: Peer) -> Iterator[Scratch]:
    """A fresh folder with the peer's scripts, removed afterwards."""
    (BENCH / "scratch").mkdir(parents=True, exist_ok=True)
    root = Path(tempfile.mkdtemp(prefix=f"{peer.name}-", dir=BENCH / "scratch"))
    temporary = Path(tempfile.mkdtemp(prefix="bench-"))
    try:
        for name in ("home", "work"):
            (root / name).mkdir()
        if (SCRIPTS / peer.name).is_dir():
            shutil.copytree(
                SCRIPTS / peer.name,
                root / "work",
                dirs_exist_ok=True,
                ignore=shutil.ignore_patterns("__pycache__"),
            )
            for shared in SCRIPTS.glob("*.py"):
                shutil.copy(shared, root / "work")
        yield Scratch(root, temporary)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(root, ignore_errors=True)


def run_once(peer: Peer, way: Way, venv: Venv) -> Sample:
    """Do the work once in a fresh folder; raise FailedError when it ends badly."""
    with scratch(peer) as place:
        environment = place.environment(peer, venv)
        for command in way.before:
            execute(way.filled(command), venv, place, environment, way.limit)
        place.report.unlink(missing_ok=True)
        stored = place.stored()
        wall, cpu = execute(way.filled(way.command), venv, place, environment, way.limit)
        report = json.loads(place.report.read_text()) if place.report.exists() else {}
        return Sample(wall, cpu, place.stored() - stored, report)


def execute(
    command: list[str], venv: Venv, place: Scratch, environment: dict[str, str], limit: float
) -> tuple[float, float]:
    """Run one command to its end: its wall and CPU seconds, those of its waited-for descendants included."""
    program, *words = command
    output = place.root / "output.txt"
    with output.open("wb") as out:
        start = time.perf_counter()
        child = subprocess.Popen(
            [venv.program(program), *words],
            cwd=place.work,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        over = threading.Event()

        def stop() -> None:
            over.set()
            end_group(child.pid)

        timer = threading.Timer(limit, stop)
        timer.start()
        try:
            _, status, usage = os.wait4(child.pid, 0)
            wall = time.perf_counter() - start
        finally:
            timer.cancel()
            end_group(child.pid)  # what the tool left running is not part of the next measurement
    child.returncode = os.waitstatus_to_exitcode(status)  # wait4 took the status that Popen would wait for
    if over.is_set():
        raise FailedError(f"ran over {limit:.0f} s")
    if child.returncode:
        raise FailedError(f"ended with {child.returncode}: {last_words(output)}")
    return wall, usage.ru_utime + usage.ru_stime


def end_group(leader: int) -> None:
    """End the session that `execute` started and whatever of it is left."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def last_words(output: Path) -> str:
    """The last line of the output that names an error, or else the last line."""
    lines = [line.strip() for line in output.read_text(errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if re.match(r"(\w|\.)+(Error|Exception): |wrong result: ", line)]
    return ([*errors[-1:], *lines[-1:], "no output"])[0][:200]


def median_of(samples: list[Sample]) -> Sample:
    """The median of each figure by itself."""
    names = {name for sample in samples for name in sample.report}
    return Sample(
        wall=median(sample.wall for sample in samples),
        cpu=median(sample.cpu for sample in samples),
        stored=int(median(sample.stored for sample in samples)),
        report={
            name: median(one.report[name] for one in samples if name in one.report) for name in sorted(names)
        },
    )
