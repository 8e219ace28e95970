"""Everything that the web interface asks of records is answered by every database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from plait.errors import ParameterError, RecordError
from plait.record.activity import activity
from plait.record.codediff import code_diff
from plait.record.compare import compare_runs, points_of
from plait.record.critical import critical_path
from plait.record.curves import curves, curves_of_runs, metric_page
from plait.record.graphview import run_graph
from plait.record.history import pipeline_names, run_grid, run_trends
from plait.record.items import strip, task_page
from plait.record.lineage import dataset_reads, dataset_writes, lineage
from plait.record.loglines import LogScope, next_loud, read_lines, search_lines
from plait.record.makers import artifact_view
from plait.record.rungroups import columns_to_choose, group_runs
from plait.record.runlist import run_page
from plait.record.runview import packages_of, run_view
from plait.record.store import RecordStore
from plait.record.tallies import counts_of, times_of
from plait.record.taskview import task_code, task_view
from plait.record.timeline import timeline
from tests.programs import Folder

FLOW = """
import logging
from plait import log, when, otherwise, either
@step
def fit(n: int, wrong: int):
    print("fitting", n)
    log(rmse=n / 10)
    if n == wrong:
        logging.getLogger("x").error("no convergence")
        raise ValueError(n)
    return n
@step
def total(fitted: list):
    import numpy as np
    for at in range(20):
        log(curve=at * 1.0, at=at)
    return np.arange(50_000.0)
@step
def large(table):
    return 1
@step
def small(table):
    return 2
@pipeline
def flow(wrong: int = -1, alpha: float = 0.5, big: bool = True):
    table = total(fit(each(list(range(12))), wrong))
    with when(big):
        one = large(table)
    with otherwise():
        two = small(table)
    return either(one, two)
"""


def test_each_question_is_answered(folder: Folder) -> None:
    folder.write(FLOW)
    good, other, bad = folder.run(), folder.run(alpha=0.7), folder.run(wrong=3)
    store = good.store
    for q in (
        "",
        "status:failed",
        "alpha>0.6",
        "rmse<0.3 -status:failed",
        "is:pinned",
        "fl",
        'note:"x"',
        "env:none",
    ):
        for sort in ("started", "-started", "seconds", "metric:rmse", "-param:alpha"):
            page = run_page(
                store, q=q, sort=sort, columns=("param:alpha", "metric:rmse"), spark=("metric:curve",)
            )
            assert page.total is not None
    assert [row.id for row in run_page(store, q="alpha>0.6").items] == [other.id]
    assert [row.id for row in run_page(store, q="status:failed").items] == [bad.id]
    first = run_page(store, limit=2)
    assert [row.id for row in run_page(store, limit=2, cursor=first.next).items] == [good.id]
    assert group_runs(store).items[0].counts == {"done": 2, "failed": 1}
    assert group_runs(store, "alpha>0.6").items[0].runs == 1
    assert {one.name for one in columns_to_choose(store).params} >= {"alpha", "wrong"}
    assert run_view(bad).failures[0].task == "fit[3]"
    assert packages_of(good).items
    graph = run_graph(good)
    assert {group.taken for group in graph.groups if group.kind == "branch"} == {"all", "none"}
    for sort in ("state", "index", "slowest", "latest"):
        seen: list[str] = []
        cursor = None
        for _ in range(12):
            page_of_tasks = task_page(bad, "fit", sort=sort, cursor=cursor, limit=5)
            seen += [row.task for row in page_of_tasks.items]
            cursor = page_of_tasks.next
            if cursor is None:
                break
        assert sorted(seen) == sorted(f"fit[{at}]" for at in range(12)), sort
        assert [row.task for row in task_page(bad, "fit", sort=sort, offset=4, limit=3).items] == seen[4:7], (
            sort
        )
    assert (task_page(bad, "fit").items[0].state, task_page(bad, "fit").items[0].label) == ("failed", "n=3")
    assert strip(bad, "fit").cells[3] == "f"
    assert strip(bad, "fit", 4).per_cell == 3
    for lane in ("step", "worker"):
        assert timeline(good, lane=lane).exact
        few = timeline(good, lane=lane, limit=10)
        assert not few.exact
        assert len(few.bars) <= 10
        assert sum(bar.count for bar in few.bars) == few.tasks
    assert timeline(good, start=0, end=1).tasks == 0
    assert critical_path(good).items[-1].step in {"large", "total"}
    assert metric_page(good).items[0].name == "curve"
    assert [len(one.x) for one in curves(good, "curve").series] == [20]
    assert curves(good, "rmse", tasks=5).more == 7
    scope = LogScope(bad)
    assert read_lines(scope, 2, 3).lines[0].n == 2
    assert len(search_lines(scope, "fitting").lines) == 12
    loud = next_loud(scope, 0, 40).line
    assert loud is not None
    assert next_loud(scope, loud + 1, 40, back=True).line == loud
    fit = bad.graph.find_node("fit")
    assert read_lines(LogScope(bad, fit, None)).total == 13
    assert next_loud(LogScope(bad, fit, None), 0, 40).line is not None
    view = task_view(good, "total")
    assert view.inputs[0].value.items == 12
    assert task_code(good, "fit[0]").components
    artifact = view.outputs[0].value.artifact
    assert artifact is not None
    about = artifact_view(store, artifact, run=good.id, task="total")
    assert about.made_by[0].task == "total"
    assert {user.task for user in about.used_by} == {"large", "small"}
    both = [good.id, other.id]
    assert {row.name for row in compare_runs(store, both).params if row.differs} == {"alpha"}
    assert len(points_of(store, both, "param:alpha", "metric:curve").items) == 2
    assert len(curves_of_runs([good, other], "curve", x="time", points=10).series) == 2
    assert all(one.same for one in code_diff(good, other).steps)
    assert pipeline_names(store) == {"flow": 3}
    assert len(run_grid(store, "flow").runs) == 3
    assert run_trends(store, "flow").metrics["curve"][0] == 19.0
    assert activity(store).running == []
    assert lineage(store).nodes == []
    assert lineage(store, run=good.id).nodes[0].run == good.id
    assert dataset_writes(store, "nothing") == []
    assert dataset_reads(store, "nothing") == []


def test_what_cannot_be_asked_is_refused_in_words(folder: Folder) -> None:
    folder.write(FLOW)
    run = folder.run()
    for wrong, said in (
        (lambda: run_page(run.store, sort="colour"), "cannot be sorted"),
        (lambda: run_page(run.store, cursor="x"), "no cursor"),
        (lambda: task_page(run, "fit", sort="colour"), "cannot be sorted"),
        (lambda: task_page(run, "fit", states=["broken"]), "no state"),
        (lambda: timeline(run, start=2, end=1), "ends before"),
        (lambda: curves(run, "rmse", x="z"), "no axis"),
        (lambda: search_lines(LogScope(run), "(", regex=True), "no regular expression"),
        (lambda: compare_runs(run.store, [run.id]), "2 to 500"),
    ):
        with pytest.raises(ParameterError, match=said):
            wrong()
    with pytest.raises(RecordError, match="has no step 'fti'"):
        task_page(run, "fti")


@contextmanager
def _counted(store: RecordStore) -> Iterator[list[str]]:
    """The statements that are asked within."""
    asked: list[str] = []
    database, names = store.database, ("execute", "rows", "row")
    inside = False

    def telling(kept: Callable[..., Any]) -> Callable[..., Any]:
        def ask(sql: str, values: Any = ()) -> Any:
            nonlocal inside
            if inside:  # one of them calls another
                return kept(sql, values)
            asked.append(sql)
            inside = True
            try:
                return kept(sql, values)
            finally:
                inside = False

        return ask

    for name in names:
        setattr(database, name, telling(getattr(database, name)))
    yield asked
    for name in names:
        delattr(database, name)


def test_many_runs_beside_each_other_cost_no_more_questions_than_few(folder: Folder) -> None:
    folder.write(FLOW)
    runs = [folder.run(alpha=at / 10).id for at in range(5)]
    store = RecordStore(folder.home)
    questions: dict[str, Callable[[list[str]], Any]] = {
        "compare": lambda some: compare_runs(store, some),
        "points": lambda some: points_of(store, some, "param:alpha", "metric:rmse", "seconds"),
        "curves": lambda some: curves_of_runs(store.runs_named(some), "curve", points=100),
        "grid": lambda some: run_grid(store, "flow", limit=len(some)),
    }
    for name, ask in questions.items():
        counts = []
        for some in (runs[:2], runs):
            with _counted(store) as asked:
                ask(some)
            counts.append(len(asked))
        assert counts[0] == counts[1], (name, counts)


def test_a_grid_tells_of_runs_with_different_graphs_and_ends(folder: Folder) -> None:
    folder.write(FLOW)
    first = folder.run()
    folder.write(FLOW.replace("one = large(table)", "one = large(large(table))"))
    failed = folder.run(wrong=3)
    other = folder.run()
    grid = run_grid(first.store, "flow")
    assert [row.id for row in grid.runs] == [other.id, failed.id, first.id]
    cells = dict(zip(grid.steps, grid.cells, strict=True))
    assert [cell and cell.state for cell in cells["fit"]] == ["cached", "failed", "done"]
    assert [cell and cell.failed for cell in cells["fit"]] == [0, 1, 0]
    assert [cell and cell.state for cell in cells["large"]] == ["cached", "skipped", "done"]
    assert [cell is None for cell in cells["large_2"]] == [False, False, True]
    assert counts_of([first, failed]) == {first.key: first.counts(), failed.key: failed.counts()}
    assert times_of([first, failed]) == {first.key: first.times(), failed.key: failed.times()}


def test_of_runs_of_which_one_is_not_there_the_nearest_is_named(folder: Folder) -> None:
    folder.write(FLOW)
    run = folder.run()
    assert [one.id for one in run.store.runs_named(["latest", run.id])] == [run.id, run.id]
    with pytest.raises(RecordError, match="there is no run 'nothing'"):
        compare_runs(run.store, [run.id, "nothing"])


def test_curves_of_several_runs_are_of_their_first_tasks_or_of_one_by_name(folder: Folder) -> None:
    folder.write(FLOW)
    runs = [folder.run(), folder.run(alpha=0.7)]
    first = curves_of_runs(runs, "rmse")
    assert [(one.run, one.task, one.y) for one in first.series] == [(run.id, "fit[0]", [0.0]) for run in runs]
    assert first.more == 22
    more = curves_of_runs(runs, "rmse", tasks=3)
    assert [one.task for one in more.series] == ["fit[0]", "fit[1]", "fit[2]"] * 2
    named = curves_of_runs(runs, "rmse", task="fit[7]")
    assert [(one.run, one.task, one.y) for one in named.series] == [(run.id, "fit[7]", [0.7]) for run in runs]
    assert curves_of_runs(runs, "rmse", task="nothing").series == []
    inside = curves_of_runs(runs, "curve", low=5, high=9)
    assert [one.x for one in inside.series] == [[5.0, 6.0, 7.0, 8.0, 9.0]] * 2
