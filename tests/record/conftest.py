"""A folder of programs for each test, and each test on every database."""

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


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    chosen = ["sqlite", "postgresql"]
    if metafunc.definition.get_closest_marker("one_file") is not None:
        chosen.remove("postgresql")
    if metafunc.definition.get_closest_marker("one_server") is not None:
        chosen.remove("sqlite")
    metafunc.parametrize("database", chosen, indirect=True)


@pytest.fixture(autouse=True)
def database(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where the records of this test are: each folder ``.plait`` has its own file, or its own schema."""
    if request.param == "postgresql":
        monkeypatch.setenv("PLAIT_RECORDS", request.getfixturevalue("postgres").url_by_home)
    return str(request.param)
