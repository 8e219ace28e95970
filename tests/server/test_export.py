"""A run as one file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from plait.errors import PlaitError
from plait.server.export import export_run
from plait.server.settings import Settings

TEMPLATE = (
    '<html><script id="plait-export" type="application/json">null</script><script>show()</script></html>'
)


def test_a_run_is_written_with_the_answers_that_its_pages_ask_for(
    folder: Path, runs: dict[str, str], tmp_path: Path
) -> None:
    settings = Settings(start=folder, home=folder / ".plait", root=folder, static=tmp_path, read_only=True)
    with pytest.raises(PlaitError, match="not built here"):
        export_run(settings, runs["failed"])
    (tmp_path / "export.html").write_text(TEMPLATE)
    page = export_run(settings, runs["failed"])
    # What steps have written can end neither the element that it stands in nor begin another one.
    assert page.count("<script") == TEMPLATE.count("<script")
    assert page.count("</script>") == TEMPLATE.count("</script>")
    data = json.loads(page.partition('json">')[2].partition("</script>")[0])
    assert data["run"] == runs["failed"]
    here = f"/api/v1/runs/{runs['failed']}"
    assert {here, f"{here}/graph", f"{here}/timeline", f"{here}/logs", "/api/v1/meta"} <= data[
        "responses"
    ].keys()
    assert "<script>alert(1)</script>" in data["responses"][here]["failures"][0]["reason"]
    assert data["responses"][f"{here}/tasks/square%5B2%5D"]["state"] == "failed"
    with pytest.raises(PlaitError, match="there is no run"):
        export_run(settings, "nothing0")
