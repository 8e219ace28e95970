from __future__ import annotations

import math
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from plait.errors import ConfError, ParameterError
from plait.project.origin import at, plain
from plait.project.yaml import (
    load_private_yaml,
    load_yaml,
    parse_assignment,
    parse_value,
    parse_yaml,
    read_scalar,
    split_assignment,
)


def read(text: str):
    return plain(parse_yaml(text, "f.yml"))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1E5", 1e5),
        (".5", 0.5),
        ("1.", 1.0),
        ("-2.5e+3", -2500.0),
        ("1_000", 1000),
        ("0x1F", 31),
        ("0b101", 5),
        ("0o17", 15),
        ("017", 15),
        ("-0", 0),
        ("08", "08"),
        ("yes", True),
        ("Off", False),
        ("~", None),
        ("null", None),
        ("", None),
        ("1:30", "1:30"),
        ("2024-01-31", "2024-01-31"),
        ("'1'", "1"),
        ('"no"', "no"),
        ("!!str 1", "1"),
        ("!!float 1", 1.0),
        ("e5", "e5"),
        ("+", "+"),
        (".", "."),
        ("-.inf", -math.inf),
    ],
)
def test_a_scalar_is_typed(text, value):
    found = read(f"a: {text}")["a"]
    assert found == value
    assert type(found) is type(value)


def test_a_value_that_is_no_number_is_read():
    assert math.isnan(read("a: .nan")["a"])


def test_every_value_knows_its_line_and_column():
    node = parse_yaml("a: 1\nb:\n  c: [x, y]\n  d:\n    - e: 2\n", "conf/base/p.yml")
    places = {path: at(node, path).origin for path in [("a",), ("b",), ("b", "c", 1), ("b", "d", 0, "e")]}
    assert {path: (origin.line, origin.column) for path, origin in places.items()} == {
        ("a",): (1, 4),
        ("b",): (2, 1),
        ("b", "c", 1): (3, 10),
        ("b", "d", 0, "e"): (5, 10),
    }
    assert str(places["a",]) == "conf/base/p.yml:1"


@pytest.mark.parametrize(
    ("text", "line", "column", "shown"),
    [
        ("a: 1\nb: c: d\n", 2, 5, "b: c: d"),
        ("a:\n\t- b\n", 2, 1, "\t- b"),
        ("a: @x\n", 1, 4, "a: @x"),
        ("a: [1, 2\nb: 3\n", 2, 2, "b: 3"),
        ("a: 'x\n", 1, 6, "a: 'x"),
        ("a: \x01\n", 1, 4, "a: \x01"),
    ],
)
def test_broken_yaml_says_file_line_column_and_shows_the_line(text, line, column, shown):
    with pytest.raises(ConfError) as caught:
        parse_yaml(text, "conf/base/catalog.yml")
    assert caught.value.where == f"conf/base/catalog.yml:{line}:{column}"
    head, source, caret = caught.value.what.split("\n")
    assert f"conf/base/catalog.yml, line {line}, column {column}" in head
    assert source == f"    {shown}"
    assert caret.index("^") == 4 + column - 1


def test_a_key_said_twice_names_both_lines():
    with pytest.raises(ConfError, match=r"'a' is said twice in one mapping: lines 1 and 3 of f\.yml"):
        parse_yaml("a: 1\nb: 2\na: 3\n", "f.yml")


def test_the_same_key_in_two_mappings_is_fine():
    assert read("a: {x: 1}\nb: {x: 2}") == {"a": {"x": 1}, "b": {"x": 2}}


def test_merge_keys_and_aliases_are_read_as_pyyaml_does():
    text = "_d: &d {x: 1, y: {z: 2}}\n_e: &e {x: 5, w: 6}\n"
    text += "a:\n  <<: *d\n  x: 3\nb:\n  <<: [*d, *e]\nc: [*d, *d]\n"
    assert read(text) == yaml.safe_load(text)


def test_a_value_that_came_by_an_alias_keeps_the_line_it_is_written_on():
    node = parse_yaml("_d: &d\n  x: 1\na:\n  <<: *d\nb: *d\n", "f.yml")
    assert at(node, ("a", "x")).origin.line == 2
    assert at(node, ("b", "x")).origin.line == 2
    assert at(node, ("b",)).origin.line == 5


@pytest.mark.parametrize(
    "tag",
    [
        "!!python/object/apply:os.system [touch {}]",
        "!!python/object/new:os.system [touch {}]",
        "!!python/name:os.system",
        "!!python/module:os",
        "!<tag:yaml.org,2002:python/object/apply:os.system> [touch {}]",
    ],
)
def test_yaml_never_executes_code(tag, tmp_path):
    witness = tmp_path / "ran"
    text = "a: " + tag.replace("{}", str(witness))
    with pytest.raises(ConfError, match="never"):
        parse_yaml(text, "f.yml")
    with pytest.raises(ParameterError, match="never"):
        parse_value(text.removeprefix("a: "))
    assert not witness.exists()


def test_an_unknown_tag_is_named_with_its_line():
    with pytest.raises(ConfError, match="!important is not one") as caught:
        parse_yaml("a: 1\nb: !important x", "f.yml")
    assert caught.value.where == "f.yml:2"


def test_aliases_cannot_fill_the_memory():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    with pytest.raises(ConfError, match="expand to more than"):
        parse_yaml("\n".join(lines), "f.yml")


def test_values_nested_without_end_are_an_error_of_the_conf():
    with pytest.raises(ConfError):
        parse_yaml("a: " + "[" * 20_000, "f.yml")


def test_an_anchor_in_itself_and_one_that_is_missing_are_named():
    with pytest.raises(ConfError, match="contains itself"):
        parse_yaml("a: &x [*x]", "f.yml")
    with pytest.raises(ConfError, match="names no anchor") as caught:
        parse_yaml("_csv: &csv {a: 1}\nb: *cvs", "f.yml")
    assert "'csv'" in caught.value.hint


def test_a_second_document_is_refused():
    with pytest.raises(ConfError, match="one document") as caught:
        parse_yaml("a: 1\n---\nb: 2\n", "f.yml")
    assert caught.value.where == "f.yml:2"


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n", "\ufeff"])
def test_an_empty_file_is_an_empty_mapping(text, tmp_path):
    (tmp_path / "a.yml").write_text(text, encoding="utf-8")
    assert plain(load_yaml(tmp_path / "a.yml")) == {}


def test_json_is_read_with_its_tabs_and_lines(tmp_path):
    (tmp_path / "a.json").write_text('{\n\t"a": {\n\t\t"b": "x\\ty"\n\t}\n}\n')
    node = load_yaml(tmp_path / "a.json", "a.json")
    assert plain(node) == {"a": {"b": "x\ty"}}
    assert at(node, ("a", "b")).origin.line == 3


def test_a_file_without_a_mapping_at_its_top_is_an_error(tmp_path):
    (tmp_path / "a.yml").write_text("- 1\n")
    with pytest.raises(ConfError, match="list at its top"):
        load_yaml(tmp_path / "a.yml")
    (tmp_path / "a.yml").write_text("1: x\n")
    with pytest.raises(ConfError, match="key 1 is not text"):
        load_yaml(tmp_path / "a.yml")


def test_a_file_that_is_missing_or_not_utf8_is_an_error(tmp_path):
    with pytest.raises(ConfError, match=r"no\.yml cannot be read"):
        load_yaml(tmp_path / "no.yml")
    (tmp_path / "a.yml").write_bytes(b"a: \xff\n")
    with pytest.raises(ConfError, match="not UTF-8"):
        load_yaml(tmp_path / "a.yml")


# PyYAML writes `1e3` as a text without quotes; here it is a number.
texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8).filter(
    lambda text: isinstance(read_scalar(text), str)
)
scalars = st.none() | st.booleans() | st.integers(-(10**9), 10**9) | texts | st.floats(allow_nan=False)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(texts, values, max_size=4), st.booleans(), st.sampled_from([None, '"']))
def test_what_pyyaml_writes_is_read_back(data, flow, style):
    assert (
        read(yaml.safe_dump(data, default_flow_style=flow, default_style=style, allow_unicode=True)) == data
    )


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("model.alpha=0.3", ("model", "alpha"), 0.3),
        ("a=[1,2]", ("a",), [1, 2]),
        ("a={x: 1}", ("a",), {"x": 1}),
        ("a=null", ("a",), None),
        ("a=1e-3", ("a",), 0.001),
        ("a=", ("a",), ""),
        ("a='1'", ("a",), "1"),
        ("a='b=1'", ("a",), "b=1"),
        ("a=b=1", ("a",), "b=1"),
        ("a.b=1", ("a", "b"), 1),
        ('"a.b".c=1', ("a.b", "c"), 1),
        ("my-name=x", ("my-name",), "x"),
        (" a = 1 ", ("a",), 1),
        ("c=#ff0000", ("c",), "#ff0000"),
        ("c=a #b", ("c",), "a #b"),
        ("g=*.csv", ("g",), "*.csv"),
        ("g=@file", ("g",), "@file"),
        ("g=%d", ("g",), "%d"),
        ("u=http://host:80/x?y=1", ("u",), "http://host:80/x?y=1"),
        ("p=s3://bucket/a b", ("p",), "s3://bucket/a b"),
        ("d=2024-01-01", ("d",), "2024-01-01"),
    ],
)
def test_an_assignment_is_typed_as_yaml(text, path, value):
    assert parse_assignment(text) == (path, value)


def test_the_text_that_was_typed_is_kept():
    assert split_assignment("version=1.10") == (("version",), "1.10")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("alpha", "write alpha=VALUE"),
        ("=3", "write NAME=VALUE"),
        ("--alpha=3", "write alpha=3 without dashes"),
        ("a..b=1", "write a.b=VALUE"),
        (".a=1", "write a=VALUE"),
        ("a=[1,2", """write 'a="[1,2"'"""),
        ("a=!x", """write 'a="!x"'"""),
    ],
)
def test_what_is_no_assignment_says_what_to_write(text, says):
    with pytest.raises(ParameterError) as caught:
        parse_assignment(text)
    assert says in caught.value.hint


def test_the_hint_to_pass_a_text_works_when_followed():
    import shlex

    with pytest.raises(ParameterError) as caught:
        parse_assignment('a=["x')
    assert parse_assignment(shlex.split(caught.value.hint.partition("write ")[2])[0]) == (("a",), '["x')


def test_a_thousand_entries_are_read_as_libyaml_reads_them():
    entry = "d{}:\n  type: pandas.CSVDataset\n  filepath: data/{}.csv\n  load_args: {{sep: ',', nrows: 3}}\n"
    text = "".join(entry.format(i, i) for i in range(1000))
    loader = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader

    assert read(text) == yaml.load(text, loader)


def test_reading_needs_no_file_of_the_project(tmp_path):
    path = Path(tmp_path / "x.yaml")
    path.write_text("a: ü\n", encoding="utf-8")
    assert plain(load_yaml(path)) == {"a": "ü"}


def test_a_private_file_that_cannot_be_opened_still_says_why(tmp_path):
    with pytest.raises(ConfError, match=r"none\.yml cannot be read: No such file"):
        load_private_yaml(tmp_path / "none.yml", "none.yml")
