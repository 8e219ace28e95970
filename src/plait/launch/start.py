"""How does a run begin?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from plait.engine.task import Executor
from plait.launch.again import target_of
from plait.launch.asked import keys_of
from plait.launch.carry import Begin, carry, letting_go, make_fleet, saved_outputs
from plait.launch.hiding import hiding
from plait.launch.inputs import shown, store_inputs
from plait.launch.naming import find_nodes
from plait.launch.orders import Orders, said_of
from plait.launch.prepare import (
    Prepared,
)
from plait.launch.recording import record_run
from plait.record.beginnings import beginning
from plait.record.store import open_records
from plait.record.views import Run

__all__ = ["execute"]


def execute(
    prepared: Prepared,
    *,
    executor: Executor,
    target: str = "",
    home: Path | None = None,
    listener: Any = None,
    orders: Orders = Orders(),  # noqa: B008 - frozen
) -> Run:
    """Record a run and carry it to its end, whatever that is; see ``Run.status``.

    Args:
        home: the ``.plait`` folder; beside the project or the file of the pipeline if left out.
        listener: a ``Listener``, or a function that makes one of the recorded run; its ``close()``, if it has one,
            is called when the run is over, or could not go on.

    Raises:
        RecordError, StoreError: nothing can be written; what was committed stays.
    """
    with hiding(prepared.project):
        return _execute(prepared, executor, target, home, listener, orders)


def _execute(
    prepared: Prepared, executor: Executor, target: str, home: Path | None, listener: Any, orders: Orders
) -> Run:
    fleet = make_fleet(prepared.graph, executor, prepared.project)
    with letting_go(fleet):
        begin = _begun(prepared, executor, target, home, orders)
    return carry(begin, fleet, listener)


def _begun(prepared: Prepared, executor: Executor, target: str, home: Path | None, orders: Orders) -> Begin:
    """The run, recorded."""
    definition, project = prepared.definition, prepared.project
    if not prepared.graph.is_dynamic:
        find_nodes(prepared.graph, orders.policy.refresh)  # a wrong name is said before anything is recorded
    saved_outputs(prepared.graph, project)
    records = open_records(project, create=True, home=home)
    with beginning(records.database):
        inputs = store_inputs(prepared.traced, prepared.values, records.artifacts, project)
        params = {name: shown(value, records.artifacts) for name, value in prepared.values.items()}
        keys = keys_of(prepared.traced, records)
        writer = record_run(
            records,
            prepared.graph,
            keys,
            target=target or target_of(definition.module, definition.qualname, definition.file),
            params=params,
            project=project,
            executor=executor.name,
            inputs={name: (one, prepared.origins.get(name, "literal")) for name, one in inputs.items()},
            said=said_of(orders, definition, params, project),
            selections=definition.selections,
            inputs_from=prepared.inputs_from,
        )
    return Begin(
        records,
        prepared.traced,
        inputs,
        writer,
        keys,
        params,
        orders,
        project,
        definition.habits,
        signature=definition.signature,
    )
