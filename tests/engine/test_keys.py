"""What is in a key, and what never is."""

from __future__ import annotations

from typing import Any

import pytest

from plait.engine.keys import Keys
from plait.launch.inputs import store_inputs
from plait.launch.prepare import Given, prepare
from plait.record.results import Results
from plait.record.store import RecordStore
from tests.programs import Folder

PROGRAM = """
@step{options}
def work(x: int, secret: str = "none"):
    log(x=x)
    return x + 1
@pipeline
def flow(x: int = 1):
    return work(x){named}
"""


def key_of(folder: Folder, text: str, **params: Any) -> str | None:
    folder.write(text)
    prepared = prepare(folder.pipeline(), {name: Given(value) for name, value in params.items()})
    store = RecordStore(folder.home, create=True).artifacts
    keys = Keys(prepared.graph, prepared.traced.functions, prepared.traced.uses, store)
    results = Results(
        prepared.graph, store, store_inputs(prepared.traced, prepared.values, store, prepared.project)
    )
    return keys.key(0, results.arguments(0, ()))


def variant(options: str = "", named: str = "") -> str:
    return PROGRAM.format(options=f"({options})" if options else "", named=named)


@pytest.mark.parametrize(
    "options",
    [
        "retries=3",
        "retry_delay=5.0, backoff=2.0",
        "priority=7",
        'tags=["a", "b"]',
        'owner="me"',
        'cache="1h"',
        "cache=True",
    ],
)
def test_how_a_step_runs_is_not_in_its_key(folder: Folder, options: str) -> None:
    assert key_of(folder, variant()) == key_of(folder, variant(options))


def test_what_its_output_is_called_is_not_in_its_key(folder: Folder) -> None:
    assert key_of(folder, variant()) == key_of(folder, variant(named='.named("other")'))


def test_the_names_of_step_and_pipeline_are_not_in_the_key(folder: Folder) -> None:
    renamed = variant().replace("work", "labour").replace("flow", "stream")
    assert key_of(folder, variant()) == key_of(folder, renamed)


def test_a_version_and_a_value_are_in_the_key(folder: Folder) -> None:
    keys = [
        key_of(folder, variant()),
        key_of(folder, variant('version="2"')),
        key_of(folder, variant(), x=2),
        key_of(folder, variant().replace("x + 1", "x + 2")),
    ]
    assert None not in keys
    assert len(set(keys)) == len(keys)


def test_a_secret_and_what_plait_itself_says_enter_no_key(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = """
@step
def work(x: int):
    log(x=x)
    print("token", os.environ["TOKEN"])
    return x + 1
@pipeline
def flow(x: int = 1):
    return work(x)
"""
    monkeypatch.setenv("TOKEN", "one")
    first = key_of(folder, text)
    monkeypatch.setenv("TOKEN", "two")
    assert key_of(folder, text) == first


def test_a_constant_and_a_parameter_of_the_same_value_are_one_key(folder: Folder) -> None:
    assert key_of(folder, variant(), x=1) == key_of(folder, variant().replace("work(x)", "work(1)"))
    assert key_of(folder, variant().replace("work(x)", "work(1.0)")) != key_of(folder, variant(), x=1)
    assert key_of(folder, variant().replace("work(x)", "work(True)")) != key_of(folder, variant(), x=1)


def test_arguments_are_kept_apart_in_the_key(folder: Folder) -> None:
    text = """
@step
def work(a, b):
    return a
@pipeline
def flow(x: int = 1):
    return work({a}, {b})
"""
    values = [
        ("'ab'", "'c'"),
        ("'a'", "'bc'"),
        ("['a', 'b']", "'c'"),
        ("['a']", "['b']"),
        ("('a',)", "['b']"),
        ("{'a': 1}", "{'b': 2}"),
        ("{'a': [1]}", "2"),
        ("[x, 2]", "3"),
        ("[x]", "[2, 3]"),
        ("(x, 2)", "3"),
    ]
    keys = [key_of(folder, text.format(a=a, b=b)) for a, b in values]
    assert len(set(keys)) == len(keys)


def test_an_uncached_step_has_no_key(folder: Folder) -> None:
    assert key_of(folder, variant("cache=False")) is None
