"""A folder of programs for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.programs import Folder


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Folder]:
    monkeypatch.delenv("PLAIT_HOME", raising=False)
    made = Folder(tmp_path)
    yield made
    made.forget()
