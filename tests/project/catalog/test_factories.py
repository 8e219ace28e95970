"""Factory patterns are ranked, matched and filled as Kedro does it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.errors import CatalogError
from plait.project.catalog import Catalog
from plait.project.catalog.factories import Factory, fill, rank

LITERALS = st.text("abAB_.#-", max_size=4)
NAMES = st.sampled_from(["name", "namespace", "x", "y"])
PATTERNS = st.lists(st.tuples(LITERALS, NAMES), min_size=1, max_size=3).map(
    lambda parts: "".join(f"{text}{{{name}}}" for text, name in parts)
)


def catalog(root, entries, **more):
    return Catalog(entries, root=root, **more)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(PATTERNS, LITERALS).map("".join), min_size=1, max_size=6, unique=True))
def test_patterns_are_ranked_as_kedro_ranks_them(patterns):
    core = pytest.importorskip("kedro.io.catalog_config_resolver")
    from kedro.io.core import DatasetError

    try:
        theirs = list(core.CatalogConfigResolver._sort_patterns({pattern: {} for pattern in patterns}))
    except DatasetError:
        with pytest.raises(CatalogError, match="match every name"):
            rank(patterns)
    else:
        assert rank(patterns) == theirs


@settings(max_examples=400, deadline=None)
@given(st.tuples(PATTERNS, LITERALS).map("".join), st.text("abAB_.#-xy", min_size=1, max_size=10))
def test_a_name_matches_with_the_values_that_kedro_finds(pattern, name):
    parse = pytest.importorskip("parse")
    theirs = parse.parse(pattern, name)
    assert Factory(pattern).match(name) == (theirs.named if theirs else None)


def test_the_most_specific_pattern_wins_and_the_catch_all_comes_last(tmp_path):
    entries = {
        "{default}": {"type": "memory"},
        "{name}_raw": {"type": "csv", "filepath": "data/{name}.csv"},
        "{namespace}.{name}_raw": {"type": "csv", "filepath": "data/{namespace}/{name}.csv"},
        "france.{name}_raw": {"type": "parquet", "filepath": "fr/{name}.parquet"},
        "italy.trains_raw": {"type": "text", "filepath": "own.txt"},
    }
    found = catalog(tmp_path, entries)
    assert found.patterns() == ["france.{name}_raw", "{namespace}.{name}_raw", "{name}_raw", "{default}"]
    assert found.entry("france.trains_raw").arguments["filepath"] == "fr/trains.parquet"
    assert found.entry("spain.trains_raw").arguments["filepath"] == "data/spain/trains.csv"
    assert found.entry("spain.trains_raw").pattern == "{namespace}.{name}_raw"
    assert found.entry("ships_raw").arguments["filepath"] == "data/ships.csv"
    assert found.entry("italy.trains_raw").type == "text"
    assert found.entry("whatever").type == "memory"
    assert found.names() == ["italy.trains_raw"]


def test_a_factory_fills_nested_values_and_leaves_its_conf_as_it_was(tmp_path):
    entries = {
        "{layer}.{name}#csv": {
            "type": "csv",
            "filepath": "data/{layer}/{name}.csv",
            "load_args": {"names": ["{name}", "n"], "sep": ","},
            "metadata": {"kedro-viz": {"layer": "{layer}"}},
        }
    }
    found = catalog(tmp_path, entries)
    one, other = found.entry("raw.a#csv"), found.entry("model.b#csv")
    assert one.arguments["load_args"] == {"names": ["a", "n"], "sep": ","}
    assert (one.layer, other.layer) == ("raw", "model")
    assert other.arguments["filepath"] == "data/model/b.csv"


def test_a_catch_all_does_not_make_a_dataset_of_a_parameter(tmp_path):
    found = catalog(tmp_path, {"{any}": {"type": "memory"}, "params:{x}": {"type": "memory"}})
    assert "anything" in found
    assert "params:alpha" not in found
    assert "parameters" not in found
    with pytest.raises(CatalogError, match="is a parameter"):
        found.entry("params:alpha")


def test_a_placeholder_that_the_pattern_lacks_is_an_error_with_the_nearest_one(tmp_path):
    with pytest.raises(CatalogError, match=r"uses \{nam\}") as caught:
        catalog(tmp_path, {"{name}_raw": {"type": "csv", "filepath": "{nam}.csv"}})
    assert "'name'" in caught.value.hint


def test_two_catch_alls_are_an_error(tmp_path):
    with pytest.raises(CatalogError, match="match every name"):
        catalog(tmp_path, {"{a}": {"type": "memory"}, "{b}{c}": {"type": "memory"}})


@pytest.mark.parametrize("pattern", ["{na me}", "{}x", "{a", "a}b{c}", "{a:zz}"])
def test_a_malformed_pattern_is_told(tmp_path, pattern):
    with pytest.raises(CatalogError):
        catalog(tmp_path, {pattern: {"type": "memory"}})


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd_raw", "a/../../b_raw", "/etc/passwd_raw", "..\\x_raw", "s3://b/x_raw", "~/x_raw"],
)
def test_a_name_cannot_lead_out_of_the_folder_of_its_pattern(tmp_path, name):
    found = catalog(tmp_path, {"{name}_raw": {"type": "csv", "filepath": "data/{name}.csv"}})
    with pytest.raises(CatalogError, match="leads out"):
        found.load(name)


def test_a_name_with_folders_inside_is_fine(tmp_path):
    found = catalog(tmp_path, {"{name}_raw": {"type": "text", "filepath": "data/{name}.txt"}})
    found.save("y2013/flights..v2_raw", "x")
    assert (tmp_path / "data/y2013/flights..v2.txt").read_text() == "x"


def test_doubled_braces_stand_for_themselves():
    assert fill({"sql": "{{x}} {name}"}, {"name": "n"}) == {"sql": "{x} n"}


def test_a_factory_asks_for_credentials_by_a_filled_name(tmp_path):
    found = catalog(
        tmp_path,
        {"{store}.{name}": {"type": "text", "filepath": "memory://{name}", "credentials": "{store}_key"}},
        credentials={"lake_key": {}},
    )
    assert found.dataset("lake.a") is not None
    with pytest.raises(CatalogError, match="lace_key") as caught:
        found.dataset("lace.a")
    assert "'lake_key'" in caught.value.hint
