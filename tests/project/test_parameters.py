from __future__ import annotations

import dataclasses

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.errors import ConfError, ParameterError
from plait.project.conf import Conf
from plait.project.parameters import Parameters, overrides


@pytest.fixture
def parameters(folder):
    folder.write(
        "base/parameters.yml",
        """
        model:
          alpha: 0.1
          kind: ridge
          depth: three
        seed: 3
        half: ${model.alpha}
        """,
    )
    return lambda *assignments, **options: Parameters(folder.read(None, *assignments, **options))


def test_a_parameter_is_found_by_its_dotted_name_in_kedros_spelling_too(parameters):
    params = parameters()
    assert params.get("model.alpha") == params.get("params:model.alpha") == 0.1
    assert params.get("model") == {"alpha": 0.1, "kind": "ridge", "depth": "three"}
    assert params.get("parameters") == params.all()
    assert "model.alpha" in params
    assert "model.beta" not in params
    assert params.names() == ["model", "model.alpha", "model.kind", "model.depth", "seed", "half"]


def test_an_assignment_keeps_the_siblings_and_reaches_references(parameters):
    params = parameters("model.alpha=0.5", "model.new.deep=[1]", "seed=4", "seed=5")
    assert params.all() == {
        "model": {"alpha": 0.5, "kind": "ridge", "depth": "three", "new": {"deep": [1]}},
        "seed": 5,
        "half": 0.5,
    }


def test_origins_name_the_file_and_line_or_the_command_line(parameters):
    params = parameters("model.alpha=0.5")
    assert params.origin("model.kind") == "conf/base/parameters.yml:3"
    assert params.origin("params:model.alpha") == "command line"
    assert params.origin("nothing") is None


def test_a_params_file_is_over_the_conf_and_under_the_command_line(folder, tmp_path):
    folder.write("base/parameters.yml", "model: {alpha: 1, beta: 1, gamma: 1}\n")
    for name, text in {
        "p.yml": "model:\n  beta: 2\n  gamma: 2\n",
        "p.json": '{"model": {"beta": 2, "gamma": 2}}',
    }.items():
        (tmp_path / name).write_text(text)
        runtime = overrides(["model.gamma=3"], tmp_path / name)
        params = Parameters(Conf(folder.conf, runtime=runtime, environ={}))
        assert params.get("model") == {"alpha": 1, "beta": 2, "gamma": 3}
        assert params.origin("model.beta").endswith(f"{name}:2" if name == "p.yml" else f"{name}:1")
    with pytest.raises(ConfError, match="cannot be read"):
        overrides([], tmp_path / "none.yml")


def test_values_from_python_are_set_by_dotted_name(folder):
    params = Parameters(Conf(None, runtime=overrides({"model.alpha": 1, "xs": (1, 2)}), environ={}))
    assert params.all() == {"model": {"alpha": 1}, "xs": [1, 2]}


def test_a_missing_parameter_names_the_nearest_or_the_group_it_is_in(parameters):
    with pytest.raises(ParameterError, match=r"no parameter 'model\.alpa'") as caught:
        parameters().get("model.alpa")
    assert "did you mean 'model.alpha'" in caught.value.hint
    with pytest.raises(ParameterError) as caught:
        parameters().get("alpha")
    assert caught.value.hint == "did you mean 'model.alpha'?"
    assert parameters().get("alpha", default=None) is None


class Settings(pydantic.BaseModel):
    alpha: float = pydantic.Field(gt=0)
    kind: str
    depth: int = 1
    version: str = ""


@dataclasses.dataclass
class Plain:
    alpha: float
    kind: str
    depth: int = 1
    version: str = ""


def test_a_typed_parameter_is_a_validated_instance(parameters):
    params = parameters("model.depth=4", "model.version=1.10")
    assert params.get("model", annotation=Plain) == Plain(0.1, "ridge", 4, "1.10")
    assert parameters("model.depth=4").get("model", annotation=Settings) == Settings(
        alpha=0.1, kind="ridge", depth=4
    )


def test_all_violations_are_said_with_the_line_of_each(parameters):
    params = parameters("model.alpha=much", "test_size=abc")
    with pytest.raises(ParameterError) as caught:
        params.typed({"model": Plain, "test_size": float, "seed": str, "absent": int})
    assert str(caught.value).split("\n") == [
        "4 parameters are wrong:",
        "  model.alpha: expected float, got 'much' (str)  at command line",
        "    → write model.alpha=0.5",
        "  model.depth: expected int, got 'three' (str)  at conf/base/parameters.yml:4",
        "  test_size: expected float, got 'abc' (str)  at command line",
        "    → write test_size=0.5",
        "  seed: expected str, got 3 (int)  at conf/base/parameters.yml:5",
        '    → quote it: "3"',
    ]


def test_typed_gives_what_is_set_and_leaves_the_rest_to_defaults(parameters):
    assert parameters().typed({"seed": float, "absent": int, "params:model.alpha": float}) == {
        "seed": 3.0,
        "params:model.alpha": 0.1,
    }


def test_a_missing_field_is_said_on_the_line_of_its_group(folder):
    folder.write("base/parameters.yml", "x: 1\nmodel:\n  alpha: 1\n")
    with pytest.raises(ParameterError) as caught:
        Parameters(folder.read()).get("model", annotation=Plain)
    assert (caught.value.what, caught.value.where) == ("model.kind: is missing", "conf/base/parameters.yml:2")


def test_a_variable_of_the_environment_is_text_that_was_typed(folder):
    folder.write("base/parameters.yml", "port: ${env:PORT}\n")
    params = Parameters(folder.read(environ={"PORT": "0123"}))
    assert params.get("port") == "0123"
    assert params.get("port", annotation=int) == 123


def test_an_assignment_that_nothing_asks_for_names_the_nearest(parameters):
    parameters("model.alpha=1", "extra.x=1", "model.new=1").check_overrides(["extra", "model"])
    with pytest.raises(ParameterError) as caught:
        parameters("modle.alpha=1", "sed=3").check_overrides(["extra"])
    assert "modle.alpha: there is no such parameter" in caught.value.what
    assert "'model.alpha'" in caught.value.what
    assert "sed: there is no such parameter" in caught.value.what


names = st.sampled_from(["a", "b", "c"])


@given(st.lists(st.tuples(st.lists(names, min_size=1, max_size=3), st.integers()), max_size=5))
def test_assignments_in_order_each_hold_until_a_later_one_touches_them(sets):
    tree = overrides([f"{'.'.join(path)}={value}" for path, value in sets])
    params = Parameters(Conf(None, runtime=tree, environ={}))
    for i, (path, value) in enumerate(sets):
        later = [other for other, _ in sets[i + 1 :]]
        if not any(other[: len(path)] == path or path[: len(other)] == other for other in later):
            assert params.get(".".join(path)) == value
            assert params.origin(".".join(path)) == "command line"
