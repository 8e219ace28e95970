from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from plait.project.origin import Node, Origin, at, dotted, leaves, merge, node_of, plain, put

keys = st.sampled_from(["a", "b", "c", "d"])
scalars = st.none() | st.integers(0, 9) | st.text("xyz", max_size=2) | st.lists(st.integers(0, 9), max_size=2)
mappings = st.recursive(
    st.dictionaries(keys, scalars, max_size=3),
    lambda inner: st.dictionaries(keys, scalars | inner, max_size=3),
)


def node(value, file="f"):
    return node_of(value, Origin(file, 1))


# Mappings whose keys a and b are always mappings, and c and d never.
def shaped(depth):
    inner = shaped(depth - 1) if depth else st.just({})
    return st.fixed_dictionaries({}, optional={"a": inner, "b": inner, "c": scalars, "d": scalars})


@given(shaped(3), shaped(3), shaped(3))
def test_merging_is_associative_where_a_key_is_always_a_mapping_or_never(a, b, c):
    a, b, c = node(a, "a"), node(b, "b"), node(c, "c")
    left, right = merge(merge(a, b), c), merge(a, merge(b, c))
    assert plain(left) == plain(right)
    assert origins(left) == origins(right)


def test_a_value_between_two_mappings_ends_the_first_one():
    first, second, third = node({"a": {"x": 1}}), node({"a": 5}), node({"a": {"y": 2}})
    assert plain(merge(merge(first, second), third)) == {"a": {"y": 2}}


def origins(tree):
    return {path: leaf.origin for path, leaf in leaves(tree)}


@given(mappings)
def test_an_empty_mapping_changes_nothing(a):
    assert plain(merge(node(a), node({}))) == plain(merge(node({}), node(a))) == a


@given(mappings, mappings)
def test_the_later_one_wins_and_keeps_its_origin(a, b):
    merged = merge(node(a, "a"), node(b, "b"))
    over = node(b, "b")
    for path, leaf in leaves(over):
        if type(leaf.value) is dict:
            continue
        assert plain(at(merged, path)) == plain(leaf)
        assert at(merged, path).origin.file == "b"


@given(mappings, mappings)
def test_what_the_later_one_does_not_say_stays_with_its_origin(a, b):
    base, merged = node(a, "a"), merge(node(a, "a"), node(b, "b"))
    for path, leaf in leaves(base):
        if type(leaf.value) is dict or touched(b, path):
            continue
        assert plain(at(merged, path)) == plain(leaf)
        assert at(merged, path).origin.file == "a"


def touched(value, path):
    for part in path:
        if not isinstance(value, dict):
            return True
        if part not in value:
            return False
        value = value[part]
    return True


@given(mappings, mappings)
def test_merging_changes_neither_side(a, b):
    first, second = node(a), node(b)
    merge(first, second)
    assert (plain(first), plain(second)) == (a, b)


def test_a_list_replaces_a_list():
    assert plain(merge(node({"a": [1, 2, 3]}), node({"a": [9]}))) == {"a": [9]}


def test_a_mapping_replaces_a_scalar_and_the_other_way_round():
    assert plain(merge(node({"a": 1}), node({"a": {"b": 2}}))) == {"a": {"b": 2}}
    assert plain(merge(node({"a": {"b": 2}}), node({"a": None}))) == {"a": None}


@given(mappings, st.lists(keys, min_size=1, max_size=3), st.integers())
def test_putting_a_value_keeps_its_siblings(a, path, value):
    path = tuple(path)
    before = node(a, "a")
    after = put(before, path, Node(value, Origin("command line")))
    assert at(after, path).value == value
    for other, leaf in leaves(before):
        if other[: len(path)] != path and path[: len(other)] != other:
            assert plain(at(after, other)) == plain(leaf)


def test_a_plain_value_is_the_callers_to_change():
    tree = node({"a": {"b": [1]}})
    plain(tree)["a"]["b"].append(2)
    assert plain(tree) == {"a": {"b": [1]}}


def test_a_path_reaches_into_lists_and_number_keys():
    tree = node({"a": [{"b": 1}], "n": {1: "x"}})
    assert at(tree, ("a", 0, "b")).value == at(tree, ("a", "0", "b")).value == 1
    assert at(tree, ("n", "1")).value == "x"
    assert at(tree, ("a", 7)) is at(tree, ("a", -1)) is at(tree, ("n", "2")) is None


def test_a_path_is_said_as_people_write_it():
    assert dotted(("model", "layers", 2, "size")) == "model.layers[2].size"
