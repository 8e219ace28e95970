"""Does an exported run open without a server?"""

import json
import re
import subprocess
import sys

import pytest
from playwright.sync_api import expect

from tests.ui.project import environment, plait


def test_an_exported_run_opens_from_a_folder(visit, built, project, tmp_path):
    target = tmp_path / "run.html"
    runs = plait(project, "runs", "--json").stdout
    run = next(one for one in json.loads(runs) if one["pipeline"] == "halving")["id"]
    done = plait(project, "ui", "export", run, "-o", str(target))
    assert done.returncode == 0, done.stderr
    page = visit()
    page.goto(target.as_uri())
    main = page.get_by_role("main")
    expect(main).to_contain_text("halving")
    expect(page.locator(".react-flow__node").filter(has_text="halve").first).to_be_visible()
    main.get_by_text("halve[2]").first.click()
    expect(page.get_by_text("5 is odd: it has no half").first).to_be_visible()
    expect(page).to_have_url(re.compile("^file:.*#/runs/"))


def test_an_exported_run_shows_its_logs_values_and_timeline(visit, built, project, shown, tmp_path):
    target = tmp_path / "run.html"
    done = plait(project, "ui", "export", shown["gallery"], "-o", str(target))
    assert done.returncode == 0, done.stderr
    page = visit(scheme="dark")
    page.goto(target.as_uri())
    expect(page.get_by_role("application", name=re.compile("^Timeline of 3 tasks"))).to_be_visible()
    page.locator(".react-flow__node").filter(has_text="hostile").click()
    detail = page.get_by_role("region", name="Detail")
    expect(detail.get_by_role("columnheader", name="nothing")).to_be_visible()
    page.get_by_role("tab", name=re.compile("^Logs")).click()
    expect(page.get_by_role("log")).to_contain_text("<script>document.title='taken'</script>")
    page.get_by_role("tab", name="Code").click()
    expect(page.get_by_label(re.compile("^Source of .*hostile"))).to_be_visible()
    page.get_by_role("tab", name="Why").click()
    expect(page.get_by_role("region", name="Why")).to_be_visible()
    assert page.title() != "taken"
    # What would change something is not offered: there is nobody to ask.
    expect(page.get_by_role("button", name="Run again")).to_have_count(0)


CARD = """
import sys
from plait.api import get_run

run = get_run(sys.argv[1])
print("<!doctype html><meta charset=utf-8><body>" + run._repr_html_())
"""


@pytest.mark.parametrize("pipeline", ["learning", "halving"])
def test_the_card_of_a_run_in_a_notebook_is_small_and_needs_nothing_else(visit, project, tmp_path, pipeline):
    """As a notebook shows it: HTML in the page, without the interface and without a server."""
    [run, *_] = json.loads(plait(project, "runs", "--json", "--pipeline", pipeline).stdout)
    done = subprocess.run(
        [sys.executable, "-c", CARD, run["id"]],
        cwd=project,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    card = tmp_path / "card.html"
    card.write_text(done.stdout)
    assert len(done.stdout) < 20_000
    page = visit(width=700)
    page.goto(card.as_uri())
    shown = page.locator(".plait")
    expect(shown).to_contain_text(run["id"])
    expect(shown).to_contain_text(run["status"])
    if pipeline == "learning":
        expect(shown.get_by_text("learn", exact=False).first).to_be_visible()
        expect(shown).to_contain_text("final")
    else:
        expect(shown.locator("pre")).to_contain_text("5 is odd: it has no half <script>")
        assert page.title() != "taken"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it is wider than its cell"
