"""At which moments does plait call hooks, and what does it tell them? All of them, each with its context.

A context is a frozen record: a hook looks on. Where a context holds a value (a dataset's), that is the value itself
and not a copy; to change it is to break what a run says of its data.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

__all__ = [
    "SPECS",
    "CatalogBuilt",
    "DatasetMoment",
    "Hooks",
    "LoggedMetric",
    "MetricsLogged",
    "ProjectLoaded",
    "RunFailed",
    "RunFinished",
    "RunStarted",
    "StepFailed",
    "StepFinished",
    "StepRetried",
    "StepStarted",
]


class ProjectLoaded(Struct, frozen=True, kw_only=True):
    """A project is about to be used by this process: its folder, its package, the environment of its conf."""

    root: str
    package: str | None = None
    env: str | None = None


class CatalogBuilt(Struct, frozen=True, kw_only=True):
    """A catalog was read: the names with an entry of their own, and the factory patterns."""

    root: str
    env: str
    datasets: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()


class RunStarted(Struct, frozen=True, kw_only=True):
    """A run is recorded and begins now; a run that is resumed begins again. ``params`` are as in its record.

    ``recorded`` is the run as ``plait.get_run`` gives it, here and when it ends.
    """

    run: str
    pipeline: str
    target: str
    executor: str
    params: dict[str, Any] = {}
    steps: tuple[str, ...] = ()
    recorded: Any = None


class RunFinished(Struct, frozen=True, kw_only=True):
    """All tasks of a run are done; ``recorded`` is the run as ``plait.get_run`` gives it."""

    run: str
    pipeline: str
    seconds: float
    recorded: Any = None


class RunFailed(Struct, frozen=True, kw_only=True):
    """A run ended otherwise: its status is ``failed`` or ``cancelled``; ``tasks`` are the first that failed."""

    run: str
    pipeline: str
    seconds: float
    status: str
    reason: str = ""
    tasks: tuple[str, ...] = ()
    recorded: Any = None


class StepStarted(Struct, frozen=True, kw_only=True):
    """An attempt of a task begins: its step, its name such as ``fit[3]``, and which attempt it is, from 1."""

    run: str
    pipeline: str
    step: str
    task: str
    attempt: int


class StepFinished(Struct, frozen=True, kw_only=True):
    """An attempt came to its end well; ``outputs`` are the types of its results by name."""

    run: str
    pipeline: str
    step: str
    task: str
    attempt: int
    seconds: float
    outputs: dict[str, str] = {}


class StepFailed(Struct, frozen=True, kw_only=True):
    """An attempt raised; the type and the message of its exception, secrets masked."""

    run: str
    pipeline: str
    step: str
    task: str
    attempt: int
    seconds: float
    error: str
    message: str


class StepRetried(Struct, frozen=True, kw_only=True):
    """An attempt failed, or its process died, and another will be made."""

    run: str
    pipeline: str
    step: str
    task: str
    attempt: int
    reason: str


class LoggedMetric(Struct, frozen=True):
    """A number that a step logged: ``at`` is its place in a series, if one was given, ``logged_at`` epoch seconds."""

    name: str
    value: float
    at: float | None
    logged_at: float


class MetricsLogged(Struct, frozen=True, kw_only=True):
    """A task logged numbers; they are recorded. Several at a time, in the order of their logging."""

    run: str
    pipeline: str
    step: str
    task: str
    metrics: tuple[LoggedMetric, ...]


class DatasetMoment(Struct, frozen=True, kw_only=True):
    """A dataset is or was loaded or saved.

    Attributes:
        part: which of its files, for one of many.
        value: what was loaded, or is saved; None before a load.
        place: where it is; passwords masked.
        run: the run, and ``task`` the task that does it; None outside one.
    """

    dataset: str
    part: str | None = None
    value: Any = None
    place: str | None = None
    run: str | None = None
    task: str | None = None


class Hooks:
    """Every hook by name. A function of one of these names, marked with ``@hook``, is called at that moment.

    The order of the methods is that of the moments. ``step_…`` and ``dataset`` hooks are called in the process in which
    the step runs; ``run_…``, ``metrics_logged`` and ``step_retried`` in the one that runs the pipeline; the first two
    in both.
    """

    def project_loaded(self, context: ProjectLoaded) -> None:
        """Before anything else; what it raises stops the command."""

    def catalog_built(self, context: CatalogBuilt) -> None:
        """Each time a catalog is read; what it raises stops the command, or the step that needs it."""

    def run_started(self, context: RunStarted) -> None:
        """Before the first task; what it raises stops the run. What all later hooks raise is a warning."""

    def step_started(self, context: StepStarted) -> None:
        """Before the step's inputs are loaded. A task whose result is taken from an earlier run does not start."""

    def before_dataset_loaded(self, context: DatasetMoment) -> None:
        """Before a dataset of the catalog is read."""

    def after_dataset_loaded(self, context: DatasetMoment) -> None:
        """After it was read and checked."""

    def before_dataset_saved(self, context: DatasetMoment) -> None:
        """Before a dataset is checked and written."""

    def after_dataset_saved(self, context: DatasetMoment) -> None:
        """After it was written, and is there for everybody."""

    def metrics_logged(self, context: MetricsLogged) -> None:
        """After numbers were recorded that a task logged: while it goes on, or when it has ended."""

    def step_finished(self, context: StepFinished) -> None:
        """After the step's results were stored."""

    def step_failed(self, context: StepFailed) -> None:
        """After an attempt raised; another may follow. (A process that died can no longer tell.)"""

    def step_retried(self, context: StepRetried) -> None:
        """When it is decided that a failed attempt is followed by another."""

    def run_finished(self, context: RunFinished) -> None:
        """After all is recorded."""

    def run_failed(self, context: RunFailed) -> None:
        """After all is recorded that could be."""


SPECS = tuple(name for name in vars(Hooks) if not name.startswith("_"))
