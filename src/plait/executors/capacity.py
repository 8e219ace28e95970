"""What does this machine have for tasks?"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

__all__ = ["cores", "gpus", "machine", "memory"]


def machine(workers: int | None = None) -> dict[str, float]:
    """Cores, GPUs and bytes of memory that tasks can have in all.

    Args:
        workers: how many tasks may run at once at least, whatever the number of cores.
    """
    there = {"cpus": float(max(workers or 1, cores())), "gpus": float(len(gpus()))}
    held = memory()
    return {**there, "memory": float(held)} if held else there


def cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def gpus() -> tuple[str, ...]:
    """The GPUs by the names that ``CUDA_VISIBLE_DEVICES`` gives them; ``PLAIT_GPUS=0,1`` says which tasks may have."""
    for name in ("PLAIT_GPUS", "CUDA_VISIBLE_DEVICES"):
        said = os.environ.get(name)
        if said is not None:
            return tuple(one.strip() for one in said.split(",") if one.strip() not in ("", "-1"))
    return _found_gpus()


@cache
def _found_gpus() -> tuple[str, ...]:
    driver = Path("/proc/driver/nvidia/gpus")
    if driver.is_dir():
        return tuple(map(str, range(len(list(driver.iterdir())))))
    if not any(os.access(os.path.join(folder, "nvidia-smi"), os.X_OK) for folder in os.get_exec_path()):  # noqa: PTH118
        return ()
    import subprocess  # only here: each run would pay for it

    try:
        listed = subprocess.run(
            ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(line.strip() for line in listed.stdout.splitlines() if line.strip())


def memory() -> int:
    """Bytes of memory that this process and what it starts may hold; 0 where the system does not tell."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        import psutil

        total = psutil.virtual_memory().total
    for file in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            said = Path(file).read_text().strip()
        except OSError:
            continue
        if said.isdigit() and 0 < int(said) < total:
            total = int(said)
    return total
