"""What kind of worker process does a task need? Tasks of one flavour share processes; those of another never do."""

from __future__ import annotations

from msgspec import Struct

from plait.engine.environment import own_environment
from plait.engine.task import TaskSpec
from plait.graph.options import Options

__all__ = ["HONOURED", "PLAIN", "Flavour", "changes_process", "flavour_of", "needs_process"]

# The options that the executors of one machine carry out.
HONOURED = frozenset(
    {"cpus", "gpus", "memory", "timeout", "env", "secrets", "workdir", "isolated"}
    | {"python", "packages", "requirements"}
)


class Flavour(Struct, frozen=True):
    """What sets a process apart.

    Attributes:
        env: variables that it starts with; what is imported may look at them.
        gpus: how many it has.
        memory: bytes that it may hold.
        isolated: it does one task.
        environment: Python and packages, where it has a step done in another Python; with a file of requirements, that
            and the step that it lies beside.
    """

    env: tuple[tuple[str, str], ...] = ()
    gpus: int = 0
    memory: int | None = None
    isolated: bool = False
    environment: tuple[str, tuple[str, ...], str, int] | None = None


PLAIN = Flavour()


def flavour_of(spec: TaskSpec) -> Flavour:
    """The flavour of the worker that a task runs in."""
    options = spec.options
    if options is None:
        return PLAIN
    return Flavour(
        tuple(sorted(options.env.items())),
        options.gpus,
        options.memory,
        options.isolated,
        (
            options.python,
            options.packages,
            options.requirements,
            spec.function if options.requirements else -1,
        )
        if own_environment(options)
        else None,
    )


def needs_process(options: Options) -> bool:
    """Whether only a process of its own can give a task what it asks for."""
    return bool(
        options.timeout is not None
        or options.memory is not None
        or options.gpus
        or options.isolated
        or own_environment(options)
    )


def changes_process(options: Options) -> bool:
    """Whether what a task asks for would be seen by all that runs in its process."""
    return bool(options.env or options.secrets or options.workdir)
