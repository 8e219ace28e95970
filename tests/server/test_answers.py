"""What the pages are made of: lists, graphs, tasks, logs, values, comparisons."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from tests.server.conftest import Server
from tests.services import wait_until


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("", {"done", "scaled", "failed"}),
        ("status:failed", {"failed"}),
        ("-status:failed", {"done", "scaled"}),
        ("status:failed,done scale>1.5", {"scaled"}),
        ("tag:nightly", {"done"}),
        ("-tag:nightly", {"scaled", "failed"}),
        ("curve>60", {"scaled"}),
        ("metric:curve<=49 status:done", {"done"}),
        ("count=6", {"scaled"}),
        ("count!=6", {"done", "failed"}),
        ('name:"the first"', {"done"}),
        ("first", {"done"}),
        ("pipeline:fl*", {"done", "scaled", "failed"}),
        ("pipeline:nothing", set()),
        ("since:1h until:2999-01-01", {"done", "scaled", "failed"}),
        ("is:tagged", {"done"}),
        ("is:resumable", {"failed"}),
    ],
)
def test_a_filter_takes_the_runs_that_it_means(
    server: Server, runs: dict[str, str], q: str, found: set[str]
) -> None:
    page = server.get("/runs", q=q)
    assert {row["id"] for row in page["items"]} & set(runs.values()) == {runs[name] for name in found}
    assert not [term for term in page["query"]["terms"] if term["error"]]


@pytest.mark.parametrize(
    ("q", "said"),
    [
        ("statu:failed", "did you mean 'status'?"),
        ("status:fialed", "did you mean 'failed'?"),
        ("since:yesterday", "since:7d"),
        ("alpha>", "compared with nothing"),
    ],
)
def test_a_word_that_is_not_understood_says_so_and_the_rest_still_counts(
    server: Server, runs: dict[str, str], q: str, said: str
) -> None:
    page = server.get("/runs", q=f"{q} tag:nightly")
    assert [row["id"] for row in page["items"]] == [runs["done"]]
    assert said in page["query"]["terms"][0]["error"]


def test_pages_follow_each_other_without_gaps_in_every_order(server: Server, runs: dict[str, str]) -> None:
    for sort in ("started", "-started", "seconds", "metric:curve", "-param:count"):
        whole = [row["id"] for row in server.get("/runs", sort=sort, limit=100)["items"]]
        seen: list[str] = []
        cursor = None
        for _ in whole:
            page = server.get("/runs", sort=sort, limit=1, cursor=cursor)
            seen += [row["id"] for row in page["items"]]
            cursor = page["next"]
            if cursor is None:
                break
        assert seen == whole, sort
    curves = [
        row["values"]["metric:curve"]
        for row in server.get("/runs", sort="-metric:curve", columns="metric:curve", q="status:done")["items"]
    ]
    assert curves[:2] == [98.0, 49.0]


def test_a_row_has_its_columns_and_a_sparkline(server: Server, runs: dict[str, str]) -> None:
    rows = server.get("/runs", columns="param:count,metric:curve", spark="metric:curve")["items"]
    row = next(row for row in rows if row["id"] == runs["scaled"])
    assert row["values"] == {"param:count": 6, "metric:curve": 98.0}
    assert len(row["spark"]["metric:curve"]) <= 24
    assert (row["spark"]["metric:curve"][0], row["spark"]["metric:curve"][-1]) == (0.0, 98.0)
    assert row["differing"].keys() >= {"scale", "count"}


def test_the_graph_has_a_map_as_one_node_with_its_counts(server: Server, runs: dict[str, str]) -> None:
    view = server.get(f"/runs/{runs['failed']}/graph")
    nodes = {node["id"]: node for node in view["nodes"]}
    progress = nodes["square"]["progress"]
    assert nodes["square"]["mapped"]
    assert progress["counts"] == {
        "total": 5, "waiting": 0, "running": 0, "done": 4, "cached": 0, "failed": 1, "cancelled": 0, "skipped": 0, "lost": 0,
    } | {"done": progress["counts"]["done"], "cached": progress["counts"]["cached"]}  # fmt: skip
    assert progress["counts"]["done"] + progress["counts"]["cached"] == 4
    assert progress["retries"] == 1
    kinds = {(edge["source"], edge["target"]): edge["kind"] for edge in view["edges"]}
    assert kinds["numbers", "square"] == "each"
    assert kinds["square", "total"] == "gather"
    assert kinds["total", "page"] == "data"
    assert kinds["input:count", "numbers"] == "data"


def test_items_come_failed_first_and_can_be_jumped_into(server: Server, runs: dict[str, str]) -> None:
    path = f"/runs/{runs['failed']}/steps/square/items"
    rows = server.get(path)["items"]
    assert rows[0]["task"] == "square[2]"
    assert rows[0]["state"] == "failed"
    assert [row["task"] for row in server.get(path, offset=2, limit=2)["items"]] == [
        row["task"] for row in rows[2:4]
    ]
    assert [row["path"] for row in server.get(path, sort="index")["items"]] == [[0], [1], [2], [3], [4]]
    assert [row["task"] for row in server.get(path, state="failed")["items"]] == ["square[2]"]
    walked, cursor = [], None
    for _ in rows:
        page = server.get(path, limit=2, cursor=cursor)
        walked += [row["task"] for row in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert walked == [row["task"] for row in rows]
    cells = server.get(f"/runs/{runs['failed']}/steps/square/strip")["cells"]
    assert (len(cells), cells[2]) == (5, "f")


def test_a_task_tells_its_error_its_attempts_and_how_to_go_on(server: Server, runs: dict[str, str]) -> None:
    view = server.get(f"/runs/{runs['failed']}/tasks/{quote('square[2]')}")
    assert [one["state"] for one in view["attempts"]] == ["retried", "failed"]
    assert view["error"]["type"] == "ValueError"
    assert view["error"]["frames"][-1]["origin"] == "user"
    assert "raise ValueError" in view["error"]["frames"][-1]["code"]
    assert {one["name"]: one["value"]["text"] for one in view["inputs"]} == {"n": "2", "wrong": "2"}
    assert view["commands"]["why"] == f"plait why {runs['failed']} 'square[2]'"
    assert (view["previous"], view["next"]) == ("square[1]", "square[3]")
    first = server.get(f"/runs/{runs['failed']}/tasks/{quote('square[2]')}", attempt=1)
    assert first["attempt"] == 1
    code = server.get(f"/runs/{runs['failed']}/tasks/{quote('square[2]')}/code")
    assert "def square" in code["components"][0]["source"]
    missing = server.ask(f"/api/v1/runs/{runs['failed']}/tasks/{quote('squares[2]')}")
    assert missing.status == 404
    assert "square" in missing.json["error"]["hint"]


def test_logs_are_read_by_number_searched_and_stepped_through(server: Server, runs: dict[str, str]) -> None:
    path = f"/runs/{runs['done']}/logs"
    whole = server.get(path)
    assert [line["n"] for line in whole["lines"]] == list(range(whole["total"]))
    assert whole["lines"][0]["text"] == "counting to 5"
    part = server.get(path, **{"from": 2, "limit": 2})
    assert [line["n"] for line in part["lines"]] == [2, 3]
    assert part["next"] == 4
    loud = server.get(path, level="warning")
    assert {line["level"] for line in loud["lines"]} == {30}
    found = server.get(f"{path}/search", q="SQUARING 3")
    assert [line["text"] for line in found["lines"]] == ["flow: squaring 3"]
    assert found["done"]
    assert (
        server.get(f"{path}/search", q="squaring [34]", regex="true")["lines"][1]["text"]
        == "flow: squaring 4"
    )
    number = found["lines"][0]["n"]
    assert server.get(f"{path}/next", **{"from": number, "level": "warning"})["line"] == number
    assert (
        server.get(f"{path}/next", **{"from": number, "level": "warning", "back": "true"})["line"]
        == number - 1
    )
    assert server.get(f"{path}/next", level="error")["line"] is None
    step = server.get(path, step="square")
    assert (step["total"], step["lines"][0]["n"]) == (5, 0)
    assert server.get(path, step="square", **{"from": 3})["lines"][0]["text"] == "flow: squaring 3"
    one = server.get(path, task="square[4]")
    assert [line["text"] for line in one["lines"]] == ["flow: squaring 4"]
    text = server.ask(f"/api/v1{path}/download").body.decode()
    assert text.splitlines() == [line["text"] for line in whole["lines"]]
    wrong = server.ask(f"/api/v1{path}/search?q=%28&regex=true")
    assert (wrong.status, wrong.code) == (400, "invalid")


def test_a_table_is_paged_sorted_and_summed_up(server: Server, runs: dict[str, str]) -> None:
    view = server.get(f"/runs/{runs['done']}/tasks/table")
    artifact = view["outputs"][0]["value"]["artifact"]
    place = {"run": runs["done"], "task": "table"}
    assert server.get(f"/artifacts/{artifact}/preview", **place)["shape"] == [5, 3]
    page = server.get(f"/artifacts/{artifact}/table", sort="n", desc="true", offset=1, limit=2, **place)
    assert [row[0] for row in page["rows"]] == [3, 2]
    facts = {one["name"]: one for one in server.get(f"/artifacts/{artifact}/columns", **place)["columns"]}
    assert (facts["n"]["least"], facts["n"]["greatest"], facts["n"]["missing"]) == (0.0, 4.0, 0)
    assert sum(facts["n"]["histogram"]["counts"]) == 5
    assert facts["name"]["distinct"] == 5
    about = server.get(f"/artifacts/{artifact}", **place)
    assert {"run": runs["done"], "task": "table", "output": "table", "logged": False} in about["made_by"]
    assert f'get_run("{runs["done"]}")' in about["python"]
    csv = server.ask(f"/api/v1/artifacts/{artifact}/download?run={runs['done']}&task=table")
    assert csv.body.decode().splitlines()[0] == "n,<b>square,name"
    wrong = server.ask(f"/api/v1/artifacts/{artifact}/table?sort=m&run={runs['done']}&task=table")
    assert wrong.status == 400
    assert "'m'" in wrong.json["error"]["message"]


def test_runs_beside_each_other_show_what_differs(server: Server, runs: dict[str, str]) -> None:
    both = f"{runs['done']},{runs['scaled']}"
    found = server.get("/compare", runs=both)
    params = {row["name"]: row for row in found["params"]}
    assert params["scale"] == {"name": "scale", "differs": True, "values": [1.0, 2.0]}
    assert not params["wrong"]["differs"]
    assert all(not row["differs"] for row in found["code"])
    assert all(
        one["same"] for one in server.get("/compare/code", left=runs["done"], right=runs["scaled"])["steps"]
    )
    points = server.get("/compare/points", runs=both, x="param:scale", y="metric:curve")["items"]
    assert [(one["x"], one["y"]) for one in points] == [(1.0, 49.0), (2.0, 98.0)]
    curves = server.get("/series", runs=both, metric="curve")["series"]
    assert [(one["run"], one["y"][-1]) for one in curves] == [(runs["done"], 49.0), (runs["scaled"], 98.0)]
    alone = server.ask(f"/api/v1/compare?runs={runs['done']}")
    assert alone.status == 400


def test_a_pipeline_has_its_grid_its_trends_and_its_form(server: Server, runs: dict[str, str]) -> None:
    grid = server.get("/pipelines/flow/grid")
    assert grid["steps"][0] == "numbers"
    column = [run["id"] for run in grid["runs"]].index(runs["failed"])
    assert grid["cells"][grid["steps"].index("square")][column]["failed"] == 1
    trends = server.get("/pipelines/flow/trends")
    assert len(trends["metrics"]["curve"]) == len(trends["runs"])
    for _ in range(200):
        view = server.get("/pipelines/flow")
        if not view["loading"]:
            break
    params = {one["name"]: one for one in view["params"]}
    assert params["count"]["schema"] == {"type": "integer"}
    assert params["scale"]["default"] == 1.0
    assert view["doc"] == "Squares."


def test_what_is_not_there_is_said_with_the_nearest(server: Server, runs: dict[str, str]) -> None:
    wait_until(lambda: not server.get("/pipelines")["loading"])  # until then a pipeline may still be there
    for path, status in (
        ("/runs/nothing0", 404),
        (f"/runs/{runs['done']}/steps/sqare/items", 404),
        ("/artifacts/0000/preview", 404),
        ("/pipelines/flwo", 404),
        ("/catalog/nothing", 404),
        ("/launches/nothing", 404),
        ("/runs?cursor=x", 400),
        ("/runs?limit=0", 422),
        ("/runs?sort=colour", 400),
        (f"/runs/{runs['done']}/steps/square/items?cursor=x", 400),
        (f"/runs/{runs['done']}/timeline?lane=colour", 400),
        (f"/runs/{runs['done']}/timeline?from=5&to=1", 400),
    ):
        answer = server.ask(f"/api/v1{path}")
        assert answer.status == status, (path, answer.body)
        assert answer.json["error"]["message"]
    assert "square" in server.ask(f"/api/v1/runs/{runs['done']}/steps/sqare/items").json["error"]["hint"]
