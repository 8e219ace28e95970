"""What is the value of a parameter, who set it, and is it what the step asks for?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from plait.errors import ParameterError, did_you_mean, nearest
from plait.project.conf import Conf, split_path
from plait.project.origin import COMMAND_LINE, Node, at, dotted, leaves, node_of, plain, put
from plait.project.types import Violation, Wanted, find_violations, violation_error

__all__ = ["Parameters", "overrides"]

_MISSING: Any = object()


def overrides(assignments: Iterable[str] | Mapping[str, Any] = (), params_file: Path | None = None) -> Node:
    """What a run sets over the conf: ``--params-file`` first, then each NAME=VALUE, dotted or not.

    Args:
        assignments: texts of the command line (``model.alpha=0.3``), or values by dotted name.
        params_file: a YAML or JSON file.

    Raises:
        ConfError: the file cannot be read.
        ParameterError: a text is no assignment.
    """
    tree = Node({}, COMMAND_LINE)
    if params_file is not None:
        from plait.project.yaml import load_yaml

        tree = Node(load_yaml(params_file).value, COMMAND_LINE)
    if isinstance(assignments, Mapping):
        for name, value in assignments.items():
            tree = put(tree, tuple(name.split(".")), node_of(value, COMMAND_LINE))
        return tree
    for text in assignments:
        from plait.project.yaml import parse_assignment, split_assignment

        path, value = parse_assignment(text)
        tree = put(tree, path, node_of(value, COMMAND_LINE, split_assignment(text)[1]))
    return tree


class Parameters:
    """The parameters of a conf, with the values of the run over them.

    ``params:model.alpha`` is another way to write ``model.alpha``, and ``parameters`` is all of them.
    """

    def __init__(self, conf: Conf) -> None:
        self.conf = conf

    def __contains__(self, name: str) -> bool:
        return self._path(name) is not None

    def _repr_html_(self) -> str:
        # Found by name: a project does not depend on how it is shown.
        from importlib import import_module

        shown: str = import_module("plait.display.project").parameters_html(self)
        return shown

    def __repr__(self) -> str:
        return f"<Parameters: {', '.join(map(str, self.conf.raw('parameters').value)) or 'none'}>"

    def all(self) -> dict[str, Any]:
        """Every parameter, nested as in the files."""
        return self.conf.get("parameters")

    def names(self) -> list[str]:
        """Every dotted name, of groups of parameters too."""
        paths = [path for path, _ in leaves(self.conf.raw("parameters"))]
        return list(dict.fromkeys(dotted(path[:end]) for path in paths for end in range(1, len(path) + 1)))

    def get(self, name: str, default: Any = _MISSING, annotation: Any = Any) -> Any:
        """The value of a parameter, as the annotation asks.

        Raises:
            ParameterError: there is no such parameter and no default, or its value does not fit.
        """
        path = self._path(name)
        if path is None:
            if default is _MISSING:
                raise self._missing(name)
            return default
        made, violations = find_violations([self._wanted(name, path, annotation)])
        if violations:
            raise violation_error(violations)
        return made[_label(name)]

    def typed(self, annotations: Mapping[str, Any]) -> dict[str, Any]:
        """The values of those of the named parameters that are set, each as its annotation asks.

        Raises:
            ParameterError: with every violation of all of them, and the file and line of each.
        """
        paths = {name: self._path(name) for name in annotations}
        found = {name: path for name, path in paths.items() if path is not None}
        made, violations = find_violations(
            self._wanted(name, found[name], annotations[name]) for name in found
        )
        if violations:
            raise violation_error(violations)
        return {name: made[_label(name)] for name in found}

    def origin(self, name: str) -> str | None:
        """The ``file:line`` of a parameter, or ``command line``; None where it is not set."""
        path = self._path(name)
        return None if path is None else self.conf.origin("parameters", path)

    def check_overrides(self, used: Iterable[str] = ()) -> None:
        """Refuse a NAME=VALUE that is neither in the conf nor used: it would do nothing.

        Args:
            used: names that the pipeline asks for; what is inside a used one is for its type to judge.

        Raises:
            ParameterError: with every such name and its nearest matches.
        """
        asked = {_bare(name) for name in used}
        conf = self.conf.written("parameters")
        known = {dotted(path[:end]) for path, _ in leaves(conf) for end in range(1, len(path) + 1)} | asked
        violations = []
        for path, node in leaves(self.conf.runtime):
            prefixes = {dotted(path[:end]) for end in range(1, len(path) + 1)}
            if path and at(conf, path) is None and not prefixes & asked:
                problem = "there is no such parameter"
                violations.append(
                    Violation(dotted(path), problem, str(node.origin), did_you_mean(dotted(path), known))
                )
        if violations:
            raise violation_error(violations)

    def _path(self, name: str) -> tuple[Any, ...] | None:
        tree = self.conf.raw("parameters")
        bare = _bare(name)
        if bare == "":
            return ()
        path = split_path(tree, bare)
        return path if at(tree, path) is not None else None

    def _wanted(self, name: str, path: tuple[Any, ...], annotation: Any) -> Wanted:
        node = (
            self.conf.part("parameters", path)
            or at(self.conf.raw("parameters"), path)
            or Node(None, COMMAND_LINE)
        )

        def where(inside: tuple[Any, ...]) -> str:
            return str(_deepest(node, inside).origin)

        def text(inside: tuple[Any, ...]) -> str | None:
            found = at(node, inside)
            return found.text if found is not None else None

        return Wanted(_label(name), plain(node), annotation, where, text)

    def _missing(self, name: str) -> ParameterError:
        bare = _bare(name)
        known = self.names()
        # A name without its group is as near as a misspelt one.
        hint = did_you_mean(bare, known)
        tails = [one for one in known if one.rpartition(".")[2] == bare]
        if tails and not nearest(bare, known):
            hint = "did you mean " + " or ".join(map(repr, tails[:3])) + "?"
        return ParameterError(f"there is no parameter {bare!r}", hint=hint or f"write {bare}=VALUE")


def _deepest(node: Node, path: tuple[Any, ...]) -> Node:
    # A field that is missing has no line; that of the mapping it should be in is the place to write it.
    while (found := at(node, path)) is None:
        path = path[:-1]
    return found


def _bare(name: str) -> str:
    return "" if name == "parameters" else name.removeprefix("params:")


def _label(name: str) -> str:
    return _bare(name) or "parameters"
