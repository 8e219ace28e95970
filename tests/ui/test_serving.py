"""What does the page say when the server asks for a token, only shows, is gone, is a newer one, or cannot read its store?"""

from __future__ import annotations

import re
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import expect

from plait.record.schema import VERSION
from tests.ui.conftest import Server
from tests.ui.project import plait
from tests.ui.test_runs import rows

FLOW = """
from plait import pipeline, step


@step
def one() -> int:
    return 1


@pipeline
def alone() -> int:
    return one()
"""

# A server whose answers have other shapes than those that the page was made for.
NEWER = """
import plait.server.app as app
from plait.cli.main import main

described = app.document
app.document = lambda *some: {**described(*some), "info": {"title": "plait", "version": "2"}}
main()
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "flow.py").write_text(FLOW)
    assert plait(tmp_path, "run", "flow.py:alone", "--executor", "inline", "-q").returncode == 0
    return tmp_path


@pytest.fixture
def start(place: Path, built: Path) -> Iterator:
    started: list[Server] = []

    def begin(*options: str, **more) -> Server:
        started.append(Server(place, *options, **more))
        return started[-1]

    yield begin
    for one in started:
        one.close()


def test_a_token_is_asked_for_once_and_a_wrong_one_is_refused(visit, start):
    # 127.0.0.2 is this machine, and none of the names of loopback.
    server = start("--host", "127.0.0.2", env={"PLAIT_UI_TOKEN": "a-token-of-the-test"})
    page = visit(server)
    page.goto("/runs")
    field = page.get_by_label("Token")
    expect(field).to_be_focused()
    expect(page.get_by_role("button", name="Open")).to_be_disabled()
    field.fill("a guess")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("This is not the token of this server.")
    field.fill("a-token-of-the-test")
    page.keyboard.press("Enter")
    expect(rows(page).nth(1)).to_contain_text("alone")
    page.reload()
    expect(rows(page).nth(1)).to_contain_text("alone")
    assert page.evaluate("document.cookie") == "", "scripts can read the token"


def test_the_address_that_is_printed_opens_without_asking(visit, start):
    server = start("--host", "127.0.0.2", env={"PLAIT_UI_TOKEN": "a-token-of-the-test"})
    page = visit(server)
    page.goto(f"{server.url}/?token=a-token-of-the-test")
    expect(rows(page).nth(1)).to_contain_text("alone")
    assert "token" not in page.url


def test_where_nothing_may_be_changed_nothing_offers_to(visit, start):
    page = visit(start("--read-only"))
    page.goto("/runs")
    expect(page.get_by_text("read-only", exact=True)).to_be_visible()
    rows(page).nth(1).get_by_role("button", name=re.compile("^Actions for")).click()
    items = page.get_by_role("menuitem")
    expect(items.first).to_be_visible()
    assert items.count() >= 8
    for at in range(items.count()):
        expect(items.nth(at)).to_be_disabled()
    page.keyboard.press("Escape")
    rows(page).nth(1).get_by_role("checkbox").check()
    expect(
        page.get_by_role("toolbar", name="Selected runs").get_by_role("button", name="Delete")
    ).to_be_disabled()
    rows(page).nth(1).get_by_role("link").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("done")
    expect(page.get_by_role("button", name="Run again")).to_have_count(0)
    page.goto("/pipelines/alone?tab=run")
    expect(page.get_by_role("button", name="Run", exact=True)).to_be_disabled()
    page.goto("/project?tab=disk")
    expect(page.get_by_role("button", name="What would go?")).to_be_disabled()


def test_a_server_that_is_gone_is_said_and_the_page_goes_on_when_it_is_back(visit, start, place):
    first = start()
    page = visit(first)
    page.goto("/runs")
    expect(rows(page)).to_have_count(1 + 1)
    first.close()
    gone = page.get_by_role("alert").filter(has_text="The server does not answer")
    expect(gone).to_contain_text("plait ui")
    expect(rows(page).nth(1)).to_contain_text("alone")
    assert plait(place, "run", "flow.py:alone", "--executor", "inline", "-q").returncode == 0
    start(port=first.port)
    expect(gone).to_have_count(0)
    expect(rows(page)).to_have_count(1 + 2)


def test_a_tab_from_before_an_upgrade_says_so(visit, start):
    first = start()
    page = visit(first)
    page.goto("/runs")
    expect(rows(page)).to_have_count(1 + 1)
    first.close()
    start(port=first.port, program=[sys.executable, "-c", NEWER])
    upgraded = page.get_by_role("alert").filter(has_text="plait was upgraded while this page was open")
    expect(upgraded).to_be_visible()
    upgraded.get_by_role("button", name="Reload").click()
    expect(rows(page)).to_have_count(1 + 1)
    expect(upgraded).to_have_count(0)


def test_a_page_whose_parts_an_upgrade_has_removed_says_so(visit, start, complaints):
    page = visit(start())
    page.route(re.compile("/assets/CatalogPage-"), lambda route: route.fulfill(status=404))
    page.goto("/runs")
    expect(rows(page)).to_have_count(1 + 1)
    page.get_by_role("link", name="Catalog").click()
    upgraded = page.get_by_role("alert").filter(has_text="plait was upgraded while this page was open")
    expect(upgraded.get_by_role("button", name="Reload")).to_be_visible()
    complaints.clear()  # the browser's own words on the part that is gone


def test_a_store_that_a_newer_plait_upgraded_is_said_and_forgotten_once_it_can_be_read(visit, start, place):
    page = visit(start())
    page.goto("/runs")
    expect(rows(page)).to_have_count(1 + 1)
    with closing(sqlite3.connect(place / ".plait/records.db", isolation_level=None)) as other:
        other.execute(f"PRAGMA user_version = {VERSION + 1}")
        problem = page.get_by_role("alert").filter(has_text="newer plait")
        expect(problem).to_be_visible()
        expect(rows(page).nth(1)).to_contain_text("alone")
        other.execute(f"PRAGMA user_version = {VERSION}")
    expect(problem).to_have_count(0)


def test_records_that_were_removed_are_said_and_those_of_the_next_run_are_shown(visit, start, place):
    page = visit(start())
    page.goto("/runs")
    expect(rows(page)).to_have_count(1 + 1)
    shutil.rmtree(place / ".plait")
    expect(page.get_by_role("alert").filter(has_text="plait run TARGET").first).to_be_visible()
    page.reload()
    expect(page.get_by_role("alert").filter(has_text="plait run TARGET").first).to_be_visible()
    assert (
        plait(place, "run", "flow.py:alone", "--executor", "inline", "--name", "another", "-q").returncode
        == 0
    )
    expect(rows(page).nth(1)).to_contain_text("another")


def test_a_change_while_somebody_else_writes_for_long_says_that_it_is_busy(visit, start, place):
    page = visit(start())
    page.goto("/runs")
    run = rows(page).nth(1)
    with closing(sqlite3.connect(place / ".plait/records.db", isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        run.get_by_role("button", name=re.compile("^Actions for")).click()
        page.get_by_role("menuitem", name="Pin: gc keeps it").click()
        said = page.get_by_role("region", name="Messages").get_by_role("alert")
        expect(said).to_contain_text(re.compile("busy|locked|another process", re.IGNORECASE))
        expect(run.get_by_role("img", name="pinned")).to_have_count(0)
        writer.execute("ROLLBACK")
    run.get_by_role("button", name=re.compile("^Actions for")).click()
    page.get_by_role("menuitem", name="Pin: gc keeps it").click()
    expect(run.get_by_role("img", name="pinned")).to_be_visible()
