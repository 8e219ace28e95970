"""What is known about the code behind a step: its pieces, their digests, and what could not be seen."""

from __future__ import annotations

import msgspec

__all__ = ["Closure", "Component"]


class Component(msgspec.Struct, frozen=True):
    """One piece of what a step runs.

    Args:
        name: ``module:qualname`` as users know it; ``module:f(x)`` is the default of an argument of ``f``,
            ``module:f[x]`` a variable that ``f`` closes over.
        kind: ``function``, ``class``, ``constant``, ``module-package``, ``file`` or ``opaque``.
        digest: hexadecimal; equal if and only if what this piece means is equal.
        detail: source text, the value of a constant (shortened), a version, or why it is opaque.
        where: ``path:line`` for people; not part of the digest.
    """

    name: str
    kind: str
    digest: str
    detail: str = ""
    where: str = ""


class Closure(msgspec.Struct, frozen=True):
    """All that a function's result can depend on beside its arguments.

    Args:
        digest: over all components; the function's own name, its file and its module's name do not matter.
        components: the function itself first, the others by name.
        packages: third-party distributions that the code touches, with their versions.
        opaque: sentences that say what could not be seen through, and what that did to the key.
        cacheable: False where a value that cannot be hashed is reached.
    """

    digest: str
    components: tuple[Component, ...]
    packages: tuple[tuple[str, str], ...] = ()
    opaque: tuple[str, ...] = ()
    cacheable: bool = True
