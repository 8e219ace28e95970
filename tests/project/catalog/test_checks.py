"""Checks stop what depends on wrong data, say which rows and why, and leave what was published."""

import json
import pickle
import sys
import types

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from plait.errors import CatalogError
from plait.project.catalog import Catalog, Check, CheckFailed, find_checks
from plait.project.catalog.checks import read_check, run_check

OWN = '''
import pandas as pd
from plait.project.catalog import check

calls = []

def positive(flights, column="delay"):
    calls.append(type(flights).__module__.partition(".")[0])
    return [i for i, x in enumerate(flights[column]) if x < 0]

def as_pandas(flights: pd.DataFrame):
    calls.append(type(flights).__module__.partition(".")[0])
    return flights.index[flights["delay"] < 0]

@check("flights", severity="warn")
@check("weather")
def not_empty(table):
    """Data that is there."""
    return len(table) > 0

not_marked = not_empty.__doc__
'''


@pytest.fixture
def own(tmp_path, monkeypatch):
    (tmp_path / "own_checks.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    import own_checks

    yield own_checks
    sys.modules.pop("own_checks", None)


def flights(*delays):
    return pd.DataFrame({"delay": list(delays)})


def catalog(root, *checks, **more):
    entry = {"type": "csv", "filepath": "flights.csv", "checks": list(checks)}
    return Catalog(
        {"flights": entry},
        root=root,
        origin=lambda key: "catalog.yml:7" if key == "flights" else None,
        **more,
    )


def test_a_failed_error_stops_the_save_says_which_rows_and_keeps_what_was_published(tmp_path, own):
    found = catalog(tmp_path, "own_checks.positive")
    found.save("flights", flights(1, 2))
    bad = flights(*[-1] * 15, 3)
    with pytest.raises(CheckFailed) as caught:
        found.save("flights", bad)
    (result,) = caught.value.results
    assert result.rows == list(range(10))
    assert result.failing == 15
    assert not result.passed
    assert "rows 0, 1, 2" in str(caught.value)
    assert "15 in all" in str(caught.value)
    assert caught.value.where == "catalog.yml:7"
    assert found.load("flights")["delay"].tolist() == [1, 2]
    again = pickle.loads(pickle.dumps(caught.value))
    assert again.results == caught.value.results
    assert str(again) == str(caught.value)


def test_a_failed_error_on_a_versioned_dataset_makes_no_version(tmp_path, own):
    entry = {"type": "csv", "filepath": "f.csv", "versioned": True, "checks": ["own_checks.positive"]}
    found = Catalog({"flights": entry}, root=tmp_path)
    found.save("flights", flights(1))
    with pytest.raises(CheckFailed):
        found.save("flights", flights(-1))
    assert len(found.versions("flights")) == 1


def test_a_failed_error_stops_the_load(tmp_path, own):
    (tmp_path / "flights.csv").write_text("delay\n-1\n")
    with pytest.raises(CheckFailed, match="on load"):
        catalog(tmp_path, "own_checks:positive").load("flights")


def test_a_warning_lets_the_data_pass_and_is_told(tmp_path, own):
    told = []
    found = catalog(tmp_path, {"check": "own_checks.positive", "severity": "warn"}, on_check=told.append)
    saved = found.save("flights", flights(1, -2))
    assert [result.passed for result in saved.checks] == [False]
    assert saved.checks[0].rows == [1]
    found.load("flights")
    assert [result.on for result in told] == ["save", "load"]


def test_a_check_runs_only_when_it_is_meant_to(tmp_path, own):
    told = []
    found = catalog(
        tmp_path,
        {
            "check": "own_checks.positive",
            True: "load",
            "name": "at load",
        },  # YAML reads an unquoted on: as true
        {"check": "own_checks.positive", "on": "save", "name": "at save"},
        {"check": "own_checks.positive", "on": ["load", "save"], "name": "always"},
        on_check=told.append,
    )
    found.save("flights", flights(1))
    assert [result.check for result in told] == ["at save", "always"]
    told.clear()
    found.load("flights")
    assert [result.check for result in told] == ["at load", "always"]


def test_a_check_gets_its_arguments_and_the_kind_of_table_that_it_asks_for(tmp_path, own):
    entry = {"type": "parquet", "filepath": "f.parquet"}
    entry["checks"] = [{"check": "own_checks.positive", "with": {"column": "other"}}, "own_checks.as_pandas"]
    found = Catalog({"flights": entry}, root=tmp_path)
    with pytest.raises(CheckFailed) as caught:
        found.save("flights", pl.DataFrame({"delay": [1, -1], "other": [1, 1]}))
    assert [(r.check, r.passed, r.rows) for r in caught.value.results] == [
        ("positive", True, []),
        ("as_pandas", False, [1]),
    ]
    assert own.calls == ["polars", "pandas"]


def test_checks_marked_in_code_are_found_and_run(tmp_path, own):
    found = find_checks(own)
    assert {(one.dataset, one.name, one.severity) for one in found} == {
        ("weather", "not_empty", "error"),
        ("flights", "not_empty", "warn"),
    }
    assert found[0].where.startswith(str(tmp_path))
    assert own.not_empty([1]) is True
    there = catalog(tmp_path, checks=found)
    assert there.save("flights", flights(1)).checks[0].passed


def test_an_imported_check_is_not_found_twice(own):
    other = types.ModuleType("other")
    other.not_empty = own.not_empty
    assert find_checks(other) == []


@pytest.mark.parametrize(
    ("answer", "why", "rows"),
    [
        (None, None, []),
        (True, None, []),
        ([], None, []),
        (pd.Series([], dtype=int), None, []),
        (False, "it returned False", []),
        ("too late", "too late", []),
        ([4, 2, 2], "2 rows are not as they should be", [2, 4]),
        (pa.array([1]), "1 row is not as they should be", [1]),
        (pd.Index([3]), "1 row is not as they should be", [3]),
        ((i for i in (7,)), "1 row is not as they should be", [7]),
    ],
)
def test_every_answer_of_a_check_has_a_meaning(answer, why, rows):
    import numpy as np

    if isinstance(answer, pa.Array):
        answer = answer.to_numpy()
    if isinstance(answer, bool):
        assert (
            run_check(Check(dataset="d", name="c", function=lambda v: np.bool_(answer)), 1, on="save").passed
            is answer
        )
    result = run_check(Check(dataset="d", name="c", function=lambda v: answer), 1, on="save")
    assert (result.why, result.rows) == (why, rows)
    assert result.passed is (why is None)


def test_what_a_check_raises_is_its_finding():
    def fails(value):
        assert value > 3, "must be more than 3"

    result = run_check(Check(dataset="d", name="c", function=fails), 1, on="save")
    assert result.why.startswith("AssertionError: must be more than 3")


@pytest.mark.parametrize("answer", [[True, False], 3, [1.5], ["a"], object()])
def test_an_answer_without_a_meaning_is_an_error_and_not_a_verdict(answer):
    with pytest.raises(CatalogError, match="is no answer") as caught:
        run_check(Check(dataset="d", name="c", function=lambda v: answer), 1, on="save")
    assert "positions" in caught.value.hint


@pytest.mark.parametrize(
    "raw",
    [3, {}, {"check": "a.b", "suite": "c.json"}, {"check": "a.b", "severty": "warn"},
     {"check": "a.b", "severity": "fatal"}, {"check": "a.b", "on": "write"}, {"check": "a.b", "with": [1]}],
)  # fmt: skip
def test_a_check_written_wrong_is_told_with_its_line(raw):
    with pytest.raises(CatalogError) as caught:
        read_check(raw, dataset="d", where="catalog.yml:3")
    assert caught.value.where == "catalog.yml:3"


@pytest.mark.parametrize(
    "path",
    [
        "os.system",
        "subprocess:run",
        "builtins.exec",
        "pandas.io.common:os.system",
        "own_checks.missing",
        "nowhere.x",
    ],
)
def test_a_check_that_cannot_be_found_or_is_pythons_own_is_an_error(tmp_path, own, path):
    found = catalog(tmp_path, path)
    with pytest.raises(CatalogError) as caught:
        found.save("flights", flights(1))
    assert not isinstance(caught.value, CheckFailed)
    assert not (tmp_path / "flights.csv").exists()


def test_a_pandera_schema_says_which_rows_and_why(tmp_path, monkeypatch):
    pytest.importorskip("pandera")
    (tmp_path / "own_schemas.py").write_text(
        """
import pandera.pandas as pa

class Flights(pa.DataFrameModel):
    delay: int = pa.Field(ge=0, lt=100)
    carrier: str = pa.Field(isin=["UA", "AA"])

schema = Flights.to_schema()
"""
    )
    monkeypatch.syspath_prepend(tmp_path)
    good = pd.DataFrame({"delay": [1, 2, 3], "carrier": ["UA", "AA", "UA"]}, index=[10, 20, 30])
    bad = good.assign(delay=[1, -2, 300], carrier=["UA", "ZZ", "UA"])
    for path in ("own_schemas.Flights", "own_schemas:schema"):
        found = catalog(tmp_path, path)
        found.save("flights", good)
        with pytest.raises(CheckFailed) as caught:
            found.save("flights", bad)
        (result,) = caught.value.results
        assert result.rows == [1, 2]
        assert result.failing == 2
        assert "delay: greater_than_or_equal_to(0)" in result.why
        assert "carrier" in result.why
        assert found.load("flights").shape == (3, 2)
        with pytest.raises(CheckFailed, match="column"):
            found.save("flights", good.drop(columns="carrier"))
    sys.modules.pop("own_schemas")


def test_a_pandera_schema_checks_tables_of_other_libraries(tmp_path, monkeypatch):
    pytest.importorskip("pandera")
    (tmp_path / "own_schemas2.py").write_text(
        "import pandera.pandas as pa\n"
        "schema = pa.DataFrameSchema({'delay': pa.Column(int, pa.Check.ge(0))})\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(CheckFailed) as caught:
        catalog(tmp_path, "own_schemas2.schema").save("flights", pl.DataFrame({"delay": [1, 2, -3]}))
    assert caught.value.results[0].rows == [2]


def test_a_great_expectations_suite_says_which_rows_and_why(tmp_path, monkeypatch):
    monkeypatch.setenv("GX_ANALYTICS_ENABLED", "false")
    pytest.importorskip("great_expectations")
    (tmp_path / "suite.json").write_text(
        json.dumps(
            {
                "name": "flights",
                "expectations": [
                    {
                        "type": "expect_column_values_to_be_between",
                        "kwargs": {"column": "delay", "min_value": 0},
                    },
                    {"type": "expect_column_to_exist", "kwargs": {"column": "delay"}},
                ],
            }
        )
    )
    found = catalog(tmp_path, {"suite": "suite.json"})
    found.save("flights", flights(1, 2))
    with pytest.raises(CheckFailed) as caught:
        found.save("flights", flights(1, -2, -3))
    (result,) = caught.value.results
    assert result.check == "suite"
    assert result.rows == [1, 2]
    assert "expect_column_values_to_be_between" in result.why
    with pytest.raises(CatalogError, match="not there"):
        catalog(tmp_path, {"suite": "missing.json"}).save("flights", flights(1))


def test_kedros_own_validator_key_is_a_check(tmp_path, monkeypatch):
    (tmp_path / "own_validators.py").write_text(
        """
class AtLeast:
    def __init__(self, rows): self.rows = rows
    def validate(self, data):
        if len(data) < self.rows:
            raise ValueError(f"only {len(data)} rows")
        return data
"""
    )
    monkeypatch.syspath_prepend(tmp_path)
    entry = {"type": "pandas.CSVDataset", "filepath": "a.csv"}
    entry["validator"] = {"class": "own_validators.AtLeast", "options": {"rows": 2}, "severity": "error"}
    found = Catalog({"a": entry}, root=tmp_path)
    found.save("a", flights(1, 2))
    with pytest.raises(CheckFailed, match="only 1 rows"):
        found.save("a", flights(1))
    entry["validator"]["enabled"] = False
    Catalog({"a": entry}, root=tmp_path).save("a", flights(1))


def test_all_checks_of_a_dataset_can_be_run_on_what_is_there(tmp_path, own):
    (tmp_path / "flights.csv").write_text("delay\n1\n-1\n")
    found = catalog(tmp_path, {"check": "own_checks.positive", "on": "save"}, checks=find_checks(own))
    assert [(r.check, r.passed) for r in found.check("flights")] == [("positive", False), ("not_empty", True)]
