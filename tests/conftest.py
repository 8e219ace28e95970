"""What do all tests share? A folder of records of their own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services import Postgres, postgres_server

sys.path.insert(0, str(Path(__file__).parent))  # for `strategies`


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty ``.plait`` folder that this test's runs go to."""
    folder = tmp_path / "home"
    monkeypatch.setenv("PLAIT_HOME", str(folder))
    return folder


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server for all tests of this process."""
    with postgres_server() as server:
        yield server
