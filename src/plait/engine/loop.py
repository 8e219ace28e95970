"""How does a run go on? The loop carries out what the state machine decides: it commits, then it launches."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec import Struct

from plait.data import Artifact
from plait.engine import events
from plait.engine.control import decide
from plait.engine.events import (
    Action,
    Back,
    Cancel,
    Done,
    Failed,
    Finish,
    Launch,
    Retry,
    Room,
    Settle,
    Start,
    Tick,
)
from plait.engine.fleet import Fleet
from plait.engine.interrupts import Interrupts
from plait.engine.machine import Machine
from plait.engine.notices import Listener, Notices
from plait.engine.reuse import Compute, Reuse, Take, Wait
from plait.engine.shares import LIMIT
from plait.engine.specs import Specs
from plait.engine.standing_in import STANDS_IN
from plait.engine.task import (
    Abroad,
    Job,
    Live,
    Message,
    Report,
    TaskSpec,
    Withdrawn,
)
from plait.errors import PlaitError
from plait.graph.model import Graph, Path
from plait.record.facts import ErrorInfo, Frame, Usage
from plait.record.heartbeat import beating
from plait.record.requests import CANCEL, FINISH
from plait.record.results import Results, Tree
from plait.record.slots import Slots
from plait.record.writer import RunWriter

if TYPE_CHECKING:
    from plait.engine.dynamic import Dynamic

__all__ = ["Conduct", "Listener", "Loop"]

_IDLE_SECONDS = 0.2
_MOST_AHEAD = 512
_BEYOND = 1 << 20  # numbers from here on are of no step's function
Place: TypeAlias = tuple[int, Path]


class Conduct(Struct, frozen=True):
    """How a run behaves as a whole.

    ``fail_fast`` ends it at the first failure, instead of doing all that can still be done; ``max_parallel`` is how
    many tasks may run at once, 0 for as many as there is room for.
    """

    fail_fast: bool = False
    max_parallel: int = 0


class Loop:
    """One run from its start to its end, in this thread.

    Args:
        graph: what is to be run; ``functions`` are those of its steps.
        results: starts with the inputs of the run, ends with all outputs.
        writer: of a run that is already recorded.
        reuse: decides which tasks need not run.
        slots: what tasks hold of the limits that runs share.
        asked: tells what other processes ask of the run.
        stand_ins: by node, the value or function that its ``on_failure`` names.
        attempts: how many attempts the tasks of a resumed run have behind them.
        checkpoints: the states that tasks of a resumed run have saved.
        listener: told of everything once it is committed.
        mask: hides secrets in what a dead worker has left.
        on_retry: told of an attempt that failed and will be followed by another.
        dynamic: the body of a dynamic pipeline, which makes calls while the run goes on.
        send_code: sends what an executor on other machines needs there; called for the first of them.
    """

    def __init__(
        self,
        graph: Graph,
        functions: Sequence[Callable[..., Any]],
        *,
        job: Job,
        results: Results,
        fleet: Fleet,
        writer: RunWriter,
        reuse: Reuse,
        slots: Slots,
        asked: Callable[[], Mapping[str, str]] = dict,
        stand_ins: Mapping[int, Any] | None = None,
        attempts: Mapping[Place, int] | None = None,
        checkpoints: Mapping[Place, Artifact] | None = None,
        conduct: Conduct = Conduct(),  # noqa: B008 - frozen
        listener: Listener | None = None,
        mask: Callable[[Report], Report] | None = None,
        on_retry: Callable[[Report], None] | None = None,
        dynamic: Dynamic | None = None,
        send_code: Callable[[], Abroad] | None = None,
    ) -> None:
        self.graph = graph
        self.results = results
        self.fleet = fleet
        self.writer = writer
        self.reuse = reuse
        self.notices = Notices(listener)
        self.machine = Machine(
            graph,
            {name: results.input_lengths(name) for name in graph.layout.splits[1]},
            capacity=fleet.main.capacity(),
            main=fleet.main.name,
            fail_fast=conduct.fail_fast,
            seed=job.run_id,
        )
        self.specs = Specs(
            graph,
            functions,
            job=job,
            fleet=fleet,
            results=results,
            stand_ins={} if stand_ins is None else stand_ins,
            is_dynamic=dynamic is not None,
            secret=dynamic.secret if dynamic is not None else None,
            send_code=send_code,
        )
        self._slots = slots
        self._limits = self.machine.limits
        self._asked = asked
        self._most = conduct.max_parallel or sys.maxsize
        self._errors: dict[Place, str] = {}
        self._mask = mask
        self._on_retry = on_retry
        self._dynamic = dynamic
        self._attempts = attempts or {}
        self._checkpoints = dict(checkpoints or {})
        self._running: dict[Place, tuple[int, str | None]] = {}
        self._waiting: dict[str, list[Launch]] = {}
        self._ripe: list[Launch] = []
        self._looked = 0.0
        self._listened = 0.0
        self._ahead = 0
        self._interrupts = Interrupts(self._interrupt)
        self._interrupted = self._finishing = False

    def learn_limits(self) -> None:
        """Steps have come that name limits."""
        self._limits = self.machine.limits

    def grow(self, graph: Graph) -> None:
        """Go on with a graph that has more in it; what was there is where it was."""
        self.graph = self.results.graph = graph
        self.fleet.welcome(self.specs.start)
        self.reuse.grow(graph)
        self.specs.grow(graph)

    def run(self) -> str:
        """Carry the run to its end; answers with its status.

        Raises:
            PlaitError: a store cannot be written any more. What was committed stays; the run can be resumed.
        """
        with self._interrupts, beating(self.writer):
            try:
                self.fleet.listen(self._hear_now)
                self.fleet.start(self.specs.start)
                self._carry_out(self.machine.handle(Start()))
                while self.machine.status is None:
                    self._turn()
                self.fleet.stop()
            except KeyboardInterrupt:
                self._end_now("cancelled by Ctrl-C")
            except BaseException:
                self.fleet.stop(now=True)
                raise
            finally:
                if self._dynamic is not None:
                    self._dynamic.stop()
        return self.machine.status or "cancelled"

    def _turn(self) -> None:
        actions: list[Action] = []
        for message in self.fleet.wait(self._patience()):
            self._take(message, actions)
        if self._dynamic is not None:
            actions += self._dynamic.hear(self)
        if self.machine.next_tick is not None:
            actions += self.machine.handle(Tick(time.monotonic()))
        if self._interrupted:
            self._interrupted = False
            actions += self._cancel()
            self.fleet.cancel()
            self.notices.add(lambda listener: listener.interrupted())
        self._look_again()
        if self._listen():
            return
        self._carry_out(actions)

    def _patience(self) -> float:
        if self._ripe:
            return 0.0
        tick = self.machine.next_tick
        return _IDLE_SECONDS if tick is None else min(_IDLE_SECONDS, max(0.0, tick - time.monotonic()))

    def _cancel(self) -> list[Action]:
        if self._dynamic is not None:
            self._dynamic.stop()
        actions = self.machine.handle(Cancel())
        for one in (*self._ripe, *(one for waiting in self._waiting.values() for one in waiting)):
            actions += self.machine.handle(events.Withdrawn(one.node, one.path))
        self._ripe.clear()
        self._waiting.clear()
        return actions

    def _listen(self) -> bool:
        """Do what other processes ask of the run, now and then; whether it is over because of that."""
        now = time.monotonic()
        if now - self._listened < _IDLE_SECONDS:
            return False
        self._listened = now
        asked = self._asked()
        if CANCEL in asked:
            self._end_now(f"cancelled by {asked[CANCEL]}")
            return True
        if FINISH in asked and not self._finishing:
            self._interrupted = self._finishing = True
        return False

    def _look_again(self) -> None:
        """Ask anew, now and then, for results that other runs are at."""
        if not self._waiting:
            return
        now = time.monotonic()
        if now - self._looked >= _IDLE_SECONDS:
            self._looked = now
            for key in [key for key in self._waiting if not self.reuse.ours(key)]:
                self._ripe += self._waiting.pop(key)

    # What tasks report.

    def _take(self, message: Message, actions: list[Action]) -> None:
        node, path, attempt = message.node, message.path, message.attempt
        if isinstance(message, Withdrawn):
            self._withdraw(message, actions)
            return
        if self._mask is not None and isinstance(message, Report) and message.lost:
            message = self._mask(message)  # its worker, which hides secrets, is gone
        self.writer.logs(node, path, attempt, message.lines)
        self.writer.metrics(node, path, attempt, message.metrics)
        if message.lines or message.metrics:
            self.notices.add(lambda listener: listener.said(node, path, message.lines, message.metrics))
        if message.advance is not None:
            advance = message.advance
            self.writer.advance(node, path, attempt, advance)
            self.notices.add(lambda listener: listener.advanced(node, path, advance))
        if isinstance(message, Live):
            if message.started_at:
                self.writer.began(node, path, attempt, message.started_at, message.called_at)
            if message.checkpoint is not None:
                self._checkpoints[node, path] = message.checkpoint
                self.writer.checkpoint(node, path, message.checkpoint)
            return
        running = self._running.get((node, path))
        if running is None or running[0] != attempt:
            return
        del self._running[node, path]
        self._give_back_slots(node, path)
        key = running[1]
        if key is not None:
            # Those that waited for this computation, well or not, decide anew.
            self.reuse.ended((node, path), key, well=message.error is None)
            self._ripe += self._waiting.pop(key, ())
        self.writer.previews(node, path, attempt, message.previews)
        self.writer.writes(node, path, attempt, message.writes)
        self.writer.checks(node, path, attempt, message.checks)
        if message.error is None:
            actions += self._done(node, path, message.artifacts)
            self._ended(message, "done", "")
        else:
            actions += self._failed(message, message.error)

    def _hear_now(self, message: Live) -> None:
        """What a task says that runs in this thread, before its turn is over."""
        self._take(message, [])
        self.writer.commit()
        self.notices.tell()

    def _withdraw(self, message: Withdrawn, actions: list[Action]) -> None:
        node, path = message.node, message.path
        running = self._running.pop((node, path), None)
        if running is None:
            return
        self.reuse.ended((node, path), running[1], well=False)
        self._give_back_slots(node, path)
        actions += self.machine.handle(events.Withdrawn(node, path))
        self.writer.ended(node, path, message.attempt, "cancelled", Usage(), "the run was cancelled")
        self.notices.add(
            lambda listener: listener.task_ended(
                node, path, "cancelled", Usage(), None, "the run was cancelled"
            )
        )

    def _done(
        self,
        node: int,
        path: Path,
        artifacts: tuple[Artifact, ...],
        *,
        new: bool = True,
        ran: bool = True,
        choice: int = -1,
        said: str = "",
    ) -> list[Action]:
        self.results.add(node, path, artifacts)
        if self._dynamic is not None:
            self._dynamic.done(node, path, artifacts)
        if self._checkpoints and self._checkpoints.pop((node, path), None) is not None:
            self.writer.no_checkpoint(node, path)
        if new:
            self.writer.outputs(node, path, artifacts)
        if not self.specs.takes_apart[node]:
            return self.machine.handle(Done(node, path, (), choice, said, ran))
        lengths = tuple(
            self.results.lengths(artifact, depth) if depth else None
            for artifact, (_, depth) in zip(artifacts, self.specs.outputs[node], strict=True)
        )
        return self.machine.handle(Done(node, path, lengths, choice, said, ran))

    def _failed(self, report: Report, error: ErrorInfo) -> list[Action]:
        place = (report.node, report.path)
        self._errors[place] = error.headline
        answer = self.machine.handle(Failed(*place, now=time.monotonic(), kinds=error.kinds))
        retried = any(isinstance(action, Retry) and (action.node, action.path) == place for action in answer)
        self._ended(report, "retried" if retried else "failed", error.headline, error)
        if retried and self._on_retry is not None:
            self._on_retry(report)
        if not retried and self._dynamic is not None:
            self._dynamic.failed(self.graph, *place, "failed", error.headline, error)
        rest: list[Action] = []
        for action in answer:
            if (
                isinstance(action, Settle)
                and (action.node, action.path) == place
                and action.state == "failed"
            ):
                # The attempt's own row says that the task failed.
                if action.absent:
                    self.results.add_absent(*place, action.reason)
            else:
                rest.append(action)
        return rest

    def _ended(self, report: Report, state: str, reason: str, error: ErrorInfo | None = None) -> None:
        node, path, usage = report.node, report.path, report.usage
        self.writer.ended(node, path, report.attempt, state, usage, reason, error)
        self.notices.add(lambda listener: listener.task_ended(node, path, state, usage, error, reason))

    # What the machine decided.

    def _carry_out(self, actions: list[Action]) -> None:
        """Record what was decided, commit, and only then launch: nothing builds on an uncommitted result.

        What need not run is done within the turn, and so is all that follows from it.
        """
        specs: list[TaskSpec] = []
        with self.writer.turn():
            launches = self._decided(self._ripe + self._sort(actions))
            self._ripe = []
            more = True
            while True:
                if more and self.machine.status is None:
                    launches += self._decided(self._sort(self._make_room(launches, specs)))
                self._record_extents()
                if not launches:
                    break
                follow, more = self._decide(launches, specs)
                launches = self._decided(follow)
            self.writer.beat(time.time())
            if self.machine.status is not None and self._limits:
                self._slots.give_back_all()
        if self._dynamic is not None:
            self._dynamic.after_commit()
        self.notices.tell()
        if specs:
            self.fleet.submit(specs)

    def _make_room(self, launches: list[Launch], specs: list[TaskSpec]) -> list[Action]:
        """Tell the machine how much more there is room for; answers with what it does about it."""
        actions: list[Action] = []
        for name in self.machine.waits_for if self._limits else ():
            most = self._limits[name] - self._slots.taken_by_others(name)
            actions += self.machine.handle(events.Share(name, most))
        now = time.monotonic()
        for name in self.fleet.names:
            more = self._room(name, specs)
            if not name:
                more = max(more, self._ahead)
            mine = sum(self.fleet.of_node(one.node) == name for one in launches) if launches else 0
            actions += self.machine.handle(Room(max(0, more - mine), now, name))
        return actions

    def _room(self, name: str, specs: list[TaskSpec]) -> int:
        """How many tasks more one of the executors would take, beside those that are about to be submitted."""
        mine = len(specs)
        if len(self.fleet.names) > 1:
            mine = sum(self.fleet.of_node(spec.node) == name for spec in specs)
        return min(self.fleet[name].room() - mine, self._most - len(self._running))

    def _sort(self, actions: list[Action]) -> list[Launch]:
        """Record what is settled; answers with what is to be launched."""
        launches: list[Launch] = []
        for action in actions:
            match action:
                case Launch():
                    launches.append(action)
                case Settle():
                    self._settle(action)
                case Finish(status=status):
                    self.writer.finished(status)
        return launches

    def _decide(self, launches: list[Launch], specs: list[TaskSpec]) -> tuple[list[Launch], bool]:
        """Take what is there, prepare what has to run.

        Answers with what can be launched because of it, and whether there may be room for more: not where each task
        has to run, since as many were launched as there was room for.

        As long as results are there, more tasks are looked up at once than there is room for; one that has to run
        after all and finds no room is given back.
        """
        before, asked = len(specs), len(launches)
        for one in [one for one in launches if one.stand_in]:
            specs.append(self._stand_in(one))
            launches.remove(one)
        arguments = {(one.node, one.path): self.results.arguments(one.node, one.path) for one in launches}
        decisions = self.reuse.decide(arguments)
        follow: list[Launch] = []
        surplus: list[Launch] = []
        room = {name: self._room(name, specs) for name in self.fleet.names}
        taken, unstarted = 0, set()
        for one in launches:
            place = (one.node, one.path)
            match decisions[place]:
                case Take() as found:
                    taken += 1
                    follow += self._take_over(one, found)
                case Compute(key=key, reason=reason) if room[self.fleet.of_node(one.node)] > 0:
                    room[self.fleet.of_node(one.node)] -= 1
                    specs.append(self._spec(one, arguments[place], key, reason))
                case Compute(key=key):
                    self.reuse.ended(place, key, well=False)
                    surplus.append(one)
                    unstarted.add(key)
                case Wait(key=key) if key in unstarted:  # the one to wait for does not begin either
                    surplus.append(one)
                case Wait(key=key):
                    self._waiting.setdefault(key, []).append(one)
        self._ahead = min(_MOST_AHEAD, 4 * taken) if 2 * taken >= len(launches) and not surplus else 0
        return follow + self._give_back(surplus), len(specs) - before < asked

    def _give_back(self, surplus: list[Launch]) -> list[Launch]:
        if not surplus:
            return []
        actions: list[Action] = []
        for name in self.fleet.names:
            actions += self.machine.handle(Room(0, executor=name))
        for one in surplus:
            actions += self.machine.handle(Back(one.node, one.path))
        return self._sort(actions)

    def _take_over(self, launch: Launch, found: Take) -> list[Launch]:
        node, path, source = launch.node, launch.path, found.source
        if not found.recorded:
            self.writer.cached(node, path, found.key, source, found.origin)
        self.notices.add(lambda listener: listener.task_ended(node, path, "cached", Usage(), None, source))
        return self._sort(self._done(node, path, found.artifacts, new=not found.recorded, ran=False))

    def _spec(
        self, launch: Launch, arguments: tuple[tuple[str, Tree], ...], key: str | None, reason: str
    ) -> TaskSpec:
        node, path = launch.node, launch.path
        attempt = launch.attempt + self._attempts.get((node, path), 0)
        self._running[node, path] = (attempt, key)
        if self.writer.owner:  # the run was resumed
            self.writer.superseded(node, path, "its stored result is damaged")
        self.writer.launched(node, path, attempt, key, reason)
        if self._limits:
            self._slots.take([f"{LIMIT}{name}" for name, _ in self.graph.options(node).limit], node, path)
        self.notices.add(lambda listener: listener.task_started(node, path, attempt))
        checkpoint = self._checkpoints.get((node, path)) if self._checkpoints else None
        return self.specs.task(launch, attempt, arguments, checkpoint)

    def _stand_in(self, launch: Launch) -> TaskSpec:
        """What stands in for a result that no attempt gave: an attempt of its own, which no cache knows."""
        node, path = launch.node, launch.path
        attempt = launch.attempt + self._attempts.get((node, path), 0)
        self._running[node, path] = (attempt, None)
        self.writer.launched(node, path, attempt, None, STANDS_IN)
        self.notices.add(lambda listener: listener.task_started(node, path, attempt))
        return self.specs.stand_in(launch, attempt, self._errors.get((node, path), ""))

    def _give_back_slots(self, node: int, path: Path) -> None:
        if self._limits and self.graph.options(node).limit:
            self._slots.give_back(node, path)

    def _record_extents(self) -> None:
        for scope, path, items in self.machine.take_extents():
            self.results.add_extent(scope, path, items)
            self.writer.extent(scope, path, items)
            self._tell_extent(scope, path, items)

    def _tell_extent(self, scope: int, path: Path, items: int) -> None:
        self.notices.add(lambda listener: listener.unfolded(scope, path, items))

    def _settle(self, action: Settle) -> None:
        node, path, state, reason = action.node, action.path, action.state, action.reason
        self.writer.settled(node, path, state, reason, absent=action.absent)
        if action.absent:
            self.results.add_absent(node, path, reason)
        if self._dynamic is not None:
            self._dynamic.failed(self.graph, node, path, state, reason, None)
        self.notices.add(lambda listener: listener.task_ended(node, path, state, Usage(), None, reason))

    # What the run decides itself.

    def _decided(self, launches: list[Launch]) -> list[Launch]:
        """Decide what is no step, and what follows from it; answers with the steps that are left to launch."""
        steps: list[Launch] = []
        todo = deque(launches)
        while todo:
            launch = todo.popleft()
            chosen = self.graph.nodes[launch.node]
            if chosen.is_step:
                steps.append(launch)
            elif chosen.is_body:
                assert self._dynamic is not None
                self._dynamic.begin(self, launch, launch.attempt + self._attempts.get((launch.node, ()), 0))
            else:
                self._record_extents()
                todo.extend(self._decide_one(launch.node, launch.path))
        return steps

    def _decide_one(self, node: int, path: Path) -> list[Launch]:
        try:
            made = decide(self.graph, self.results, node, path)
        except PlaitError as error:
            info = self._where_it_stands(node, error)
            self.writer.decided(node, path, "failed", "", info.headline, info)
            self.notices.add(
                lambda listener: listener.task_ended(node, path, "failed", Usage(), info, info.headline)
            )
            if self._dynamic is not None:
                self._dynamic.failed(self.graph, node, path, "failed", info.headline, info)
            answer = self.machine.handle(Failed(node, path, retryable=False))
            own = Settle(node, path, "failed")
            return self._sort([action for action in answer if action != own])
        prior = self.reuse.prior(node, path)
        recorded = prior is not None and prior.recorded
        if not recorded:
            self.writer.decided(node, path, "done", made.said, made.note)
        self.notices.add(
            lambda listener: listener.task_ended(node, path, "done", Usage(), None, made.note or made.said)
        )
        return self._sort(
            self._done(node, path, made.artifacts, new=not recorded, choice=made.choice, said=made.said)
        )

    def _where_it_stands(self, node: int, error: PlaitError) -> ErrorInfo:
        """An error with the line of the pipeline that it is about as its frame."""
        file, _, line = self.graph.nodes[node].where.rpartition(":")
        frame = Frame(file, int(line or 0), self.graph.name, "", "user")
        return ErrorInfo(type(error).__name__, error.what, (frame,), (error.hint,) if error.hint else ())

    # The end, when it does not come by itself.

    def _end_now(self, why: str) -> None:
        """The second Ctrl-C, or another process: end running tasks, and say so in the records."""
        self._interrupts.ignore()
        self.fleet.stop(now=True)
        now = time.time()
        for (node, path), (attempt, _) in self._running.items():
            self.writer.ended(node, path, attempt, "cancelled", Usage(0.0, now), why)
        self.writer.finished("cancelled", why)
        with self.writer.turn():
            self._slots.give_back_all()
        self.machine.status = "cancelled"

    def _interrupt(self) -> None:
        self._interrupted = True
