"""What do runs, show and logs say of what has happened?"""

from __future__ import annotations

import json

import pytest

FLOW = """
import logging, sys
from plait import step, pipeline, each, log

@step
def load(n: int) -> list[int]:
    print("to out")
    print("to err", file=sys.stderr)
    logging.getLogger("lib").warning("careful")
    logging.getLogger("lib").error("details")
    return list(range(n))

@step(outputs=["small", "large"])
def split(xs: list[int], at: int = 1):
    return xs[:at], xs[at:]

@step
def fit(x: int, alpha: float) -> float:
    print("fitting", x)
    log(loss=x * alpha)
    return x * alpha

@pipeline
def tune(xs, alpha):
    return fit(each(xs), alpha)

@pipeline
def looking(n: int = 3, alpha: float = 0.5):
    '''Look back.'''
    small, large = split(load(n))
    return tune(large, alpha)
"""


@pytest.fixture
def once(write, plait):
    write("looking.py", FLOW)
    assert plait("run", "looking.py:looking", "-q", "n=4").status == 0
    return plait


@pytest.fixture
def ran(write, plait):
    write("looking.py", FLOW)
    for arguments in ([], ["n=4"]):
        assert plait("run", "looking.py:looking", "-q", *arguments).status == 0
    return plait


def test_runs_lists_the_newest_first_with_the_parameters_that_differ(ran):
    lines = ran("runs").out.splitlines()
    assert lines[0].split() == ["id", "pipeline", "status", "started", "took", "parameters"]
    assert "n=4" in lines[1]
    assert "n=3" in lines[2]
    assert "alpha" not in lines[1] + lines[2]
    assert "✓ done" in lines[1]
    assert "just now" in lines[1]


def test_runs_can_be_limited_and_chosen(ran):
    assert len(json.loads(ran("runs", "--limit", "1", "--json").out)) == 1
    assert len(json.loads(ran("runs", "--status", "done", "--json").out)) == 2
    assert json.loads(ran("runs", "--status", "failed", "--json").out) == []
    assert "did you mean 'looking'?" in ran("runs", "--pipeline", "lookin").out


def test_show_tells_where_values_came_from_and_what_came_out(once):
    shown = once("show", "--open", "tune").out
    assert "git" not in shown or "code" in shown
    for said in ("Python", "plait run looking.py:looking", "command line", "default"):
        assert said in shown or said == "plait run looking.py:looking"
    assert "▾ tune" in shown
    assert "fit" in shown
    assert "3/3" in shown
    assert "small" in shown
    assert "[1, 2, 3]" in shown
    assert "result  [0.5, 1.0, 1.5]" in shown


def test_show_of_a_target_is_its_graph(once):
    shown = once("show", "looking.py:looking", "--open", "*").out
    assert "Look back." in shown
    assert "← load" in shown
    assert "split → small, large" in shown
    assert "each(" in shown
    assert "plait run looking.py:looking" in shown
    graph = json.loads(once("show", "looking.py:looking", "--json").out)
    assert [node["id"] for node in graph["nodes"]] == ["load", "split", "tune.fit"]


def test_mermaid_has_groups_maps_and_states(once):
    text = once("show", "--mermaid", "--open", "*").out
    assert text.startswith("flowchart TD\n")
    assert "subgraph g" in text
    assert '"tune.fit × 3"' in text
    assert "classDef done" in text
    assert "n0 --> n1" in text
    assert "n1 -.-> n2" in text
    plain = once("show", "looking.py:looking", "--mermaid", "--open", "*").out
    assert "classDef" not in plain
    assert "× each" in plain


def test_logs_of_a_run_a_step_and_a_task(once):
    assert once("logs").out.splitlines()[:2] == ["load │ to out", "load │ to err"]
    assert once("logs", "latest", "tune.fit").out.splitlines() == [
        f"tune.fit[{at}] │ fitting {at + 1}" for at in range(3)
    ]
    assert once("logs", "latest", "tune.fit[1]").out == "fitting 2\n"


def test_logs_by_stream_and_level(once):
    assert once("logs", "latest", "load", "--stream", "out").out == "to out\n"
    assert once("logs", "latest", "load", "--stream", "err").out == "to err\n"
    assert once("logs", "latest", "load", "--level", "error").out == "error lib: details\n"
    assert len(once("logs", "latest", "load", "--stream", "log").out.splitlines()) == 2


def test_logs_as_json_name_task_stream_and_time(once):
    lines = [json.loads(line) for line in once("logs", "latest", "tune.fit[0]", "--json").out.splitlines()]
    assert lines == [
        {"at": lines[0]["at"], "task": "tune.fit[0]", "attempt": 1, "stream": "out", "text": "fitting 1"}
    ]


def test_a_wrong_step_or_run_names_the_nearest(once):
    assert "did you mean 'latest'?" in once("show", "latst").err
    assert "did you mean 'tune.fit'?" in once("logs", "latest", "tune.fitt").err
    assert "so there is no load[3]" in once("logs", "latest", "load[3]").err
    missing = once("logs", "zzzz")
    assert missing.status == 1
    assert "there is no run 'zzzz'" in missing.err


def test_what_a_step_prints_cannot_drive_the_terminal(write, plait):
    write(
        "escape.py",
        "from plait import step, pipeline\n@step\ndef one():\n    print('a\\x1b[2Jb')\n    return 1\n@pipeline\ndef escape():\n    return one()\n",
    )
    plait("run", "escape.py", "-q")
    assert plait("logs").out == "one │ a·[2Jb\n"


def test_runs_are_listed_and_shown_with_what_is_said_of_them(once):
    assert (
        once("run", "looking.py:looking", "-q", "n=5", "--name", "n is {n}", "--run-tag", "nightly").status
        == 0
    )
    lines = once("runs").out.splitlines()
    assert "n is 5  #nightly" in lines[1]
    assert "#" not in lines[2]
    assert len(json.loads(once("runs", "--tag", "nightly", "--json").out)) == 1
    assert "did you mean 'nightly'?" in once("runs", "--tag", "nigtly").out
    shown = once("show", "latest").out
    assert "n is 5" in shown
    assert "nightly" in shown
