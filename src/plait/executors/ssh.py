"""How do tasks run on other machines that one can log in to? By the ssh of the system, with its keys and its config."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Struct

from plait.engine.task import TaskSpec
from plait.errors import ConfError
from plait.executors.flavours import HONOURED
from plait.executors.piped import Line, PipedExecutor, Spot

if TYPE_CHECKING:
    from plait.project.project import Project

__all__ = ["SshExecutor", "SshSettings"]

_ALIVE_SECONDS = 15
_CONNECT_SECONDS = 30
_NO_CONNECTION = 255


class Host(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One machine.

    Attributes:
        host: as ssh takes it: a name, ``user@name``, or a ``Host`` of ``~/.ssh/config``.
        workers: how many tasks at once, each of one core.
        gpus: how many GPUs its tasks may have.
        python: the Python there that has plait.
    """

    host: str
    workers: Annotated[int, msgspec.Meta(ge=1)] | None = None
    gpus: Annotated[int, msgspec.Meta(ge=0)] = 0
    python: str | None = None


class SshSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """On machines that one can log in to by ssh; each needs Python with plait, and no more.

    Attributes:
        hosts: the machines: names as ssh takes them, or ``{host, workers, gpus, python}``.
        workers: how many tasks at once on each, where it does not say.
        python: the Python with plait on each, where it does not say.
        port: if not what the ssh of the system finds.
        identity: a file with a private key; those that ssh finds if left out.
        options: what else ``ssh -o`` takes: ``{StrictHostKeyChecking: accept-new}``.
    """

    hosts: Annotated[tuple[str | Host, ...], msgspec.Meta(min_length=1)]
    workers: Annotated[int, msgspec.Meta(ge=1)] = 1
    python: str = "python3"
    port: int | None = None
    identity: str | None = None
    options: dict[str, str] = {}

    def open(self, project: Project | None) -> SshExecutor:
        return SshExecutor(self)


class SshExecutor(PipedExecutor):
    """Runs tasks on other machines, over a connection for each task at a time."""

    name = "ssh"
    honours = HONOURED

    def __init__(self, settings: SshSettings) -> None:
        super().__init__()
        self._settings = settings
        hosts = (one if isinstance(one, Host) else Host(host=one) for one in settings.hosts)
        self._hosts = {one.host: one for one in hosts}

    def check(self) -> None:
        if shutil.which("ssh") is None:
            raise ConfError("the executor ssh needs the program ssh", hint="apt-get install openssh-client")
        super().check()

    def spots(self) -> Sequence[Spot]:
        return [
            Spot(one.host, one.workers or self._settings.workers, [str(index) for index in range(one.gpus)])
            for one in self._hosts.values()
        ]

    def command(self, spot: Spot, spec: TaskSpec | None, gpus: tuple[str, ...]) -> Sequence[str]:
        settings, host = self._settings, self._hosts[spot.name]
        ssh = ["ssh", "-T", "-o", "BatchMode=yes", "-o", f"ServerAliveInterval={_ALIVE_SECONDS}"]
        ssh += ["-o", "ServerAliveCountMax=3"]
        if settings.port is not None:
            ssh += ["-p", str(settings.port)]
        if settings.identity is not None:
            ssh += ["-i", os.path.expanduser(settings.identity)]  # noqa: PTH111 - a text for ssh
        for name, value in settings.options.items():
            ssh += ["-o", f"{name}={value}"]
        ssh += ["-o", f"ConnectTimeout={_CONNECT_SECONDS}"]  # of two, ssh takes the first
        there = [host.python or settings.python, "-m", "plait.executors.far", "pipe"]
        if gpus:
            there = ["env", f"CUDA_VISIBLE_DEVICES={','.join(gpus)}", *there]
        return [*ssh, host.host, shlex.join(there)]

    def why(self, line: Line, code: int) -> tuple[str, str]:
        if code == _NO_CONNECTION:
            said = line.last_words().splitlines()
            return (
                f"the connection to {line.spot.name} broke off: {said[-1] if said else 'no reason given'}",
                "lost",
            )
        return super().why(line, code)
