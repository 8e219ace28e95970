import json

from plait_journal import hooks
from plait_journal.datasets import JsonLines

from plait.project.hookspecs import StepFinished


def test_a_finished_step_is_a_line(tmp_path, monkeypatch):
    monkeypatch.setenv("PLAIT_JOURNAL", str(tmp_path / "journal"))
    hooks.step_finished(
        StepFinished(run="r", pipeline="p", step="fit", task="fit[3]", attempt=1, seconds=0.5, outputs={})
    )
    assert json.loads((tmp_path / "journal").read_text())["task"] == "fit[3]"


def test_lines_come_back(tmp_path):
    data = JsonLines(str(tmp_path / "deep" / "rows.jsonl"))
    data.save([{"a": 1}, {"a": 2}])
    assert data.load() == [{"a": 1}, {"a": 2}]
