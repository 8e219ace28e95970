"""How does a run get into MLflow? Its parameters and metrics as they come, its results and models when it is done.

Each class is a type: its fields are the options of ``tracker:`` or ``model_registry:`` in ``stack.yml``.
"""

from __future__ import annotations

import inspect
import logging
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from msgspec import Struct

from plait.graph.units import read_size
from plait.integrations.files import write_file
from plait.project.hooks import hook
from plait.project.hookspecs import MetricsLogged, RunFailed, RunFinished, RunStarted
from plait.project.secrets import Secret

if TYPE_CHECKING:
    from plait.project.project import Project

__all__ = ["Mlflow", "Registry"]

_TAG = "plait.run"
_BATCH = 100  # parameters in one request; metrics may be a thousand
_LONGEST_PARAMETER = 6000
_FLAVOURS = {
    "catboost": "catboost",
    "keras": "keras",
    "lightgbm": "lightgbm",
    "sklearn": "sklearn",
    "statsmodels": "statsmodels",
    "torch": "pytorch",
    "xgboost": "xgboost",
}


class _Server(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How an MLflow server is reached."""

    integration: ClassVar[str] = "mlflow"
    schemes: ClassVar[tuple[str, ...]] = ("http", "https", "databricks", "sqlite", "file")

    url: str
    token: Secret | None = None
    username: str | None = None
    password: Secret | None = None
    experiment: str | None = None

    def connect(self) -> Connection:
        # Said here that it is missing, before anything has begun; imported where it is used.
        if find_spec("mlflow") is None:
            raise ModuleNotFoundError("No module named 'mlflow'", name="mlflow")
        return Connection(self)


class Mlflow(_Server, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An MLflow server: parameters, metrics, results and models of each run appear there.

    Attributes:
        url: where it is; ``experiment`` is the pipeline's name if left out.
        results: whether results of steps are uploaded when the run is done: those of mapped steps are not.
        models: whether models among them are logged as models.
        largest: results that take more are left out.
    """

    results: bool = True
    models: bool = True
    largest: str = "50MB"

    def __post_init__(self) -> None:
        read_size(self.largest)

    def open(self, project: Project) -> Tracker:
        return Tracker(self.connect(), self)


class Registry(_Server, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The model registry of an MLflow server.

    Attributes:
        models: for each output that holds a model, the name that it is registered under: a version for each run.
    """

    models: dict[str, str]

    def open(self, project: Project) -> Registering:
        return Registering(self.connect(), self.models)


class Connection:
    """An MLflow server, and the runs there that stand for plait's."""

    def __init__(self, server: _Server) -> None:
        self._server = server
        self._client: Any = None
        self._runs: dict[str, str] = {}

    @property
    def client(self) -> Any:
        if self._client is None:
            server = self._server
            # What it does by itself: seven tries with pauses that double, minutes for a server that is not there; lines
            # among those of the steps; and word of its use to its makers, for which a process waits when it ends.
            for name, value in (
                ("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3"),
                ("MLFLOW_HTTP_REQUEST_TIMEOUT", "30"),
                ("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true"),
                ("MLFLOW_DISABLE_TELEMETRY", "true"),
            ):
                os.environ.setdefault(name, value)
            for name, secret in (
                ("MLFLOW_TRACKING_TOKEN", server.token.reveal() if server.token else None),
                ("MLFLOW_TRACKING_USERNAME", server.username),
                ("MLFLOW_TRACKING_PASSWORD", server.password.reveal() if server.password else None),
            ):
                if secret is not None:
                    os.environ[name] = secret
            import mlflow

            mlflow.set_tracking_uri(server.url)
            self._client = mlflow.MlflowClient(tracking_uri=server.url)
        return self._client

    def run_of(self, run: str, pipeline: str) -> str:
        """The MLflow run that stands for a run: the same one when it is resumed."""
        if run not in self._runs:
            client, name = self.client, self._server.experiment or pipeline
            experiment = client.get_experiment_by_name(name)
            where = experiment.experiment_id if experiment is not None else client.create_experiment(name)
            found = client.search_runs([where], f"tags.`{_TAG}` = '{run}'", max_results=1)
            made = (
                found[0]
                if found
                else client.create_run(where, run_name=f"{pipeline} {run}", tags={_TAG: run})
            )
            self._runs[run] = made.info.run_id
        return self._runs[run]

    def check(self) -> str:
        """Ask for one experiment."""
        found = self.client.search_experiments(max_results=1)
        return f"{self._server.url} answers" + (f"; an experiment there: {found[0].name}" if found else "")

    def log_model(self, run: str, name: str, model: Any, registered: str | None = None) -> None:
        import importlib

        import mlflow

        flavour = importlib.import_module(f"mlflow.{_FLAVOURS[flavour_of(model) or '']}")
        takes = inspect.signature(flavour.log_model).parameters
        more: dict[str, Any] = {"name" if "name" in takes else "artifact_path": name}
        if "pip_requirements" in takes and hasattr(flavour, "get_default_pip_requirements"):
            # Otherwise it starts a process that imports everything once more, for half a minute, to find them.
            more["pip_requirements"] = flavour.get_default_pip_requirements()
        mlflow.set_tracking_uri(self._server.url)
        with mlflow.start_run(run_id=run, nested=True):
            flavour.log_model(model, **more, registered_model_name=registered)


class Tracker:
    """The hooks. What fails here is a warning: a run does not depend on who hears of it."""

    def __init__(self, connection: Connection, options: Mlflow) -> None:
        self._connection = connection
        self._options = options
        self._owners: dict[str, str] = {}
        self._steps: dict[str, int] = {}
        self._unheard: set[str] = set()

    def check(self) -> str:
        return self._connection.check()

    @hook
    def run_started(self, context: RunStarted) -> None:
        try:
            self._begin(context)
        except Exception as error:  # noqa: BLE001 - what a server or its client raises
            # Not asked again at every number: each time the steps would wait for an answer.
            self._unheard.add(context.run)
            logging.getLogger("plait.hooks").warning(
                "MLflow at %s does not hear of run %s: %s", self._options.url, context.run, _first_line(error)
            )

    def _begin(self, context: RunStarted) -> None:
        from mlflow.entities import Param, RunTag

        run = self._connection.run_of(context.run, context.pipeline)
        client = self._connection.client
        facts: Mapping[str, Any] = getattr(context.recorded, "facts", {})
        tags = {"plait.pipeline": context.pipeline, "plait.executor": context.executor}
        git = facts.get("git") or {}
        if isinstance(git, Mapping) and git.get("commit"):
            tags["mlflow.source.git.commit"] = str(git["commit"])
        tags["mlflow.source.name"] = context.target
        if facts.get("user"):
            tags["mlflow.user"] = str(facts["user"])
        client.log_batch(run, tags=[RunTag(name, value) for name, value in tags.items()])
        known = client.get_run(run).data.params
        params = [
            Param(name, str(value)[:_LONGEST_PARAMETER])
            for name, value in _flat(context.params)
            if name not in known  # a resumed run has said them before
        ]
        for start in range(0, len(params), _BATCH):
            client.log_batch(run, params=params[start : start + _BATCH])
        client.update_run(run, status="RUNNING")

    @hook
    def metrics_logged(self, context: MetricsLogged) -> None:
        if context.run in self._unheard:
            return
        from mlflow.entities import Metric

        run = self._connection.run_of(context.run, context.pipeline)
        points = []
        for one in context.metrics:
            name = self._name(context.step, context.task, one.name)
            points.append(Metric(name, one.value, int(one.logged_at * 1000), self._step(name, one.at)))
        self._connection.client.log_batch(run, metrics=points)

    def _name(self, step: str, task: str, metric: str) -> str:
        """``rmse``; of a task of a mapped step ``fit/3/rmse``; where another step has that name ``evaluate/rmse``."""
        place = task.replace("[", "/").replace("]", "").replace(",", "/")
        name = _allowed(metric if place == step else f"{place}/{metric}")
        if self._owners.setdefault(name, place) != place:
            name = _allowed(f"{place}/{metric}")
        return name

    def _step(self, name: str, at: float | None) -> int:
        count = self._steps[name] = self._steps.get(name, -1) + 1
        return int(at) if at is not None and at == int(at) else count

    @hook
    def run_finished(self, context: RunFinished) -> None:
        if context.run in self._unheard:
            return
        run = self._connection.run_of(context.run, context.pipeline)
        if context.recorded is not None:
            self._log_taken_metrics(run, context.recorded)
            self._log_results(run, context.recorded)
        self._connection.client.set_terminated(run, "FINISHED")

    @hook
    def run_failed(self, context: RunFailed) -> None:
        if context.run in self._unheard:
            return
        run = self._connection.run_of(context.run, context.pipeline)
        client = self._connection.client
        client.set_tag(run, "plait.reason", context.reason[:_LONGEST_PARAMETER])
        client.set_terminated(run, "KILLED" if context.status == "cancelled" else "FAILED")

    def _log_taken_metrics(self, run: str, recorded: Any) -> None:
        """What tasks had logged whose results were taken from earlier runs."""
        from mlflow.entities import Metric

        points = []
        for one in recorded.metric_points():
            if one.attempt == 0:
                name = self._name(one.task.partition("[")[0], one.task, one.name)
                points.append(Metric(name, one.value, int(one.logged_at * 1000), self._step(name, one.at)))
        for start in range(0, len(points), 10 * _BATCH):
            self._connection.client.log_batch(run, metrics=points[start : start + 10 * _BATCH])

    def _log_results(self, run: str, recorded: Any) -> None:
        largest = read_size(self._options.largest)
        client = self._connection.client
        with tempfile.TemporaryDirectory(prefix="plait-mlflow-") as folder:
            for task in recorded.iter_tasks():
                for name, artifact in task.previews.items():
                    if artifact.size <= largest:
                        value = recorded.store.artifacts.load(artifact)
                        file = write_file(Path(folder), _allowed(name).replace("/", "_"), value)
                        client.log_artifact(run, str(file), _allowed(f"logged/{task.name}"))
                if task.path or not self._options.results:
                    continue
                for name, artifact in task.artifacts.items():
                    if artifact.size <= largest:
                        value = recorded.store.artifacts.load(artifact)
                        if self._options.models and flavour_of(value) is not None:
                            self._connection.log_model(run, _allowed(name), value)
                        else:
                            client.log_artifact(run, str(write_file(Path(folder), _allowed(name), value)))


class Registering:
    """The hooks of the registry alone."""

    def __init__(self, connection: Connection, models: Mapping[str, str]) -> None:
        self._connection = connection
        self._models = models

    def check(self) -> str:
        return self._connection.check()

    @hook(last=True)
    def run_finished(self, context: RunFinished) -> None:
        run = self._connection.run_of(context.run, context.pipeline)
        for output, registered in self._models.items():
            if context.recorded is None or output not in context.recorded:
                continue
            model = context.recorded[output]
            if flavour_of(model) is None:
                raise TypeError(
                    f"{output!r} is a {type(model).__name__}, which is no model that MLflow knows"
                )
            self._connection.log_model(run, _allowed(output), model, registered)


def flavour_of(value: Any) -> str | None:
    """The library of a model, for one that MLflow can store as a model; None for anything else."""
    for cls in type(value).__mro__:
        root = (cls.__module__ or "").partition(".")[0]
        if root in _FLAVOURS and (callable(getattr(value, "predict", None)) or root == "torch"):
            return root
    return None


def _flat(params: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in params.items():
        full = _allowed(f"{before}{name}")
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{full}.")
        else:
            yield full, value


def _allowed(name: str) -> str:
    return re.sub(r"[^\w\-. :/]", "_", name.replace("[", "/").replace("]", ""))[:250]


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else ''}"
