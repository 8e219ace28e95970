"""From where does a stack take secrets? What ``${secret:stack:NAME}`` reads, so that conf says only their names.

Each class is a type: its fields are the options of ``secrets:`` in ``stack.yml``.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from msgspec import Struct

from plait.project.providers import Provider, environment_variable, from_file, from_keyring

if TYPE_CHECKING:
    from plait.project.project import Project

__all__ = ["Environment", "File", "Keyring"]


class Environment(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Environment variables; ``prefix`` stands before each name."""

    prefix: str = ""

    def open(self, project: Project) -> Provider:
        return lambda name: environment_variable(os.environ, f"{self.prefix}{name}")


class File(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A YAML, JSON or ``NAME=value`` file, or a folder with a file for each secret."""

    path: str

    def open(self, project: Project) -> Provider:
        read = from_file(project.root)
        folder = project.root / Path(self.path).expanduser()
        return lambda name: read(f"{self.path}/{name}" if folder.is_dir() else f"{self.path}#{name}")


class Keyring(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keyring of the operating system, under one service."""

    integration: ClassVar[str] = "keyring"

    service: str

    def open(self, project: Project) -> Provider:
        return lambda name: from_keyring(f"{self.service}/{name}")
