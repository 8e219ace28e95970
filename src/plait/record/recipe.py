"""What does it take to do a recorded run again? One account of it, for resuming, running again, and what to type."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from plait.project.secrets import MASK
from plait.record.views import Run

__all__ = ["Recipe", "recipe_of", "started_from_code", "typed_value"]

# A text that YAML reads as that text; all else is written as JSON, which it reads as well.
_PLAIN = re.compile(r"[A-Za-z_/][\w./-]*")
_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "y", "n", "null", "none", "nan", "inf"})
_SELECTIONS = (
    ("from_", "--from"),
    ("to", "--to"),
    ("only", "--only"),
    ("tags", "--tag"),
    ("groups", "--group"),
)


class Recipe(Struct, frozen=True):
    """A run as somebody would ask for it.

    Args:
        params: arguments by name, as text that is read like one on the command line.
        assignments: what was typed over the conf, as ``NAME=VALUE``; secrets are not recorded, so not among it.
        selections: which part of the pipeline, one choice after the other: each by ``from_``, ``to``, ``only``,
            ``tags`` and ``groups``.
        hidden: names of parameters that were secrets, so that only the conf can tell them.
    """

    target: str
    folder: str | None = None
    params: dict[str, str] = {}
    env: str | None = None
    stack: str | None = None
    assignments: tuple[str, ...] = ()
    params_file: str | None = None
    load_versions: dict[str, str] = {}
    step_options: tuple[str, ...] = ()
    selections: tuple[dict[str, list[str]], ...] = ()
    inputs_from: str | None = None
    hidden: tuple[str, ...] = ()

    def words(self) -> list[str]:
        """What follows ``plait`` on a command line."""
        typed = dict(text.split("=", 1) for text in self.assignments if "=" in text)
        named = {
            name: text for name, text in typed.items() if name.partition(".")[0] not in self.params
        } | self.params
        found = ["run", self.target, *(f"{name}={text}" for name, text in named.items())]
        if self.params_file:
            found += ["--params-file", self.params_file]
        if self.env:
            found += ["--env", self.env]
        if self.stack:
            found += ["--stack", self.stack]
        for name, version in self.load_versions.items():
            found += ["--load-version", f"{name}={version}"]
        for text in self.step_options:
            found += ["--set", text]
        for chosen in self.selections[:1]:
            for kind, option in _SELECTIONS:
                for name in chosen.get(kind, ()):
                    found += [option, name]
        if self.inputs_from:
            found += ["--inputs-from", self.inputs_from]
        return found


def recipe_of(run: Run) -> Recipe:
    """What a run was asked to do: its arguments that no default told, and all that was chosen beside them."""
    facts, origins = run.facts, run.origins
    asked = {
        name: value
        for name, value in run.params.items()
        if origins.get(name) not in ("default", "catalog", "literal")
        and not origins.get(name, "").startswith("run ")  # it comes from there again
        and not (isinstance(value, str) and value.startswith("<"))  # a value that no text can give
    }
    hidden = tuple(name for name, value in asked.items() if MASK in str(value))
    return Recipe(
        run.target,
        facts.get("cwd") or facts.get("folder"),
        {name: typed_value(value) for name, value in asked.items() if name not in hidden},
        facts.get("env"),
        facts.get("stack"),
        tuple(text for text in facts.get("assignments") or () if MASK not in text),
        facts.get("params_file"),
        facts.get("load_versions") or {},
        _step_options(facts.get("step_options") or ()),
        tuple(facts.get("selections") or ()),
        facts.get("inputs_from"),
        hidden,
    )


def _step_options(said: Any) -> tuple[str, ...]:
    if isinstance(said, Mapping):
        return tuple(
            f"{step}.{option}={typed_value(value)}"
            for step, options in said.items()
            for option, value in options.items()
        )
    return tuple(said)


def typed_value(value: Any) -> str:
    """A value as one types it: a text stays a text, though it looks like a number."""
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    return msgspec.json.encode(value, enc_hook=str).decode()


def started_from_code(run: Run) -> bool:
    """Whether no file can be asked for its pipeline."""
    return run.target.startswith("__main__:") or "<locals>" in run.target
