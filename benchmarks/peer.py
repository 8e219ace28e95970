"""What is a peer, and what is one way in which it does a measure's work?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

PLAIT = "plait"
BARE = "python"


@dataclass(frozen=True, slots=True)
class Way:
    """One way of doing one measure's work.

    `command` starts with a program of the peer's own environment; `{n}` in a word becomes the number of
    steps or items. `before` are commands of the same kind that run first, in the same folder, untimed. Both
    work in a fresh folder that holds a copy of the scripts in `benchmarks/peers/<peer>`.
    """

    label: str
    command: tuple[str, ...]
    n: int = 1
    before: tuple[tuple[str, ...], ...] = ()
    records: bool = True
    """Whether the tool can tell afterwards, in another process, what each step did."""
    full: bool = False
    """Only with `--full`: too long for every day."""
    note: str = ""
    limit: float = 300.0
    """Seconds after which each of its commands is ended."""

    def filled(self, command: tuple[str, ...]) -> list[str]:
        return [word.replace("{n}", str(self.n)) for word in command]


@dataclass(frozen=True, slots=True)
class Peer:
    """A tool: how it is installed, and how it does each measure's work."""

    name: str
    install: tuple[str, ...]
    """What a user would ask the installer for."""
    also: tuple[str, ...] = ()
    """What the benchmark's work needs beside it; not counted as the tool's weight."""
    env: Mapping[str, str] = field(default_factory=dict)
    ways: Mapping[str, tuple[Way, ...]] = field(default_factory=dict)
    """By the measure's key, such as `B3`."""

    @property
    def is_peer(self) -> bool:
        """Whether plait is compared with it: neither plait itself nor the bare floor."""
        return self.name not in {PLAIT, BARE}
