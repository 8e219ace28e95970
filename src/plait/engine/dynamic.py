"""What do the requests of a dynamic pipeline's body mean for the run? Events for the machine, rows for the record.

The body makes requests in its thread; here, in the loop's, they are taken up in order, within the turn that commits
them. What comes of tasks is told to the body after the commit, so that it builds on nothing that may be lost.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from plait.data import Artifact
from plait.engine.body import Body, Ended, Grown, Made, SawFailure
from plait.engine.current import TaskContext
from plait.engine.events import Action, Call, Done, Failed, Grow, Launch, Seen, Settle
from plait.engine.futures import Failure
from plait.engine.keys import Keys
from plait.engine.task import StepSecret
from plait.errors import TaskFailed
from plait.graph.model import Calls, Graph, Path, task_name
from plait.graph.unfold import Fixed, Keyed, Many, Need, Resolved
from plait.record.facts import ErrorInfo, LogLine, Usage, describe_error

if TYPE_CHECKING:
    from plait.engine.loop import Loop

__all__ = ["Dynamic"]

Place: TypeAlias = tuple[int, Path]
_THERE = Fixed(None)


class Dynamic:
    """The loop's side of a body.

    Args:
        keys: tells the code of steps that are called for the first time.
        context: what the body's attempt is known by to itself, by its number.
        around: makes a context for the body: what it prints is kept.
        store_literal: the artifact of a value that stands in the code of a pipeline.
        codes: of a run that goes on, the code that each node ran with.
        hidden: cleans an error, or a graph, of secrets.
        secret: finds the secret that a step names.
    """

    def __init__(
        self,
        body: Body,
        *,
        keys: Keys,
        context: Callable[[int], TaskContext],
        around: Callable[[], Any],
        store_literal: Callable[[str, Any], Artifact],
        raised: Callable[[Place], BaseException | None] = lambda _place: None,
        codes: Mapping[int, str] | None = None,
        hidden: Callable[[Any], Any],
        secret: Callable[[str], StepSecret],
    ) -> None:
        self.body = body
        self.secret = secret
        self.error: BaseException | None = None
        self._keys = keys
        self._context = context
        self._around = around
        self._store_literal = store_literal
        self._raised = raised
        self._codes = dict(codes or {})
        self._hidden = hidden
        self._outcomes: list[tuple[Place, Any]] = []
        self._counts: dict[int, int] = {}
        self._attempt = 0
        self._to_start = False
        self._started_at = 0.0
        self._task: TaskContext | None = None
        self._is_over = False
        self._recoded: dict[int, bool] = {}

    # The body's own task.

    def begin(self, loop: Loop, launch: Launch, attempt: int) -> None:
        """The body is a task of its own; it starts when that is recorded."""
        self._attempt, self._to_start = attempt, True
        loop.writer.launched(launch.node, launch.path, attempt, None, "a body runs in each run")
        loop.notices.add(lambda listener: listener.task_started(launch.node, launch.path, attempt))

    @property
    def is_running(self) -> bool:
        return self._task is not None and not self._is_over

    def _end(self, loop: Loop, ended: Ended) -> list[Action]:
        assert self._task is not None
        self._say(loop)
        self._is_over = True
        loop.writer.previews(0, (), self._attempt, tuple(self._task.previews))
        usage = Usage(self._started_at, time.time(), worker="body")
        state, reason, info = "done", "", None
        answer: list[Action]
        if ended.returned is not None:
            self._take_call(loop, ended.returned)
            answer = loop.machine.handle(Done(0, ()))
        else:
            if ended.stopped:
                state, reason = "cancelled", "the run was cancelled"
            else:
                assert ended.error is not None
                self.error = ended.error
                info = self._hidden(describe_error(ended.error))
                for call in _not_borne(ended.error):
                    loop.writer.call_failed(*call, None)
                state, reason = "failed", info.headline
            answer = loop.machine.handle(Failed(0, (), retryable=False))
            # Its own row says how it ended.
            answer = [one for one in answer if not (type(one).__name__ == "Settle" and one.node == 0)]  # type: ignore[union-attr]
        self._point_out_rest(loop)
        loop.writer.ended(0, (), self._attempt, state, usage, reason, info)
        loop.notices.add(lambda listener: listener.task_ended(0, (), state, usage, info, reason))
        return answer

    def _point_out_rest(self, loop: Loop) -> None:
        """Calls of before that were not made again: the body took another way."""
        rest = self.body.not_repeated()
        if not rest:
            return
        graph = loop.graph
        names = [task_name(graph.scopes[scope].name, (number,)) for scope, number in rest[:5]]
        more = f" and {len(rest) - 5} more" if len(rest) > 5 else ""
        text = (
            f"resumed, the body did not make {len(rest)} of its earlier calls again ({', '.join(names)}{more}):"
            " it took another way, as by changed code, a clock, chance, or what it reads itself;"
            " what they gave stays in the record, unused"
        )
        line = LogLine(time.time(), "WARNING", text)
        loop.writer.logs(0, (), self._attempt, (line,))
        loop.notices.add(lambda listener: listener.said(0, (), (line,), ()))

    def _say(self, loop: Loop) -> None:
        """What the body has printed and logged since."""
        if self._task is None or self._is_over:
            return
        lines, metrics = self._task.take_lines(), self._task.take_metrics()
        if lines or metrics:
            loop.writer.logs(0, (), self._attempt, lines)
            loop.writer.metrics(0, (), self._attempt, metrics)
            loop.notices.add(lambda listener: listener.said(0, (), lines, metrics))

    # What it asks for.

    def hear(self, loop: Loop) -> list[Action]:
        """Take up what the body has asked for since."""
        actions: list[Action] = []
        requests = self.body.requests
        for _ in range(len(requests)):
            match requests.popleft():
                case Grown(graph=graph, literals=literals):
                    actions += self._grow(loop, graph, literals)
                case Made() as call:
                    self._take_call(loop, call)
                    passed = tuple(self._for_machine(loop.graph, call))
                    actions += self._make(loop, call, passed)
                case SawFailure() as saw:
                    loop.writer.call_failed(saw.scope, saw.path, saw.reason)
                    actions += loop.machine.handle(Seen(saw.scope, saw.path))
                case Ended() as ended:
                    actions += self._end(loop, ended)
        self._say(loop)
        for scope, calls in self._counts.items():
            loop.writer.called(scope, calls)
        self._counts.clear()
        return actions

    def _grow(self, loop: Loop, graph: Graph, literals: dict[str, Any]) -> list[Action]:
        for name, value in literals.items():
            if name not in loop.results.inputs:
                artifact = self._store_literal(name, value)
                loop.results.inputs[name] = artifact
                loop.writer.passed_value(name, artifact)
        first = len(loop.graph.nodes)
        loop.grow(graph)
        closures = [self._keys.closure(node) for node in range(first, len(graph.nodes))]
        loop.writer.grown(self._hidden(graph), first, [self._hidden(one) for one in closures])
        loop.notices.add(lambda listener: listener.grown(graph))
        actions = loop.machine.handle(Grow(graph))
        loop.learn_limits()
        return actions

    def _take_call(self, loop: Loop, call: Made) -> None:
        for name, artifact in call.values:
            loop.results.inputs[name] = artifact
            loop.writer.passed_value(name, artifact)
        loop.results.add_call(call.scope, call.path, call.arguments)
        if not call.recorded:
            loop.writer.call(call.scope, call.path, call.digest, call.body)
        if call.path:
            self._counts[call.scope] = max(self._counts.get(call.scope, 0), self.body.numbers(call.scope))

    def _make(self, loop: Loop, call: Made, passed: tuple[tuple[str, Resolved], ...]) -> list[Action]:
        """Let the machine know of a call; of one of a step that failed before, and that the body knew of, as well."""
        is_recoded = self._is_recoded(loop, call.scope)
        nodes = loop.graph.layout.subtree(call.scope)
        if not call.failed or is_recoded or len(nodes) > 1:
            return loop.machine.handle(Call(call.scope, call.path, passed))
        actions = loop.machine.handle(Call(call.scope, call.path, passed, call.failed))
        own = Settle(nodes[0], call.path, "failed", call.failed)
        if own in actions:  # the row of the attempt says so
            actions.remove(own)
            loop.writer.failed_before(nodes[0], call.path)
            self.failed(loop.graph, nodes[0], call.path, "failed", call.failed, None)
        return actions

    def _is_recoded(self, loop: Loop, scope: int) -> bool:
        """Whether what is called has other code than before the run was resumed, which is recorded when it is seen."""
        if scope not in self._recoded:
            changed = False
            for node in loop.graph.layout.subtree(scope):
                before = self._codes.get(node)
                closure = self._keys.closure(node) if before is not None else None
                if closure is not None and closure.digest != before:
                    changed = True
                    loop.writer.recoded(node, self._hidden(closure))
            self._recoded[scope] = changed
        return self._recoded[scope]

    def _for_machine(self, graph: Graph, call: Made) -> list[tuple[str, Resolved]]:
        """What a call passes as far as scheduling goes: what is to be waited for, and lists that are taken apart."""
        depths = graph.layout.passed
        return [
            (name, value if (call.scope, name) in depths else _bare(value))
            for name, value in call.arguments.items()
            if (call.scope, name) in depths or _waits(value)
        ]

    # What comes of tasks.

    def done(self, node: int, path: Path, artifacts: tuple[Artifact, ...]) -> None:
        if node:
            self._outcomes.append(((node, path), artifacts))

    def failed(
        self, graph: Graph, node: int, path: Path, state: str, reason: str, error: ErrorInfo | None
    ) -> None:
        axes = graph.layout.node_axes[node]
        if not axes or not isinstance(graph.scopes[axes[0]], Calls):
            return
        name = task_name(graph.nodes[node].id, path)
        where = None
        if error is not None:
            own = [frame for frame in error.frames if frame.origin == "user"]
            where = f"{own[-1].file}:{own[-1].line}" if own else None
        cause = self._raised((node, path)) or _exception(error or _said(reason))
        failure = Failure(name, reason, state, where, cause, (axes[0], path[:1]))
        self._outcomes.append(((node, path), failure))

    def after_commit(self) -> None:
        """Tell the body what is committed; start it when that it begins is."""
        if self._outcomes:
            outcomes, self._outcomes = self._outcomes, []
            self.body.settle(outcomes)
        if self._to_start:
            self._to_start = False
            self._started_at = time.time()
            self._task = self._context(self._attempt)
            self.body.start(self._task, self._around)

    def stop(self) -> None:
        self.body.stop()


def _not_borne(error: BaseException) -> Iterator[tuple[int, Path]]:
    """The failed calls that ended a body: nobody decided to go on without them, so they are tried again."""
    one: BaseException | None = error
    while one is not None:
        if isinstance(one, TaskFailed) and one.call is not None:
            yield one.call
        one = one.__cause__


def _waits(value: Resolved) -> bool:
    match value:
        case Need():
            return True
        case Many(items=items):
            return any(map(_waits, items))
        case Keyed(items=pairs):
            return any(_waits(item) for _, item in pairs)
    return False


def _bare(value: Resolved) -> Resolved:
    """The places alone that a value waits for."""
    match value:
        case Need():
            return value
        case Many(items=items):
            return Many(tuple([_bare(item) for item in items if _waits(item)]))
        case Keyed(items=pairs):
            return Many(tuple([_bare(item) for _, item in pairs if _waits(item)]))
    return _THERE


def _said(reason: str) -> ErrorInfo | None:
    """An exception that is recorded by its headline alone."""
    kind, colon, message = reason.partition(": ")
    return ErrorInfo(kind, message) if colon and kind.replace(".", "_").isidentifier() else None


def _exception(error: ErrorInfo | None) -> BaseException | None:
    """An exception of another process, as far as it can be had here: a built-in one, with its message."""
    import builtins

    if error is None:
        return None

    kind = getattr(builtins, error.type, None)
    if isinstance(kind, type) and issubclass(kind, Exception):
        try:
            return kind(error.message)
        except TypeError:  # it takes other arguments
            return RuntimeError(error.headline)
    return RuntimeError(error.headline)
