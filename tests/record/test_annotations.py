"""Names, tags and notes of runs, on the command line and from the start."""

from __future__ import annotations

import json

import pytest

from plait.errors import ParameterError, RecordError
from plait.record.annotations import (
    Annotations,
    annotations_of,
    make_annotations,
    name_run,
    note_run,
    tag_run,
)
from plait.record.gc import collect
from tests.programs import Folder

FLOW = """
@step
def one(n: int):
    return n
@pipeline
def flow(n: int = 3):
    return one(n)
"""


def test_what_is_said_of_a_run_can_change_and_goes_with_it(folder: Folder) -> None:
    folder.write(FLOW)
    run, other = folder.run(), folder.run(n=4)
    store = run.store
    assert tag_run(store, run.key, ["b", "a", "a"]) == ("a", "b")
    assert tag_run(store, run.key, ["c"], ["a"]) == ("b", "c")
    with pytest.raises(RecordError, match="no tag 'd'"):
        tag_run(store, run.key, ["e"], ["d"])
    assert annotations_of(store, [run.key])[run.key].tags == ("b", "c")  # all or nothing
    note_run(store, run.key, "first")
    note_run(store, run.key, "  second  ")
    name_run(store, run.key, "best so far")
    assert annotations_of(store, [run.key, other.key]) == {
        run.key: Annotations("best so far", "second", ("b", "c"))
    }
    note_run(store, run.key, "")
    assert annotations_of(store, [run.key])[run.key].note == ""
    collect(store, [run])
    assert not store.database.rows("SELECT 1 FROM annotation")


@pytest.mark.parametrize("tag", ["two words", "a,b", "a:b", "", "x" * 101])
def test_what_cannot_be_typed_in_a_filter_is_no_tag(tag: str) -> None:
    with pytest.raises(ParameterError) as error:
        make_annotations(tags=[tag])
    assert error.value.hint


def test_the_command_line_tags_notes_and_names(folder: Folder) -> None:
    folder.write(FLOW)
    _, said, _ = folder.plait(
        "run", "flow.py", "--executor", "inline", "-q", "--run-tag", "nightly", "--name", "n1"
    )
    run = said.strip()
    assert folder.plait("tag", "latest")[1].split() == ["run", run, "nightly"]
    folder.plait("tag", run, "good", "--remove", "nightly")
    folder.plait("note", run, "worth a look", "--name", "")
    shown = json.loads(folder.plait("note", run, "--json")[1])
    assert shown == {"run": run, "name": None, "note": "worth a look", "tags": ["good"]}
    status, _, error = folder.plait("tag", run, "two words")
    assert status == 2
    assert "two-words" in error
