"""Is every option of a step read as people write it, refused where it is wrong, and settable from outside?"""

from __future__ import annotations

import pickle

import cloudpickle
import pytest

from plait import each, pipeline, step
from plait.errors import DefinitionError
from plait.graph.options import STAND_IN, Options, execution_options, help_lines, make_options
from plait.graph.overrides import Rule, override
from plait.graph.units import read_rate


@step(retries=2, tags=["gpu"])
def fit(x: int, alpha: float = 0.1) -> float:
    return x * alpha


@step
def load() -> int:
    return 3


@pipeline
def training():
    return fit(load())


@pytest.mark.parametrize(
    ("given", "name", "read"),
    [
        ({"timeout": "20m"}, "timeout", 1200.0),
        ({"timeout": 1.5}, "timeout", 1.5),
        ({"memory": "4GiB"}, "memory", 4 * 2**30),
        ({"memory": 500}, "memory", 500),
        ({"retry_delay": "1m30s"}, "retry_delay", 90.0),
        ({"retry_on": [KeyError, "requests.Timeout"]}, "retry_on", ("KeyError", "requests.Timeout")),
        ({"retry_on": OSError}, "retry_on", ("OSError",)),
        ({"limit": ("warehouse", 2)}, "limit", (("warehouse", 2),)),
        ({"limit": {"warehouse": 2, "api": 1}}, "limit", (("warehouse", 2), ("api", 1))),
        ({"limit": [("a", 1), ["b", 2]]}, "limit", (("a", 1), ("b", 2))),
        ({"env": {"OMP_NUM_THREADS": 2}}, "env", {"OMP_NUM_THREADS": "2"}),
        ({"python": 3.12}, "python", "3.12"),
        ({"packages": "xgboost>=2"}, "packages", ("xgboost>=2",)),
        ({"tags": "nightly"}, "tags", ("nightly",)),
        ({"on_failure": "continue"}, "on_failure", "continue"),
    ],
)
def test_options_are_read_as_people_write_them(given: dict, name: str, read: object) -> None:
    assert getattr(make_options(given, where="a.py:1"), name) == read


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"memory": "4 apples"}, "'4 apples' is not a size such as 500MB, 4GB or 4GiB"),
        ({"timeout": "soon"}, "'soon' is not a duration"),
        ({"timeout": 0}, "> 0"),
        ({"rate": "sixty"}, "'sixty' is not a rate such as 5/s, 60/min"),
        ({"limit": "warehouse"}, "is not a key and how many at once"),
        ({"limit": ("warehouse", 0)}, "is not a key and how many at once"),
        ({"retry_on": [3]}, "3 is not a type of exception"),
        ({"env": ["A=1"]}, "are no variables"),
        ({"cpus": -1}, "> 0"),
        ({"gpus": "two"}, "gpus"),
        ({"retrys": 1}, "did you mean 'retries'"),
    ],
)
def test_a_wrong_option_says_what_would_be_right_and_where_it_stands(given: dict, said: str) -> None:
    with pytest.raises(DefinitionError) as raised:
        make_options(given, where="train.py:7", step="fit")
    assert said in str(raised.value)
    assert "train.py:7" in str(raised.value)


def test_every_option_has_a_line_of_help() -> None:
    assert all(help_lines().values())
    assert set(help_lines()) == set(Options.__struct_fields__)
    assert {"timeout", "memory", "gpus", "env", "packages"} <= execution_options()
    assert not {"retries", "cache", "tags", "priority"} & execution_options()


@pytest.mark.parametrize(
    ("text", "read"), [("60/min", (60, 60.0)), ("5/s", (5, 1.0)), ("9/15min", (9, 900.0))]
)
def test_a_rate_is_so_many_in_so_long(text: str, read: tuple) -> None:
    assert read_rate(text) == read


def test_a_call_can_have_options_of_its_own() -> None:
    @pipeline
    def twice():
        first = fit(1)
        second = fit.with_(memory="1GiB", retries=0)(first)
        return first, second

    graph = twice.trace().graph
    assert [graph.options(0).memory, graph.options(1).memory] == [None, 2**30]
    assert [graph.options(0).retries, graph.options(1).retries] == [2, 0]
    assert len(graph.steps) == 1, "the step is the same one"


def test_a_step_with_other_options_is_still_its_function_and_travels() -> None:
    other = fit.with_(retries=5)
    assert other(2) == fit(2)
    for dumps in (pickle.dumps, cloudpickle.dumps):
        back = pickle.loads(dumps(other))
        assert back.spec.options.retries == 5
        assert back(2) == other(2)


def test_a_step_waits_for_another_without_taking_anything_from_it() -> None:
    @step
    def check(x: int) -> int:
        return x

    @pipeline
    def ordered():
        loaded = load()
        mapped = fit(each([1, 2, 3]), after=loaded)
        return check.with_(after=[mapped])(1)

    graph = ordered.trace().graph
    assert [node.after for node in graph.nodes] == [(), (0,), (1,)]
    assert [name for name, _ in graph.nodes[1].args] == ["x"]


def test_waiting_for_what_no_step_gives_is_refused() -> None:
    @pipeline
    def wrong():
        return fit(1, after=["load"])

    with pytest.raises(DefinitionError, match="is not what a step gives"):
        wrong.trace()


def test_an_argument_called_after_is_the_steps_own() -> None:
    @step
    def later(after: int) -> int:
        return after

    @pipeline
    def own():
        return later(after=3)

    assert own.trace().graph.nodes[0].after == ()


def test_a_value_or_a_function_stands_in_for_a_failure() -> None:
    @step(on_failure=0.0)
    def risky() -> float:
        raise ValueError

    @pipeline
    def flow():
        return risky(), risky.with_(on_failure="continue")()

    traced = flow.trace()
    assert traced.stand_ins == {0: 0.0}
    assert [traced.graph.options(node).on_failure for node in (0, 1)] == [STAND_IN, "continue"]
    with pytest.raises(DefinitionError, match="neither 'fail' nor 'continue'"):
        step(on_failure="ignore")(lambda: 1)


def test_rules_go_from_all_to_tag_to_name_and_what_was_typed_wins() -> None:
    graph = training.trace().graph
    rules = [
        Rule("fit", {"memory": "2GiB"}, "steps.yml:3"),
        Rule("*", {"memory": "1GiB", "retries": 7}, "steps.yml:1"),
        Rule("tag:gpu", {"gpus": 1, "retries": 9}, "steps.yml:2"),
        Rule("*", {"gpus": 0}, "--set *.gpus=0", typed=True),
    ]
    made = override(graph, rules)
    by_id = {node.id: made.options(index) for index, node in enumerate(made.nodes)}
    assert (by_id["load"].memory, by_id["load"].retries) == (2**30, 7)
    assert (by_id["fit"].memory, by_id["fit"].retries, by_id["fit"].gpus) == (2 * 2**30, 9, 0)
    assert graph.options(1).memory is None, "the graph itself stays as it was"


def test_a_typed_rule_that_names_nothing_is_an_error_and_one_of_a_file_is_not() -> None:
    graph = training.trace().graph
    assert override(graph, [Rule("other_pipelines_step", {"cpus": 1}, "steps.yml:1")]) == graph
    with pytest.raises(DefinitionError, match="did you mean 'fit'"):
        override(graph, [Rule("fti", {"cpus": 1}, "--set fti.cpus=1", typed=True)])
    with pytest.raises(DefinitionError, match="has no option 'cpu'"):
        override(graph, [Rule("other_pipelines_step", {"cpu": 1}, "steps.yml:1")])
