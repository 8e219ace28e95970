"""What do all tests share? A folder of records of their own."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services import Postgres, make_bucket, postgres_server, s3_server

sys.path.insert(0, str(Path(__file__).parent))  # for `strategies`

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Started in the background of a shell, which takes Ctrl-C from a process and from all that it starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)


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


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An S3 server for all tests of this process, with a bucket ``bucket``: its endpoint."""
    with s3_server(tmp_path_factory.mktemp("s3")) as endpoint:
        make_bucket(endpoint, "bucket")
        yield endpoint
