"""Who may ask, and what came from somebody's code does no harm."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.server.conftest import Server


def test_a_page_elsewhere_cannot_reach_it_by_a_name_of_its_own(server: Server) -> None:
    answer = server.ask("/api/v1/runs", headers={"Host": "evil.example"})
    assert (answer.status, answer.code) == (403, "forbidden")
    assert server.ask("/", headers={"Host": "evil.example:8321"}).status == 403
    assert server.ask("/api/v1/runs", headers={"Host": "localhost:1"}).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_foreign_page_can_neither_read_nor_change(
    server: Server, runs: dict[str, str], headers: dict[str, str]
) -> None:
    assert server.ask("/api/v1/runs", headers=headers).status == 403
    path = f"/api/v1/runs/{runs['done']}/tags"
    changed = server.ask(path, method="PUT", body={"add": ["stolen"]}, headers=headers)
    assert changed.status == 403
    assert "stolen" not in str(server.get("/runs/columns"))


def test_a_change_needs_the_header_that_no_form_can_send(server: Server, runs: dict[str, str]) -> None:
    answer = server.ask(
        f"/api/v1/runs/{runs['done']}/tags", method="PUT", body={"add": ["x"]}, headers={"X-Plait": ""}
    )
    assert answer.status == 200  # the header itself is what counts
    import urllib.request

    request = urllib.request.Request(
        f"{server.base}/api/v1/runs/{runs['done']}/tags",
        b'{"add": ["y"]}',
        {"Content-Type": "application/json"},
        method="PUT",
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request)
    assert refused.value.code == 403


def test_every_answer_says_its_version_and_has_a_strict_policy(server: Server, runs: dict[str, str]) -> None:
    for path in ("/", "/runs/anything", "/api/v1/runs", "/api/v1/nothing"):
        headers = server.ask(path).headers
        assert headers["x-plait-version"]
        assert headers["x-plait-api"] == server.get("/meta")["api"]
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe-eval" not in headers["content-security-policy"]
        assert "script-src 'self';" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    [
        "/../../../../etc/passwd",
        "/..%2f..%2f..%2fetc/passwd",
        "/assets/..%2f..%2fapp.py",
        "/assets/%2e%2e/%2e%2e/settings.py",
        "/%00",
        "/..\\..\\settings.py",
        "//etc/passwd",
    ],
)
def test_no_path_leads_out_of_the_built_interface(server: Server, path: str) -> None:
    answer = server.ask(path)
    assert answer.status in (200, 404)
    assert b"root:" not in answer.body
    assert b"from __future__" not in answer.body


@pytest.mark.parametrize("artifact", ["..%2F..%2Frecords.db", "x' OR '1'='1", "%00", "a" * 5000])
def test_an_artifact_is_found_by_its_id_alone(server: Server, artifact: str) -> None:
    from urllib.parse import quote

    answer = server.ask(f"/api/v1/artifacts/{quote(artifact)}/preview")
    assert (answer.status, answer.code) == (404, "not_found")


def test_html_of_a_step_is_text_in_json_and_a_sandboxed_page_only_where_asked(
    server: Server, runs: dict[str, str]
) -> None:
    view = server.get(f"/runs/{runs['done']}/tasks/page")
    artifact = view["outputs"][0]["value"]["artifact"]
    place = f"?run={runs['done']}&task=page"
    preview = server.get(f"/artifacts/{artifact}/preview", run=runs["done"], task="page")
    assert preview["kind"] == "html"
    page = server.ask(preview["url"])
    policy = page.headers["content-security-policy"]
    assert policy.startswith("sandbox;")
    assert "script-src" not in policy
    assert b"<h1>hello</h1>" in page.body
    scripted = server.ask(f"/api/v1/artifacts/{artifact}/html{place}&scripts=true").headers[
        "content-security-policy"
    ]
    assert scripted.startswith("sandbox allow-scripts;")
    assert "allow-same-origin" not in scripted
    download = server.ask(f"/api/v1/artifacts/{artifact}/download{place}")
    assert download.headers["content-disposition"].startswith("attachment")
    assert download.headers["content-type"].startswith("text/plain")


def test_scripts_in_names_messages_and_cells_come_as_the_text_that_they_are(
    server: Server, runs: dict[str, str]
) -> None:
    failed = server.ask(f"/api/v1/runs/{runs['failed']}")
    assert "<script>alert(1)</script> is no number" in failed.json["failures"][0]["reason"]
    assert failed.headers["content-type"].startswith("application/json")
    view = server.get(f"/runs/{runs['done']}/tasks/table")
    artifact = view["outputs"][0]["value"]["artifact"]
    page = server.get(f"/artifacts/{artifact}/table", run=runs["done"], task="table")
    assert [column["name"] for column in page["columns"]] == ["n", "<b>square", "name"]


def test_what_is_read_only_can_be_looked_at_and_not_changed(folder: Path, runs: dict[str, str]) -> None:
    server = Server(folder, "--read-only")
    try:
        assert server.get("/meta")["read_only"]
        for method, path, body in (
            ("PUT", f"/runs/{runs['done']}/tags", {"add": ["x"]}),
            ("DELETE", f"/runs/{runs['scaled']}", None),
            ("POST", "/pipelines/flow/run", {"params": {}}),
            ("POST", f"/runs/{runs['failed']}/resume", None),
            ("POST", "/project/gc", {"keep_last": 1}),
        ):
            answer = server.send(method, path, body)
            assert (answer.status, answer.code) == (403, "read_only"), path
        assert server.get("/runs")["total"] >= 3
    finally:
        server.close()


def test_a_token_is_asked_for_by_bearer_by_address_and_by_cookie(folder: Path, runs: dict[str, str]) -> None:
    server = Server(folder, env={"PLAIT_UI_TOKEN": "a-token-of-the-test"})
    try:
        assert "token=a-token-of-the-test" in server.line
        assert (server.ask("/api/v1/runs").status, server.ask("/api/v1/runs").code) == (401, "unauthorized")
        assert server.ask("/").status == 200  # the page itself asks for the token
        wrong = {"Authorization": "Bearer something-else"}
        assert server.ask("/api/v1/runs", headers=wrong).status == 401
        right = {"Authorization": "Bearer a-token-of-the-test"}
        assert server.ask("/api/v1/runs", headers=right).status == 200
        login = server.send("POST", "/login", {"token": "a-token-of-the-test"})
        cookie = login.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        held = {"Cookie": cookie.partition(";")[0]}
        assert server.ask("/api/v1/runs", headers=held).status == 200
        assert server.send("POST", "/login", {"token": "guess"}).status == 401
        import http.client

        connection = http.client.HTTPConnection(server.base.removeprefix("http://"))
        connection.request("GET", "/?token=a-token-of-the-test&q=x")
        moved = connection.getresponse()
        assert (moved.status, moved.getheader("location")) == (303, "/?q=x")
        assert "plait_token=" in str(moved.getheader("set-cookie"))
        connection.close()
    finally:
        server.close()


def test_another_address_than_loopback_has_a_token_though_nobody_asked_for_one(
    folder: Path, runs: dict[str, str]
) -> None:
    # 127.0.0.2 is an address of this machine that is none of the names of loopback.
    server = Server(folder, "--host", "127.0.0.2")
    try:
        assert "token=" in server.line
        assert server.ask("/api/v1/runs").status == 401
    finally:
        server.close()


def test_ten_thousand_requests_of_a_script_are_answered(server: Server) -> None:
    import http.client

    def ask(_: int) -> int:
        connection = http.client.HTTPConnection(server.base.removeprefix("http://"))
        bad = 0
        for _ in range(1250):
            connection.request("GET", "/api/v1/nothing")
            answer = connection.getresponse()
            answer.read()
            bad += answer.status != 404
        connection.close()
        return bad

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(ask, range(8))) == 0
    assert server.get("/runs")["items"]


def test_without_the_web_server_the_command_says_what_to_install(tmp_path: Path) -> None:
    hidden = "import sys; sys.modules['fastapi'] = None; from plait.cli.main import main; main(['ui'])"
    done = subprocess.run(
        [sys.executable, "-c", hidden], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "fastapi" in done.stderr
    assert "pip install 'plait[ui]'" in done.stderr


def test_where_nothing_ran_yet_the_command_says_what_to_type(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "plait", "ui", "--no-browser"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "plait run TARGET" in done.stderr


def test_a_port_that_is_taken_is_named(tmp_path: Path, folder: Path, runs: dict[str, str]) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [sys.executable, "-m", "plait", "ui", "--no-browser", "--port", port],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert port in done.stderr
    assert "--port 0" in done.stderr
