"""Steps that are connected by the names of their parameters and outputs."""

import msgspec
import pytest

from plait import each, param, pipeline, step, wire
from plait.errors import DefinitionError
from plait.graph.model import Graph


@step
def clean(flights: list) -> list:
    return sorted(flights)


@step(outputs=["train", "test"])
def split(clean, test_size: float, seed: int = 0):
    cut = int(len(clean) * test_size)
    return clean[cut:], clean[:cut]


@step
def fit(train, alpha: float = 0.5):
    return sum(train) * alpha


@step
def score(fit, test):
    return fit - sum(test)


@pipeline
def written(flights: list, test_size: float, seed: int = 0, alpha: float = 0.5):
    train, _ = split(clean(flights), test_size, seed)
    return fit(train, alpha)


wired = wire(clean, split, fit)
shuffled = wire(fit, split, clean)


def same(one: Graph, other: Graph) -> bool:
    """Two graphs, but for the name of the pipeline and the lines where its calls stand."""

    def bare(graph: Graph) -> object:
        nodes = tuple(msgspec.structs.replace(node, where="") for node in graph.nodes)
        root = msgspec.structs.replace(graph.scopes[0], name="", pipeline="")
        return msgspec.structs.replace(graph, name="", nodes=nodes, scopes=(root, *graph.scopes[1:]))

    return bare(one) == bare(other)


def test_wiring_by_name_gives_the_graph_of_a_written_pipeline():
    assert same(wired.graph, written.graph)
    assert wired.name == "wired"
    assert wired.trace().functions == written.trace().functions


def test_the_order_of_the_steps_does_not_matter():
    nodes = [node.id for node in shuffled.graph.nodes]
    assert nodes == ["clean", "split", "fit"]
    assert same(shuffled.graph, written.graph)


def test_a_wired_pipeline_runs_and_can_be_called_as_plain_functions(home):
    assert wired.run(flights=[3, 1, 2], test_size=0.34).result == 2.5
    assert wired([3, 1, 2], 0.34) == 2.5


def test_a_wired_pipeline_is_a_group_in_another():
    @pipeline
    def outer(flights):
        return wired(flights, 0.5, alpha=2)

    assert [node.id for node in outer.graph.nodes] == ["wired.clean", "wired.split", "wired.fit"]


def test_a_group_that_is_wired_can_be_mapped(home):
    @pipeline
    def outer(many: list):
        return wired(each(many), 0.5)

    assert outer.run(many=[[1, 2], [5, 9]]).result == [1.0, 4.5]


def test_what_several_last_steps_make_is_returned_by_name(home):
    @step
    def count(clean):
        return len(clean)

    both = wire(clean, split, fit, count)
    assert both.run(flights=[3, 1, 2], test_size=0.34).result == {"fit": 2.5, "count": 3}
    assert both([3, 1, 2], 0.34) == {"fit": 2.5, "count": 3}


def test_what_is_returned_can_be_said(home):
    assert wire(clean, split, fit, returns="test").run(flights=[3, 1, 2], test_size=0.34).result == [1]
    both = wire(clean, split, fit, returns=["fit", "test"])
    assert both.run(flights=[3, 1, 2], test_size=0.34).result == (2.5, [1])
    with pytest.raises(DefinitionError, match="nothing in wire.* makes 'fitt'") as caught:
        wire(clean, split, fit, returns="fitt")
    assert "'fit'" in caught.value.hint


def test_a_pipeline_can_be_a_part_and_offers_what_it_makes(home):
    prepare = wire(clean, split, name="prepare")
    whole = wire(prepare, fit, score)
    assert [node.id for node in whole.graph.nodes] == ["prepare.clean", "prepare.split", "fit", "score"]
    assert whole.run(flights=[3, 1, 2], test_size=0.34).result == 1.5


def test_types_of_the_steps_are_those_of_the_pipeline(home):
    from plait.errors import ParameterError

    with pytest.raises(ParameterError, match="test_size: expected float"):
        wired.run(flights=[1], test_size="big")


def test_a_parameter_with_two_defaults_has_none():
    @step
    def other(train, alpha: float = 0.1):
        return alpha

    assert wire(clean, split, fit, other).signature.parameters["alpha"].default is not 0.5  # noqa: F632
    required = {spec.name for spec in wire(clean, split, fit, other).graph.inputs if spec.required}
    assert required == {"flights", "test_size", "alpha"}


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        (lambda: wire(), "needs steps"),
        (lambda: wire(clean, len), "takes steps and pipelines, got builtin_function"),
        (lambda: wire(clean, clean), "'clean' is made by two parts"),
    ],
)
def test_what_cannot_be_wired_is_refused(parts, said):
    with pytest.raises(DefinitionError, match=said) as caught:
        parts()
    assert "test_wiring.py" in caught.value.where


def test_a_circle_is_named():
    @step
    def a(b):
        return b

    @step
    def b(c):
        return c

    @step
    def c(a):
        return a

    with pytest.raises(DefinitionError, match="a needs b needs c needs a"):
        wire(a, b, c)


def test_a_step_that_takes_what_it_makes_is_refused():
    @step(outputs=["flights"])
    def mend(flights):
        return flights

    with pytest.raises(DefinitionError, match="mend takes 'flights' and makes 'flights'"):
        wire(mend)


# Parameters by their dotted names.


def test_a_parameter_can_be_asked_for_anywhere(home):
    @pipeline
    def inner(train):
        return fit(train, param("model.alpha", 0.25))

    @pipeline
    def outer(train: list):
        return inner(train)

    (spec,) = (spec for spec in outer.graph.inputs if spec.kind)
    assert (spec.name, spec.kind, spec.required, spec.default) == ("model.alpha", "parameter", False, 0.25)
    run = outer.run(train=[4])
    assert run.result == 1.0
    assert run.params["model.alpha"] == 0.25
    assert outer.run(train=[4], **{"model.alpha": 2}).result == 8
    again = outer.run(train=[4], **{"model.alpha": 0.25})
    assert [task.state for task in again.tasks] == ["cached"]


def test_a_parameter_without_default_must_be_there():
    from plait.errors import ParameterError

    @pipeline
    def flow(train: list):
        return fit(train, param("model.alpha"))

    with pytest.raises(ParameterError, match=r"needs 'model\.alpha'"):
        flow.run(train=[1])
    with pytest.raises(ParameterError, match="no parameter 'model.alhpa'") as caught:
        flow.run(train=[1], **{"model.alhpa": 1})
    assert "'model.alpha'" in caught.value.hint


def test_a_parameter_has_the_type_that_is_asked_for(home):
    from plait.errors import ParameterError

    @pipeline
    def flow(train: list):
        return fit(train, param("model.alpha", as_=float))

    run = flow.run(train=[3], **{"model.alpha": 2})
    assert isinstance(run.params["model.alpha"], float)
    assert run.result == 6
    with pytest.raises(ParameterError, match=r"model\.alpha: expected float"):
        flow.run(train=[3], **{"model.alpha": "much"})


def test_a_parameter_is_the_argument_of_its_name_where_there_is_one():
    @pipeline
    def flow(train, alpha: float = 0.5):
        return fit(train, param("alpha"))

    assert [spec.name for spec in flow.graph.inputs] == ["train", "alpha"]


@pytest.mark.parametrize("name", ["", "model..alpha", "a b", 3])
def test_what_is_no_name_of_a_parameter_is_refused(name):
    @pipeline
    def flow(train):
        return fit(train, param(name))

    with pytest.raises(DefinitionError, match="not the name of a parameter"):
        _ = flow.graph


def test_outside_of_a_pipeline_a_parameter_says_what_to_do():
    with pytest.raises(DefinitionError, match="no pipeline is being described"):
        param("model.alpha")
