"""Is all of a run found again on a real MLflow server?"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from plait.integrations.files import write_file
from tests.programs import Folder
from tests.services import free_port, started, wait_until

FLOW = """
import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression
@step
def table(n: int):
    return pd.DataFrame({"x": np.arange(n, dtype=float), "y": 2 * np.arange(n, dtype=float)})
@step
def fit(table, alpha: float):
    for epoch in range(3):
        log(loss=1.0 / (epoch + 1) * alpha, at=epoch)
    if os.environ.get("FAIL"):
        raise ValueError("no")
    return LinearRegression().fit(table[["x"]], table["y"])
@step
def evaluate(models, table):
    log(rmse=0.25, picture={"a": [1]})
    return {"best": 0}
@step
def choose(models, report):
    return models[0]
@pipeline
def training(n: int = 20, alphas: list[float] = [0.5, 1.0], model: dict = {"depth": 3, "name": "plain"}):
    data = table(n)
    models = fit(data, each(alphas))
    return choose(models, evaluate(models, data))
"""


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    pytest.importorskip("mlflow", reason="make test-engines installs the MLflow server")
    folder = tmp_path_factory.mktemp("mlflow")
    port = free_port()
    command = (
        sys.executable,
        "-m",
        "mlflow",
        "server",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--workers",
        "1",
    )
    places = (
        "--backend-store-uri",
        f"sqlite:///{folder}/mlflow.db",
        "--artifacts-destination",
        f"{folder}/artifacts",
    )
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with started(*command, *places, log=folder / "log", cwd=folder, env=environment):

        def answers() -> bool:
            import urllib.request

            return urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2).status == 200

        wait_until(answers, 180, "the MLflow server")
        yield f"http://127.0.0.1:{port}"


def found(server: str, run: str, name: str = "training") -> tuple[Any, Any]:
    import mlflow

    client = mlflow.MlflowClient(tracking_uri=server)
    experiment = client.get_experiment_by_name(name)
    (one,) = client.search_runs([experiment.experiment_id], f"tags.`plait.run` = '{run}'")
    return client, one


@pytest.mark.engine_slow
def test_parameters_metrics_results_and_models_of_a_run_appear_there(project: Folder, server: str) -> None:
    (project.path / "conf/base/stack.yml").write_text(
        f"executor: inline\ntracker: {server}\nmodel_registry: {{type: mlflow, url: '{server}', models: {{choose: best}}}}\n"
    )
    project.write(FLOW)
    status, out, err = project.plait("run", "flow.py", "n=30", "--quiet")
    assert status == 0, err
    assert "warning" not in err.lower(), err
    client, run = found(server, out.strip())
    assert run.info.status == "FINISHED"
    assert run.data.params == {"n": "30", "alphas": "[0.5, 1.0]", "model.depth": "3", "model.name": "plain"}
    assert run.data.metrics["rmse"] == 0.25
    assert run.data.tags["plait.pipeline"] == "training"
    series = client.get_metric_history(run.info.run_id, "fit/1/loss")
    assert [(point.step, point.value) for point in series] == [(0, 1.0), (1, 0.5), (2, 1 / 3)]
    files = {one.path for one in client.list_artifacts(run.info.run_id)}
    assert {"table.csv", "evaluate.json"} <= files
    assert [one.path for one in client.list_artifacts(run.info.run_id, "logged/evaluate")] == [
        "logged/evaluate/picture.json"
    ]
    import mlflow

    mlflow.set_tracking_uri(server)
    (version,) = client.search_model_versions("name = 'best'")
    assert version.run_id == run.info.run_id
    model = mlflow.sklearn.load_model("models:/best/1")
    assert abs(model.coef_[0] - 2.0) < 1e-9

    # All of it again, though nothing ran: a run whose results were taken is a run.
    status, out, err = project.plait("run", "flow.py", "n=30", "--quiet")
    assert status == 0, err
    _, again = found(server, out.strip())
    assert again.data.metrics == run.data.metrics
    assert again.info.run_id != run.info.run_id


@pytest.mark.engine_slow
def test_a_run_that_failed_and_went_on_is_one_run_there(
    project: Folder, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project.path / "conf/base/stack.yml").write_text(
        f"executor: inline\ntracker: {{type: mlflow, url: '{server}', experiment: mine, results: false}}\n"
    )
    project.write(FLOW)
    monkeypatch.setenv("FAIL", "1")
    status, out, _ = project.plait("run", "flow.py", "n=31", "--quiet")
    assert status == 1
    _, run = found(server, out.strip(), "mine")
    assert run.info.status == "FAILED"
    assert "ValueError" in run.data.tags["plait.reason"]
    monkeypatch.delenv("FAIL")
    status, again, err = project.plait("resume", "--quiet")
    assert status == 0, err
    assert again == out
    _, run = found(server, out.strip(), "mine")
    assert run.info.status == "FINISHED"


@pytest.mark.engine_slow
def test_check_asks_the_server(project: Folder, server: str) -> None:
    (project.path / "conf/base/stack.yml").write_text(f"executor: inline\ntracker: {server}\n")
    status, out, err = project.plait("stack", "check")
    assert status == 0, out + err
    assert f"tracker mlflow  {server} answers" in out


@pytest.mark.engine_slow
def test_a_server_that_is_not_there_costs_warnings_and_no_run(project: Folder) -> None:
    (project.path / "conf/base/stack.yml").write_text(
        f"executor: inline\ntracker: http://127.0.0.1:{free_port()}\n"
    )
    project.write(FLOW)
    status, _, err = project.plait("run", "flow.py", "--quiet")
    assert status == 0, err
    assert "does not hear of run" in err


def test_without_its_package_the_command_that_installs_it_is_named(
    project: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLAIT_TEST_NO_MLFLOW", "1")
    (project.path / "src/shop/__init__.py").write_text("")
    (project.path / "sitecustomize.py").write_text("import sys\nsys.modules['mlflow'] = None\n")
    monkeypatch.setenv("PYTHONPATH", str(project.path))
    (project.path / "conf/base/stack.yml").write_text("executor: inline\ntracker: http://127.0.0.1:9\n")
    project.write("@step\ndef one():\n    return 1\n@pipeline\ndef flow():\n    return one()\n")
    import subprocess

    from tests.programs import SOURCE

    environment = {**project.environment, "PYTHONPATH": f"{project.path}{os.pathsep}{SOURCE}"}
    done = subprocess.run(
        [sys.executable, "-m", "plait", "run", "flow.py"],
        cwd=project.path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 2
    assert "the tracker 'mlflow' needs packages that are not installed (mlflow)" in done.stderr
    assert "→ plait integration install mlflow" in done.stderr


def test_a_value_becomes_the_file_that_people_expect(tmp_path: Path) -> None:
    import matplotlib
    import numpy as np
    import pandas as pd

    matplotlib.use("Agg")
    from matplotlib.figure import Figure

    figure = Figure()
    figure.subplots().plot([1, 2])
    for value, ending in (
        (figure, ".png"),
        (pd.DataFrame({"a": [1]}), ".csv"),
        (np.arange(3), ".npy"),
        ("text", ".txt"),
        ({"a": 1}, ".json"),
        (3.5, ".json"),
        ({1, 2}, ".pickle"),
    ):
        file = write_file(tmp_path, "it", value)
        assert file.suffix == ending
        assert file.stat().st_size > 0
