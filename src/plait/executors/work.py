"""What happens in one task? Load the inputs, call the function, store the outputs, say how it went."""

from __future__ import annotations

import contextlib
import inspect
import os
import time
import typing
from collections.abc import Callable
from pathlib import Path
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import TYPE_CHECKING, Any, TypeVar

from plait.data import Artifact, ArtifactStore
from plait.engine.current import Current, TaskContext
from plait.engine.environment import own_environment, request_of
from plait.engine.task import EndNow, Gang, Job, Live, Report, TaskSpec, load_function
from plait.errors import StepError
from plait.executors.capture import Capture
from plait.executors.furnishing import enter_workdir, put_variables
from plait.executors.trees import peak_memory
from plait.graph.model import task_name
from plait.graph.provided import provided
from plait.project.project import Project
from plait.project.references import DATASET, PARAMETER, chunk_part, load_reference
from plait.project.secrets import Masker
from plait.project.stores import cache_folder
from plait.record.facts import DataCheck, DatasetWrite, ErrorInfo, Usage, data_check, describe_error
from plait.record.results import Plain, Stored, load_tree

if TYPE_CHECKING:
    from plait.executors.elsewhere import Guest
    from plait.project.environments import Request

__all__ = ["Work"]


S = TypeVar("S")
_MEETING_PORT = 29500
_GENERATORS = frozenset({GeneratorType, AsyncGeneratorType})


class Work:
    """Does the tasks of one job, one at a time, in this process.

    Args:
        store: the artifacts, if not opened anew.
        beside: whether others do tasks in this process at the same time, each in a thread of its own.
        folder: the one that tasks begin in; that of the process, now, if left out.
    """

    def __init__(
        self,
        job: Job,
        function: Callable[[int], Callable[..., Any]],
        store: ArtifactStore | None,
        capture: Capture,
        worker: str,
        *,
        beside: bool = False,
        folder: str | None = None,
    ) -> None:
        self.job = job
        self.capture = capture
        self.worker = worker
        self._beside = beside
        self._cpu_seconds = time.thread_time if beside else time.process_time
        self._folder = folder or os.getcwd()
        self._function = function
        self._callers: dict[int, Callable[[dict[str, Any]], Any]] = {}
        self._asks: dict[int, dict[str, str]] = {}
        self._hints: dict[int, dict[str, Any]] = {}
        self._loaded: dict[int, Callable[..., Any]] = {}
        self._writes: list[DatasetWrite] = []
        self._variables: dict[str, str] = {}  # those of the task
        self._guest: tuple[Request, Guest] | None = None
        self.tell: Callable[[Live], None] | None = None  # what a task says while it runs goes there
        self.project = Project.of(job.project) if job.project is not None else None
        self.store = store = store or _open_store(job, self.project)
        self.hooks = self.project.hooks if self.project is not None else None
        self.masker = self.project.masker() if self.project is not None else None
        store.read_reference = self._reference
        self._hide_from_now_on(self.masker)

    def _reference(self, artifact: Artifact) -> Any:
        return load_reference(self.project, artifact)

    def context(self, spec: TaskSpec) -> TaskContext:
        return TaskContext(
            run_id=self.job.run_id,
            pipeline=self.job.pipeline,
            step=spec.name,
            path=spec.path,
            attempt=spec.attempt,
            params=self.job.params,
            store=self.store,
            keeper=self.capture,
            mask=self.masker.mask if self.masker is not None else None,
            node=spec.node,
            checkpoint=spec.checkpoint,
            tell=self.tell,
            rank=spec.gang.rank if spec.gang is not None else 0,
            peers=spec.gang.peers if spec.gang is not None else (),
        )

    def do(self, spec: TaskSpec, task: TaskContext) -> tuple[Report, BaseException | None]:
        """Run one task to its end, whatever it raises; only the second Ctrl-C goes through."""
        started, cpu, called = time.time(), self._cpu_seconds(), 0.0
        self._writes.clear()
        artifacts: tuple[Artifact, ...] = ()
        raised: BaseException | None = None
        cause = ""
        undo: Callable[[], None] | None = None
        with task.inside() if self._beside else task.active():
            try:
                if spec.options is not None:
                    undo = self._furnish(spec)
                task.began = (started, 0.0)
                self._tell_start(spec)
                arguments = {name: self._argument(spec, name, tree) for name, tree in spec.arguments}
                if spec.function not in self._callers:
                    self._caller(spec)
                arguments.update(self._provided(spec))
                called = time.time()
                task.began = (started, called)
                if spec.options is not None and own_environment(spec.options):
                    result = self._call_elsewhere(spec, arguments)
                else:
                    result = (self._callers.get(spec.function) or self._caller(spec))(arguments)
                if type(result) is CoroutineType:
                    from plait.executors.lazily import run_coroutine

                    result = run_coroutine(result)
                if type(result) in _GENERATORS:
                    artifacts = self._store_chunks(spec, result)
                else:
                    artifacts = self._store_outputs(spec, result)
                self._tell_end(spec, artifacts, started)
            except EndNow:
                raise
            except SystemExit as error:
                raised = StepError(
                    f"step {spec.name!r} called sys.exit({error.code!r})", hint="raise an exception instead"
                )
            except BaseException as error:  # noqa: BLE001 - whatever the user's code raises is the outcome
                raised = error
            finally:
                if undo is not None:
                    undo()
                self._come_home()
                error_info = None if raised is None else self._described(spec, raised, started)
                if (
                    error_info is not None
                    and "MemoryError" in error_info.kinds
                    and spec.options is not None
                    and spec.options.memory
                ):
                    from plait.executors.outcomes import ran_out_of

                    cause, error_info = "memory", ran_out_of(spec.options.memory, error_info)
                self.capture.finish(task)
        usage = Usage(started, time.time(), self._cpu_seconds() - cpu, peak_memory(), self.worker, called)
        if self._guest is not None:
            usage = self._guest[1].add_to(usage)
        report = Report(
            spec.node,
            spec.path,
            spec.attempt,
            artifacts if raised is None else (),
            error_info,
            usage,
            task.take_lines(),
            task.take_metrics(),
            tuple(task.previews),
            tuple(self._writes),
            self._take_checks(),
            cause=cause,
            advance=task.take_advance(),
        )
        return report, self._safe(raised, error_info)

    def prepare(self, spec: TaskSpec) -> None:
        """Import what a task needs, or start the Python that it runs in, before its clock runs."""
        if spec.options is not None and own_environment(spec.options):
            self._guest_for(spec)
        elif spec.function not in self._callers:
            self._caller(spec)

    def _guest_for(self, spec: TaskSpec) -> Guest:
        """The process of the Python that a step has for itself; its environment is built if need be."""
        from plait.executors.elsewhere import Guest
        from plait.project.environments import Environments

        assert spec.options is not None
        request = request_of(spec.options, self._function_of(spec), spec.name)
        assert request is not None
        if self._guest is not None and not (self._guest[0].same_as(request) and self._guest[1].alive):
            self._guest[1].end()
            self._guest = None
        if self._guest is None:
            python = Environments(Path(self.job.environments)).python(request, print)
            self._guest = (request, Guest(python, self.job.search_path))
        return self._guest[1]

    def _call_elsewhere(self, spec: TaskSpec, arguments: dict[str, Any]) -> Any:
        from plait.executors.elsewhere import GuestCall

        assert spec.options is not None
        guest = self._guest_for(spec)
        known = Current()
        names = ("run", "pipeline", "step", "task", "index", "attempt", "params")
        call = GuestCall(
            self._function_of(spec),
            spec.ref or self.job.functions[spec.function],
            arguments,
            {name: getattr(known, name) for name in names},
            self._variables,
            spec.options.timeout,
            spec.options.memory,
        )
        return guest.call(call)

    def _furnish(self, spec: TaskSpec) -> Callable[[], None]:
        """Give a task its variables, its secrets and its folder; answers with what takes them away again.

        Raises:
            StepError: its folder is not there.
            ConfError: a secret is missing.
        """
        assert spec.options is not None
        variables = dict(spec.options.env)
        if spec.gang is not None:
            variables = {**_meeting(spec.gang), **variables}
        if spec.options.secrets:
            assert self.project is not None
            told = {one.said: one.value for one in spec.secrets}
            for said in spec.options.secrets:
                name, value = self.project.step_secret(said, told.get(said))
                variables[name] = value.reveal()
            self._hide_from_now_on(self.project.masker())
        if spec.options.workdir:
            enter_workdir(spec.options.workdir, self.project.work_root if self.project is not None else None)
        self._variables = variables
        return put_variables(variables)

    def _hide_from_now_on(self, masker: Masker | None) -> None:
        self.masker = masker
        if masker is not None:
            self.capture.mask = masker.mask
            self.store.forbidden = masker.is_in

    def _safe(self, raised: BaseException | None, info: ErrorInfo | None) -> BaseException | None:
        """The exception for whoever called from Python, unless it says a secret in a way that cannot be cleaned."""
        if self.masker is None or raised is None or info is None:
            return raised
        text = str(raised)
        return raised if self.masker.mask(text) == text else StepError(info.headline)

    def hide(self, record: S) -> S:
        """The record without the project's secrets."""
        return record if self.masker is None else self.masker.struct(record)

    def _described(self, spec: TaskSpec, raised: BaseException, started: float) -> ErrorInfo:
        """An error as it is recorded; the exception itself is cleaned of secrets as well."""
        if self.masker is not None:
            self.masker.clean(raised)
        told = vars(raised).get("info")  # of what was raised in another process
        info = self.hide(told if type(told) is ErrorInfo else describe_error(raised))
        if self._wants("step_failed"):
            from plait.project.hookspecs import StepFailed

            seconds = time.time() - started
            context = StepFailed(**self._which(spec), seconds=seconds, error=info.type, message=info.message)
            self._tell("step_failed", context)
        return info

    def _take_checks(self) -> tuple[DataCheck, ...]:
        if self.project is None or not self.project.checked:
            return ()
        found, self.project.checked[:] = list(self.project.checked), []
        return tuple(self.hide(data_check(one)) for one in found)

    # Hooks.

    def _wants(self, moment: str) -> bool:
        return self.hooks is not None and self.hooks.wants(moment)

    def _tell(self, moment: str, context: Any) -> None:
        assert self.hooks is not None
        self.hooks.tell(moment, context)

    def _which(self, spec: TaskSpec) -> dict[str, Any]:
        task = task_name(spec.name, spec.path)
        return {
            "run": self.job.run_id,
            "pipeline": self.job.pipeline,
            "step": spec.name,
            "task": task,
            "attempt": spec.attempt,
        }

    def _tell_start(self, spec: TaskSpec) -> None:
        if self.hooks is None:
            return
        self.hooks.doing = (self.job.run_id, task_name(spec.name, spec.path))
        if self._wants("step_started"):
            from plait.project.hookspecs import StepStarted

            self._tell("step_started", StepStarted(**self._which(spec)))

    def _tell_end(self, spec: TaskSpec, artifacts: tuple[Artifact, ...], started: float) -> None:
        if self._wants("step_finished"):
            from plait.project.hookspecs import StepFinished

            names = [name for name, _ in spec.outputs]
            types = {name: one.type for name, one in zip(names, artifacts, strict=True)}
            seconds = time.time() - started
            self._tell("step_finished", StepFinished(**self._which(spec), seconds=seconds, outputs=types))

    def _caller(self, spec: TaskSpec) -> Callable[[dict[str, Any]], Any]:
        function = self._function_of(spec)
        self._asks[spec.function] = provided(function)
        made = self._callers[spec.function] = _caller(function)
        return made

    def _provided(self, spec: TaskSpec) -> dict[str, Any]:
        """What the stack has for the arguments that nobody passes."""
        names = self._asks.get(spec.function)
        return {name: self._provide(kind) for name, kind in names.items()} if names else {}

    def _provide(self, kind: str) -> Any:
        component = self.project.stack.get(kind) if self.project is not None else None
        if component is None:
            from plait.integrations.spark import Session

            return Session().open(self.project)
        return component.open(self.project)

    def _function_of(self, spec: TaskSpec) -> Callable[..., Any]:
        """The function of a step: one that was there at the start, or the one that came with the task."""
        known = self._loaded.get(spec.function)
        if known is None:
            try:
                known = self._function(spec.function)
            except IndexError:
                if spec.ref is None:
                    raise
                known = load_function(spec.ref)
            self._loaded[spec.function] = known
        return known

    def _come_home(self) -> None:
        """A step that changes the working directory does so for itself alone."""
        with contextlib.suppress(OSError):  # it may be gone
            if os.getcwd() == self._folder:
                return
        with contextlib.suppress(OSError):
            os.chdir(self._folder)

    def _argument(self, spec: TaskSpec, name: str, tree: Any) -> Any:
        if type(tree) is Stored:
            if tree.artifact.format in (DATASET, PARAMETER):
                return load_reference(self.project, tree.artifact, self._annotation(spec, name))
            return self.store.load(tree.artifact)
        if type(tree) is Plain and type(tree.value) not in (list, dict):
            return tree.value
        return load_tree(self.store, tree)

    def _store_outputs(self, spec: TaskSpec, result: Any) -> tuple[Artifact, ...]:
        if len(spec.outputs) == 1:
            name, depth = spec.outputs[0]
            return (self._store_output(spec, name, result, depth),)
        names = [name for name, _ in spec.outputs]
        if isinstance(result, dict) and set(result) == set(names):
            result = [result[name] for name in names]
        if not isinstance(result, tuple | list):
            raise StepError(
                f"step {spec.name!r} declares {len(names)} outputs ({', '.join(names)}) but returned one value"
                f" of type {type(result).__name__}",
                hint=f"return {', '.join(names)}",
            )
        if len(result) != len(names):
            raise StepError(
                f"step {spec.name!r} declares {len(names)} outputs ({', '.join(names)})"
                f" but returned {len(result)} values"
            )
        return tuple(
            self._store_output(spec, name, value, depth)
            for (name, depth), value in zip(spec.outputs, result, strict=True)
        )

    def _store_chunks(self, spec: TaskSpec, chunks: Any) -> tuple[Artifact, ...]:
        """Store what a generator step yields as it comes: no more than a chunk of it is in memory at a time.

        Where the catalog has a dataset of its name that can be added to, each chunk goes there as well.
        """
        from plait.executors.lazily import each_chunk

        if len(spec.outputs) != 1:
            raise StepError(
                f"step {spec.name!r} is a generator and declares {len(spec.outputs)} outputs",
                hint="a generator has one output: the list of what it yields",
            )
        name, depth = spec.outputs[0]
        kept: list[Artifact] = []
        written: list[DatasetWrite] = []
        add = self._adder(spec, name)
        for chunk in each_chunk(chunks):
            kept.append(self._keep(spec, name, chunk, max(0, depth - 1)))
            if add is not None:
                written.append(add(len(kept) - 1, chunk))
        gathered = self.store.gather(kept)
        if name in self.job.saves and add is None:
            self._publish(spec, name, self.store.load(gathered))
        if written:
            parted = (
                hasattr(self.project.catalog.dataset(name), "parts") if self.project is not None else False
            )
            self._note_write(_in_all(written, together=parted))
        return (gathered,)

    def _adder(self, spec: TaskSpec, name: str) -> Callable[[int, Any], DatasetWrite] | None:
        """What adds a chunk to the dataset of an output; None where there is none that can be added to."""
        if name not in self.job.saves:
            return None
        assert self.project is not None
        catalog = self.project.catalog
        own = "-".join(map(str, spec.path)) or None
        if hasattr(catalog.dataset(name), "parts"):

            def add_part(at: int, chunk: Any) -> DatasetWrite:
                saved = catalog.save_part(name, chunk_part(own, at), chunk)
                return DatasetWrite(name, saved.place, None, saved.version, saved.size, own)

            return add_part
        if catalog.entry(name).appends:

            def append(_at: int, chunk: Any) -> DatasetWrite:
                saved = catalog.save(name, chunk)
                return DatasetWrite(name, saved.place, saved.content, saved.version, saved.size, own)

            return append
        return None

    def _note_write(self, write: DatasetWrite) -> None:
        self._writes.append(self.hide(write))

    def _annotation(self, spec: TaskSpec, parameter: str) -> Any:
        """What a step's parameter asks for; None when it says nothing that can be resolved."""
        hints = self._hints.get(spec.function)
        if hints is None:
            function = self._function_of(spec)
            try:
                hints = typing.get_type_hints(inspect.unwrap(function))
            except Exception:  # noqa: BLE001 - a name that exists for type checkers only
                hints = dict(getattr(function, "__annotations__", {}))
            self._hints[spec.function] = hints
        return hints.get(parameter)

    def _store_output(self, spec: TaskSpec, name: str, value: Any, depth: int) -> Artifact:
        kept = self._keep(spec, name, value, depth)  # what must not be kept must not be published either
        if name in self.job.saves:
            self._publish(spec, name, value)
        return kept

    def _publish(self, spec: TaskSpec, name: str, value: Any) -> None:
        """Save an output in the catalog: after its checks, whole or not at all, before anyone hears of the result."""
        assert self.project is not None
        part = "-".join(map(str, spec.path)) if spec.path else None
        catalog = self.project.catalog
        saved = catalog.save(name, value) if part is None else catalog.save_part(name, part, value)
        self._note_write(DatasetWrite(name, saved.place, saved.content, saved.version, saved.size, part))

    def _keep(self, spec: TaskSpec, name: str, value: Any, depth: int) -> Artifact:
        if not depth:
            return self.store.save(value)
        if not isinstance(value, list | tuple):
            raise StepError(
                f"the pipeline takes each(…) of {name!r}, but step {spec.name!r} returned {type(value).__name__}:"
                f" {value!r:.80}",
                hint="return a list",
            )
        return self.store.gather([self._keep(spec, name, item, depth - 1) for item in value])


def _in_all(written: list[DatasetWrite], *, together: bool) -> DatasetWrite:
    """One record for all chunks; the content of one of them is not that of the dataset."""
    last = written[-1]
    size = sum(one.size or 0 for one in written) if together else last.size
    return DatasetWrite(last.dataset, last.place, None, last.version, size, last.part)


def _open_store(job: Job, project: Project | None) -> ArtifactStore:
    """The artifacts of a job: with the options of the project's stack, secrets read anew, where it names the place."""
    if job.access is not None:
        return ArtifactStore(job.store, str(cache_folder()), job.access)
    if project is not None and project.stack.says("artifact_store"):
        made: ArtifactStore = project.stack.artifact_store.open(project)
        if made.url == job.store:
            return made
    return ArtifactStore(job.store)


def _meeting(gang: Gang) -> dict[str, str]:
    """The variables by which libraries for training on several machines find each other."""
    return {
        "RANK": str(gang.rank),
        "WORLD_SIZE": str(len(gang.peers)),
        "MASTER_ADDR": gang.peers[0],
        "MASTER_PORT": str(_MEETING_PORT),
    }


def _caller(function: Callable[..., Any]) -> Callable[[dict[str, Any]], Any]:
    """How to call a function with arguments by name, whatever kinds of parameters it has."""
    code = getattr(function, "__code__", None)
    if (
        code is not None
        and not code.co_posonlyargcount
        and not code.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS)
    ):
        return lambda arguments: function(**arguments)
    signature = inspect.signature(function)

    def call(arguments: dict[str, Any]) -> Any:
        bound = inspect.BoundArguments(signature, arguments)
        return function(*bound.args, **bound.kwargs)

    return call
