"""What is recorded of a run when it begins?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from plait.data import Artifact
from plait.engine.keys import Keys
from plait.graph.model import Graph
from plait.graph.selection import Selection
from plait.launch.facts import installed_packages, new_id, run_facts
from plait.launch.hiding import hidden, hidden_graph
from plait.project.project import Project
from plait.project.secrets import Masker
from plait.record.annotations import Annotations
from plait.record.closures import Closure
from plait.record.store import RecordStore
from plait.record.writer import RunWriter, new_run

__all__ = ["record_run"]


def record_run(
    records: RecordStore,
    graph: Graph,
    keys: Keys,
    *,
    target: str,
    params: dict[str, Any],
    project: Project,
    executor: str,
    inputs: dict[str, tuple[Artifact, str]],
    said: Annotations,
    parent: str | None = None,
    selections: Sequence[Selection] = (),
    inputs_from: str = "",
) -> RunWriter:
    masker = project.masker()
    facts = {
        **run_facts(project.root),
        "env": None,
        "stack": project.stack_name,
        "step_options": project.step_options or None,
    }
    if project.has_conf:
        facts |= {
            "env": project.env,
            "assignments": project.assignments,
            "params_file": str(project.params_file.absolute()) if project.params_file else None,
            "load_versions": project.load_versions,
        }
    if selections:
        facts["selections"] = msgspec.to_builtins(selections)
    if inputs_from:
        facts["inputs_from"] = inputs_from
    closures = [keys.closure(node) for node in range(len(graph.nodes))]
    return new_run(
        records.database,
        hidden_graph(masker, graph),
        run_id=new_id(),
        target=hidden(masker, target),
        params=hidden(masker, params),
        packages=installed_packages(),
        facts=hidden(masker, facts),
        executor=executor,
        inputs={name: (one, hidden(masker, origin)) for name, (one, origin) in inputs.items()},
        closures=closures if masker is None else _masked(masker, closures),
        parent=parent,
        said=said,
    )


def _masked(masker: Masker, closures: Sequence[Closure]) -> list[Closure]:
    """Nodes share closures, and one of them may be long."""
    made = {one.digest: masker.struct(one) for one in closures}
    return [made[one.digest] for one in closures]
