"""Which pipelines does a project have, by name? Each module is imported when one of its pipelines is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from plait.errors import TargetError, did_you_mean
from plait.graph.pipeline import Definition
from plait.project.discover import ProjectFile, discover, pipeline_names

if TYPE_CHECKING:
    from collections.abc import KeysView

__all__ = ["Pipelines"]


class Pipelines(Mapping[str, Definition]):
    """The pipelines of a project by name.

    To ask for one imports the module that has it; to list them imports all, and leaves out those that raise:
    ``broken`` holds their errors.
    """

    def __init__(self, file: ProjectFile | None) -> None:
        self._file = file
        self.broken: list[TargetError] = []
        self._all: dict[str, Definition] | None = None

    def __getitem__(self, name: str) -> Definition:
        if self._file is None:
            raise MissingPipeline("there is no project here", hint="make one: plait new PATH")
        broken: list[TargetError] = []
        known: list[str] = []
        for at, definition in self._found(name, broken):
            if at == name:
                return definition
            known.append(at)
        if broken:
            raise broken[0]
        raise MissingPipeline(
            f"project {self._file.package!r} has no pipeline {name!r}",
            hint=did_you_mean(name, known) or f"write one in {self._file.pipelines}/{name}.py",
        )

    def _found(self, name: str | None, broken: list[TargetError]) -> Iterator[tuple[str, Definition]]:
        if self._file is not None and self._file.pipelines.is_dir():
            yield from discover(self._file, name, broken)

    def _everything(self) -> dict[str, Definition]:
        if self._all is None:
            broken: list[TargetError] = []
            found: dict[str, Definition] = {}
            for at, definition in self._found(None, broken):
                found.setdefault(at, definition)
            self._all, self.broken = found, broken
        return self._all

    def __iter__(self) -> Iterator[str]:
        return iter(self._everything())

    def __len__(self) -> int:
        return len(self._everything())

    def __contains__(self, name: object) -> bool:
        try:
            return isinstance(name, str) and self[name] is not None
        except MissingPipeline:
            return False

    def modules(self) -> list[str]:
        """The modules that pipelines are looked for in, none of them imported."""
        return pipeline_names(self._file) if self._file else []

    def _ipython_key_completions_(self) -> KeysView[str] | list[str]:
        return self._all.keys() if self._all is not None else self.modules()

    def __repr__(self) -> str:
        return f"<pipelines: {', '.join(self._everything()) or 'none'}>"

    def _repr_html_(self) -> str:
        # Found by name: a project does not depend on how it is shown.
        from importlib import import_module

        shown: str = import_module("plait.display.project").pipelines_html(self)
        return shown


class MissingPipeline(TargetError, KeyError):
    """A project has no pipeline of that name; a ``KeyError`` too, as of any mapping."""

    __str__ = TargetError.__str__
