"""Is what was typed wrongly answered in the words of the one who typed it?"""

from __future__ import annotations

import pytest

TRAIN = """
    from dataclasses import dataclass
    from plait import step, pipeline, each

    @dataclass
    class Model:
        depth: int = 3
        rate: float = 0.1

    @step
    def fit(rows: int, model: Model) -> str:
        return f"{rows} {model.depth} {model.rate}"

    @pipeline
    def training(rows: int, model: Model = Model(), tags: dict = {"a": {"x": 1, "y": 2}}):
        return fit(rows, model)
"""


@pytest.fixture
def train(write):
    return write("train_wrong_use.py", TRAIN)


def test_a_missing_parameter_is_named_with_what_to_write(plait, train):
    answer = plait("run", train.name)
    assert answer.status == 2
    assert "needs 'rows'" in answer.err
    assert "rows=…" in answer.err


def test_a_misspelt_parameter_names_the_nearest(plait, train):
    answer = plait("run", train.name, "row=3")
    assert answer.status == 2
    assert "has no parameter 'row'" in answer.err
    assert "did you mean 'rows'?" in answer.err


def test_a_surplus_parameter_says_what_there_is(plait, train):
    answer = plait("run", train.name, "rows=3", "zzzzzz=1")
    assert answer.status == 2
    assert "has no parameter 'zzzzzz'" in answer.err
    assert "model, rows, tags" in answer.err


def test_a_value_of_the_wrong_type_says_both_types(plait, train):
    answer = plait("run", train.name, "rows=abc")
    assert answer.status == 2
    assert "rows: expected int, got 'abc' (str)" in answer.err


def test_all_wrong_values_are_said_at_once(plait, train):
    answer = plait("run", train.name, "rows=abc", "model.rate=fast")
    assert "2 parameters are wrong" in answer.err
    assert "rows: expected int" in answer.err
    assert "model.rate: expected float" in answer.err


def test_a_misspelt_field_of_a_parameter_names_the_nearest(plait, train):
    answer = plait("run", train.name, "rows=1", "model.dept=4")
    assert answer.status == 2
    assert "did you mean 'depth'?" in answer.err


def test_a_dotted_name_keeps_the_other_fields(plait, train):
    answer = plait("run", train.name, "rows=1", "model.depth=7")
    assert answer.status == 0
    assert "1 7 0.1" in answer.out


def test_a_dotted_name_keeps_the_siblings_of_a_default_and_the_default_itself(plait, train):
    assert plait("run", train.name, "rows=1", "tags.a.x=5").status == 0
    shown = plait("show")
    assert "{'a': {'x': 5, 'y': 2}}" in shown.out
    assert plait("run", train.name, "rows=1").status == 0
    assert "{'a': {'x': 1, 'y': 2}}" in plait("show").out


def test_a_dotted_name_into_a_number_is_refused(plait, train):
    answer = plait("run", train.name, "rows=1", "model.depth.x=1")
    assert answer.status == 2
    assert "there is no model.depth.x" in answer.err


def test_a_parameter_without_a_value_is_told_how_to_be_written(plait, train):
    answer = plait("run", train.name, "rows")
    assert answer.status == 2
    assert "write rows=VALUE" in answer.err


def test_a_parameter_with_dashes_is_told_to_be_written_without(plait, train):
    answer = plait("run", train.name, "--rows=1")
    assert answer.status == 2
    assert "rows=VALUE" in answer.err


def test_a_file_of_parameters_is_typed_and_says_its_line(plait, train, write):
    write("good.yml", "rows: 4\nmodel:\n  rate: 1e-3\n")
    assert "4 3 0.001" in plait("run", train.name, "--params-file", "good.yml").out
    write("bad.yml", "rows: 4\nmodel:\n  rate: fast\n")
    answer = plait("run", train.name, "--params-file", "bad.yml")
    assert answer.status == 2
    assert "model.rate: expected float" in answer.err
    assert "bad.yml:3" in answer.err


def test_what_is_typed_goes_over_the_file(plait, train, write):
    write("good.yml", "rows: 4\nmodel: {rate: 0.5, depth: 2}\n")
    answer = plait("run", train.name, "model.depth=9", "--params-file", "good.yml")
    assert "4 9 0.5" in answer.out


def test_an_unknown_command_names_the_nearest(plait):
    answer = plait("rnus")
    assert answer.status == 2
    assert "did you mean: plait runs?" in answer.err


def test_an_unknown_option_names_the_nearest(plait, train):
    answer = plait("run", train.name, "--worker", "2")
    assert answer.status == 2
    assert "--workers" in answer.err


def test_an_unknown_executor_says_which_there_are(plait, train):
    answer = plait("run", train.name, "rows=1", "--executor", "proceses")
    assert answer.status == 2
    assert "did you mean 'processes'?" in answer.err


def test_a_missing_file_names_the_nearest(plait, train):
    answer = plait("run", "train_wrong_us.py")
    assert answer.status == 2
    assert "there is no file train_wrong_us.py" in answer.err
    assert "did you mean train_wrong_use.py?" in answer.err


def test_a_missing_pipeline_names_the_nearest(plait, train):
    answer = plait("run", f"{train.name}:trainig")
    assert answer.status == 2
    assert "did you mean 'training'?" in answer.err


def test_a_file_that_raises_shows_the_users_line_and_no_line_of_ours(plait, write):
    write("broken_on_import.py", "import os\n\nrate = 1 / 0\n")
    answer = plait("run", "broken_on_import.py")
    assert answer.status == 2
    assert "ZeroDivisionError" in answer.err
    assert "broken_on_import.py:3" in answer.err
    assert "rate = 1 / 0" in answer.err
    assert "importlib" not in answer.err
    assert "discover.py" not in answer.err


def test_debug_shows_the_whole_traceback(plait, write, monkeypatch):
    monkeypatch.setenv("PLAIT_DEBUG", "1")
    write("broken_for_debug.py", "rate = 1 / 0\n")
    assert "Traceback" in plait("run", "broken_for_debug.py").err


def test_without_records_every_command_says_how_to_start(plait):
    for command in ("runs", "logs", "show"):
        answer = plait(command)
        assert answer.status == 1, command
        assert "plait run TARGET" in answer.err, command
        assert "Traceback" not in answer.err


def test_what_is_neither_run_nor_pipeline_is_said_to_be_neither(plait, train):
    plait("run", train.name, "rows=1")
    answer = plait("show", "zzzz")
    assert answer.status == 2
    assert "no run and no pipeline 'zzzz'" in answer.err
