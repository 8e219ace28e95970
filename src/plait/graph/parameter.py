"""How does a pipeline ask for a parameter of the conf that is none of its arguments? ``param("model.alpha")``."""

from __future__ import annotations

import re
from typing import Any

from plait.errors import DefinitionError
from plait.graph.calling import user_line
from plait.graph.lifting import is_plain
from plait.graph.model import InputSpec
from plait.graph.tracing import Reference, current_tracer

__all__ = ["param"]

_MISSING: Any = object()
_NAME = re.compile(r"[^\W\d][\w-]*(\.[\w-]+)*")


def param(name: str, default: Any = _MISSING, *, as_: Any = None) -> Any:
    """A parameter of the conf by its dotted name, anywhere in a pipeline: ``fit(train, param("model.alpha"))``.

    It is an input of the run like the pipeline's arguments: shown, recorded, part of the cache key by its value, and
    set by ``model.alpha=0.3`` on the command line or ``.run(**{"model.alpha": 0.3})``.

    Args:
        default: the value where nobody sets it; without one it must be set.
        as_: the type that the value must have: ``float``, a dataclass, a pydantic model.

    Raises:
        DefinitionError: the name is none, or no pipeline is being described.
    """
    tracer = current_tracer()
    if tracer is None:
        raise DefinitionError(
            f"param({name!r}) stands for a parameter in a pipeline, and no pipeline is being described",
            where=user_line(),
            hint="take it as an argument of the step, or ask Project.find().params.get(…)",
        )
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise DefinitionError(
            f"param({name!r:.60}) is not the name of a parameter",
            where=user_line(),
            hint='such as param("model.alpha")',
        )
    required = default is _MISSING
    spec = InputSpec(
        name,
        annotation=getattr(as_, "__name__", str(as_)) if as_ is not None else "",
        required=required,
        default=default if not required and is_plain(default, [1000]) else None,
        kind="parameter",
    )
    return tracer.refer(Reference(spec, None if required else default, as_))
