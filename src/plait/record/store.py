"""Where are a project's runs kept, and how are they found again?

In the record store and the artifact store of its stack: ``.plait/`` with its tables and its artifacts, or elsewhere.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from plait.data import ArtifactStore
from plait.errors import RecordError, did_you_mean
from plait.record.database import Database, nothing_recorded
from plait.record.sqlite import SqliteDatabase

if TYPE_CHECKING:
    from plait.project.project import Project
    from plait.record.views import Run

__all__ = ["FOLDER", "RecordStore", "find_home", "find_records", "open_records"]

FOLDER = ".plait"


class RecordStore:
    """The records and artifacts of one project, or of one folder of scripts.

    Args:
        home: the folder ``.plait`` itself.
        create: make it when it is not there.
        database: where the records are, if not there.
        artifacts: where the artifacts are, if not there.
        typed: what people add to a command so that it finds this store, such as `` --env prod``.

    Raises:
        RecordError: nothing is recorded there, or it cannot be used.
    """

    def __init__(
        self,
        home: Path,
        *,
        create: bool = False,
        database: Database | None = None,
        artifacts: ArtifactStore | None = None,
        typed: str = "",
    ) -> None:
        self.home = home
        self.typed = typed
        self.database = database if database is not None else _default_database(home, create=create)
        self._artifacts = artifacts

    @cached_property
    def artifacts(self) -> ArtifactStore:
        return self._artifacts or ArtifactStore(str(self.home / "artifacts"))

    @property
    def artifacts_url(self) -> str:
        return self.artifacts.url

    def runs(self, *, limit: int | None = 20, pipeline: str | None = None) -> list[Run]:
        """The latest runs, newest first."""
        from plait.record.views import RUN_COLUMNS, Run

        where, values = ("WHERE pipeline = ?", [pipeline]) if pipeline else ("", [])
        end = f" LIMIT {int(limit)}" if limit is not None else ""
        sql = f"SELECT {RUN_COLUMNS} FROM run {where} ORDER BY started_at DESC, key DESC{end}"
        return [Run(self, row) for row in self.database.rows(sql, values)]

    def run(self, run_id: str = "latest") -> Run:
        """The run of an id, of a unique prefix of it, or the ``latest``.

        Raises:
            RecordError: there is none, or there are several; the message names them.
        """
        from plait.record.views import RUN_COLUMNS, Run

        if run_id == "latest":
            found = self.runs(limit=1)
            if not found:
                raise RecordError("there is no run yet", hint="start one: plait run TARGET")
            return found[0]
        whole = self.database.row(f"SELECT {RUN_COLUMNS} FROM run WHERE id = ?", (run_id,))
        if whole is not None:  # the usual case, and the quick one: only a beginning has to be looked for
            return Run(self, whole)
        sql = f"SELECT {RUN_COLUMNS} FROM run WHERE id LIKE ? ESCAPE '!' ORDER BY started_at DESC LIMIT 4"
        prefix = run_id.replace("!", "!!").replace("%", "!%").replace("_", "!_")
        rows = self.database.rows(sql, (f"{prefix}%",)) if run_id else []
        if len(rows) == 1 or (rows and any(row[1] == run_id for row in rows)):
            return Run(self, next((row for row in rows if row[1] == run_id), rows[0]))
        if not rows:
            latest = ", ".join(run.id for run in self.runs(limit=5))
            raise RecordError(
                f"there is no run {run_id!r}",
                hint=did_you_mean(run_id, ["latest"])
                or (f"the latest runs are {latest}" if latest else "start one: plait run TARGET"),
            )
        several = ", ".join(row[1] for row in rows[:3])
        raise RecordError(f"several runs begin with {run_id!r}: {several}", hint="write one character more")

    def runs_named(self, names: Sequence[str]) -> list[Run]:
        """Several runs, each as ``run`` finds it: those named by their whole ids by one question.

        Raises:
            RecordError: there is none of a name, or there are several.
        """
        from plait.record.views import RUN_COLUMNS, Run

        if not names:
            return []
        sql = f"SELECT {RUN_COLUMNS} FROM run WHERE id IN ({', '.join('?' * len(names))})"
        found = {row[1]: Run(self, row) for row in self.database.rows(sql, names)}
        return [found.get(name) or self.run(name) for name in names]

    def wait(self, timeout: float) -> bool:
        """Wait until somebody has written, ``timeout`` seconds at most; whether it may be so. For live views."""
        return self.database.wait(timeout)

    def unfinished_runs(self, known: Mapping[int, Run] | None = None) -> list[Run]:
        """The runs of which no end is recorded: those that go on, and those whose process is gone.

        Args:
            known: runs by their numbers that were asked for before: they are brought up to date instead of made anew.
        """
        from plait.record.views import RUN_COLUMNS, Run

        found = []
        for row in self.database.rows(f"SELECT {RUN_COLUMNS} FROM run WHERE status IS NULL ORDER BY key"):
            before = known.get(row[0]) if known else None
            found.append(Run(self, row) if before is None else before.brought_up_to(self, row))
        return found

    def run_of_key(self, key: int) -> Run:
        """The run of a number.

        Raises:
            RecordError: it has been deleted.
        """
        from plait.record.views import RUN_COLUMNS, Run

        row = self.database.row(f"SELECT {RUN_COLUMNS} FROM run WHERE key = ?", (key,))
        if row is None:
            raise RecordError("the run has been deleted")
        return Run(self, row)


def _default_database(home: Path, *, create: bool) -> Database:
    """Where no stack says otherwise: a file in ``.plait``, or what ``PLAIT_RECORDS`` names.

    ``{home}`` in its schema stands for the folder, so that each has records of its own in one database.
    """
    named = os.environ.get("PLAIT_RECORDS")
    if not named:
        return SqliteDatabase(home / "records.db", create=create)
    from plait.record.settings import open_url

    return open_url(named, home, create=create)


def open_records(project: Project, *, create: bool = False, home: Path | None = None) -> RecordStore:
    """The records and artifacts of a project, where its stack says that they are.

    Args:
        create: make them where they are not there.
        home: another ``.plait`` folder than the project's; no stack is asked then.

    Raises:
        RecordError: nothing is recorded there, or it cannot be used.
        ConfError: the stack does not add up.
    """
    if home is not None:
        return RecordStore(home, create=create)
    stack = project.stack
    return RecordStore(
        project.home,
        create=create,
        database=stack.record_store.open(project, create=create) if stack.says("record_store") else None,
        artifacts=stack.artifact_store.open(project) if stack.says("artifact_store") else None,
        typed=_typed(project),
    )


def _typed(project: Project) -> str:
    if project.stack_name is not None:
        return f" --stack {project.stack_name}"
    if not project.has_conf or project.env == "local" or not project.stack.named:
        return ""
    return f" --env {project.env}"


def find_records(start: Path | None = None) -> RecordStore:
    """The records that a command in a folder speaks of: those of the project around it, else those of ``find_home``.

    Raises:
        RecordError: there are none.
        ConfError: the project's stack does not add up.
    """
    from plait.project.place import project_root

    here = (start or Path.cwd()).resolve()
    root = project_root(here) or _folder_with_stack(here)
    if os.environ.get("PLAIT_RECORDS") and root is None:
        from plait.project.place import home_at

        return RecordStore(home_at(here))
    if root is not None:
        from plait.project.project import Project

        project = Project(root)
        if project.stack.says("record_store"):
            return open_records(project)
        if os.environ.get("PLAIT_RECORDS"):
            return open_records(project)
        home = find_home(start)
        if project.stack.says("artifact_store") and home == project.home:
            return open_records(project)
        return RecordStore(home)
    return RecordStore(find_home(start))


def _folder_with_stack(here: Path) -> Path | None:
    """The nearest folder, from here upwards, whose ``conf`` names a stack: a script has one without being a project."""
    for folder in (here, *here.parents):
        conf = folder / "conf"
        if conf.is_dir() and any(conf.glob("*/stack*.y*ml")):
            return folder
    return None


def find_home(start: Path | None = None) -> Path:
    """The ``.plait`` folder that a command in a folder speaks of.

    ``PLAIT_HOME`` if set; else the nearest one in this folder or above; else the one below that was used last, so
    that one may run ``plait run examples/flights`` and then ``plait runs`` from the same place.

    Raises:
        RecordError: there is none.
    """
    named = os.environ.get("PLAIT_HOME")
    if named:
        return Path(named)
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / FOLDER / "records.db").is_file():
            return folder / FOLDER
    below = [
        found.parent
        for pattern in (f"*/{FOLDER}/records.db", f"*/*/{FOLDER}/records.db")
        for found in here.glob(pattern)
    ]
    if below:
        return max(below, key=_last_used)
    raise nothing_recorded(f"no runs are recorded in {here} or above it")


def _last_used(home: Path) -> float:
    return max(file.stat().st_mtime for file in home.glob("records.db*"))
