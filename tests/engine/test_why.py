"""Why a task ran: the difference from the closest earlier one, and nothing else."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from plait.engine.why import Difference, why
from plait.executors.inline import InlineExecutor
from plait.launch.going_on import fork
from tests.programs import Folder

FLOW = """
import numpy as np
RATE = 2
TABLE = {"a": 1}
class Scale:
    by = 1
    def of(self, x):
        return x * self.by
def helper(x):
    return x * RATE
@step
def load(n: int):
    return list(range(n))
@step
def fit(x, alpha: float, model: dict):
    return Scale().of(helper(x)) * alpha + TABLE["a"] + model["depth"] + float(np.float64(0))
@pipeline
def flow(n: int = 3, alpha: float = 1.0, model: dict = {"depth": 1, "wide": {"x": 1}}):
    return fit(each(load(n)), alpha, model)
"""


def differences(folder: Folder, task: str = "fit[1]", **params: Any) -> dict[tuple[str, str], Difference]:
    run = folder.run(**params)
    answer = why(run.task(task))
    return {(one.kind, one.name.rpartition(":")[2]): one for one in answer.differences}


@pytest.mark.parametrize(
    ("old", "new", "kind", "name", "text"),
    [
        ("return x * RATE", "return x * RATE + 1", "function", "helper", "+    return x * RATE + 1"),
        ("RATE = 2", "RATE = 3", "constant", "RATE", "2 → 3"),
        ('TABLE = {"a": 1}', 'TABLE = {"a": 5}', "constant", "TABLE", "{'a': 1} → {'a': 5}"),
        ("by = 1", "by = 4", "class", "Scale", "+    by = 4"),
    ],
)
def test_a_change_of_code_is_named_and_shown(
    folder: Folder, old: str, new: str, kind: str, name: str, text: str
) -> None:
    folder.write(FLOW)
    folder.run()
    folder.edit(old, new)
    found = differences(folder)
    assert text in found.pop((kind, name)).text
    assert not found


def test_a_parameter_is_told_old_and_new(folder: Folder) -> None:
    folder.write(FLOW)
    folder.run()
    found = differences(folder, alpha=0.5)
    assert list(found) == [("parameter", "alpha")]
    one = found["parameter", "alpha"]
    load = folder.store.artifacts.load
    assert (load(one.old.artifact), load(one.new.artifact)) == (1.0, 0.5)  # type: ignore[union-attr]
    assert one.where == "alpha"


def test_an_input_is_told_with_who_made_it(folder: Folder) -> None:
    folder.write(FLOW)
    first = folder.run()
    folder.edit("return list(range(n))", "return list(range(10, 10 + n))")
    run = folder.run()
    answer = why(run.task("fit[1]"))
    (one,) = answer.differences
    assert (one.kind, one.name, one.where) == ("input", "x", "load")
    assert (one.old_run, one.new_run) == (first.id, run.id)


def test_a_package_is_told_with_both_versions(folder: Folder) -> None:
    import numpy as np

    folder.write(FLOW)
    run = folder.run()
    now = run.closure(1)
    parts = tuple(
        msgspec.structs.replace(part, detail="0.9", digest="0") if part.name == "numpy" else part
        for part in now.components
    )
    then = msgspec.structs.replace(now, digest="then", components=parts)
    database = run.store.database
    database.execute("INSERT INTO document VALUES ('then', ?)", (msgspec.json.encode(then),))
    database.execute("UPDATE node SET closure = 'then' WHERE run = ? AND node = 1", (run.key,))
    answer = why(folder.run(refresh=("fit",)).task("fit[0]"))
    assert [(one.kind, one.name, one.text) for one in answer.differences] == [
        ("package", "numpy", f"0.9 → {np.__version__}")
    ]


def test_what_was_cached_says_from_where_and_that_nothing_differs(folder: Folder) -> None:
    folder.write(FLOW)
    first = folder.run()
    second = folder.run(alpha=3.0)
    answer = why(second.task("load"))
    assert answer.state == "cached"
    assert answer.decision == f"taken from run {first.id}: same code, same inputs"
    assert answer.source == first.id
    assert answer.differences == ()
    assert answer.key == first.task("load").key


def test_the_closest_earlier_task_is_the_one_that_is_most_alike(folder: Folder) -> None:
    folder.write(FLOW)
    alike = folder.run(alpha=0.1)
    folder.edit("RATE = 2", "RATE = 3")
    folder.run(alpha=0.7, model={"depth": 9})
    folder.edit("RATE = 3", "RATE = 2")
    run = folder.run(alpha=0.2)
    answer = why(run.task("fit[0]"))
    assert answer.closest is not None
    assert answer.closest.run == alike.id
    assert [(one.kind, one.name) for one in answer.differences] == [("parameter", "alpha")]


def test_a_first_run_has_nothing_to_be_compared_with(folder: Folder) -> None:
    folder.write(FLOW)
    answer = why(folder.run().task("fit[0]"))
    assert answer.closest is None
    assert answer.differences == ()
    assert answer.decision == "no result with this code and these inputs"


def test_why_it_ran_although_nothing_changed_is_said(folder: Folder) -> None:
    folder.write(FLOW)
    folder.run()
    answer = why(folder.run(refresh=("fit",)).task("fit[0]"))
    assert (answer.decision, answer.differences) == ("refreshed", ())
    answer = why(folder.run(no_cache=True).task("fit[0]"))
    assert (answer.decision, answer.differences) == ("the cache was not asked (--no-cache)", ())


def test_what_makes_a_step_uncached_or_its_key_wider_is_said(folder: Folder) -> None:
    folder.write(
        """
        import threading
        LOCK = threading.Lock()
        @step(cache=False)
        def never(n: int):
            return n
        @step
        def opaque(n: int):
            return eval("n + 1")
        @step
        def locked(n: int):
            with LOCK:
                return n
        @step(cache="1h")
        def young(n: int):
            return n
        @pipeline
        def flow(n: int = 3):
            return never(n), opaque(n), locked(n), young(n)
        """
    )
    run = folder.run()
    assert why(run.task("never")).notes == ("the step says cache=False: it is never looked up",)
    assert "eval" in " ".join(why(run.task("opaque")).notes)
    notes = why(run.task("locked")).notes
    assert notes[0] == "its code refers to something that has no content hash, so it is never looked up"
    assert any("LOCK" in note for note in notes)
    assert why(run.task("young")).notes == ("the step says cache='1h': older results are not taken",)


def test_what_a_fork_took_is_explained_as_such(folder: Folder) -> None:
    folder.write(FLOW.replace("@step\ndef load", "@step(cache=False)\ndef load"))
    run = folder.run()
    new = fork(run, folder.pipeline(), ["fit"], {}, executor=InlineExecutor(tee=False))
    assert why(new.task("load")).decision == f"taken from run {run.id} as it was"


def test_a_failed_and_a_skipped_task_are_explained(folder: Folder) -> None:
    folder.write(
        """
        @step
        def one(n: int):
            return 1 / n
        @step
        def two(x):
            return x
        @pipeline
        def flow(n: int = 1):
            return two(one(n))
        """
    )
    folder.run()
    run = folder.run(n=0)
    assert [one.name for one in why(run.task("one")).differences] == ["n"]
    skipped = why(run.task("two"))
    assert (skipped.state, skipped.decision) == ("skipped", "one failed")


def test_it_is_still_told_when_the_earlier_run_has_been_deleted(folder: Folder) -> None:
    from plait.record.gc import collect

    folder.write(FLOW)
    first = folder.run()
    second = folder.run(alpha=2.0)
    collect(folder.store, [first])
    answer = why(second.refresh().task("fit[0]"))
    assert answer.closest is None
    assert why(second.task("load")).source == first.id
