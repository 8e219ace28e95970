"""How is Slurm spoken to? By its own commands, as a person would; what they say is read here."""

from __future__ import annotations

import math
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from msgspec import Struct

from plait.errors import ConfError, PlaitError

__all__ = ["ENDED", "JobState", "Slurm", "SlurmError", "limit_words"]

_SECONDS = 60.0
_AWAY = (
    "Unable to contact slurm controller", "Socket timed out", "slurm_load", "Connection refused", "Zero Bytes were",
    "in standby mode", "Message receive failure", "Communication connection failure", "Transport endpoint is not",
    "temporarily unable",
)  # fmt: skip
_NO_CLUSTER = "Could not establish a configuration source"
_SIZES = {"": 2**20, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
ENDED = frozenset(
    {
        "BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED",
        "REVOKED", "TIMEOUT",
    }
)  # fmt: skip


class SlurmError(PlaitError):
    """A command of Slurm that failed; ``is_away`` where its controller could not be reached, which may pass."""

    is_away = False


class JobState(Struct, frozen=True):
    """How Slurm sees a job, or one of an array.

    Attributes:
        state: its name for it: ``PENDING``, ``RUNNING``, ``NODE_FAIL`` …
        why: what it says of that: the reason that a job waits, or the nodes that it was on.
        exit_code: as ``sacct`` writes it, ``status:signal``; empty where only the controller was asked.
    """

    state: str
    why: str = ""
    exit_code: str = ""

    @property
    def has_ended(self) -> bool:
        return self.state in ENDED


class Slurm:
    """Slurm's commands, for the jobs of the user who runs this."""

    def __init__(self) -> None:
        self._has_accounting = True

    def run(self, *command: str, text: str = "") -> str:
        """What a command says.

        Raises:
            ConfError: it is not installed here.
            SlurmError: it failed; the message has its words.
        """
        try:
            done = subprocess.run(
                command, input=text, capture_output=True, text=True, timeout=_SECONDS, check=False
            )
        except FileNotFoundError:
            raise ConfError(
                f"the executor slurm needs Slurm's command {command[0]}, which is not on this machine",
                hint="run where jobs are submitted from: the login node of the cluster",
            ) from None
        except subprocess.TimeoutExpired:
            error = SlurmError(f"{command[0]} did not answer in {_SECONDS:.0f} s")
            error.is_away = True
            raise error from None
        if done.returncode:
            if _NO_CLUSTER in done.stderr:
                raise ConfError(
                    f"this machine belongs to no Slurm cluster: {command[0]} finds no configuration",
                    hint="run where jobs are submitted from, or name the file: SLURM_CONF=/path/to/slurm.conf",
                )
            said = _said(done.stderr) or _said(done.stdout) or f"status {done.returncode}"
            error = SlurmError(f"{command[0]}: {said}")
            error.is_away = any(one in done.stderr for one in _AWAY)
            raise error
        return done.stdout

    def submit(self, script: str, options: Sequence[str]) -> str:
        """Hand over a script; the id of its job."""
        return self.run("sbatch", "--parsable", *options, text=script).strip().partition(";")[0]

    def marked(self, comment: str) -> str | None:
        """The id of this user's job of a comment, if the controller has one."""
        said = self.run("squeue", "--noheader", "--states=all", f"--user={os.getuid()}", "--format=%F|%k")
        found = (line.strip().split("|", 1) for line in said.splitlines())
        return next((job for job, mark in found if mark == comment), None)

    def check(self, options: Sequence[str]) -> None:
        """Whether Slurm would take a job of these options; nothing is submitted.

        Raises:
            SlurmError: it would not, and says why.
        """
        self.run("sbatch", "--test-only", *options, text="#!/bin/sh\ntrue\n")

    def cancel(self, jobs: Iterable[str], *options: str) -> None:
        named = list(jobs)
        for start in range(0, len(named), 200):
            self.run("scancel", "--quiet", *options, *named[start : start + 200])

    def jobs(self, prefix: str) -> dict[str, JobState]:
        """This user's jobs whose names begin so, as far as the controller knows them: ended ones for some minutes.

        By ``JOB``, or ``JOB_INDEX`` for one of an array.
        """
        said = self.run(
            "squeue", "--noheader", "--array", "--states=all", f"--user={os.getuid()}", "--format=%F|%K|%T|%r|%N|%j",
        )  # fmt: skip
        found = {}
        for line in said.splitlines():
            job, index, state, reason, nodes, name = (part.strip() for part in line.split("|", 5))
            if name.startswith(prefix):
                why = reason if state == "PENDING" else nodes
                found[job if index == "N/A" else f"{job}_{index}"] = JobState(state, why)
        return found

    def outcomes(self, jobs: Iterable[str]) -> dict[str, JobState]:
        """How jobs ended, as accounting has it; nothing where there is no accounting."""
        named = sorted({job.partition("_")[0] for job in jobs})
        if not named or not self._has_accounting:
            return {}
        try:
            said = self.run(
                "sacct", "-X", "--noheader", "--parsable2", f"--jobs={','.join(named)}",
                "--format=JobID,State,ExitCode,NodeList",
            )  # fmt: skip
        except SlurmError as error:
            self._has_accounting = error.is_away
            return {}
        found = {}
        for line in said.splitlines():
            job, state, code, nodes = line.split("|")
            found[job] = JobState(state.split()[0] if state else "", nodes, code)
        return found

    @cached_property
    def most_in_array(self) -> int:
        found = re.search(r"MaxArraySize\s*=\s*(\d+)", self.run("scontrol", "show", "config"))
        return max(1, int(found[1]) - 1) if found else 1000

    def largest(self, partition: str | None) -> dict[str, float]:
        """What one task can have: of each resource that of the node with most of it, and how many nodes there are."""
        chosen = [f"--partition={partition}"] if partition else []
        said = self.run("sinfo", "--noheader", "--Node", "--format=%N|%c|%m|%G", *chosen)
        nodes: dict[str, tuple[float, float, float]] = {}
        for line in said.splitlines():
            name, cores, megabytes, gres = line.strip().split("|")
            gpus = sum(int(count) for count in re.findall(r"gpu(?::[^:,(]+)?:(\d+)", gres))
            nodes[name] = (float(cores), float(megabytes) * 2**20, float(gpus))
        if not nodes:
            return {}
        return {
            "cpus": max(one[0] for one in nodes.values()),
            "memory": max(one[1] for one in nodes.values()),
            "gpus": max(one[2] for one in nodes.values()),
            "nodes": float(len(nodes)),
        }

    @staticmethod
    def is_here() -> bool:
        return shutil.which("sbatch") is not None


def _said(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    kept = [re.sub(r"^\w+: (error: |fatal: )?", "", line) for line in lines]
    return "; ".join(dict.fromkeys(kept))


def limit_words(limits: Mapping[str, float | None]) -> list[str]:
    """Resources in Slurm's words: ``cpus``, ``memory`` (bytes), ``gpus``, ``nodes``, ``seconds``."""
    words = [f"--cpus-per-task={max(1, math.ceil(limits.get('cpus') or 1))}"]
    memory, seconds, gpus = limits.get("memory"), limits.get("seconds"), limits.get("gpus")
    if memory:
        words.append(f"--mem={math.ceil(memory / 2**20)}M")
    if gpus:
        words.append(f"--gres=gpu:{int(gpus)}")
    if seconds:
        words.append(f"--time={math.ceil(seconds / 60)}")
    return words
