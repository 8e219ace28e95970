"""Is it looked for changes when something was written, on either database, and else not?"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from plait import each, pipeline, step
from plait.errors import RecordError
from plait.record.annotations import note_run, tag_run
from plait.record.store import RecordStore
from plait.server import pulse as pulse_module
from plait.server.connections import Connections
from plait.server.pulse import Pulse
from plait.server.topics import Event, RunTopic
from tests.services import wait_until


@step
def double(x: int) -> int:
    return 2 * x


@pipeline
def mapped() -> list[int]:
    return double(each(list(range(5))))


class Counting:
    """A topic that tells how often it looked."""

    def __init__(self, fails: Callable[[], bool] = lambda: False) -> None:
        self.looks = 0
        self.fails = fails

    def look(self, store: RecordStore) -> list[Event]:
        self.looks += 1
        if self.fails():
            raise RecordError("the records are ill")
        return [("look", self.looks)]

    def state(self) -> list[Event]:
        return [("state", self.looks)]


@pytest.fixture(params=["sqlite", "postgresql"])
def home(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    if request.param == "postgresql":
        monkeypatch.setenv("PLAIT_RECORDS", request.getfixturevalue("postgres").url_by_home)
    monkeypatch.setenv("PLAIT_HOME", str(tmp_path / ".plait"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / ".plait"


@pytest.fixture
def pulse(home: Path) -> Iterator[Pulse]:
    RecordStore(home, create=True).database.close()
    made = Pulse(Connections(lambda: RecordStore(home)))
    yield made
    made.close()


def heard(pulse: Pulse, topic: object, key: str = "it") -> list[Event]:
    found: list[Event] = []

    def tell(events: list[Event] | None) -> None:
        found.extend(events or ())

    pulse.join(key, lambda: topic, tell)  # type: ignore[arg-type, return-value]
    return found


def test_nothing_is_looked_at_while_nothing_is_written_and_soon_when_it_is(
    home: Path, pulse: Pulse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulse_module, "_MOST_SECONDS", 3600.0)
    run = mapped.run()
    topic = Counting()
    heard(pulse, topic)
    wait_until(lambda: topic.looks, what="the first look")
    time.sleep(0.5)  # what was heard before it listened
    quiet = topic.looks
    time.sleep(0.5)
    assert topic.looks == quiet
    store = RecordStore(home)
    tag_run(store, store.run(run.id).key, ["nightly"])
    wait_until(lambda: topic.looks > quiet, 5.0, what="a look after a tag")
    time.sleep(0.5)
    quiet = topic.looks
    mapped.run(cache=False)
    wait_until(lambda: topic.looks > quiet, 5.0, what="a look after a run")


def test_events_are_ten_a_second_at_most(home: Path, pulse: Pulse) -> None:
    topic = Counting()
    heard(pulse, topic)
    store = RecordStore(home)
    key = store.run(mapped.run().id).key
    end = time.monotonic() + 1.5
    began = topic.looks
    while time.monotonic() < end:
        note_run(store, key, f"at {time.monotonic()}")
    assert 1 < topic.looks - began <= 10


def test_all_who_look_at_a_run_are_told_and_who_comes_later_is_told_how_it_is(
    home: Path, pulse: Pulse
) -> None:
    run = mapped.run()
    first = heard(pulse, RunTopic(run.id), "run")
    wait_until(lambda: first, what="the first page")
    later = heard(pulse, Counting(), "run")  # the topic that is there already is taken
    wait_until(lambda: later, what="the second page")
    assert [name for name, _ in first] == [name for name, _ in later] == ["run", "end"]
    assert later[0][1].steps == first[0][1].steps
    assert later[0][1].steps[0].counts.done == 5
    assert later[1][1].status == "done"


def test_a_problem_is_told_once_and_looking_goes_on_when_it_has_passed(
    home: Path, pulse: Pulse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulse_module, "_TROUBLED_SECONDS", 0.05)
    ill = [True]
    topic = Counting(lambda: ill[0])
    found = heard(pulse, topic)
    wait_until(lambda: topic.looks > 3, what="several tries")
    assert [name for name, _ in found] == ["problem"]
    ill[0] = False
    wait_until(lambda: len(found) > 1, what="a look that went well")
    assert [name for name, _ in found[1:3]] == ["runs", "look"]


def test_what_nobody_listens_to_is_not_looked_at(home: Path, pulse: Pulse) -> None:
    topic = Counting()

    def tell(events: list[Event] | None) -> None: ...

    pulse.join("it", lambda: topic, tell)
    wait_until(lambda: topic.looks, what="the first look")
    pulse.leave("it", tell)
    time.sleep(0.3)
    looks = topic.looks
    mapped.run()
    time.sleep(0.3)
    assert topic.looks == looks
