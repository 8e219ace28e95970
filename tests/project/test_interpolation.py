from __future__ import annotations

import threading

import pytest
from omegaconf import OmegaConf

from plait.errors import ConfError
from plait.project.interpolation import Interpolation, references
from plait.project.origin import Origin, node_of, plain
from plait.project.secrets import Secret
from plait.project.yaml import parse_yaml


def resolve(text: str, **resolvers):
    return plain(Interpolation("parameters", parse_yaml(text, "p.yml"), resolvers).resolve())


@pytest.mark.parametrize(
    ("text", "a"),
    [
        ("a: ${b}\nb: 1", 1),
        ("a: x${b}y\nb: null", "xNoney"),
        ("a: ${b}-${c.d}\nb: 1.5\nc: {d: true}", "1.5-True"),
        ("a: ${b}\nb: {c: [1, '${d}']}\nd: 7", {"c": [1, 7]}),
        ("a: ${b}\nb: ${c}\nc: z", "z"),
        ("a: ${b[0]}\nb: [3]", 3),
        ("a: ${b.0}\nb: [3]", 3),
        ("a: ${${b}}\nb: c\nc: 5", 5),
        ("a: ${d.${b}.e}\nb: c\nd: {c: {e: 6}}", 6),
        ("a: \\${b}", "${b}"),
        ("a: $5 ${b}\nb: 1", "$5 1"),
        ("a: {b: '${.c}', c: 3}", {"b": 3, "c": 3}),
        ("a: {b: {d: '${..c}'}, c: 3}", {"b": {"d": 3}, "c": 3}),
        ("a: ['${.1}', 2]", [2, 2]),
        ("a: ${add:1,${b}}\nb: 2", 3),
        ("a: ${add:'x, y',z}", "x, yz"),
        ("a: ${add:[1],[2]}", [1, 2]),
        ("a: ${up:word}", "WORD"),
        ("a: ${up:'null'}", "NULL"),
        ("a: ${kind:null}", "NoneType"),
        ("a: ${kind:true}", "bool"),
        ("a: ${kind:3}", "int"),
        ("a: ${oc.decode:'[1, 2]'}", [1, 2]),
        ("a: ${oc.dict.keys:b}\nb: {x: 1, y: 2}", ["x", "y"]),
        ("a: ${oc.select:b.c, 5}\nb: {}", 5),
        ("a: ${pair:}", {"x": [1, {"y": 2}]}),
        ("a: ${type:int}", int),
        ("a: ${around:}\nz: 4", 4),
    ],
)
def test_an_interpolation_means_what_omegaconf_says(text, a):
    resolvers = {
        "add": lambda x, y: x + y,
        "up": str.upper,
        "kind": lambda x: type(x).__name__,
        "pair": lambda: {"x": [1, {"y": 2}]},
        "type": lambda name: {"int": int}[name],
        "around": lambda *, _root_: _root_.z,
    }
    assert resolve(text, **resolvers)["a"] == a


PLAIN = "a: ${b}/x\nb: ${c.d}\nc: {d: 3, e: '${a}${b}'}\nf: ${c}\ng: ['${c.d}', '${b}']\nh: '${f.d} $x'\n"


def test_the_plain_forms_mean_the_same_with_and_without_omegaconf():
    theirs = OmegaConf.to_container(OmegaConf.create(plain(parse_yaml(PLAIN, "p"))), resolve=True)
    assert resolve(PLAIN) == theirs


def test_a_resolved_value_keeps_the_line_it_is_written_on():
    tree = Interpolation("parameters", parse_yaml("a:\n  x: ${b}\nb: {c: 1}", "p.yml"), {}).resolve()
    assert str(tree.value["a"].value["x"].value["c"].origin) == "p.yml:2"


@pytest.mark.parametrize(
    ("text", "chain"),
    [
        ("a: ${a}", "a → a"),
        ("a: ${b}\nb: ${a}", "a → b → a"),
        ("x: ${a}\na: 1${b}\nb: ${c.d}\nc: {d: '${a}'}", "a → b → c.d → a"),
        ("a: {b: '${a}'}", "a.b → a.b"),
        ("a: {b: '${..a}'}", "a.b → a.b"),
    ],
)
def test_references_in_a_circle_name_the_way_with_its_lines(text, chain):
    with pytest.raises(ConfError, match="go round in a circle") as caught:
        resolve(text)
    assert caught.value.what.split("\n")[0] == f"references go round in a circle: {chain}"
    for name in set(chain.split(" → ")):
        assert any(line.strip().startswith(f"{name}: ") for line in caught.value.what.split("\n")[1:])
    assert caught.value.where.startswith("p.yml:")


def test_a_missing_reference_names_the_line_the_way_and_the_nearest():
    with pytest.raises(ConfError) as caught:
        resolve("model: {alpha: 1}\na: ${b}\nb: ${modle.alpha}\n")
    assert "`b` refers to `modle.alpha`, which is nowhere in the parameters" in caught.value.what
    assert "a: ${b}    p.yml:2" in caught.value.what
    assert caught.value.where == "p.yml:3"
    assert "'model.alpha'" in caught.value.hint


def test_a_missing_relative_reference_is_named_in_full():
    with pytest.raises(ConfError, match=r"refers to `model\.beta`"):
        resolve("model: {alpha: '${.beta}'}")


def test_an_unknown_resolver_names_the_nearest():
    with pytest.raises(ConfError, match="not there: globls") as caught:
        resolve("x: 1\na: ${globls:x}", globals=lambda name: name)
    assert caught.value.hint == "did you mean 'globals'?"
    assert caught.value.where == "p.yml:2"


def test_what_is_not_written_as_one_is_named_with_its_line():
    with pytest.raises(ConfError, match=r"`a: \${b` cannot be read") as caught:
        resolve("x: ${up:'y'}\na: ${b", up=str.upper)
    assert caught.value.where == "p.yml:2"


def test_a_failing_resolver_is_named_where_it_is_called():
    def boom(text):
        raise ValueError(f"no {text}")

    with pytest.raises(ConfError, match="`b`: the resolver `boom` failed: ValueError: no x y") as caught:
        resolve("a: ${b}!\nb: ${boom:x y}", boom=boom)
    assert caught.value.where == "p.yml:2"


def test_a_secret_makes_a_secret_of_every_text_that_holds_it():
    resolvers = {
        "secret": lambda name: Secret(f"{name}-value"),
        "up": str.upper,
        "both": lambda a: [a, {"k": a}],
    }
    made = resolve(
        "a: ${secret:db}\nb: x-${secret:db}-${a}\nc: ${up:${secret:db}}\n"
        "d: ${both:${a}}\ne: ${secret:'d#b'}\nf: ${b}",
        **resolvers,
    )
    opened = {
        "a": "db-value",
        "b": "x-db-value-db-value",
        "c": "DB-VALUE",
        "e": "d#b-value",
        "f": "x-db-value-db-value",
    }
    for key, value in opened.items():
        assert isinstance(made[key], Secret)
        assert made[key].reveal() == value
    assert made["d"][0].reveal() == made["d"][1]["k"].reveal() == "db-value"


def test_a_resolver_that_fails_with_a_secret_does_not_say_it():
    def boom(text):
        raise ValueError(f"cannot use {text}")

    with pytest.raises(ConfError) as caught:
        resolve("a: ${boom:${secret:x}}", boom=boom, secret=lambda name: Secret("hunter2-long"))
    assert "cannot use ***" in caught.value.what
    assert "hunter2" not in str(caught.value)


def test_omegaconfs_own_resolvers_are_as_they_were_before():
    before = OmegaConf.has_resolver("up"), OmegaConf.has_resolver("oc.env")
    resolve("a: ${up:'x'}", up=str.upper, **{"oc.env": lambda name: "ours"})
    assert (OmegaConf.has_resolver("up"), OmegaConf.has_resolver("oc.env")) == before == (False, True)
    assert OmegaConf.create({"a": "${oc.env:SURELY_NOT_SET, theirs}"}).a == "theirs"


def test_two_threads_resolve_without_meeting_each_others_resolvers():
    found: dict[int, set] = {}

    def work(number: int) -> None:
        found[number] = {resolve("a: ${who:'x'}", who=lambda _: number)["a"] for _ in range(20)}

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: {number} for number in range(4)}


def test_references_can_be_told_by_reading():
    assert references("${a.b} ${.c} ${..d[0]} ${f:x}", ("m", "n", "o")) == [
        (None, ("a", "b")),
        (None, ("m", "n", "c")),
        (None, ("m", "d", "0")),
        ("f", None),
    ]
    assert references("${a.${b}}", ()) is None


def test_a_part_is_resolved_alone():
    tree = node_of({"a": {"x": "${b}"}, "b": 1, "c": "${nowhere}"}, Origin("p.yml"))
    assert plain(Interpolation("catalog", tree, {}).resolve(("a",))) == {"x": 1}
