"""Do Slack and other webhooks hear how runs end, and does a run suffer when they do not?"""

from __future__ import annotations

from typing import Any

import pytest

from plait.integrations.alerts import slack_message
from tests.programs import Folder

FLOW = """
@step(retries=1)
def fit(n: int):
    if n < 0:
        raise ValueError(f"<{n}> & less")
    return n
@pipeline
def training(n: int = 1):
    return fit(n)
"""


def stack(project: Folder, alerter: str) -> None:
    (project.path / "conf/base/stack.yml").write_text(f"executor: inline\nalerter: {alerter}\n")
    project.write(FLOW)


def test_a_webhook_hears_of_a_failure_with_what_failed_and_why(project: Folder, listening: Any) -> None:
    stack(
        project,
        f"{{type: webhook, url: '{listening.url}/hook', headers: {{X-Token: abc}}, link: 'http://ui/runs/{{run}}'}}",
    )
    status, out, _ = project.plait("run", "flow.py", "n=-3", "--quiet")
    assert status == 1
    ((path, headers, said),) = listening.heard
    run = out.strip()
    assert path == "/hook"
    assert headers["X-Token"] == "abc"
    assert said.pop("seconds") >= 0
    assert said.pop("text").startswith("training failed after ")
    assert said == {
        "event": "run_failed",
        "run": run,
        "pipeline": "training",
        "status": "failed",
        "reason": "ValueError: <-3> & less",
        "tasks": ["fit"],
        "link": f"http://ui/runs/{run}",
    }
    listening.heard.clear()
    assert project.plait("run", "flow.py", "n=3", "--quiet")[0] == 0
    assert listening.heard == []


def test_it_hears_of_what_it_asks_for(project: Folder, listening: Any) -> None:
    stack(project, f"{{type: webhook, url: '{listening.url}', when: [finished, retried]}}")
    assert project.plait("run", "flow.py", "--quiet")[0] == 0
    assert project.plait("run", "flow.py", "n=-1", "--quiet")[0] == 1
    assert [said["event"] for _, _, said in listening.heard] == ["run_finished", "step_retried"]


def test_several_alerters_hear_of_one_run(project: Folder, listening: Any) -> None:
    stack(project, f"[{{type: slack, url: '{listening.url}/slack'}}, '{listening.url}/other']")
    assert project.plait("run", "flow.py", "n=-1", "--quiet")[0] == 1
    assert sorted(path for path, _, _ in listening.heard) == ["/other", "/slack"]
    (message,) = (said for path, _, said in listening.heard if path == "/slack")
    text = message["blocks"][0]["text"]["text"]
    assert text.startswith("❌ *training failed after")
    assert "in `fit`" in text
    assert "> ValueError: &lt;-1&gt; &amp; less" in text
    assert message["text"].startswith("training failed after")


def test_slack_gets_a_link_where_there_is_one() -> None:
    said = {"event": "run_finished", "text": "x is done", "run": "abc", "link": "http://ui/abc"}
    assert "run <http://ui/abc|abc>" in slack_message(said)["blocks"][0]["text"]["text"]


def test_one_that_is_busy_is_asked_again(project: Folder, listening: Any) -> None:
    listening.answers = [503, 429]
    stack(project, f"{listening.url}/busy")
    assert project.plait("run", "flow.py", "n=-1", "--quiet")[0] == 1
    assert len(listening.heard) == 3


def test_one_that_refuses_costs_a_warning_and_its_url_is_not_said(project: Folder, listening: Any) -> None:
    listening.answers = [404] * 9
    stack(
        project, f"{{type: webhook, url: '{listening.url}/services/T000/very-secret-path', when: [finished]}}"
    )
    status, out, err = project.plait("run", "flow.py")
    assert status == 0
    assert len(listening.heard) == 1
    assert "the webhook answered 404 no_service" in err
    for where in ("", "conf show stack", "stack show"):
        told = project.plait(*where.split()) if where else (0, out, err)
        assert "very-secret-path" not in told[1] + told[2], where


def test_check_sends_a_message_that_says_that_it_is_a_test(project: Folder, listening: Any) -> None:
    stack(project, f"{listening.url}/check")
    status, out, err = project.plait("stack", "check")
    assert status == 0, out + err
    assert listening.heard[0][2]["event"] == "check"
    listening.answers = [403] * 9
    status, out, _ = project.plait("stack", "check")
    assert status == 1
    assert "✗ alerter webhook  the webhook answered 403 no_service" in out
    assert "→ check url: of the alerter in the stack" in out


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ("{type: webhook, url: 'http://x', when: [failure]}", "invalid enum value"),
        ("{type: slak, url: 'http://x'}", "did you mean 'slack'?"),
        ("{type: slack}", "needs 'url'"),
    ],
)
def test_what_is_written_wrong_is_said_before_anything_runs(project: Folder, said: str, what: str) -> None:
    stack(project, said)
    status, _, err = project.plait("run", "flow.py")
    assert status == 2
    assert what in err
    assert "stack.yml:2" in err
