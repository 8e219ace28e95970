"""How do tasks run on a Slurm cluster? As jobs, those of a map as arrays; they answer in a folder that nodes share."""

from __future__ import annotations

import contextlib
import os
import queue
import shlex
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Collection, Iterable, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Struct

from plait.engine.task import Job, Live, Report, TaskSpec
from plait.errors import PlaitError, StoreError
from plait.executors.far import Hello, read_frames, read_telling
from plait.executors.flavours import HONOURED
from plait.executors.remote import Place, RemoteExecutor, encode_spec, place_of
from plait.executors.slurm_commands import JobState, Slurm, SlurmError, limit_words
from plait.executors.station import Versions
from plait.graph.units import read_seconds
from plait.record.facts import LogLine

if TYPE_CHECKING:
    from plait.project.project import Project

__all__ = ["SlurmExecutor", "SlurmSettings"]

_GATHER_SECONDS = 0.1  # tasks that come within this go into one array
_AGAIN_SECONDS = 5.0  # after which a controller that was away is asked again
_LAST_SECONDS = 30.0  # in which one that is away may still be told what to end, when the run is over
_ANSWER_SECONDS = 3.0  # in which the answer of a job that has ended may still become visible
_FORGOTTEN_SECONDS = 30.0  # for which Slurm, asked again and again, must not have known a job that is gone
_WAITS_SECONDS = 20.0  # after which a task says why it waits
_OWN_MEMORY = 256 * 2**20  # of what looks after a task on its node
_OWN_SECONDS = 120.0  # for it to start, beyond the timeout of its step
_TAIL_BYTES = 2000
_CAUSES = {"TIMEOUT": "timeout", "OUT_OF_MEMORY": "memory"}
_USUAL = frozenset({"None", "Resources", "Priority", "Dependency"})


class SlurmSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """On a Slurm cluster, from a machine where jobs are submitted; a map is an array of jobs.

    Attributes:
        partition, account, qos, constraint: as ``sbatch`` takes them.
        time: the limit of jobs whose steps have no ``timeout``: ``2h``; the partition's if left out.
        python: the Python with plait on the nodes; the one of this run if left out.
        setup: lines of shell before it starts, such as ``module load cuda``.
        folder: one that the nodes share with this machine; ``.plait/slurm`` if left out.
        queued: how many jobs are in Slurm's queue at once, at most.
        gpu: the resource that is asked for where a step says ``gpus``, such as ``gpu:a100``.
        sbatch: further arguments for ``sbatch``.
        look_every: how often Slurm is asked how jobs are.
    """

    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    constraint: str | None = None
    time: str | None = None
    python: str | None = None
    setup: str = ""
    folder: str | None = None
    queued: Annotated[int, msgspec.Meta(ge=1)] = 500
    gpu: str = "gpu"
    sbatch: tuple[str, ...] = ()
    look_every: str = "2s"

    def __post_init__(self) -> None:
        read_seconds(self.look_every)
        if self.time is not None:
            read_seconds(self.time)

    def open(self, project: Project | None) -> SlurmExecutor:
        own = Path(self.folder) if self.folder is not None else None
        home = project.home if project is not None else Path(".plait")
        return SlurmExecutor(self, (own or home / "slurm").expanduser().absolute())


class _Sent:
    """A task that Slurm has."""

    def __init__(self, spec: TaskSpec, number: int, ranks: int) -> None:
        self.spec = spec
        self.number = number
        self.waited_for = set(range(ranks))
        self.sent_at = time.monotonic()
        self.ended_at: float | None = None
        self.missing_since: float | None = None
        self.began = False
        self.told = False
        self.unsure: dict[
            int, bytes
        ] = {}  # by rank, that a worker is gone: it may be that Slurm has ended the job

    @property
    def place(self) -> Place:
        return place_of(self.spec)


class SlurmExecutor(RemoteExecutor):
    """Runs tasks as jobs of a Slurm cluster.

    ``cpus``, ``memory``, ``gpus``, ``timeout`` and ``nodes`` are those of the job. A job that ends without an answer is
    looked up in the accounting: ``TIMEOUT``, ``OUT_OF_MEMORY``, ``NODE_FAIL`` and the others are named.

    Args:
        folder: one that the nodes share with this machine. While a run goes on, what its tasks need is in there, the
            conf with its secrets too; nobody but the user may read it.
    """

    name = "slurm"
    honours = HONOURED | {"nodes"}
    looks = True

    def __init__(self, settings: SlurmSettings, folder: Path) -> None:
        super().__init__(settings.queued)
        self._settings = settings
        self._shared = folder
        self._slurm = Slurm()
        self._lock = threading.RLock()
        self._jobs: dict[str, _Sent] = {}
        self._of_number: dict[int, str] = {}
        self._read: dict[str, int] = {}
        self._numbers = 0
        self._outbox: queue.SimpleQueue[list[list[TaskSpec]] | None] = queue.SimpleQueue()
        self._unsent: dict[Place, list[TaskSpec]] = {}
        self._threads: list[threading.Thread] = []
        self._over = threading.Event()
        self._is_away = False

    @cached_property
    def _most_of_a_task(self) -> dict[str, float]:
        return self._slurm.largest(self._settings.partition)

    def largest(self) -> dict[str, float]:
        return self._most_of_a_task

    def room(self) -> int:
        """All at once, when a good part of the queue is free: arrays are large then."""
        room = super().room()
        return room if room * 10 >= self.most else 0

    def check(self) -> None:
        self._slurm.check(self._wishes())
        try:
            self._shared.mkdir(parents=True, exist_ok=True, mode=0o700)
            tempfile.TemporaryFile(dir=self._shared).close()
        except OSError as error:
            raise self._no_folder(error) from None

    @staticmethod
    def _no_folder(error: OSError) -> StoreError:
        return StoreError(
            f"the folder that the nodes share cannot be written: {error}",
            hint="name one that this machine and all nodes have: executor: {type: slurm, folder: …}",
        )

    def connect(self, job: Job) -> None:
        self.check()
        _ = self._most_of_a_task
        self._prefix = f"plait.{job.run_id}."
        left = [one for one, state in self._slurm.jobs(self._prefix).items() if not state.has_ended]
        self._slurm.cancel(left)  # of a driver that is gone: it would compute beside this one
        self._folder = self._shared / f"{job.run_id}-{time.time_ns()}"
        try:
            for name in ("tasks", "answers", "said"):
                (self._folder / name).mkdir(parents=True, mode=0o700)
            self._folder.chmod(0o700)
            _write_private(self._folder / "job", self.sealed)
        except OSError as error:
            raise self._no_folder(error) from None
        self._over.clear()
        self._threads = [
            threading.Thread(target=work, name=f"plait-slurm-{name}", daemon=True)
            for name, work in (("post", self._post), ("watch", self._watch))
        ]
        for one in self._threads:
            one.start()

    def _wishes(self) -> list[str]:
        said = self._settings
        named = {one: getattr(said, one) for one in ("partition", "account", "qos", "constraint")}
        return [*(f"--{name}={value}" for name, value in named.items() if value), *said.sbatch]

    # Sending.

    def send(self, specs: Sequence[TaskSpec]) -> None:
        tasks: dict[Place, list[TaskSpec]] = {}
        for spec in specs:
            tasks.setdefault(place_of(spec), []).append(spec)
        with self._lock:
            self._unsent.update(tasks)
        self._outbox.put(list(tasks.values()))

    def _post(self) -> None:
        """In a thread of its own: submitting takes a while, and more so where many do it."""
        while (tasks := self._outbox.get()) is not None:
            self._over.wait(_GATHER_SECONDS)
            with contextlib.suppress(queue.Empty):
                while True:
                    more = self._outbox.get_nowait()
                    if more is None:
                        return
                    tasks += more
            groups: dict[tuple[str, ...], list[list[TaskSpec]]] = {}
            for task in tasks:
                groups.setdefault(self._words_of(task[0]), []).append(task)
            for words, group in groups.items():
                size = 1 if len(group[0]) > 1 else self._array_size()
                for start in range(0, len(group), size):
                    self._submit(words, group[start : start + size])

    def _array_size(self) -> int:
        try:
            return min(1000, self._slurm.most_in_array)
        except PlaitError:
            return 100

    def _words_of(self, spec: TaskSpec) -> tuple[str, ...]:
        options = spec.options
        limits: dict[str, float | None] = {}
        if self._settings.time is not None:
            limits["seconds"] = read_seconds(self._settings.time)
        if options is not None:
            limits["cpus"] = options.cpus
            if options.memory:
                there = self._most_of_a_task.get("memory", float("inf"))
                limits["memory"] = min(options.memory + _OWN_MEMORY, there)
            if options.timeout:
                limits["seconds"] = options.timeout + _OWN_SECONDS
        words = limit_words(limits)
        if options is not None and options.gpus:
            words.append(f"--gres={self._settings.gpu}:{options.gpus}")
        if options is not None and options.nodes > 1:
            words += [f"--nodes={options.nodes}", f"--ntasks={options.nodes}", "--ntasks-per-node=1"]
        return (*words, f"--job-name={self._prefix}{spec.name}")

    def _submit(self, words: Sequence[str], tasks: Sequence[list[TaskSpec]]) -> None:
        """One job, or one array of them; a controller that is away is waited for."""
        with self._lock:
            left = [task for task in tasks if place_of(task[0]) in self._unsent]
            first, self._numbers = self._numbers, self._numbers + len(left)
        if not left:
            return
        sent = [_Sent(task[0], first + at, len(task)) for at, task in enumerate(left)]
        array = [f"--array=0-{len(left) - 1}"] if len(left) > 1 else []
        said = f"--output={self._folder}/said/%{'A_%a' if array else 'j'}"
        options = [*self._wishes(), *words, *array, said, "--no-requeue", "--open-mode=append"]
        try:
            for at, task in enumerate(left):
                for rank, spec in enumerate(task):
                    _write_private(self._folder / "tasks" / f"{first + at}.{rank}", encode_spec(spec))
            job = self._submitted(self._script(words, first, len(left[0])), options, sent[0])
        except (PlaitError, OSError) as error:
            with self._lock:
                left = [task for task in left if self._unsent.pop(place_of(task[0]), None)]
            for task in left:
                for rank in range(len(task)):
                    self.lost(place_of(task[0]), f"Slurm did not take the job: {error}", rank=rank)
            return
        if job is None:
            return
        with self._lock:
            gone = []
            for at, one in enumerate(sent):
                name = f"{job}_{at}" if array else job
                if self._unsent.pop(one.place, None) is None:  # it was taken back in the meantime
                    gone.append(name)
                    continue
                self._jobs[name] = one
                self._of_number[one.number] = name
        self._end(gone)

    def _submitted(self, script: str, options: Sequence[str], first: _Sent) -> str | None:
        """The id of a job. A controller that did not answer may have taken it all the same: it is looked for first."""
        mark = ""
        if not any(word.startswith("--comment") for word in options):
            mark = f"{self._folder.name}-{first.number}"
            options = [*options, f"--comment={mark}"]
        asked = False
        while not self._over.is_set():
            try:
                found = self._slurm.marked(mark) if asked and mark else None
                return found or self._slurm.submit(script, options)
            except SlurmError as error:
                if not error.is_away:
                    raise
                self._warn(
                    first,
                    f"Slurm did not answer when it was to take the job, and is asked again: {error.what}",
                )
                asked = True
                self._over.wait(_AGAIN_SECONDS)
        return None

    def _end(self, jobs: Collection[str], seconds: float = float("inf")) -> None:
        """Cancel jobs; a controller that is away is waited for."""
        until = time.monotonic() + seconds
        while jobs:
            try:
                self._slurm.cancel(jobs)
            except SlurmError as error:
                if not error.is_away or time.monotonic() > until:
                    return
                self._over.wait(_AGAIN_SECONDS)
                if self._over.is_set():
                    time.sleep(1.0)
            else:
                return

    def _script(self, words: Sequence[str], first: int, nodes: int) -> str:
        python = self._settings.python or sys.executable
        command = [python, "-m", "plait.executors.slurm_node", str(self._folder), str(first)]
        if nodes > 1:
            cores = next(word for word in words if word.startswith("--cpus-per-task"))
            command = ["srun", "--kill-on-bad-exit=1", f"--ntasks={nodes}", cores, *command]
        return f"#!/bin/sh\n{self._settings.setup}\nexec {shlex.join(command)}\n"

    # Looking.

    def look(self) -> None:
        self._read_answers()

    def _watch(self) -> None:
        """In a thread of its own: ask Slurm how jobs are, which may take as long as its controller is away."""
        pause = read_seconds(self._settings.look_every)
        while not self._over.wait(_AGAIN_SECONDS if self._is_away else pause):
            with self._lock:
                jobs = dict(self._jobs)
            if not jobs:
                continue
            try:
                states = self._slurm.jobs(self._prefix)
            except PlaitError as error:
                self._without_answer(jobs, error)
                continue
            now = time.monotonic()
            if self._is_away:
                self._is_away = False
                self._warn(next(iter(jobs.values())), "Slurm answers again")
            over = [name for name, sent in jobs.items() if self._is_over(name, sent, states.get(name), now)]
            if over:
                outcomes = self._slurm.outcomes(over)
                found = {
                    name: outcomes.get(name) or states.get(name) or JobState("forgotten") for name in over
                }
                self.later(partial(self._have_ended, found))

    def _without_answer(self, jobs: dict[str, _Sent], error: PlaitError) -> None:
        """The controller is away: jobs go on without it, and what it does not say is no news of them."""
        for sent in jobs.values():
            sent.missing_since = None
        if not self._is_away:
            self._is_away = True
            text = (
                f"Slurm does not tell how jobs are, which go on meanwhile, and is asked again: {error.what}"
            )
            self._warn(next(iter(jobs.values())), text)

    def _have_ended(self, outcomes: dict[str, JobState]) -> None:
        self._read_answers()
        for name, outcome in outcomes.items():
            self._bury(name, outcome)

    def _is_over(self, name: str, sent: _Sent, state: JobState | None, now: float) -> bool:
        """Whether a job has ended, and its answer would be here if there were one."""
        if state is None:
            sent.missing_since = sent.missing_since or now
            return now - sent.missing_since > _FORGOTTEN_SECONDS
        sent.missing_since = None
        if state.state == "PENDING" and state.why not in _USUAL and not sent.told:
            if now - sent.sent_at > _WAITS_SECONDS:
                sent.told = True
                self._warn(sent, f"Slurm lets job {name} wait: {state.why}")
            return False
        if not state.has_ended:
            return False
        sent.ended_at = sent.ended_at or now
        return bool(sent.unsure) or now - sent.ended_at > _ANSWER_SECONDS

    def _warn(self, sent: _Sent, text: str) -> None:
        self._said.put(Live(*sent.place, (LogLine(time.time(), "WARNING", text),)))

    def _read_answers(self) -> None:
        with contextlib.suppress(OSError):
            for entry in os.scandir(self._folder / "answers"):
                number, rank = map(int, entry.name.split("."))
                name = self._of_number.get(number)
                if name is not None:
                    self._read_answer(entry.name, name, rank)

    def _read_answer(self, file: str, name: str, rank: int) -> None:
        sent, path = self._jobs.get(name), self._folder / "answers" / file
        if sent is None or rank not in sent.waited_for:
            return
        start = self._read.get(file, 0)
        with path.open("rb") as answers:
            answers.seek(start)
            bodies, taken = read_frames(answers.read())
        self._read[file] = start + taken
        for body in bodies:
            said = read_telling.decode(body)
            if isinstance(said, Hello):
                sent.began = True
                self.began(sent.place)
            elif isinstance(said, Live):
                self.told(said)
            elif isinstance(said, Report) and said.cause == "lost":
                sent.unsure[rank] = body
            else:
                sent.waited_for.discard(rank)
                self.answered(sent.place, body, rank)
                with contextlib.suppress(OSError):
                    path.unlink()
        if not sent.waited_for:
            self._forget([name])

    def _forget(self, names: Iterable[str]) -> None:
        with self._lock:
            for name in names:
                sent = self._jobs.pop(name, None)
                if sent is not None:
                    self._of_number.pop(sent.number, None)

    def _bury(self, name: str, outcome: JobState) -> None:
        sent = self._jobs.get(name)
        if sent is None:
            return
        self._forget([name])
        cause = _CAUSES.get(outcome.state, "lost")
        for rank in sorted(sent.waited_for):
            if rank in sent.unsure and outcome.state in ("COMPLETED", "forgotten"):
                self.answered(sent.place, sent.unsure[rank], rank)
                continue
            self.lost(sent.place, self._why(name, sent, outcome), cause, rank)

    def _why(self, name: str, sent: _Sent, outcome: JobState) -> str:
        where = f" on {outcome.why}" if outcome.why else ""
        words = self._last_words(name)
        if not sent.began and "No module named" in words and "plait" in words:
            python = self._settings.python or sys.executable
            return f"there is no plait for {python}{where}: pip install plait=={Versions.here().plait}"
        code = f" (exit code {outcome.exit_code})" if outcome.exit_code not in ("", "0:0") else ""
        if outcome.state == "COMPLETED":
            told = (
                f"job {name} ended{where} without an answer in {self._folder}, which its nodes have to share"
            )
        else:
            told = f"Slurm ended job {name}{where}: {outcome.state}{code}"
        return f"{told}; it said: {words}" if words else told

    def _last_words(self, name: str) -> str:
        with contextlib.suppress(OSError), (self._folder / "said" / name).open("rb") as said:
            said.seek(max(0, said.seek(0, 2) - _TAIL_BYTES))
            lines = said.read().decode(errors="replace").strip().splitlines()
            return lines[-1] if lines else ""
        return ""

    # Ending.

    def take_back(self, places: Collection[Place], *, begun: bool) -> Collection[Place]:
        wanted = set(places)
        with self._lock:
            taken = {place for place in wanted if self._unsent.pop(place, None) is not None}
            jobs = {name: sent for name, sent in self._jobs.items() if sent.place in wanted}
        with contextlib.suppress(PlaitError):
            self._slurm.cancel(jobs, *([] if begun else ["--state=PENDING"]))
            if not begun and jobs:
                states = self._slurm.jobs(self._prefix)
                self._read_answers()
                jobs = {
                    name: sent
                    for name, sent in jobs.items()
                    if not sent.began and name in states and states[name].state == "CANCELLED"
                }
            self._forget(jobs)
            taken |= {sent.place for sent in jobs.values()}
        return taken

    def release(self, *, now: bool) -> None:
        self._over.set()
        self._outbox.put(None)
        for one in self._threads:
            one.join()
        self._threads = []
        with self._lock:
            left = list(self._jobs)
            self._jobs.clear()
            self._of_number.clear()
            self._unsent.clear()
            self._read.clear()
        self._end(left, _LAST_SECONDS)
        if hasattr(self, "_folder"):
            shutil.rmtree(self._folder, ignore_errors=True)


def _write_private(file: Path, content: bytes) -> None:
    """Write a file that nobody else may read; it is whole when it is there."""
    part = file.with_name(f"{file.name}.part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        out.write(content)
    part.rename(file)
