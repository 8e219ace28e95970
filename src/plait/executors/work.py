"""What happens in one task? Load the inputs, call the function, store the outputs, say how it went."""

from __future__ import annotations

import contextlib
import inspect
import os
import time
from collections.abc import Callable
from typing import Any

from plait.data import Artifact, ArtifactStore
from plait.engine.current import TaskContext
from plait.engine.task import EndNow, Job, Report, TaskSpec
from plait.errors import StepError
from plait.executors.capture import Capture
from plait.record.facts import Usage, describe_error
from plait.record.results import Plain, Stored, load_tree

__all__ = ["Work", "forget_peak", "peak_memory"]


class Work:
    """Does the tasks of one job, one at a time, in this process."""

    def __init__(
        self,
        job: Job,
        function: Callable[[int], Callable[..., Any]],
        store: ArtifactStore,
        capture: Capture,
        worker: str,
    ) -> None:
        self.job = job
        self.store = store
        self.capture = capture
        self.worker = worker
        self._folder = os.getcwd()
        self._function = function
        self._callers: dict[int, Callable[[dict[str, Any]], Any]] = {}

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
        )

    def do(self, spec: TaskSpec, task: TaskContext) -> tuple[Report, BaseException | None]:
        """Run one task to its end, whatever it raises; only the second Ctrl-C goes through."""
        started, cpu = time.time(), time.process_time()
        artifacts: tuple[Artifact, ...] = ()
        raised: BaseException | None = None
        with task.active():
            try:
                arguments = {name: self._argument(tree) for name, tree in spec.arguments}
                result = (self._callers.get(spec.function) or self._caller(spec.function))(arguments)
                artifacts = self._store_outputs(spec, result)
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
                self.capture.finish(task)
        usage = Usage(started, time.time(), time.process_time() - cpu, peak_memory(), self.worker)
        report = Report(
            spec.node,
            spec.path,
            spec.attempt,
            artifacts if raised is None else (),
            None if raised is None else describe_error(raised),
            usage,
            task.take_lines(),
            task.take_metrics(),
            tuple(task.previews),
        )
        return report, raised

    def _caller(self, index: int) -> Callable[[dict[str, Any]], Any]:
        made = self._callers[index] = _caller(self._function(index))
        return made

    def _come_home(self) -> None:
        """A step that changes the working directory does so for itself alone."""
        with contextlib.suppress(OSError):  # it may be gone
            if os.getcwd() == self._folder:
                return
        with contextlib.suppress(OSError):
            os.chdir(self._folder)

    def _argument(self, tree: Any) -> Any:
        if type(tree) is Stored:
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

    def _store_output(self, spec: TaskSpec, name: str, value: Any, depth: int) -> Artifact:
        if not depth:
            return self.store.save(value)
        if not isinstance(value, list | tuple):
            raise StepError(
                f"the pipeline takes each(…) of {name!r}, but step {spec.name!r} returned {type(value).__name__}:"
                f" {value!r:.80}",
                hint="return a list",
            )
        return self.store.gather([self._store_output(spec, name, item, depth - 1) for item in value])


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
