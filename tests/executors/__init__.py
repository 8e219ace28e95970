"""Which other Python is on this machine, for steps that run in one? Known to all processes by an environment variable."""

import os
import shutil
import sys
from pathlib import Path


def _other_python():
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    for minor in (12, 13, 11, 10, 9):
        found = shutil.which(f"python3.{minor}") or "shims"
        if minor != sys.version_info[1] and (
            "shims" not in found or any(root.glob(f"3.{minor}.*/bin/python"))
        ):
            return f"3.{minor}"
    return f"3.{sys.version_info[1]}"


OTHER = os.environ.setdefault("PLAIT_TEST_PYTHON", _other_python())
