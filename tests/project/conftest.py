"""A conf folder that a test fills file by file."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from plait.project.conf import Conf
from plait.project.parameters import overrides


class Folder:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.conf = root / "conf"

    def write(self, name: str, text: str) -> Path:
        path = self.conf / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
        return path

    def read(self, env=None, *assignments, environ=None, **options) -> Conf:
        runtime = overrides(assignments)
        return Conf(self.conf, env, runtime=runtime, environ=environ or {}, **options)


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)
