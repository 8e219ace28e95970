"""How is a page of the docs tried? Its blocks are typed in their order, in one folder, as a reader would."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
SOURCE = Path(__file__).parents[2] / "src"

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"# ([\w/.-]+\.(?:py|yml|toml))\n")
_LEAVES = re.compile(r"#.*leaves with (\d+)")


def follow(page: str, folder: Path) -> list[str]:
    """Do what a page of ``docs/`` says, in a folder; answers with what was typed.

    A block that begins with ``# name.py`` is added to that file, another of Python is run as a program, and each line of
    a shell block is a command, which leaves with 0 unless its comment says ``leaves with 2``.
    """
    typed = []
    for kind, text in _BLOCK.findall((DOCS / page).read_text(encoding="utf-8")):
        name = _FILE.match(text)
        if name is not None:
            file = folder / name[1]
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("a", encoding="utf-8") as written:
                written.write(text[name.end() :] + "\n\n")
        elif kind == "python":
            _do([sys.executable, "-c", text], folder, 0, text)
            typed.append(text)
        elif kind == "sh":
            for line in filter(None, text.splitlines()):
                leaves = _LEAVES.search(line)
                _do(line.split(" #")[0], folder, int(leaves[1]) if leaves else 0, line)
                typed.append(line)
    return typed


def _do(command: str | list[str], folder: Path, status: int, shown: str) -> None:
    environment = {
        **{name: value for name, value in os.environ.items() if name not in ("PLAIT_HOME", "PLAIT_ENV")},
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": f"{SOURCE}{os.pathsep}{folder}",
        "NO_COLOR": "1",
    }
    done = subprocess.run(
        command,
        shell=isinstance(command, str),
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=120,
    )
    said = f"{shown}\nleft with {done.returncode} instead of {status}\n{done.stdout}\n{done.stderr}"
    assert done.returncode == status, said
    assert "Traceback" not in done.stderr, said
