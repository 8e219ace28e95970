"""How do tasks run in containers? Each in one of its own, from an image that plait builds of what the project needs."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import threading
from collections.abc import Callable, Collection, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import Struct

from plait.engine.task import Job, TaskSpec
from plait.errors import PlaitError
from plait.executors.capacity import gpus as gpus_here
from plait.executors.flavours import HONOURED
from plait.executors.images import (
    DEFAULT_BASE,
    DockerProgram,
    ImageBuilder,
    build_image,
    builder_of,
    packages_of,
    say,
)
from plait.executors.piped import Line, PipedExecutor, Spot
from plait.executors.remote import Place

if TYPE_CHECKING:
    from plait.project.project import Project

__all__ = ["DockerExecutor", "DockerSettings"]

_OWN_MEMORY = 128 * 2**20  # of what looks after a task in its container
_RUN = "plait.run"  # a label
_KILLED = 137
_NOT_STARTED = (125, 126, 127)


class DockerSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """In containers, one for each task, from an image that plait builds of what the project needs.

    Attributes:
        image: one that has Python, plait and what steps import; else one is built.
        base: the image that it is built on, with the Python of this version; ``python:3.x-slim`` if left out.
        packages: what is installed in it; the dependencies in ``pyproject.toml`` if left out.
        workers: how many cores tasks may keep busy at once; all that the engine has if left out.
        python: the Python in the image.
        volumes: folders of this machine in containers, as ``docker run --volume`` takes them.
        network: the network of containers; the engine's default if left out.
        user: who runs in there; the user of this run if left out.
        env: environment variables of all containers.
        host: the engine: ``unix:///…``, ``ssh://ana@node2``; the one of ``docker`` here if left out.
        run: further arguments for ``docker run``.
    """

    image: str | None = None
    base: str = DEFAULT_BASE
    packages: tuple[str, ...] | None = None
    workers: Annotated[int, msgspec.Meta(ge=1)] | None = None
    python: str = "python3"
    volumes: tuple[str, ...] = ()
    network: str | None = None
    user: str | None = None
    env: dict[str, str] = {}
    host: str | None = None
    run: tuple[str, ...] = ()

    def open(self, project: Project | None) -> DockerExecutor:
        return DockerExecutor(self, project.root if project is not None else None, builder_of(project))


class DockerExecutor(PipedExecutor):
    """Runs each task in a container of its own; ``cpus``, ``memory`` and ``gpus`` are the container's.

    Args:
        root: of the project, whose dependencies the image is built of, and whose data is reached.
        builder: opens the stack's ``image_builder``, which then makes the image.
    """

    name = "docker"
    lasting = False

    def __init__(
        self,
        settings: DockerSettings,
        root: Path | None = None,
        builder: Callable[[], ImageBuilder] | None = None,
    ) -> None:
        super().__init__()
        self._settings = settings
        self._root = root
        self._builder = builder
        self._docker = DockerProgram(settings.host)
        self._names: dict[int, str] = {}  # of containers, by the id of their line
        self._started: list[str] = []
        self._removing: list[threading.Thread] = []

    @cached_property
    def _engine(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._docker("info", "--format", "{{json .}}"))
        if not found.get("NCPU"):
            said = "; ".join(found.get("ServerErrors") or ()) or "it does not say what it has"
            raise PlaitError(f"there is no Docker engine: {said}", hint="start it, or name one: host: …")
        return found

    @property
    def honours(self) -> frozenset[str]:  # type: ignore[override]
        """GPUs where the engine can give them to containers. A Python of its own is what an image is for."""
        without = {"python", "packages", "requirements"}
        if "nvidia" not in self._engine.get("Runtimes", {}):
            without.add("gpus")
        return HONOURED - without

    def spots(self) -> Sequence[Spot]:
        cores = self._settings.workers or int(self._engine["NCPU"])
        return [Spot(self._settings.host or "docker", cores, gpus_here() if "gpus" in self.honours else ())]

    def largest(self) -> dict[str, float]:
        return {
            **super().largest(),
            "cpus": float(self._engine["NCPU"]),
            "memory": float(self._engine["MemTotal"]) - _OWN_MEMORY,
        }

    @cached_property
    def _image(self) -> str:
        """What containers are made of, which is there: built or pulled, if need be."""
        settings = self._settings
        if settings.image is not None:
            try:
                self._docker("image", "inspect", "--format", "{{.Id}}", settings.image)
            except PlaitError:
                say(f"docker pull {settings.image}")
                self._docker("pull", "--quiet", settings.image)
            return settings.image
        if self._builder is not None:
            return self._builder().image(say)
        packages = packages_of(self._root, settings.packages)
        machine = str(self._engine.get("Architecture", "x86_64"))
        return build_image(self._docker, settings.base, settings.python, packages, machine, say)

    def check(self) -> None:
        _ = self._image

    def connect(self, job: Job) -> None:
        super().connect(job)
        self._label = f"{_RUN}={job.run_id}"
        self._remove(self._docker("ps", "--all", "--quiet", "--filter", f"label={self._label}").split())
        self._started.clear()
        self.check()
        settings = self._settings
        self._volumes = [*settings.volumes]
        if not settings.host or settings.host.startswith("unix:"):
            self._volumes += [f"{folder}:{folder}" for folder in self._shared(job)]

    def _shared(self, job: Job) -> list[str]:
        """The folders of this machine that tasks reach: where results are kept, and the project's data."""
        folders = []
        if "://" not in job.store:
            Path(job.store).mkdir(parents=True, exist_ok=True)
            folders.append(str(Path(job.store).absolute()))
        project = job.abroad.project if job.abroad is not None else job.project
        if project is not None and (Path(project.root) / "data").is_dir():
            folders.append(str(Path(project.root).absolute() / "data"))
        return folders

    def command(self, spot: Spot, spec: TaskSpec | None, gpus: tuple[str, ...]) -> Sequence[str]:
        settings, options = self._settings, spec.options if spec is not None else None
        name = f"plait-{secrets.token_hex(8)}"
        self._started.append(name)
        words = [
            "docker",
            *(["--host", settings.host] if settings.host else []),
            "run",
            "--interactive",
            "--init",
        ]
        words += [
            "--name",
            name,
            "--label",
            self._label,
            f"--cpus={options.cpus if options is not None else 1.0:g}",
        ]
        if options is not None and options.memory:
            most = options.memory + _OWN_MEMORY
            words += [f"--memory={most}", f"--memory-swap={most}"]
        if gpus:
            words += ["--gpus", f'"device={",".join(gpus)}"']
        if settings.network is not None:
            words += ["--network", settings.network]
        user = settings.user or (f"{os.getuid()}:{os.getgid()}" if hasattr(os, "getuid") else None)
        if user:
            words += ["--user", user, "--env", "HOME=/tmp"]
        for key, value in settings.env.items():
            words += ["--env", f"{key}={value}"]
        for volume in self._volumes:
            words += ["--volume", volume]
        there = [settings.python, "-m", "plait.executors.far", "pipe"]
        return [*words, *settings.run, self._image, *there]

    def why(self, line: Line, code: int) -> tuple[str, str]:
        name = _name_of(line)
        with contextlib.suppress(PlaitError, ValueError):
            state = json.loads(self._docker("inspect", "--format", "{{json .State}}", name))
            if state.get("OOMKilled"):
                return f"Docker ended its container (status {state.get('ExitCode')})", "memory"
            if code == _KILLED:
                return f"the container {name} was killed from outside (status {code})", "lost"
        return super().why(line, code)

    def stillborn(self, line: Line, code: int) -> str:
        if code in _NOT_STARTED:
            said = [one for one in line.last_words().splitlines() if not one.startswith(("Run ", "See "))]
            told = next((one for one in reversed(said) if one.strip()), f"status {code}")
            return f"no container could be started from {self._image}: {told}"
        return super().stillborn(line, code)

    def _bury(self, line: Line) -> None:
        super()._bury(line)
        self._remove_beside([_name_of(line)])

    def take_back(self, places: Collection[Place], *, begun: bool) -> Collection[Place]:
        wanted = set(places)
        names = [
            _name_of(line)
            for line in self._lines
            if begun
            and line.task is not None
            and (line.task.node, line.task.path, line.task.attempt) in wanted
        ]
        self._remove(names)
        return super().take_back(places, begun=begun)

    def _remove_beside(self, names: list[str]) -> None:
        """In a thread: an engine takes a while to remove a container, and others are waiting to be started."""
        thread = threading.Thread(target=self._remove, args=(names,), daemon=True)
        thread.start()
        with self._lock:
            self._removing = [*(one for one in self._removing if one.is_alive()), thread]

    def _remove(self, names: list[str]) -> None:
        if names:
            with contextlib.suppress(PlaitError):
                self._docker("rm", "--force", "--volumes", *names)

    def release(self, *, now: bool) -> None:
        super().release(now=now)
        with self._lock:
            removing, self._removing = self._removing, []
        for thread in removing:
            thread.join()
        if self._started:
            with contextlib.suppress(PlaitError):
                self._remove(
                    self._docker("ps", "--all", "--quiet", "--filter", f"label={self._label}").split()
                )
            self._started.clear()
        self.__dict__.pop("_image", None)  # by the next run, packages may be others


def _name_of(line: Line) -> str:
    words = list(line.command)
    return words[words.index("--name") + 1]
