"""Does an exported run open without a server?"""

import json
import re

from playwright.sync_api import expect

from tests.ui.project import plait


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
