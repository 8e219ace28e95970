"""What does a node of a Slurm cluster do with a job of plait's? It finds its task in a folder, does it, answers there.

``python -m plait.executors.slurm_node FOLDER NUMBER``: an array adds its index to the number of its first task; of
nodes that do one task together each has the file of its rank.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

from plait.engine.task import Gang, TaskSpec
from plait.executors.far import Mouth, hello
from plait.executors.station import do_task

__all__ = ["main", "with_peers"]


def with_peers(task: bytes, environ: Mapping[str, str]) -> bytes:
    """A task with the names of the nodes that do it together, which Slurm has chosen by now."""
    spec = msgspec.msgpack.decode(task, type=TaskSpec)
    if spec.gang is None or all(spec.gang.peers) or "SLURM_JOB_NODELIST" not in environ:
        return task
    names = subprocess.run(
        ["scontrol", "show", "hostnames", environ["SLURM_JOB_NODELIST"]],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout.split()
    return msgspec.msgpack.encode(msgspec.structs.replace(spec, gang=Gang(spec.gang.rank, tuple(names))))


def main(folder: str, first: str) -> None:
    number = int(first) + int(os.environ.get("SLURM_ARRAY_TASK_ID", "0"))
    rank = int(os.environ.get("SLURM_PROCID", "0"))
    task = with_peers(Path(folder, "tasks", f"{number}.{rank}").read_bytes(), os.environ)
    with Path(folder, "answers", f"{number}.{rank}").open("ab") as out:
        mouth = Mouth(out)
        mouth.tell(hello())
        mouth.say(do_task(Path(folder, "job").read_bytes(), task, mouth.tell))
        os.fsync(out.fileno())


if __name__ == "__main__":
    main(*sys.argv[1:3])
