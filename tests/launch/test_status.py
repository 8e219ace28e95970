"""What is up to date, what is not, and why."""

from __future__ import annotations

from plait.launch.status import OutputStatus, pipeline_status
from tests.programs import Folder

FLOW = """
RATE = 2
@step
def load(n: int):
    return list(range(n))
@step
def report(xs):
    return len(xs) * RATE
@step
def model(xs, alpha: float):
    return sum(xs) * alpha
@pipeline
def flow(n: int = 3, alpha: float = 1.0):
    xs = load(n)
    report(xs)
    return model(xs, alpha)
"""


def states(folder: Folder) -> dict[str, OutputStatus]:
    found = pipeline_status(folder.store, folder.pipeline())
    assert not found.problem
    return {one.output: one for one in found.outputs}


def test_after_a_run_everything_is_up_to_date_and_says_by_which(folder: Folder) -> None:
    folder.write(FLOW)
    run = folder.run()
    found = states(folder)
    assert list(found) == ["report", "model"]
    assert {one.state for one in found.values()} == {"up to date"}
    assert {one.run for one in found.values()} == {run.id}
    assert found["model"].made_at == run.ended_at


def test_only_what_a_change_reaches_is_stale_and_it_says_why(folder: Folder) -> None:
    folder.write(FLOW)
    first = folder.run()
    folder.edit("RATE = 2", "RATE = 3")
    found = states(folder)
    assert found["model"].state == "up to date"
    assert (found["report"].state, found["report"].reason, found["report"].run) == (
        "stale",
        "report",
        first.id,
    )
    assert found["report"].why is not None
    assert [one.text for one in found["report"].why.differences] == ["2 → 3"]
    folder.edit("list(range(n))", "list(range(n, 0, -1))")
    assert {one.reason for one in states(folder).values()} == {"load"}


def test_the_arguments_are_those_of_the_last_run_and_defaults_those_of_now(folder: Folder) -> None:
    folder.write(FLOW)
    folder.run(alpha=5.0)
    assert states(folder)["model"].state == "up to date"
    folder.edit("n: int = 3", "n: int = 4")
    found = states(folder)
    assert found["model"].state == "stale"
    assert found["model"].why is not None
    assert [one.name for one in found["model"].why.differences] == ["n"]


def test_what_never_ran_and_what_cannot_be_told_say_so(folder: Folder) -> None:
    folder.write(FLOW)
    folder.run()
    folder.store.database.execute("DELETE FROM run")
    assert {one.state for one in states(folder).values()} == {"never made"}
    folder.edit("n: int = 3", "n: int")
    found = pipeline_status(folder.store, folder.pipeline())
    assert found.problem.startswith("never run; pipeline 'flow' needs 'n'")
    assert not found.is_up_to_date


def test_chosen_outputs_are_looked_at_alone(folder: Folder) -> None:
    folder.write(FLOW)
    folder.run()
    found = pipeline_status(folder.store, folder.pipeline(), ["load"])
    assert [(one.output, one.state) for one in found.outputs] == [("load", "up to date")]


def test_a_result_of_a_branch_or_a_loop_is_up_to_date_once_it_was_made(folder: Folder) -> None:
    folder.write(
        """
        from plait import either, otherwise, repeat, when
        @step
        def load(n: int):
            return n
        @step
        def grow(x):
            return 2 * x
        @pipeline
        def flow(n: int = 3):
            x = load(n)
            with when(x > 5):
                a = grow(x)
            with otherwise():
                b = load(x)
            return repeat(grow, either(a, b), until=lambda v: v > 20, limit=5)
        """
    )
    run = folder.run()
    (found,) = states(folder).values()
    assert (found.state, found.run) == ("up to date", run.id)
    folder.edit("return 2 * x", "return 3 * x")
    (found,) = states(folder).values()
    assert (found.state, found.reason) == ("stale", "grow_2[0]")
