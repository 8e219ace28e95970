"""Parts of pipelines, sums of them, and the same with other names."""

import pytest

from plait import each, either, otherwise, param, pipeline, repeat, step, switch, when, wire
from plait.errors import DefinitionError


@step(tags=["io"])
def load(source):
    return source


@step(outputs=["train", "test"])
def split(load, share: float = 0.5):
    cut = int(len(load) * share)
    return load[:cut], load[cut:]


@step(tags=["slow", "model"])
def fit(train, alpha: float):
    return sum(train) * alpha


@step(tags=["model"])
def evaluate(fit, test):
    return fit + sum(test)


@step
def choose(scores):
    return max(scores)


@pipeline
def training(source, alphas: list = [1, 2]):  # noqa: B006
    train, test = split(load(source))
    models = fit(train, each(alphas))
    return choose(evaluate(each(models), test))


def ids(pipeline_):
    return [node.id for node in pipeline_.graph.nodes]


def inputs(pipeline_):
    return {spec.name: spec.kind for spec in pipeline_.graph.inputs}


# Parts.


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({"from_": "fit"}, ["fit", "evaluate", "choose"]),
        ({"from_": "test"}, ["evaluate", "choose"]),
        ({"from_": "source"}, ["load", "split", "fit", "evaluate", "choose"]),
        ({"from_": "alphas"}, ["fit", "evaluate", "choose"]),
        ({"to": "fit"}, ["load", "split", "fit"]),
        ({"to": "test"}, ["load", "split"]),
        ({"only": "fit"}, ["fit"]),
        ({"only": ["fit", "load"]}, ["load", "fit"]),
        ({"tags": "model"}, ["fit", "evaluate"]),
        ({"tags": ["slow", "io"]}, ["load", "fit"]),
        ({"from_": "split", "to": "evaluate"}, ["split", "fit", "evaluate"]),
        ({"to": "evaluate", "tags": "model"}, ["fit", "evaluate"]),
    ],
)
def test_a_part_is_chosen_by_steps_datasets_and_tags(words, expected):
    assert ids(training.select(**words)) == expected


def test_what_a_part_reads_of_the_rest_is_an_input_of_it():
    assert inputs(training.select(only="fit")) == {"alphas": "", "train": "output"}
    assert inputs(training.select(only="evaluate")) == {"fit": "output", "test": "output"}
    assert inputs(training.select(to="split")) == {"source": ""}


def test_a_part_keeps_what_the_pipeline_returns_where_it_makes_it(home):
    assert training.select(from_="evaluate").run(fit=[3, 6], test=[5]).result == 11
    assert training.select(only="split").run(load=[1, 2, 3, 4]).result == ([1, 2], [3, 4])
    assert training.select(only="fit").run(train=[1, 2]).result == [3, 6]
    assert training.select(only=["fit", "split"]).run(load=[1, 2, 3, 4]).result == [3, 6]


def test_what_a_part_does_not_read_may_be_given_all_the_same(home):
    assert training.select(only="choose").run(evaluate=[1, 5], alphas=[1, 2], source=[1]).result == 5


def test_a_part_of_a_part_and_all_of_a_pipeline():
    assert ids(training.select(from_="split").select(to="fit")) == ["split", "fit"]
    assert training.select() is training


@pytest.mark.parametrize(
    ("words", "said", "hint"),
    [
        ({"only": "fitt"}, "no step or dataset 'fitt'", "'fit'"),
        ({"from_": "sources"}, "no step or dataset 'sources'", "'source'"),
        ({"to": "alphas"}, "no step or dataset 'alphas'", ""),
        ({"tags": "modle"}, "no tag 'modle'", "'model'"),
        ({"groups": "tune"}, "no group 'tune', and no other", "is a group"),
        ({"only": "load", "tags": "slow"}, "no step .* fits --only load --tag slow", "nearest is load"),
        ({"from_": "choose", "to": "split"}, "no step .* fits --from choose --to split", "nearest is"),
        ({"from_": "choose", "only": "load"}, "fits --from choose --only load", "which is not in"),
    ],
)
def test_a_part_of_nothing_is_refused_and_names_the_nearest(words, said, hint):
    with pytest.raises(DefinitionError, match=said) as caught:
        _ = training.select(**words).graph
    assert hint in caught.value.hint


def test_nothing_runs_from_what_nothing_reads():
    @pipeline
    def flow(source):
        train, _ = split(load(source))
        return fit(train, 1)

    with pytest.raises(DefinitionError, match="nothing in pipeline 'flow' reads 'test'") as caught:
        _ = flow.select(from_="test").graph
    assert "--from split" in caught.value.hint


# Parts of what is mapped, nested and decided.


@pipeline
def regions(sources: list, alpha: float = 2.0):
    return choose(inner(each(sources), alpha))


@pipeline
def inner(source, alpha):
    train, test = split(load(source))
    return evaluate(fit(train, alpha), test)


def test_a_part_of_a_mapped_group_takes_each_element_of_what_it_reads(home):
    whole = regions.run(sources=[[1, 2], [5, 7]])
    part = regions.select(only="inner.evaluate")
    assert inputs(part) == {"inner.fit": "output", "inner.test": "output"}
    given = {"inner.fit": whole["inner.fit"], "inner.test": whole["inner.test"]}
    assert part.run(**given).result == whole["inner.evaluate"] == [4.0, 17.0]
    rest = regions.select(from_="inner.fit")
    again = {"inner.train": whole["inner.train"], "inner.test": whole["inner.test"]}
    assert rest.run(**again).result == whole.result == 17.0


def test_a_group_is_a_part(home):
    assert ids(regions.select(groups="inner")) == ["inner.load", "inner.split", "inner.fit", "inner.evaluate"]
    assert regions.select(groups="inner").run(sources=[[1, 2], [5, 7]]).result == [4.0, 17.0]
    assert regions.select(only="inner").graph == regions.select(groups="inner").graph
    with pytest.raises(DefinitionError, match="no group 'iner'") as caught:
        _ = regions.select(groups="iner").graph
    assert "'inner'" in caught.value.hint


def test_a_part_of_nested_maps_keeps_its_shape(home):
    @pipeline
    def deep(xss: list):
        return choose(fit(each(each(evens(each(xss)))), 1))

    whole = deep.run(xss=[[[1], [2, 2]], [[3]]])
    assert whole["fit"] == [[1, 4], [3]]
    part = deep.select(only="fit")
    assert part.run(evens=whole["evens"]).result == [[1, 4], [3]]


@step
def evens(rows):
    return rows


@step
def grow(n: int):
    return n + 2


@step
def shrink(n: int):
    return n - 1


@step
def double(n: int):
    return n * 2


@pipeline
def looping(start: int = 1, many: list = [1, 2]):  # noqa: B006
    first = double(start)
    last = repeat(grow, first, until=lambda n: n > 6, limit=9)
    return shrink(last)


def test_a_loop_is_chosen_as_a_whole(home):
    part = looping.select(only="grow")
    assert inputs(part) == {"double": "output"}
    assert part.run(double=5).result == 7
    assert ids(looping.select(from_="grow")) == [node for node in ids(looping) if node != "double"]
    assert looping.select(from_="grow").run(double=5).result == 6
    assert looping.select(from_="shrink").run(repeat=5).result == 4


@pipeline
def branching(n: int):
    first = double(n)
    with when(first > 10):
        a = shrink(first)
    with otherwise():
        b = grow(first)
    return double(either(a, b)).named("last")


def test_a_branch_is_chosen_with_what_decides_about_it(home):
    part = branching.select(only="shrink")
    assert inputs(part) == {"double": "output"}
    assert part.run(double=12).result == 11
    skipped = part.run(double=3)
    assert [task.state for task in skipped.tasks if task.name == "shrink"] == ["skipped"]
    assert branching.select(from_="shrink").run(double=12).result == 22
    assert branching.select(from_="shrink").run(double=3).result == 10
    assert branching.select(only="last").run(either=4).result == 8


def test_a_case_is_chosen_with_its_switch(home):
    @pipeline
    def flow(kind: str, n: int = 3):
        with switch(kind) as case:
            with case("up"):
                a = grow(n)
            with case.default():
                b = shrink(n)
        return either(a, b)

    part = flow.select(only="grow")
    assert part.run(kind="up").result == 5


# The same with other names.


def test_a_pipeline_is_used_twice_with_other_datasets_parameters_and_outputs(home):
    first = training.using(source="flights_2013", prefix="y2013")
    second = training.using(source="flights_2014", alphas="grid", choose="best_2014", prefix="y2014")
    both = first + second
    assert ids(both)[:2] == ["y2013.load", "y2013.split"]
    assert inputs(both) == {"flights_2013": "", "flights_2014": "", "grid": "", "alphas": ""}
    run = both.run(flights_2013=[1, 2], flights_2014=[3, 4], grid=[1, 3])
    assert run.result == {"y2013.choose": 4, "best_2014": 13}
    assert run["y2014.fit"] == [3, 9]


def test_a_value_stands_for_an_argument(home):
    flow = training.using(alphas=[5], prefix="five")
    assert inputs(flow) == {"source": ""}
    assert flow.run(source=[1, 2]).result == 7
    assert flow.name == "flow" or flow.name == "five"


def test_a_dotted_name_is_read_from_the_project(home):
    flow = training.using(alphas="model.alphas")
    assert inputs(flow) == {"source": "", "model.alphas": ""}
    assert flow.run(source=[1, 2], **{"model.alphas": [3]}).result == 5
    assert flow.run(source=[1, 2]).result == 4


def test_names_can_be_changed_again_and_in_groups(home):
    once = training.using(source="flights", prefix="one")
    twice = once.using(flights="weather", prefix="two")
    assert ids(twice)[0] == "two.one.load"
    assert inputs(twice) == {"weather": "", "alphas": ""}

    @pipeline
    def outer(data):
        return once(data), training.using(prefix="other")(data, alphas=[7])

    assert outer.run(data=[1, 2]).result == (4, 9)
    assert "one.fit" in ids(outer)
    assert "other.fit" in ids(outer)


def test_used_with_other_names_a_pipeline_is_still_a_function():
    @pipeline
    def flow(n: int, times: int = 2):
        return [double(n)] * times

    assert flow.using(n="m", times=3)(4) == [8, 8, 8]
    assert flow.using(n="m")(m=4) == [8, 8]


@pytest.mark.parametrize(
    ("names", "said", "hint"),
    [
        ({"sorce": "x"}, "no argument and no output 'sorce'", "'source'"),
        ({"choose": "a b"}, "not a name for an output", None),
        ({"choose": 3}, "not a name for an output", None),
        ({"source": ""}, "names nothing", None),
        ({"prefix": "2014"}, "is not a name", None),
    ],
)
def test_a_wrong_name_is_refused_where_it_is_written(names, said, hint):
    with pytest.raises(DefinitionError, match=said) as caught:
        training.using(**names)
    assert "test_composing.py" in caught.value.where
    assert hint is None or hint in caught.value.hint


# Sums, differences, intersections.

prepare = wire(load, split)
model = wire(fit, evaluate)


def test_a_sum_connects_by_names_whatever_the_order(home):
    for whole in (prepare + model, model + prepare, prepare | model):
        assert ids(whole) == ["load", "split", "fit", "evaluate"]
        assert inputs(whole) == {"source": "", "share": "", "alpha": ""}
        assert whole.run(source=[1, 2, 3, 4], alpha=2).result == 13


def test_a_step_that_both_have_is_there_once():
    assert ids(training + training) == ids(training)
    assert ids(training.select(to="split") + training.select(from_="split")) == ids(training)
    assert inputs(training + training.select(only="split")) == inputs(training)


def test_the_parts_of_a_mapped_pipeline_add_up_to_it(home):
    whole = regions.select(to="inner.split") + regions.select(from_="inner.fit")
    assert whole.run(sources=[[1, 2], [5, 7]]).result == 17.0


def test_parts_of_a_mapped_pipeline_may_overlap(home):
    for cut in ("inner.load", "inner.split", "inner.fit"):
        whole = regions.select(to=cut) + regions.select(from_=cut)
        assert whole.run(sources=[[1, 2], [5, 7]]).result == 17.0
        assert [node.id for node in whole.graph.nodes] == ids(regions)


def test_parts_that_share_a_decision_in_a_mapped_pipeline_add_up(home):
    @pipeline
    def one(n: int):
        first = double(n)
        with when(first > 4):
            a = shrink(first)
        with otherwise():
            b = grow(first)
        return either(a, b)

    @pipeline
    def outer(many: list):
        return one(each(many))

    whole = outer.run(many=[1, 2, 3]).result
    for cut in ("one.shrink", "one.grow", "one.either", "one.double"):
        part = outer.select(to=cut)
        rest = outer - part if cut != "one.either" else outer
        assert (part + rest).run(many=[1, 2, 3]).result == whole == [4, 6, 5]


def test_a_mapped_step_of_both_that_runs_over_different_lists_is_refused():
    @pipeline
    def other(many: list, alphas: list):
        return fit(each(many), 1)

    @pipeline
    def another(some: list):
        return fit(each(some), 1)

    with pytest.raises(DefinitionError, match="it is not the same|over different lists"):
        _ = (other + another).graph


def test_two_pipelines_may_need_each_other_step_by_step(home):
    one = wire(load, fit)
    other = wire(split, evaluate)
    assert ids(one + other) == ["load", "split", "fit", "evaluate"]
    assert (one + other).run(source=[1, 2, 3, 4], alpha=2).result == 13


def test_a_difference_and_what_is_in_both(home):
    rest = training - prepare
    assert ids(rest) == ["fit", "evaluate", "choose"]
    assert inputs(rest) == {"alphas": "", "train": "output", "test": "output"}
    assert ids(training & prepare) == ["load", "split"]
    assert rest.run(train=[1, 2], test=[3]).result == 9
    assert ids((training - prepare) + prepare) == ["load", "split", "fit", "evaluate", "choose"]


def test_nothing_left_is_refused():
    with pytest.raises(DefinitionError, match="no step is left"):
        _ = (prepare - training).graph
    with pytest.raises(DefinitionError, match="no step in common"):
        _ = (prepare & model).graph
    with pytest.raises(TypeError):
        _ = prepare + 3


def test_different_steps_of_one_name_are_refused_with_both_lines():
    @step(name="load")
    def other(source):
        return source

    with pytest.raises(DefinitionError, match="both pipelines have a step 'load'") as caught:
        _ = (prepare + wire(other)).graph
    assert "prefix" in caught.value.hint


def test_a_dataset_written_by_two_steps_is_refused():
    @step(outputs=["train"])
    def other(source):
        return source

    with pytest.raises(DefinitionError, match="'train' is made by two steps: split .* and other"):
        _ = (prepare + wire(other)).graph


def test_pipelines_that_need_each_other_in_a_circle_are_refused():
    @step(outputs=["load"])
    def again(evaluate):
        return evaluate

    with pytest.raises(DefinitionError, match="in a circle"):
        _ = (model + wire(split, again)).graph


def test_sums_of_loops_branches_and_parameters(home):
    @pipeline
    def early(n: int):
        return double(grow(n)).named("start")

    @pipeline
    def late(start: int):
        last = repeat(grow, start, until=lambda n: n > param("stop.at", 20), limit=20)
        with when(last > 21):
            a = shrink(last)
        with otherwise():
            b = evens(last)
        return either(a, b)

    whole = late.using(prefix="late") + early
    assert whole.run(n=1).result == 21
    assert whole.run(n=1, **{"stop.at": 6}).result == 8


def test_a_composed_pipeline_has_a_function_only_as_a_run():
    with pytest.raises(DefinitionError, match="run it"):
        (prepare + model)([1], 2)


def test_a_composed_pipeline_is_a_group_in_another_and_can_be_mapped(home):
    whole = prepare + model

    @pipeline
    def outer(many: list):
        return choose(whole(each(many), 2))

    assert outer.run(many=[[1, 2], [3, 4]]).result == 10


def test_composed_pipelines_are_called_as_the_module_calls_them():
    assert model.name == "model"
    assert (prepare + model).name == "prepare_and_model"
    assert training.select(only="fit").name == "training"
