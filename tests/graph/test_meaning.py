"""Does a graph mean what the plain Python says?"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from plait import Graph
from plait.errors import RecordError
from tests.strategies import ABSENT, Program, as_pipeline, meaning, programs


@pytest.fixture(scope="module")
def shared_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("meaning")


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(program=programs())
def test_a_pipeline_gives_what_its_list_comprehensions_give(program: Program, shared_home: Path) -> None:
    expected = meaning(program)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLAIT_HOME", str(shared_home))
        run = as_pipeline(program).run(**program.values)
    if expected is ABSENT:
        with pytest.raises(RecordError, match="branch not taken"):
            run.result
    else:
        assert run.result == expected


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(program=programs())
def test_a_graph_survives_json(program: Program) -> None:
    graph = as_pipeline(program).graph
    again = Graph.from_json(graph.to_json())
    assert again == graph
    assert again.to_json() == graph.to_json()
