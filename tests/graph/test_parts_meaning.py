"""Does a part of any pipeline give what the whole gives?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from plait.errors import ParameterError, PlaitError, RecordError
from plait.record.views import Run
from tests.strategies import Program, as_pipeline, meaning, programs


@pytest.fixture(scope="module")
def shared_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("parts")


def value(run: Run, name: str) -> Any:
    try:
        return run[name]
    except RecordError:
        return "no value"


def run_whole(whole: Any, program: Program) -> Run:
    """A few programs run over lists of unequal lengths, which is no matter of parts."""
    meaning(program)  # too large a program is no example
    done = whole.run(**program.values, raise_on_failure=False)
    assume(done.status == "done")
    assert isinstance(done, Run)
    return done


def steps(program: Program) -> list[str]:
    return [node.id for node in as_pipeline(program).graph.nodes]


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(program=programs(), data=st.data())
def test_a_part_makes_of_the_rest_what_the_whole_made_of_it(
    program: Program, data: st.DataObject, shared_home: Path
) -> None:
    whole = as_pipeline(program)
    names = steps(program)
    words = data.draw(
        st.fixed_dictionaries(
            {},
            optional={
                "from_": st.lists(st.sampled_from(names), max_size=2),
                "to": st.lists(st.sampled_from(names), max_size=2),
                "only": st.lists(st.sampled_from(names), max_size=3),
            },
        )
    )
    part = whole.select(**words)
    try:
        graph = part.graph
    except PlaitError as error:
        assume("no step of pipeline" not in str(error))
        raise
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLAIT_HOME", str(shared_home))
        done = run_whole(whole, program)
        try:
            again = part.run(inputs_from=done, cache=False)
        except ParameterError as error:
            # Only what has no value in the whole run, because a branch was not taken there, may be missing.
            if not any(words in str(error) for words in ("has no value", "did not run", "never reached")):
                raise
            return
    for name in graph.layout.by_output:
        assert value(again, name) == value(done, name), name


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(program=programs(), data=st.data())
def test_two_parts_add_up_to_the_whole(program: Program, data: st.DataObject, shared_home: Path) -> None:
    whole = as_pipeline(program)
    cut = data.draw(st.sampled_from(steps(program)))
    try:
        both = whole.select(to=cut) + (whole - whole.select(to=cut))
        names = {node.id for node in both.graph.nodes}
    except PlaitError as error:
        assume("no step is left" not in str(error) and "no step of pipeline" not in str(error))
        raise
    assert names == set(steps(program))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLAIT_HOME", str(shared_home))
        done = run_whole(whole, program)
        asked = {name: one for name, one in program.values.items() if name in both.signature.parameters}
        again = both.run(**asked)
    for name in whole.graph.layout.by_output:
        assert value(again, name) == value(done, name), name


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(program=programs())
def test_under_other_names_and_as_a_group_it_is_the_same(program: Program, shared_home: Path) -> None:
    whole = as_pipeline(program)
    other = whole.using(**{name: f"{name}_2" for name in whole.signature.parameters}, prefix="other")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLAIT_HOME", str(shared_home))
        done = run_whole(whole, program)
        again = other.run(**{f"{name}_2": one for name, one in program.values.items()})
    for name in whole.graph.layout.by_output:
        assert value(again, f"other.{name}") == value(done, name), name
