"""Can the executor do what the steps ask for? What it cannot is an error before the run, never ignored."""

from __future__ import annotations

from collections.abc import Mapping

from plait.engine.fleet import Fleet
from plait.errors import ParameterError
from plait.graph.model import Graph
from plait.graph.options import Options, execution_options

__all__ = ["asked_for", "refuse_what_cannot_be"]

_PLAIN = Options()


def asked_for(options: Options) -> frozenset[str]:
    """The options, other than their defaults, that an executor has to carry out."""
    if options is _PLAIN or options == _PLAIN:
        return frozenset()
    return frozenset(name for name in execution_options() if getattr(options, name) != getattr(_PLAIN, name))


def refuse_what_cannot_be(graph: Graph, fleet: Fleet) -> None:
    """Compare what steps ask for with what their executors honour and have.

    Raises:
        ParameterError: some step asks for what its executor cannot do, or for more than there is.
    """
    seen: set[tuple[int, int]] = set()
    for index, node in enumerate(graph.nodes):
        options = graph.options(index)
        if not node.is_step or (node.step, id(options)) in seen:
            continue
        seen.add((node.step, id(options)))
        executor = fleet[fleet.of_node(index)]
        asked = asked_for(options)
        beyond = sorted(asked - executor.honours)
        if beyond:
            wish = ", ".join(f"{name}={getattr(options, name)!r}" for name in beyond)
            raise ParameterError(
                f"{node.id} asks for {wish}, which the executor {executor.name!r} cannot do",
                where=node.where,
                hint="choose another one with --executor, or leave it out for this run: "
                f"--set {node.id}.{beyond[0]}=…",
            )
        if asked:
            largest = getattr(executor, "largest", executor.capacity)
            _refuse_too_much(node.id, node.where, options, largest())


def _refuse_too_much(name: str, where: str, options: Options, has: Mapping[str, float]) -> None:
    for resource, needed in (
        ("cpus", options.cpus),
        ("gpus", options.gpus),
        ("memory", options.memory or 0),
        ("nodes", options.nodes),
    ):
        there = has.get(resource)
        if there is not None and needed > there:
            raise ParameterError(
                f"{name} asks for {resource}={_shown(resource, needed)}, and there is"
                f" {_shown(resource, there)} in all",
                where=where,
                hint=f"run it with less: --set {name}.{resource}={_shown(resource, there) if there else 0},"
                " or where there is more: --executor",
            )


def _shown(resource: str, amount: float) -> str:
    return f"{round(amount / 2**30, 2):g}GiB" if resource == "memory" else f"{amount:g}"
