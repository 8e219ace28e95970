"""Does ``pipeline.run`` take what it is given, and refuse what it cannot take?"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import plait
from plait import Pipeline, current, each, log, pipeline, step
from plait.errors import DefinitionError, ParameterError, StepError


@step
def same(x: Any) -> Any:
    return x


@pipeline
def scaled(x: int, factor: float = 2.0, names: list[str] = ["a"]) -> Any:  # noqa: B006
    """Scale it."""
    return [same(x), same(factor), same(each(names))]


def test_parameters_come_from_the_call_or_the_default(home: Path) -> None:
    assert scaled.run(x=1).result == [1, 2.0, ["a"]]
    assert scaled.run(x=1, factor=3.5, names=["p", "q"]).result == [1, 3.5, ["p", "q"]]


def test_a_pipeline_keeps_the_name_and_the_doc_of_its_function() -> None:
    assert isinstance(scaled, Pipeline)
    assert (scaled.__name__, scaled.__doc__, scaled.name) == ("scaled", "Scale it.", "scaled")
    assert repr(scaled).startswith("<pipeline scaled of tests.test_run>")
    assert pipeline(name="other")(lambda x: same(x)).name == "other"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "needs 'x': no value was given and it has no default"),
        ({"x": 1, "factr": 2}, "did you mean 'factor'"),
        ({"x": "one"}, "x: expected int"),
        ({"x": 1, "names": "a"}, "names"),
    ],
)
def test_wrong_arguments_are_named(home: Path, given: dict[str, Any], says: str) -> None:
    with pytest.raises(ParameterError) as caught:
        scaled.run(**given)
    assert says in str(caught.value)


def test_an_unknown_executor_is_named(home: Path) -> None:
    with pytest.raises(ParameterError, match="did you mean 'processes'"):
        scaled.run(x=1, executor="process")


def test_a_parameter_of_any_type_arrives_as_it_is(home: Path) -> None:
    @pipeline
    def p(value: Any) -> Any:
        return same(value)

    for value in ((1, 2), {3: 4}, {"a", "b"}, b"x" * 10_000, Path("here"), 1 + 2j, None, float("inf"), 2**70):
        run = p.run(value=value)
        assert run.result == value
        assert type(run.result) is type(value)
    assert p.run(value=Path("data/raw")).params == {"value": "data/raw"}


def test_a_default_is_not_spoilt_by_a_step(home: Path) -> None:
    @step
    def grow(xs: list[int]) -> list[int]:
        xs.append(len(xs))
        return xs

    @pipeline
    def p(xs: list[int] = [0]) -> Any:  # noqa: B006
        return [grow(xs), grow(xs)]

    for _ in range(2):
        assert p.run().result == [[0, 1], [0, 1]]


def test_a_run_in_a_notebook_has_no_file_and_goes_to_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PLAIT_HOME", raising=False)
    code = "from plait import step, pipeline\n@step\ndef a(): return 1\n@pipeline\ndef p(): return a()\n"
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(code, "<ipython-input-1>", "exec"), names)
    for executor in ("inline", "processes"):
        assert names["p"].run(executor=executor).result == 1
    assert (tmp_path / ".plait" / "records.db").exists()
    assert len(plait.list_runs()) == 2


def test_current_and_log_outside_a_run() -> None:
    assert not current
    log(score=1.0)
    log({"any": "thing"})
    with pytest.raises(StepError, match="only inside a step"):
        current.task


@pytest.mark.parametrize("wrong", [lambda: log(3), lambda: log([1], name=5)])
def test_a_wrong_log_fails_its_step_and_says_what_to_write(home: Path, wrong: Any) -> None:
    @pipeline
    def p() -> Any:
        return step(wrong)()

    run = p.run(raise_on_failure=False)
    assert run.status == "failed"
    assert run.tasks[0].error.type == "plait.errors.StepError"


def test_a_chain_may_be_long(home: Path) -> None:
    @step
    def increase(x: int) -> int:
        return x + 1

    @pipeline
    def p() -> Any:
        value: Any = 0
        for _ in range(3000):
            value = increase(value)
        return value

    assert p.run().result == 3000


def test_a_pipeline_needs_a_function() -> None:
    with pytest.raises(DefinitionError, match="needs a function"):
        pipeline(3)


def test_importing_plait_imports_nothing_heavy() -> None:
    code = (
        "import sys, plait; "
        "print([name for name in ('numpy', 'pandas', 'fsspec', 'sqlite3', 'rich', 'click', 'msgspec') "
        "if name in sys.modules])"
    )
    source = str(Path(plait.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": source}, text=True, capture_output=True, check=True
    )
    assert done.stdout == "[]\n"


def test_every_public_name_is_there() -> None:
    for name in plait.__all__:
        assert getattr(plait, name) is not None
    assert set(plait.__all__) <= set(dir(plait))
    with pytest.raises(AttributeError, match="has no attribute 'steps'"):
        plait.steps
