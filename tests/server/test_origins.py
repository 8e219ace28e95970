"""Where does a value come from, who logged it, how far is a task, and what is wrong with which parameter?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.conftest import Server, environment, plait
from tests.services import Postgres, wait_until

FLOW = """
import time
from plait import each, log, pipeline, progress, step

@step
def load(flights: list) -> list:
    return [{"n": row["n"]} for row in flights]

@step
def double(row: dict, factor: int) -> int:
    log({"seen": row}, name="note")
    return row["n"] * factor

@step
def total(values: list) -> list:
    return [sum(values), *range(3000)]

@step
def report(totals: list) -> int:
    return totals[0]

@pipeline
def flow(flights, factor: int = 2, names: list[str] = ["a"]):
    return report(total(double(each(load(flights)), factor)))

@step
def work(seconds: float):
    for done in range(1000):
        progress(done, 1000)
        time.sleep(seconds / 1000)

@pipeline
def slow(seconds: float = 60.0):
    return work(seconds)
"""
CATALOG = """
flights:
  type: json
  filepath: data/flights.json
  layer: raw
totals:
  type: json
  filepath: data/totals.json
  layer: made
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("origins")
    plait(folder, "new", "shop")
    folder = folder / "shop"
    (folder / "src" / "shop" / "pipelines" / "training.py").write_text(FLOW)
    (folder / "conf" / "base" / "catalog.yml").write_text(CATALOG)
    (folder / "conf" / "base" / "parameters.yml").write_text("factor: 3\n")
    (folder / "data" / "flights.json").write_text('[{"n": 1}, {"n": 2}, {"n": 3}]')
    return folder


@pytest.fixture(scope="module")
def run(project: Path) -> str:
    return plait(project, "run", "flow", "--executor", "inline", "-q").split()[0]


@pytest.fixture(scope="module")
def server(project: Path, run: str) -> Iterator[Server]:
    made = Server(project)
    yield made
    made.close()


def test_a_value_is_followed_to_the_dataset_that_it_was_made_of_and_to_who_used_it(
    server: Server, run: str
) -> None:
    wait_until(lambda: not server.get("/pipelines")["loading"])  # the catalog knows the layers
    made = server.get(f"/runs/{run}/tasks/total")["outputs"][0]["value"]["artifact"]
    web = server.get("/lineage", artifact=made)
    labels = {node["id"]: (node["kind"], node["label"]) for node in web["nodes"]}
    assert labels[f"artifact:{made}"][1].startswith("total (")
    edges = {
        (labels[one["source"]][1].split(" (")[0], labels[one["target"]][1].split(" (")[0])
        for one in web["edges"]
    }
    assert {("flights", "load"), ("double", "total"), ("total", "total"), ("total", "report")} <= edges
    assert {node["run"] for node in web["nodes"] if node["kind"] == "step"} == {run}
    assert next(node["layer"] for node in web["nodes"] if node["kind"] == "dataset") == "raw"
    near = server.get("/lineage", artifact=made, depth=1)
    assert len(near["nodes"]) < len(web["nodes"])
    assert server.ask("/api/v1/lineage?artifact=0000").status == 404


def test_what_was_logged_tells_who_logged_it(server: Server, run: str) -> None:
    view = server.get(f"/runs/{run}/tasks/double%5B1%5D")
    logged = view["objects"][0]
    about = server.get(f"/artifacts/{logged['value']['artifact']}", run=run, task="double[1]")
    assert about["made_by"] == [{"run": run, "task": "double[1]", "output": logged["name"], "logged": True}]
    assert f'.previews["{logged["name"]}"]' in about["python"]


def test_elements_of_a_map_are_told(server: Server, run: str) -> None:
    rows = server.get(f"/runs/{run}/steps/double/items", sort="index")["items"]
    assert [row["label"] for row in rows] == ["{'n': 1}", "{'n': 2}", "{'n': 3}"]
    assert server.get(f"/runs/{run}/tasks/double%5B2%5D")["label"] == "{'n': 3}"


def test_when_it_waited_when_it_was_taken_and_when_its_function_was_called(server: Server, run: str) -> None:
    task = server.get(f"/runs/{run}/tasks/load")
    assert task["queued_at"] <= task["started_at"] <= task["called_at"] <= task["ended_at"]
    assert task["attempts"][0]["called_at"] == task["called_at"]
    (bar,) = [one for one in server.get(f"/runs/{run}/timeline")["bars"] if one["task"] == "load"]
    assert bar["queued_at"] <= bar["start"] <= bar["called_at"] <= bar["end"]


def test_datasets_of_a_graph_have_their_layer_type_and_place(server: Server, run: str) -> None:
    wait_until(lambda: not server.get("/pipelines")["loading"])
    for path in (f"/runs/{run}/graph", "/pipelines/flow/graph"):
        (flights,) = [one for one in server.get(path)["datasets"] if one["name"] == "flights"]
        assert (flights["layer"], flights["type"]) == ("raw", "json")
        assert flights["place"].endswith("data/flights.json")


def test_what_is_wrong_with_parameters_is_said_by_their_names(server: Server) -> None:
    params = {"factor": "many", "names": "3"}
    answer = server.send("POST", "/pipelines/flow/check", {"params": params}).json
    assert not answer["ok"]
    assert [one["name"] for one in answer["errors"]] == ["factor", "names"]
    assert all(one["message"] and "\n" not in one["message"] for one in answer["errors"])
    answer = server.send("POST", "/pipelines/flow/check", {"params": {"facto": "1"}}).json
    assert [(one["name"], one["hint"]) for one in answer["errors"]] == [("facto", "did you mean 'factor'?")]


def test_how_far_a_task_is_stands_on_its_page_and_in_show(server: Server, project: Path) -> None:
    started = server.send(
        "POST", "/pipelines/slow/run", {"params": {}, "executor": "processes", "workers": 1}
    ).json
    run: list[str] = []

    def begun() -> bool:
        run[:] = [
            str(server.get(f"/launches/{started['launch' if 'launch' in started else 'id']}")["run"] or "")
        ]
        return bool(run[0])

    wait_until(begun)
    path = f"/runs/{run[0]}/tasks/work"
    try:
        wait_until(lambda: server.get(path)["progress"])
        said = server.get(path)["progress"]
        assert (said[1], said[0] >= 0) == (1000.0, True)
        assert "/1000" in plait(project, "show", run[0])
    finally:
        server.send("POST", f"/runs/{run[0]}/cancel")
    assert "/1000" not in plait(project, "show", run[0])


def test_records_in_postgresql_are_shown_where_no_file_has_any(postgres: Postgres, tmp_path: Path) -> None:
    (tmp_path / "flow.py").write_text(FLOW)
    env = {"PLAIT_RECORDS": postgres.url_by_home}
    import subprocess
    import sys

    subprocess.run(
        [sys.executable, "-c", "import flow; flow.slow.run(seconds=0.01)"],
        cwd=tmp_path,
        env={**environment(), **env},
        check=True,
        capture_output=True,
    )
    assert not list(tmp_path.rglob("records.db"))
    shown = Server(tmp_path, env=env)
    try:
        (row,) = shown.get("/runs")["items"]
        assert (row["pipeline"], row["status"]) == ("slow", "done")
        (event,) = shown.events(f"/runs/{row['id']}/events", lambda name, _: name == "run")
        assert event[1]["steps"][0]["counts"]["done"] == 1
    finally:
        shown.close()
