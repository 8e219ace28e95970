"""Who runs what, where and on which versions? What is noted of a run when it begins; no process is started for it."""

from __future__ import annotations

import getpass
import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from plait._version import __version__
from plait.record.alive import host_name

__all__ = ["command_line", "installed_packages", "new_id", "run_facts"]


def new_id() -> str:
    """Eight letters and digits, beginning with a letter, without look-alikes."""
    letters, alphabet = "abcdefghjkmnpqrstvwxyz", "0123456789abcdefghjkmnpqrstvwxyz"
    random = os.urandom(8)
    return letters[random[0] % len(letters)] + "".join(alphabet[byte % len(alphabet)] for byte in random[1:])


def run_facts(root: Path) -> dict[str, Any]:
    from plait.project.git import git_state

    git = git_state(root)
    try:
        user = getpass.getuser()
    except (KeyError, OSError, ImportError):  # an account without a name, as in some containers
        user = str(os.getuid()) if hasattr(os, "getuid") else ""
    return {
        "user": user,
        "host": host_name(),
        "pid": os.getpid(),
        "process_started": _process_started(),
        "folder": str(root),
        "cwd": os.getcwd(),
        "argv": command_line(),
        "git_commit": git.commit if git else None,
        "git_branch": git.branch if git else None,
        "git_dirty": git.dirty if git else None,
        "python": platform.python_version(),
        "platform": sys.platform,
        "plait": __version__,
    }


def command_line() -> Sequence[str]:
    return [os.path.basename(sys.argv[0]), *sys.argv[1:]] if sys.argv else []  # noqa: PTH119 - a text, maybe "-c"


def _process_started() -> float | None:
    """When this process began, in epoch seconds; tells it from a later one with the same number."""
    try:
        ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
        boot = next(line for line in Path("/proc/stat").read_text().splitlines() if line.startswith("btime "))
        return int(boot.split()[1]) + ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, StopIteration, AttributeError):
        import psutil

        return float(psutil.Process().create_time())


def installed_packages() -> dict[str, str]:
    """The installed distributions, from the names of their folders: reading their metadata would cost 0.1 s."""
    found: dict[str, str] = {}
    for entry in sys.path:
        try:
            names = os.listdir(entry or ".")  # noqa: PTH208 - names are all that is needed
        except OSError:
            continue
        for name in names:
            if name.endswith((".dist-info", ".egg-info")):
                distribution, _, version = name.rpartition(".")[0].partition("-")
                found.setdefault(distribution.replace("_", "-").lower(), version.partition("-py")[0])
    return dict(sorted(found.items()))
