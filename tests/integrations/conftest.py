"""A project of its own for each test, and a server that hears what is posted."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.programs import Folder


class Listening:
    """A server for webhooks.

    Attributes:
        heard: what was posted, with the path and the headers.
        answers: statuses of the next requests; 200 when there is none left.
    """

    def __init__(self) -> None:
        self.heard: list[tuple[str, dict[str, str], Any]] = []
        self.answers: list[int] = []
        listening = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = listening.answers.pop(0) if listening.answers else 200
                listening.heard.append((self.path, dict(self.headers), json.loads(body)))
                text = b"ok" if status == 200 else b"no_service"
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def listening() -> Iterator[Listening]:
    server = Listening()
    yield server
    server.close()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Folder]:
    for name in ("PLAIT_HOME", "PLAIT_ENV", "PLAIT_STACK", "PLAIT_RECORDS"):
        monkeypatch.delenv(name, raising=False)
    made = Folder(tmp_path)
    for path in ("src/shop", "conf/base"):
        (made.path / path).mkdir(parents=True)
    (made.path / "src/shop/__init__.py").touch()
    (made.path / "pyproject.toml").write_text('[tool.plait]\npackage = "shop"\n')
    yield made
    made.forget()
