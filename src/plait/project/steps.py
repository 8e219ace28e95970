"""What do conf and command line say about how steps run? ``steps.yml`` of the environment, then ``--set``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from plait.errors import ConfError, ParameterError
from plait.graph.overrides import Rule

if TYPE_CHECKING:
    from plait.project.conf import Conf

__all__ = ["read_rules", "rules_in"]


def rules_in(conf: Conf) -> list[Rule]:
    """The rules in ``steps*.yml``: a step, a group, ``tag:NAME`` or ``"*"``, each with its options.

    Raises:
        ConfError: an entry is no mapping of options.
    """
    from plait.project.origin import plain

    found = []
    for selector, node in conf.tree("steps").value.items():
        if type(node.value) is not dict:
            raise ConfError(
                f"steps: {selector}: {node.value!r:.60} are no options",
                where=str(node.origin),
                hint=f"write {selector}: {{retries: 2}}",
            )
        found.append(Rule(str(selector), plain(node), str(node.origin)))
    return found


def read_rules(given: Sequence[str] | Mapping[str, Mapping[str, Any]]) -> list[Rule]:
    """Rules as they are typed or passed: ``fit.memory=16GiB``, or ``{"fit": {"memory": "16GiB"}}``.

    Raises:
        ParameterError: a text sets no option of a step.
    """
    if isinstance(given, Mapping):
        return [
            Rule(name, dict(options), f"step_options[{name!r}]", typed=True)
            for name, options in given.items()
        ]
    from plait.project.yaml import parse_value

    found = []
    for text in given:
        name, equals, raw = text.partition("=")
        selector, dot, option = name.rpartition(".")
        if not (equals and dot and selector and option):
            raise ParameterError(
                f"--set {text}: this sets no option of a step", hint="write --set fit.memory=16GiB"
            )
        found.append(Rule(selector, {option: parse_value(raw)}, f"--set {text}", typed=True))
    return found
