"""Stores that another version of plait has written."""

from __future__ import annotations

import sqlite3

import pytest

from plait.errors import RecordError
from plait.record.gc import collect
from plait.record.schema import MIGRATIONS, VERSION
from plait.record.store import RecordStore
from tests.programs import Folder

FLOW = """
@step
def one(n: int):
    return n
@pipeline
def flow(n: int = 3):
    return one(n)
"""


def test_a_store_of_every_earlier_version_is_brought_up_to_date(folder: Folder) -> None:
    for version in range(1, VERSION):
        home = folder.path / str(version) / ".plait"
        home.mkdir(parents=True)
        connection = sqlite3.connect(home / "records.db")
        for statements in MIGRATIONS[:version]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version={version}")
        connection.commit()
        connection.close()
        inside = Folder(home.parent)
        inside.write(FLOW)
        assert inside.run().result == 3
        assert inside.states(inside.run()) == {"one": "cached"}
        collect(inside.store)
        inside.forget()


def test_a_store_of_a_newer_version_is_left_alone_and_says_so(folder: Folder) -> None:
    folder.write(FLOW)
    folder.run()
    connection = sqlite3.connect(folder.home / "records.db")
    connection.execute(f"PRAGMA user_version={VERSION + 1}")
    connection.commit()
    connection.close()
    with pytest.raises(RecordError, match="was written by a newer plait") as error:
        RecordStore(folder.home)
    assert error.value.hint == "upgrade plait: pip install --upgrade plait"
