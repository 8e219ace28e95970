"""What can be said about how a step runs? Each option is declared here once: type, default, help line."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from plait.errors import DefinitionError, did_you_mean

__all__ = ["Options", "make_options"]


class Options(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """How a step runs. Decorator, command line, conf, records and UI all read this declaration."""

    retries: Annotated[int, Meta(ge=0, description="how many times a failed task is tried again")] = 0
    retry_delay: Annotated[float, Meta(ge=0, description="seconds to wait before the first retry")] = 0.0
    backoff: Annotated[
        float, Meta(ge=1, description="factor by which the wait grows from retry to retry")
    ] = 1.0
    cache: Annotated[
        bool | str, Meta(description="reuse results: yes, no, or for how long, such as '1h'")
    ] = True
    version: Annotated[str, Meta(description="part of the cache key; change it to compute anew")] = ""
    priority: Annotated[int, Meta(description="ready tasks of a higher priority start first")] = 0
    tags: Annotated[tuple[str, ...], Meta(description="names to select the step by")] = ()
    owner: Annotated[str, Meta(description="whom to ask about the step")] = ""


def make_options(given: dict[str, Any], *, where: str, base: Options | None = None) -> Options:
    """Options from keyword arguments, checked.

    Raises:
        DefinitionError: an option is unknown (the nearest is named) or has a wrong value.
    """
    known = Options.__struct_fields__
    for name in given:
        if name not in known:
            raise DefinitionError(
                f"a step has no option {name!r}", where=where, hint=did_you_mean(name, known)
            )
    if not given and base is not None:
        return base
    merged = {**(msgspec.structs.asdict(base) if base else {}), **given}
    if isinstance(merged.get("tags"), str):
        merged["tags"] = (merged["tags"],)
    try:
        return msgspec.convert(merged, Options)
    except msgspec.ValidationError as error:
        raise DefinitionError(f"wrong option of a step: {error}", where=where) from None
