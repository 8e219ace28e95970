"""Which pipeline did a recorded run come from? It is looked for where the run was started, so that it can go on."""

from __future__ import annotations

import os
from pathlib import Path

from plait.errors import RecordError, TargetError
from plait.graph.pipeline import Definition
from plait.project.discover import Found, find_pipeline
from plait.project.place import home_of
from plait.project.project import Project
from plait.project.stack import chosen_stack
from plait.record.recipe import recipe_of, started_from_code
from plait.record.store import RecordStore
from plait.record.views import Run

__all__ = ["find_again", "latest_to_resume", "part_again", "project_again", "target_of"]

_RESUMABLE = ("failed", "cancelled", "crashed")


def find_again(run: Run) -> Found:
    """The pipeline of a run, as its code is now.

    A target is read from the folder in which it was typed. That becomes the working directory, as it was for the
    run itself: a step that reads ``data.csv`` means the same file as before.

    Raises:
        RecordError: the folder is gone, or the run was started where no file has its pipeline.
        TargetError: the pipeline is no longer there.
    """
    folder = Path(recipe_of(run).folder or ".")
    if not folder.is_dir():
        raise RecordError(
            f"run {run.id} was started in {folder}, and that folder is gone",
            hint="move the project back, or start anew: plait run TARGET",
        )
    if started_from_code(run):
        raise RecordError(
            f"run {run.id} was started from Python, by a pipeline that no file can be asked for ({run.target})",
            hint=f"resume it there: plait.resume({run.id!r}, pipeline=…)",
        )
    os.chdir(folder)
    try:
        return find_pipeline(run.target)
    except TargetError as error:
        raise TargetError(
            f"run {run.id} came from {run.target}, and that cannot be read now: {error.what}",
            where=error.where,
            hint=error.hint,
        ) from error.__cause__


def part_again(run: Run, definition: Definition) -> Definition:
    """The part of a pipeline that a run was of; the pipeline itself where it was of the whole."""
    if definition.selections:
        return definition
    for words in recipe_of(run).selections:
        definition = definition.select(**words)
    return definition


def project_again(run: Run, definition: Definition, *, paranoid: bool = False) -> Project:
    """The project of a run as the run saw it: its environment, what was typed over the conf, versions asked for.

    What was typed and is a secret is not recorded, so it is not there.
    """
    recipe = recipe_of(run)
    file = Path(recipe.params_file) if recipe.params_file else None
    return Project(
        home_of(definition.file)[0],
        recipe.env,
        assignments=recipe.assignments,
        params_file=file if file is not None and file.is_file() else None,
        load_versions=recipe.load_versions or None,
        step_options=recipe.step_options,
        paranoid=paranoid,
        stack=chosen_stack(None) or recipe.stack,
    )


def target_of(module: str, qualname: str, file: str) -> str:
    """How a pipeline that was run from Python can be named later, by another process."""
    if module != "__main__" or not Path(file).is_file():
        return f"{module}:{qualname}"
    return f"{Path(file).resolve()}:{qualname}"


def latest_to_resume(store: RecordStore) -> Run:
    """The latest run that can go on.

    Raises:
        RecordError: there is none.
    """
    for run in store.runs(limit=None):
        if run.status in _RESUMABLE:
            return run
    raise RecordError("there is no run that could be resumed", hint="plait runs lists what has run")
