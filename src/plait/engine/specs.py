"""What is handed to an executor: the job and its functions when it starts, and then task by task?"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from plait.data import Artifact
from plait.engine.events import Launch
from plait.engine.fleet import Fleet, runs_elsewhere
from plait.engine.honours import asked_for
from plait.engine.standing_in import StandIn
from plait.engine.task import (
    Abroad,
    Executor,
    FunctionRef,
    Job,
    StepSecret,
    TaskSpec,
    function_ref,
    in_process,
)
from plait.graph.model import Graph
from plait.graph.options import Options
from plait.record.results import Plain, Results, Tree

__all__ = ["Specs"]

_BEYOND = 1 << 20  # numbers from here on are of no step's function


class Specs:
    """Makes the jobs and task specs of one run.

    Args:
        functions: those of the graph's steps; of a dynamic run the list that grows with it.
        stand_ins: by node, the value or function that its ``on_failure`` names.
        is_dynamic: whether steps come while the run goes on.
        secret: of a dynamic run, finds the secret that a step names.
        send_code: sends what an executor on other machines needs there; called for the first of them.

    Attributes:
        outputs: by node, the name of each output and how many levels of list are stored apart for an ``each``.
        takes_apart: by node, whether there is such an output.
    """

    def __init__(
        self,
        graph: Graph,
        functions: Sequence[Callable[..., Any]],
        *,
        job: Job,
        fleet: Fleet,
        results: Results,
        stand_ins: Mapping[int, Any],
        is_dynamic: bool,
        secret: Callable[[str], StepSecret] | None,
        send_code: Callable[[], Abroad] | None,
    ) -> None:
        self.job = job
        self._fleet = fleet
        self._results = results
        self._is_dynamic = is_dynamic
        self._secret = secret
        self._functions = functions
        self._values = stand_ins
        self._stand_ins: dict[int, int] = {}
        if not is_dynamic:
            self._stand_ins = {node: number for number, node in enumerate(stand_ins, len(functions))}
            of_values = [StandIn(graph.nodes[node].id, value) for node, value in stand_ins.items()]
            self._functions = [*functions, *of_values]
        self._send_code = send_code
        self._abroad: Abroad | None = None
        self._refs: dict[int, FunctionRef] = {}
        self.grow(graph)

    def grow(self, graph: Graph) -> None:
        """Know of a graph that has more in it."""
        self._graph = graph
        splits = graph.layout.splits[0]
        self.outputs = [
            tuple((name, splits.get((node, at), 0)) for at, name in enumerate(chosen.outputs))
            for node, chosen in enumerate(graph.nodes)
        ]
        self.takes_apart = [any(depth for _, depth in outputs) for outputs in self.outputs]
        self._memory = self._fleet.main.capacity().get("memory", math.inf)
        self._options = [
            options if chosen.is_step and asked_for(options) else None
            for chosen, options in zip(graph.nodes, map(graph.options, range(len(graph.nodes))), strict=True)
        ]

    def start(self, executor: Executor) -> None:
        """Start an executor of the run with what it needs to know of it."""
        job = self.job
        if getattr(executor, "travels", False) and self._send_code is not None:
            if self._abroad is None:
                self._abroad = self._send_code()
            job = msgspec.structs.replace(job, abroad=self._abroad)
        # The steps of a dynamic pipeline come one by one, and tell tasks in other processes where they are.
        comes_later = self._is_dynamic and not in_process(executor)
        executor.start(job, () if comes_later else self._functions_of(executor))

    def _functions_of(self, executor: Executor) -> Sequence[Callable[..., Any]]:
        """The functions by their numbers; what runs on another executor need not be able to travel to this one."""
        names = [name for name in self._fleet.names if self._fleet[name] is executor]
        if in_process(executor) or len(names) == len(self._fleet.names):
            return self._functions
        here = {
            number
            for node, chosen in enumerate(self._graph.nodes)
            if self._fleet.of_node(node) in names
            for number in (chosen.step, self._stand_ins.get(node))
        }
        return [function if at in here else runs_elsewhere for at, function in enumerate(self._functions)]

    def task(
        self,
        launch: Launch,
        attempt: int,
        arguments: tuple[tuple[str, Tree], ...],
        checkpoint: Artifact | None,
    ) -> TaskSpec:
        """One attempt of a task; ``attempt`` counts over all processes that had the run."""
        node = launch.node
        chosen = self._graph.nodes[node]
        return TaskSpec(
            node,
            launch.path,
            attempt,
            chosen.step,
            chosen.id,
            self._results.light(arguments),
            self.outputs[node],
            _with_memory(self._options[node], launch.growth, self._memory),
            checkpoint,
            self._ref(chosen.step) if self._travels(node) else None,
            secrets=self._secrets(node) if self._secret is not None else (),
        )

    def stand_in(self, launch: Launch, attempt: int, error: str) -> TaskSpec:
        """What stands in for a result that no attempt gave; ``error`` is what the last of them said."""
        node, path = launch.node, launch.path
        arguments = (("error", Plain(error)),)
        name = self._graph.nodes[node].id
        if not self._is_dynamic:
            return TaskSpec(node, path, attempt, self._stand_ins[node], name, arguments, self.outputs[node])
        number = _BEYOND + node
        if number not in self._refs:
            self._refs[number] = function_ref(name, StandIn(name, self._values[node]))
        ref = self._refs[number]
        return TaskSpec(node, path, attempt, number, name, arguments, self.outputs[node], ref=ref)

    def _travels(self, node: int) -> bool:
        """Whether a task of a dynamic pipeline may have to find its function in another process."""
        return self._is_dynamic and (
            not in_process(self._fleet[self._fleet.of_node(node)]) or self._options[node] is not None
        )

    def _secrets(self, node: int) -> tuple[StepSecret, ...]:
        """What a step of a dynamic pipeline asks for: when the run's job went to other machines, nobody knew of it."""
        options = self._options[node]
        if options is None or not options.secrets or self._secret is None:
            return ()
        goes_far = getattr(self._fleet[self._fleet.of_node(node)], "travels", False)
        return tuple(map(self._secret, options.secrets)) if goes_far else ()

    def _ref(self, step: int) -> FunctionRef | None:
        """How a task in another process finds the function of a step that was not known at the start."""
        known = self._refs.get(step)
        if known is None:
            known = self._refs[step] = function_ref(self._graph.steps[step].name, self._functions[step])
        return known


def _with_memory(options: Options | None, growth: float, most: float) -> Options | None:
    """The options of an attempt that comes after ones that ran out of memory."""
    if options is None or options.memory is None or growth <= 1.0:
        return options
    return msgspec.structs.replace(options, memory=int(min(options.memory * growth, most)))
