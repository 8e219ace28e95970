"""Is text of user code text wherever it is shown, whatever it would like to be?"""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from plait.record.store import RecordStore
from tests.ui.conftest import Server
from tests.ui.project import plait
from tests.ui.test_runs import rows

SCRIPT = "<script>document.title='taken'</script>"
TAKE = "<img src=x onerror=\"document.title='taken'\">"


@pytest.fixture
def run(shown) -> str:
    return shown["gallery"]


def untouched(page: Page) -> None:
    assert page.title() != "taken"
    assert page.locator("img[src=x], main script").count() == 0


def test_markup_in_names_notes_and_parameters_is_text(page, run, server):
    page.goto("/runs?q=pipeline:gallery")
    row = rows(page).nth(1)
    for what, label in (("Name …", "Name"), ("Note …", "Note")):
        row.get_by_role("button", name=re.compile("^Actions for")).click()
        page.get_by_role("menuitem", name=what).click()
        page.get_by_label(label, exact=True).fill(TAKE)
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("dialog")).to_have_count(0)
    expect(row).to_contain_text(TAKE)
    untouched(page)
    row.get_by_role("link").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(TAKE)
    expect(page.get_by_role("region", name="Overview").get_by_text(SCRIPT).first).to_be_visible()
    page.keyboard.press("Control+k")
    page.keyboard.type("gallery")
    expect(page.get_by_role("dialog")).to_contain_text(TAKE)
    untouched(page)


def test_markup_in_keys_cells_markdown_and_docstrings_is_text(page, run):
    page.goto(f"/runs/{run}?step=hostile")
    detail = page.get_by_role("region", name="Detail")
    expect(detail.get_by_text(f"{SCRIPT} in what it says of itself.")).to_be_visible()
    expect(detail.get_by_role("columnheader", name=TAKE)).to_be_visible()
    expect(detail.get_by_role("cell", name=TAKE, exact=True)).to_be_visible()
    expect(detail.get_by_role("link", name="go")).to_have_count(0)
    expect(detail.get_by_text(TAKE, exact=True).first).to_be_visible()
    drawing = page.frame_locator("iframe[title=Drawing]")
    expect(drawing.get_by_text("drawn here")).to_be_visible()
    untouched(page)
    page.get_by_role("tab", name=re.compile("^Logs")).click()
    expect(page.get_by_role("log")).to_contain_text(f"{SCRIPT} {TAKE}")
    page.get_by_role("tab", name="Code").click()
    expect(page.get_by_label("Source of trips.pipelines.gallery:hostile")).to_contain_text(
        "document.title='taken'"
    )
    untouched(page)


def test_a_figure_of_plotly_moves_in_a_frame_that_reaches_nothing(page, run):
    page.goto(f"/runs/{run}?step=figure")
    frame = page.frame_locator("iframe[title=Figure]")
    expect(frame.locator(".bars .point").first).to_be_visible()
    untouched(page)
    sandbox = page.locator("iframe[title=Figure]").get_attribute("sandbox")
    assert sandbox == "allow-scripts", "it must not share the page's origin"


def test_comparing_and_the_catalog_show_markup_as_text(page, run, project):
    assert plait(project, "run", "gallery", f"text={TAKE}", "--executor", "inline", "-q").returncode == 0
    page.goto("/runs?q=pipeline:gallery")
    for at in (1, 2):
        rows(page).nth(at).get_by_role("checkbox").check()
    page.keyboard.press("c")
    expect(page.get_by_role("table", name="Runs side by side")).to_contain_text(SCRIPT)
    page.get_by_role("tab", name="Outputs").click()
    page.get_by_role("combobox", name=re.compile("^Output")).select_option("hostile")
    expect(page.get_by_role("button", name=re.compile("onerror")).first).to_be_visible()
    untouched(page)


def test_no_address_leads_out_of_what_is_shown(page, server):
    for address in ("/runs/..%2F..%2Fetc%2Fpasswd", "/artifacts/..%2F..%2Frecords.db", "/catalog/..%2Fconf"):
        page.goto(address)
        expect(page.get_by_role("alert").first).to_be_visible()
        expect(page.get_by_role("main")).not_to_contain_text("root:")


def test_a_value_whose_blob_is_gone_is_said_and_the_rest_is_there(visit, built, tmp_path):
    (tmp_path / "flow.py").write_text(
        "from plait import pipeline, step\n\n\n"
        "@step\ndef cube():\n    import numpy as np\n\n    return np.arange(100_000.0)\n\n\n"
        "@pipeline\ndef alone():\n    return cube()\n"
    )
    done = plait(tmp_path, "run", "flow.py:alone", "--executor", "inline", "-q")
    run = done.stdout.strip()
    store = RecordStore(tmp_path / ".plait")
    artifact = store.run(run).task("cube").artifacts["cube"]
    for blob in store.artifacts.references(artifact):
        store.artifacts.delete(blob)
    store.database.close()
    server = Server(tmp_path)
    try:
        page = visit(server)
        page.goto(f"/artifacts/{artifact.id}?run={run}&task=cube")
        expect(page.get_by_role("alert")).to_contain_text("run the step")
        expect(page.get_by_role("table", name="Made by")).to_contain_text("cube")
        page.goto(f"/runs/{run}?step=cube")
        expect(page.get_by_role("region", name="Detail").get_by_text("done").first).to_be_visible()
    finally:
        server.close()
