"""What happens in one task? Load the inputs, call the function, store the outputs, say how it went."""

from __future__ import annotations

import contextlib
import inspect
import os
import time
import typing
from collections.abc import Callable
from typing import Any, TypeVar

from plait.data import Artifact, ArtifactStore
from plait.engine.current import TaskContext
from plait.engine.task import EndNow, Job, Report, TaskSpec, load_function
from plait.errors import StepError
from plait.executors.capture import Capture
from plait.graph.model import task_name
from plait.project.project import Project
from plait.project.references import DATASET, PARAMETER, load_reference
from plait.record.facts import DataCheck, DatasetWrite, ErrorInfo, Usage, data_check, describe_error
from plait.record.results import Plain, Stored, load_tree

__all__ = ["Work", "forget_peak", "peak_memory"]


S = TypeVar("S")


class Work:
    """Does the tasks of one job, one at a time, in this process.

    Args:
        store: the artifacts, if not opened anew.
    """

    def __init__(
        self,
        job: Job,
        function: Callable[[int], Callable[..., Any]],
        store: ArtifactStore | None,
        capture: Capture,
        worker: str,
    ) -> None:
        self.job = job
        self.capture = capture
        self.worker = worker
        self._folder = os.getcwd()
        self._function = function
        self._callers: dict[int, Callable[[dict[str, Any]], Any]] = {}
        self._hints: dict[int, dict[str, Any]] = {}
        self._loaded: dict[int, Callable[..., Any]] = {}
        self._writes: list[DatasetWrite] = []
        self.project = Project.of(job.project) if job.project is not None else None
        self.store = store = store or _open_store(job, self.project)
        self.hooks = self.project.hooks if self.project is not None else None
        self.masker = self.project.masker() if self.project is not None else None
        store.read_reference = self._reference
        if self.masker is not None:
            capture.mask = self.masker.mask
            store.forbidden = self.masker.is_in

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
        )

    def do(self, spec: TaskSpec, task: TaskContext) -> tuple[Report, BaseException | None]:
        """Run one task to its end, whatever it raises; only the second Ctrl-C goes through."""
        started, cpu = time.time(), time.process_time()
        self._writes.clear()
        artifacts: tuple[Artifact, ...] = ()
        raised: BaseException | None = None
        with task.active():
            try:
                self._tell_start(spec)
                arguments = {name: self._argument(spec, name, tree) for name, tree in spec.arguments}
                result = (self._callers.get(spec.function) or self._caller(spec))(arguments)
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
                self._come_home()
                error_info = None if raised is None else self._described(spec, raised, started)
                self.capture.finish(task)
        usage = Usage(started, time.time(), time.process_time() - cpu, peak_memory(), self.worker)
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
        )
        return report, self._safe(raised, error_info)

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
        info = self.hide(describe_error(raised))
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
        made = self._callers[spec.function] = _caller(self._function_of(spec))
        return made

    def _function_of(self, spec: TaskSpec) -> Callable[..., Any]:
        if spec.ref is None:
            return self._function(spec.function)
        known = self._loaded.get(spec.function)
        if known is None:
            known = self._loaded[spec.function] = load_function(spec.ref)
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
        write = DatasetWrite(name, saved.place, saved.content, saved.version, saved.size, part)
        self._writes.append(self.hide(write))

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


def _open_store(job: Job, project: Project | None) -> ArtifactStore:
    """The artifacts of a job: with the options of the project's stack, secrets read anew, where it names the place."""
    if project is not None and project.stack.says("artifact_store"):
        made: ArtifactStore = project.stack.artifact_store.open(project)
        if made.url == job.store:
            return made
    return ArtifactStore(job.store)


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


def peak_memory() -> int:
    """The most memory, in bytes, that this process has held (since `forget_peak`, where that exists)."""
    try:
        import resource
    except ImportError:  # not on Windows
        return 0
    import sys

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def forget_peak() -> None:
    """Let the peak of this process start anew; Linux only, elsewhere the peak is the process's own."""
    try:
        with open("/proc/self/clear_refs", "w") as refs:
            refs.write("5")
    except OSError:
        return
