"""Are the lines of a log found again, in however many pieces they were recorded?"""

from __future__ import annotations

import pytest

from plait import get_run, list_runs, pipeline, step
from plait.record.loglines import LogScope, next_loud, read_lines, search_lines


@step
def talk() -> int:
    import logging

    for at in range(500):
        if at % 100 == 50:
            logging.getLogger("talk").error("line %s", at)
        else:
            print("line", at)
    return 1


@pipeline
def talking() -> int:
    return talk()


@pytest.fixture(params=["run", "step", "task"])
def scope(request, tmp_path, monkeypatch) -> LogScope:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PLAIT_HOME", str(tmp_path / ".plait"))
    monkeypatch.setattr("plait.record.writer._LOG_BLOCK", 3)  # 167 pieces
    talking.run()
    run = get_run(list_runs()[0].id)
    return {
        "run": LogScope(run),
        "step": LogScope(run, 0, None),
        "task": LogScope(run, 0, (), run.task("talk").attempt),
    }[request.param]


def test_a_range_of_lines_is_read_from_anywhere(scope):
    for first, limit in ((0, 500), (0, 7), (123, 10), (250, 200), (498, 10), (500, 10)):
        page = read_lines(scope, first, limit)
        last = min(500, first + limit)
        assert [line.n for line in page.lines] == list(range(first, last))
        assert [line.text.removeprefix("talk: ") for line in page.lines] == [
            f"line {at}" for at in range(first, last)
        ]
        assert page.next == (last if last < 500 else None)
        assert page.total == 500


def test_loud_lines_keep_their_numbers(scope):
    assert [line.n for line in read_lines(scope, 100, 500, level=40).lines] == [150, 250, 350, 450]


def test_the_next_loud_line_is_found_in_both_directions(scope):
    assert next_loud(scope, 51, 40).line == 150
    assert next_loud(scope, 150, 40).line == 150
    assert next_loud(scope, 451, 40).line is None
    assert next_loud(scope, 450, 40, back=True).line == 350
    assert next_loud(scope, 50, 40, back=True).line is None


def test_a_search_goes_on_from_where_it_ended(scope):
    found = search_lines(scope, "line 4", limit=5)
    assert [line.n for line in found.lines] == [4, 40, 41, 42, 43]
    assert not found.done
    lines = list(found.lines)
    while not found.done:  # it looks for a fifth of a second at a time
        found = search_lines(scope, "line 4", first=found.searched_to)
        lines += found.lines
    assert [line.n for line in lines][5:8] == [44, 45, 46]
    assert len(lines) == 111
