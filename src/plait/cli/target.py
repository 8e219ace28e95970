"""Which pipeline, and with which values? What several commands read from the line that was typed."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plait.errors import ParameterError, TargetError

if TYPE_CHECKING:
    from plait.graph.pipeline import Definition
    from plait.launch.prepare import Given
    from plait.project.discover import Found
    from plait.project.project import Project

__all__ = ["open_project", "read_parameters", "read_version", "split_target"]

_ASSIGNMENT = re.compile(r"[A-Za-z_][\w.-]*=")


def split_target(target: str | None, assignments: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """The target, and the NAME=VALUE texts: what was typed first may be one of those, and the target left out.

    Raises:
        TargetError: it was left out, and there is no project around the working directory.
    """
    if target is not None and (Path(target).exists() or not _ASSIGNMENT.match(target)):
        return target, assignments
    from plait.project.place import project_root

    root = project_root(Path.cwd())
    if root is None:
        raise TargetError(
            "there is no project here, so the target cannot be left out",
            hint="plait run file.py, or: plait new PATH",
        )
    here = Path(os.path.relpath(root)).as_posix()
    return here, (*([target] if target is not None else []), *assignments)


def read_parameters(
    definition: Definition,
    assignments: Sequence[str],
    file: Path | None,
    base: Callable[[str], Any] | None = None,
) -> dict[str, Given]:
    """The values of NAME=VALUE texts and of a file of parameters, the texts over the file.

    Args:
        base: the value that NAME.INSIDE=VALUE reaches into; the default of the pipeline's argument if left out.

    Raises:
        ParameterError: a text is no assignment, or reaches inside something that has no inside.
        ConfError: the file cannot be read.
    """
    from plait.launch.prepare import Given
    from plait.project.yaml import parse_value, split_assignment

    given = _from_file(file) if file is not None else {}
    for text in assignments:
        path, raw = split_assignment(text)
        value = _parsed(path, raw, parse_value)
        name, inside = path[0], path[1:]
        if inside:
            known = base(name) if base is not None else _default(definition, name)
            whole = given[name].value if name in given else known
            given[name] = Given(_put(whole, inside, value, name), "command line")
        else:
            given[name] = Given(value, "command line", raw)
    return given


def open_project(
    found: Found,
    assignments: Sequence[str],
    file: Path | None,
    *,
    env: str | None = None,
    load_versions: Mapping[str, str] | None = None,
    step_options: Sequence[str] = (),
    paranoid: bool = False,
) -> tuple[Project, dict[str, Given]]:
    """The project of a target in an environment, and the values that are not for its conf.

    NAME=VALUE sets a parameter of the conf without dropping its siblings; one that reaches inside the default of an
    argument, which no conf knows, keeps the siblings there.

    Raises:
        ParameterError, ConfError: as ``read_parameters``.
    """
    from plait.launch.prepare import project_of
    from plait.project.project import Project
    from plait.project.yaml import split_assignment

    root = found.root or project_of(found.pipeline).root
    plain = Project(root, env, step_options=step_options, paranoid=paranoid)
    if not plain.has_conf:
        if env is not None:
            raise ParameterError(f"--env {env}: {root} has no conf/", hint=f"make {root / 'conf' / env}")
        for name in load_versions or ():
            raise ParameterError(
                f"--load-version {name}: {root} has no conf/, and so no datasets", hint="plait new NAME"
            )
        return plain, read_parameters(found.pipeline, assignments, file)
    known = {str(name).partition(".")[0] for name in plain.params.all()}
    inside: list[str] = []
    for text in assignments:
        path, _ = split_assignment(text)
        if len(path) > 1 and path[0] not in known and path[0] in found.pipeline.signature.parameters:
            inside.append(text)
    others = [text for text in assignments if text not in inside]
    project = Project(
        root,
        env,
        assignments=others,
        params_file=file,
        load_versions=load_versions,
        step_options=step_options,
        paranoid=paranoid,
    )
    return project, read_parameters(found.pipeline, inside, None)


def _parsed(path: tuple[str, ...], raw: str, parse: Any) -> Any:
    try:
        return parse(raw)
    except ParameterError as error:
        raise ParameterError(f"{'.'.join(path)}: {error.what}", hint=error.hint) from None


def _from_file(file: Path) -> dict[str, Given]:
    from plait.launch.prepare import Given
    from plait.project.origin import at, plain
    from plait.project.yaml import load_yaml

    node = load_yaml(file)
    given = {}
    for name, inner in node.value.items():

        def where(path: tuple[Any, ...], inner: Any = inner) -> str:
            found = at(inner, path)
            return str((found or inner).origin)

        given[name] = Given(plain(inner), str(file), where=where)
    return given


def _default(definition: Definition, name: str) -> Any:
    parameter = definition.signature.parameters.get(name)
    if parameter is None or parameter.default is parameter.empty:
        return None
    return parameter.default


def _put(base: Any, path: tuple[str, ...], value: Any, name: str) -> Any:
    """``base`` with ``value`` at a path inside it, everything else kept; ``base`` itself is not changed.

    Raises:
        ParameterError: something on the way has no inside.
    """
    if not path:
        return value
    if isinstance(base, list | tuple):
        return _put_item(list(base), path, value, name)
    fields = _fields(base)
    if fields is None:
        raise ParameterError(
            f"{name} is {base!r:.60} ({type(base).__name__}), so there is no {name}.{path[0]}",
            hint=f"write {name}=VALUE",
        )
    key = next((key for key in fields if str(key) == path[0]), path[0])
    fields[key] = _put(fields.get(key), path[1:], value, f"{name}.{path[0]}")
    return fields


def _put_item(items: list[Any], path: tuple[str, ...], value: Any, name: str) -> list[Any]:
    if not path[0].isdecimal() or int(path[0]) >= len(items):
        last = f"{name}.0 to {name}.{len(items) - 1}" if items else "none, it is empty"
        raise ParameterError(f"{name} is a list and has no item {path[0]!r}", hint=f"its items are {last}")
    index = int(path[0])
    items[index] = _put(items[index], path[1:], value, f"{name}.{index}")
    return items


def _fields(base: Any) -> dict[Any, Any] | None:
    """What a value has inside, by name; None for one that has nothing."""
    if base is None:
        return {}
    if isinstance(base, dict):
        return dict(base)
    cls = type(base)
    if hasattr(cls, "__dataclass_fields__"):
        return {field: getattr(base, field) for field in cls.__dataclass_fields__ if hasattr(base, field)}
    if hasattr(cls, "__struct_fields__"):
        return {field: getattr(base, field) for field in cls.__struct_fields__}
    if hasattr(cls, "model_fields"):
        return {field: getattr(base, field) for field in cls.model_fields}
    return None


def read_version(text: str) -> tuple[str, str]:
    """``NAME=VERSION`` of ``--load-version``.

    Raises:
        ParameterError: it is written otherwise.
    """
    name, equals, version = text.partition("=")
    if not (name and equals and version):
        raise ParameterError(
            f"{text!r} names no version", hint="write --load-version model=2024-01-01T00.00.00.000Z"
        )
    return name, version
