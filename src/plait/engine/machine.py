"""What is to happen next? Scheduling as a pure, synchronous object: an event goes in, actions come out.

No I/O and no clock: time arrives in the events. Every task and every *prefix* of a mapped node's paths is a
place ``(node, path)`` that is completed once; whoever waits for a place is told then. A gather waits for a prefix,
an element for a full path, so one rule serves both. Cost is O(1) amortised per task and edge.

The body of a dynamic pipeline is a task that runs while others do: its calls come as events, and what it calls for the
first time lets the graph grow. A call that fails is for the body to deal with once the body has seen it.

A place in a branch that is not taken is *absent*: skipped, and so is what reads it, but a gather goes on without it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from enum import IntEnum

from plait.engine.events import (
    Action,
    Back,
    Call,
    Cancel,
    Done,
    Event,
    Failed,
    Finish,
    Grow,
    Launch,
    Retry,
    Room,
    Seen,
    Settle,
    Share,
    Start,
    Tick,
    Withdrawn,
)
from plait.engine.needs import THERE, Needs, Place, fixed_needs, guarded, places
from plait.engine.queue import Queue
from plait.engine.retries import grown_memory, is_tried_again, wait_before
from plait.errors import DefinitionError
from plait.graph.model import ROOT, Branch, Calls, Each, Graph, Loop, Path, task_name
from plait.graph.options import STAND_IN
from plait.graph.unfold import Lengths, Resolved, Unknown, is_there, resolve, size
from plait.graph.values import Item

__all__ = ["Machine", "State"]


class State(IntEnum):
    """Where a task stands. A prefix of paths is only ever DONE, FAILED or SKIPPED."""

    WAITING = 0
    READY = 1
    DELAYED = 2
    RUNNING = 3
    DONE = 4
    FAILED = 5
    SKIPPED = 6
    CANCELLED = 7


class Machine:
    """The state of one run's scheduling.

    Args:
        graph: what is to be run.
        input_lengths: for each input that an ``each`` takes apart, how long it is.
        capacity: how much there is of what tasks hold while they run; see ``Shares``.
        main: the name of the executor that has it.
        fail_fast: whether the first failure that fails the run keeps everything else from beginning.
        seed: makes the waits of two runs different where chance has a part in them.
    """

    def __init__(
        self,
        graph: Graph,
        input_lengths: Mapping[str, Lengths] | None = None,
        *,
        capacity: Mapping[str, float] | None = None,
        main: str = "",
        fail_fast: bool = False,
        seed: str = "",
    ) -> None:
        self.state: dict[Place, State] = {}
        self.status: str | None = None
        self._inputs = dict(input_lengths or {})
        self._extents: dict[Place, int] = {}
        self._lengths: dict[Place, tuple[Lengths, ...]] = {}
        self._unmet: dict[Place, int] = {}
        self._waiters: dict[Place, list[Place]] = {}
        self._remaining: dict[Place, int] = {}
        self._spoiled: dict[Place, str] = {}
        self._absent: dict[Place, str] = {}
        self._choices: dict[Place, tuple[int, str]] = {}
        self._rounds: dict[Place, int] = {}
        self._queue = Queue(graph, capacity, main)
        self._attempts: dict[Place, int] = {}
        self._standing_in: set[Place] = set()
        self._failed = False
        self._unseen: dict[Place, list[Place]] = {}  # calls with failures that the body does not know of
        self._passed: dict[Place, dict[str, Resolved]] = {}
        self._called: dict[int, int] = {}
        self._cancelled = False
        self._stopped = False
        self._fail_fast = fail_fast
        self._failed_fast = False
        self._seed = seed
        self._actions: list[Action] = []
        # What follows from what: completed places whose waiters are to be told, scopes that may open now. A worklist
        # and no recursion, since chains are long.
        self._agenda: deque[Place] = deque()
        self._new_extents: list[tuple[int, Path, int]] = []
        self._kinds: list[str] = []
        self._fixed_needs: list[Needs] = []
        self._learn(graph)

    def _learn(self, graph: Graph) -> None:
        """Take in a graph, or what has been added to it."""
        first = len(self._kinds)
        self.graph = graph
        self.layout = graph.layout
        self._kinds += [node.kind for node in graph.nodes[first:]]
        self._guarded = guarded(graph)
        self._fixed_needs += [fixed_needs(graph, node) for node in range(first, len(graph.nodes))]

    # Facts, for `size` and `resolve`.

    def extent(self, scope: int, path: Path) -> int | None:
        return self._extents.get((scope, path))

    def output_lengths(self, node: int, output: int, path: Path) -> Lengths:
        known = self._lengths.get((node, path))
        return known[output] if known else None

    def input_lengths(self, name: str) -> Lengths:
        return self._inputs.get(name)

    def absent(self, node: int, path: Path) -> bool:
        return (node, path) in self._absent

    def passed(self, scope: int, path: Path, name: str) -> Resolved:
        return self._passed.get((scope, path), _NOTHING_PASSED).get(name, THERE)

    # Events.

    def handle(self, event: Event) -> list[Action]:
        """Take in what happened; what is to be done about it comes back, in order."""
        match event:
            case Done():
                self._on_done(event)
            case Room(tasks=tasks, now=now, executor=executor):
                self._queue.make_room(executor, tasks, now)
            case Share(name=name, amount=amount):
                self._queue.share(name, amount)
            case Failed():
                self._on_failed(event)
            case Withdrawn(node=node, path=path):
                self._stop_running((node, path), ran=False)
                self.state[node, path] = State.CANCELLED
            case Back(node=node, path=path):
                self._stop_running((node, path), ran=False)
                self._make_ready((node, path))
            case Tick(now=now):
                for place in self._queue.release(now):
                    self._make_ready(place)
            case Start():
                self._enter(ROOT, ())
            case Cancel():
                self._on_cancel()
            case Grow(graph=graph):
                self._grow(graph)
            case Call():
                self._on_call(event)
            case Seen(scope=scope, path=path):
                self._on_seen(scope, path)
        self._follow()
        self._launch()
        if self.status is None and self._queue.is_empty:
            self.status = (
                "cancelled"
                if self._cancelled and not self._failed_fast
                else "failed"
                if self._failed or self._unseen
                else "done"
            )
            self._actions.append(Finish(self.status))
        actions, self._actions = self._actions, []
        return actions

    @property
    def next_tick(self) -> float | None:
        """When something happens by itself: a delay is over, or the rate of a step lets another task begin."""
        return self._queue.next_tick

    @property
    def limits(self) -> dict[str, float]:
        """How many tasks may run at once under each limit that steps name."""
        return self._queue.limits

    @property
    def waits_for(self) -> set[str]:
        """What ready tasks would hold, of what is shared with other runs: the names of limits."""
        return self._queue.waits_for

    def take_extents(self) -> list[tuple[int, Path, int]]:
        """The scopes that were unfolded since the last call: scope, path, number of elements."""
        extents, self._new_extents = self._new_extents, []
        return extents

    def _on_done(self, event: Done) -> None:
        place = (event.node, event.path)
        self._stop_running(place, ran=event.ran)
        if event.lengths:
            self._lengths[place] = event.lengths
        if self._kinds[event.node] != "step":
            self._choices[place] = (event.choice, event.said)
        self._complete(place, State.DONE)
        if self._kinds[event.node] == "body":
            self._close_calls()

    def _on_failed(self, event: Failed) -> None:
        place = (event.node, event.path)
        self._stop_running(place)
        attempt = self._attempts.get(place, 1)
        options = self.graph.options(event.node)
        stopped = self._stopped or place in self._standing_in
        grown = grown_memory(options, event.kinds, self._queue.growth_of(place), self._queue.memory)
        again = is_tried_again(options, attempt, event.kinds, grows=grown is not None)
        if event.retryable and not stopped and again:
            if grown is not None:
                self._queue.growth[place] = grown
            at = event.now + wait_before(options, attempt, f"{self._seed}/{place}/{attempt}")
            self._actions.append(Retry(event.node, event.path, attempt, at))
            self._attempts[place] = attempt + 1
            if at > event.now:
                self.state[place] = State.DELAYED
                self._queue.delay(place, at)
            else:
                self._make_ready(place)
        elif options.on_failure == STAND_IN and not stopped:
            self._actions.append(Retry(event.node, event.path, attempt, event.now))
            self._attempts[place] = attempt + 1
            self._standing_in.add(place)
            self._make_ready(place)
        elif options.on_failure == "continue" and event.retryable:
            self._leave_behind(place)
        else:
            self._fail(place)
            if self._fail_fast and not self._cancelled and self._call_of(place) is None:
                self._on_cancel()
                self._failed_fast = True
            if self._kinds[event.node] == "body":
                self._stop_launching()
                self._close_calls()

    def _stop_running(self, place: Place, *, ran: bool = True) -> None:
        self._queue.end(place, is_step=self._kinds[place[0]] == "step", ran=ran)

    def _on_cancel(self) -> None:
        self._cancelled = True
        self._stop_launching()

    def _stop_launching(self) -> None:
        self._stopped = True
        for place in self._queue.clear():
            self.state[place] = State.CANCELLED

    def _launch(self) -> None:
        for place in self._queue.take():
            self.state[place] = State.RUNNING
            growth, stand_in = self._queue.growth_of(place), place in self._standing_in
            self._actions.append(Launch(*place, self._attempts.get(place, 1), growth, stand_in))

    def _make_ready(self, place: Place) -> None:
        if self._stopped:
            self.state[place] = State.CANCELLED
            return
        if self._kinds[place[0]] != "step":
            self._decide(place)
            return
        self.state[place] = State.READY
        self._queue.put(place)

    # Unfolding scopes into tasks.

    def _enter(self, scope: int, path: Path) -> None:
        for node in self.layout.inside[scope]:
            self._create((node, path))
        for child in self.layout.children[scope]:
            self._open(child, path)

    def _create(self, place: Place) -> None:
        node, path = place
        unmet = 0
        blocked = absent = ""
        picks = self._kinds[node] == "either"
        self.state[place] = State.WAITING
        try:
            needs = self._needs(node, path)
        except Unknown as unknown:  # what a loop ends with, while it goes on
            self._await_loop(place, unknown.waits_for)
            return
        for needed in needs:
            state = self.state.get(needed)
            if state is None or state < State.DONE:
                self._waiters.setdefault(needed, []).append(place)
                unmet += 1
            elif needed in self._absent:
                absent = absent or ("" if picks else self._absent[needed])
            elif state != State.DONE:
                blocked = blocked or self._why(needed)
        if absent:
            self._skip(place, absent, absent=True)
        elif blocked:
            self._skip(place, blocked)
        elif unmet:
            self._unmet[place] = unmet
        else:
            self._make_ready(place)

    def _await_loop(self, place: Place, loop: Place) -> None:
        if self.state.get(loop) == State.SKIPPED:
            self._skip(place, self._why(loop), absent=loop in self._absent)
        else:
            self._waiters.setdefault(loop, []).append(place)
            self._unmet[place] = 1

    def _needs(self, node: int, path: Path) -> Iterable[Place]:
        fixed, dynamic = self._fixed_needs[node]
        needs = [
            (producer, path if positions is None else tuple([path[at] for at in positions]))
            for producer, positions in fixed
        ]
        if not dynamic:
            return needs
        scope = self.graph.nodes[node].scope
        collected = dict.fromkeys(needs)
        for value in dynamic:
            collected.update(dict.fromkeys(places(resolve(self.graph, self, value, scope, path))))
        return collected

    # What the run decides itself.

    def _decide(self, place: Place) -> None:
        """All that a decision needs is there, so it asks for no room: it is made at once."""
        if self._kinds[place[0]] == "either" and not self._can_choose(place):
            return
        self.state[place] = State.RUNNING
        self._queue.running.add(place)
        self._actions.append(Launch(place[0], place[1], self._attempts.get(place, 1)))

    def _can_choose(self, place: Place) -> bool:
        """Whether one of several values is there, and no other; what follows if not is said."""
        node, path = place
        chosen = self.graph.nodes[node]
        options = [
            (name, resolve(self.graph, self, value, chosen.scope, path)) for name, value in chosen.args
        ]
        there = [name for name, resolved in options if is_there(self, resolved)]
        if not there:
            missing = next(one for _, resolved in options for one in places(resolved) if one in self._absent)
            self._skip(place, self._absent[missing], absent=True)
            return False
        if len([name for name in there if name != "fallback"]) > 1:
            self._fail(
                place, f"{chosen.text}: more than one of them ran ({', '.join(there)}) at {chosen.where}"
            )
            return False
        return True

    def _branch(self, scope: int, path: Path, branch: Branch) -> None:
        test = (branch.test, path)
        state = self.state.get(test, State.WAITING)
        if state < State.DONE:
            self._waiters.setdefault(test, []).append((~scope, path))
        elif state == State.DONE:
            choice, said = self._choices[test]
            taken = choice >= 0 and self.layout.branches[branch.test][choice] == scope
            self._extents[scope, path] = int(taken)
            self._new_extents.append((scope, path, int(taken)))
            if taken:
                self._enter(scope, path)
            else:
                self._skip_scope(scope, path, f"branch not taken: {said}", absent=True)
        elif state != State.CANCELLED:
            self._skip_scope(scope, path, self._why(test), absent=test in self._absent)

    def _go_round(self, scope: int, path: Path, loop: Loop) -> None:
        """The next round of a loop, unless the one before was the last."""
        rounds = self._rounds.get((scope, path), 0)
        nodes = self.layout.subtree(scope)
        if not rounds:
            for node in nodes:
                self._remaining[node, path] = 1  # until the loop is over
        else:
            end = (loop.until, (*path, rounds - 1))
            state = self.state[end]
            if state == State.CANCELLED:
                return
            if state != State.DONE or self._choices[end][0] == 1:
                self._extents[scope, path] = rounds
                if state == State.DONE or end in self._absent:
                    self._new_extents.append((scope, path, rounds))
                self._wake((~scope, path))
                for node in nodes:
                    self._count_down((node, path))
                return
        self._rounds[scope, path] = rounds + 1
        for node in nodes:
            self._remaining[node, path] += 1
        self._enter(scope, (*path, rounds))
        self._waiters.setdefault((loop.until, (*path, rounds)), []).append((~scope, path))

    def _open(self, scope: int, path: Path) -> None:
        each = self.graph.scopes[scope]
        match each:
            case Each() if len(path) == len(self.layout.axes[scope]):
                self._enter_element(scope, path)
                return
            case Branch():
                self._branch(scope, path, each)
                return
            case Loop():
                self._go_round(scope, path, each)
                return
            case Calls():
                self._await_calls(scope, path)
                return
        if not isinstance(each, Each):
            self._enter(scope, path)
            return
        try:
            sizes = [size(self.graph, self, source, each.parent, path) for source in each.sources]
        except Unknown as unknown:
            self._await(scope, path, unknown.waits_for)
            return
        except DefinitionError as error:
            self._refuse(scope, path, str(error))
            return
        if len(set(sizes)) > 1:
            lengths = ", ".join(f"{label} has {n}" for label, n in zip(each.labels, sizes, strict=True))
            self._refuse(scope, path, f"each(...) side by side needs equal lengths: {lengths}")
            return
        self._unfold(scope, path, sizes[0])

    def _enter_element(self, scope: int, path: Path) -> None:
        """An element that may be missing: as in a comprehension with an ``if``, nothing runs for it then."""
        each = self.graph.scopes[scope]
        assert isinstance(each, Each)
        for position in range(len(each.sources)):
            for place in places(resolve(self.graph, self, Item(scope, position), scope, path)):
                state = self.state.get(place, State.WAITING)
                if state in (State.FAILED, State.SKIPPED):
                    self._skip_inside(scope, path, self._why(place), absent=place in self._absent)
                    return
                if state != State.DONE:
                    self._waiters.setdefault(place, []).append((~scope, path))
                    return
        self._enter(scope, path)

    def _await(self, scope: int, path: Path, place: Place) -> None:
        if self.state.get(place, State.WAITING) in (State.FAILED, State.SKIPPED):
            self._skip_scope(scope, path, self._why(place), absent=place in self._absent)
        else:
            self._waiters.setdefault(place, []).append((~scope, path))

    def _unfold(self, scope: int, path: Path, count: int) -> None:
        nodes = self.layout.subtree(scope)
        self._extents[scope, path] = count
        self._new_extents.append((scope, path, count))
        for node in nodes:
            self._remaining[node, path] = count
        enter = self._enter_element if scope in self._guarded else self._enter
        for index in range(count):
            enter(scope, (*path, index))
        self._wake((~scope, path))
        if count == 0:
            for node in nodes:
                self._complete((node, path), State.DONE)

    def _refuse(self, scope: int, path: Path, reason: str) -> None:
        """A scope that cannot be entered: its first node fails, the others are skipped."""
        nodes = self.layout.subtree(scope)
        for node in nodes:
            if node == nodes[0]:
                self._fail((node, path), reason)
            else:
                self._skip((node, path), f"{self._name((nodes[0], path))} failed")
        self._forget_extent(scope, path, reason)

    def _skip_scope(self, scope: int, path: Path, reason: str, *, absent: bool = False) -> None:
        self._forget_extent(scope, path, reason, absent=absent)
        self._skip_inside(scope, path, reason, absent=absent)

    def _skip_inside(self, scope: int, path: Path, reason: str, *, absent: bool = False) -> None:
        for node in self.layout.subtree(scope):
            self._skip((node, path), reason, absent=absent)
        inside = [scope]
        while inside:
            chosen = inside.pop()
            if len(self.layout.axes[chosen]) == len(path):  # what is in a deeper one was never within reach
                for child in self.layout.children[chosen]:
                    self._forget_extent(child, path, reason, absent=absent)
                    inside.append(child)

    def _forget_extent(self, scope: int, path: Path, reason: str, *, absent: bool = False) -> None:
        """Whoever waits for the length of a scope that will never have one cannot run either."""
        self.state[~scope, path] = State.SKIPPED
        (self._absent if absent else self._spoiled)[~scope, path] = reason
        self._wake((~scope, path))

    def _wake(self, scope: Place) -> None:
        """Those that wait for the length of a scope look again."""
        for waiter in self._waiters.pop(scope, ()):
            if waiter[0] < 0:
                self._agenda.append(waiter)
            elif self.state[waiter] == State.WAITING:
                del self._unmet[waiter]
                self._create(waiter)

    # What the body of a dynamic pipeline calls.

    def _grow(self, graph: Graph) -> None:
        first = len(self.graph.scopes)
        self._queue.grow(graph)
        self._learn(graph)
        for scope in range(first, len(graph.scopes)):
            if isinstance(graph.scopes[scope], Calls):
                self._await_calls(scope, ())

    def _await_calls(self, scope: int, path: Path) -> None:
        for node in self.layout.subtree(scope):
            self._remaining[node, path] = 1  # until the body has ended
        self._called[scope] = 0

    def _on_call(self, event: Call) -> None:
        scope, path = event.scope, event.path
        for node in self.layout.subtree(scope):
            self._remaining[node, path[:-1]] += 1
        self._called[scope] = max(self._called[scope], path[-1] + 1)
        if event.passed:
            self._passed[scope, path] = dict(event.passed)
        if event.failed:
            self._fail_call(scope, path, event.failed)
        else:
            self._enter(scope, path)

    def _fail_call(self, scope: int, path: Path, reason: str) -> None:
        nodes = self.layout.subtree(scope)
        self._fail((nodes[0], path), reason)
        for node in nodes[1:]:
            self._skip((node, path), f"{self._name((nodes[0], path))} failed")

    def _on_seen(self, scope: int, path: Path) -> None:
        """The body knows of a call's failure, and so of the failures of calls that it hangs on."""
        todo = [(scope, path)]
        known: set[Place] = set()
        while todo:
            call = todo.pop()
            if call in known:
                continue
            known.add(call)
            self._unseen.pop(call, None)
            for value in self._passed.get(call, _NOTHING_PASSED).values():
                for place in places(value):
                    before = self._call_of(place)
                    if before and self.state.get(place) in (State.FAILED, State.SKIPPED):
                        todo.append(before)

    def _call_of(self, place: Place) -> Place | None:
        """The call that a task belongs to, as a scope at a path."""
        node, path = place
        axes = self.layout.node_axes[node]
        return (axes[0], path[:1]) if axes and isinstance(self.graph.scopes[axes[0]], Calls) else None

    def _close_calls(self) -> None:
        for scope, count in self._called.items():
            self._extents[scope, ()] = count
            self._new_extents.append((scope, (), count))
            self._wake((~scope, ()))
            for node in self.layout.subtree(scope):
                self._count_down((node, ()))

    # Completing places.

    def _fail(self, place: Place, reason: str = "") -> None:
        call = self._call_of(place)
        if call is not None:
            self._unseen.setdefault(call, []).append(place)
        else:
            self._failed = True
        self._actions.append(Settle(place[0], place[1], "failed", reason))
        self._spoiled[place] = f"{self._name(place)} failed"
        self._complete(place, State.FAILED)

    def _leave_behind(self, place: Place) -> None:
        """A task failed, and the others go on as if it had never been there."""
        reason = f"{self._name(place)} failed"
        self._actions.append(Settle(place[0], place[1], "failed", reason, absent=True))
        self._absent[place] = reason
        self._complete(place, State.FAILED)

    def _skip(self, place: Place, reason: str, *, absent: bool = False) -> None:
        if self.state.get(place, State.WAITING) >= State.DONE:
            return
        self._unmet.pop(place, None)
        self._actions.append(Settle(place[0], place[1], "skipped", reason, absent))
        (self._absent if absent else self._spoiled)[place] = reason
        self._complete(place, State.SKIPPED)

    def _complete(self, place: Place, state: State) -> None:
        self.state[place] = state
        self._agenda.append(place)

    def _follow(self) -> None:
        """Tell all who wait for what was completed, then the prefixes above it, until nothing follows any more."""
        agenda = self._agenda
        while agenda:
            place = agenda.popleft()
            node, path = place
            if node < 0:
                self._open(~node, path)
                continue
            state = self.state[place]
            for waiter in self._waiters.pop(place, ()):
                self._tell(waiter, place, state)
            if not path:
                continue
            above = (node, path[:-1])
            if state != State.DONE and place not in self._absent:
                self._spoiled.setdefault(above, self._why(place))
            self._count_down(above)

    def _count_down(self, above: Place) -> None:
        left = self._remaining[above] = self._remaining[above] - 1
        if not left:
            self._complete(above, State.SKIPPED if above in self._spoiled else State.DONE)

    def _tell(self, waiter: Place, place: Place, state: State) -> None:
        if waiter[0] < 0:
            self._agenda.append(waiter)
        elif self.state[waiter] != State.WAITING:
            return
        elif state == State.DONE or (place in self._absent and self._kinds[waiter[0]] == "either"):
            left = self._unmet[waiter] = self._unmet[waiter] - 1
            if not left:
                del self._unmet[waiter]
                self._make_ready(waiter)
        else:
            self._skip(waiter, self._why(place), absent=place in self._absent)

    def _why(self, place: Place) -> str:
        return self._spoiled.get(place) or self._absent.get(place) or f"{self._name(place)} did not run"

    def _name(self, place: Place) -> str:
        return task_name(self.graph.nodes[place[0]].id, place[1])

    def check(self) -> None:
        """Assert every invariant; for tests and for replaying a recorded run."""
        waiting: dict[Place, int] = {}
        for place, waiters in self._waiters.items():
            waited = self.state.get(place, State.WAITING)
            assert waited < State.DONE or waited == State.CANCELLED, (
                f"{place} is complete but still waited for"
            )
            for waiter in waiters:
                if waiter[0] >= 0 and self.state[waiter] == State.WAITING:
                    waiting[waiter] = waiting.get(waiter, 0) + 1
        assert waiting == self._unmet, "unmet needs differ from the places waited for"
        tasks = [p for p in self.state if p[0] >= 0 and len(p[1]) == len(self.layout.node_axes[p[0]])]
        by_state = {state: {p for p in tasks if self.state[p] == state} for state in State}
        assert by_state[State.WAITING] == set(self._unmet)
        assert by_state[State.RUNNING] == self._queue.running
        assert by_state[State.READY] == self._queue.ready
        assert by_state[State.DELAYED] == self._queue.delayed
        assert all(count >= 0 for count in self._remaining.values())
        assert not self._agenda
        if self.status is not None:
            assert self._queue.is_empty
            assert self._stopped or not self._unmet, "finished with tasks that still wait"
        if self.status == "done":
            assert not self._unseen
            assert all(self.state[p] == State.DONE or p in self._absent or self._call_of(p) for p in tasks)
        assert all(self.state[place] == State.FAILED for of in self._unseen.values() for place in of)
        assert all(self.state[place] in (State.SKIPPED, State.FAILED) for place in self._absent)
        assert not self._absent.keys() & self._spoiled.keys()
        self._queue.check({place for place in self._queue.running if self._kinds[place[0]] == "step"})


_NOTHING_PASSED: dict[str, Resolved] = {}
