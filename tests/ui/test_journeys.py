"""What a user does from end to end, in a browser, on real runs."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.ui.test_runs import rows


def test_the_failed_task_of_a_broken_run_is_two_clicks_away(page):
    page.goto("/runs")
    rows(page).filter(has_text="failed").get_by_role("link", name=re.compile("^halving")).click()
    page.get_by_role("main").get_by_text("halve[2]").first.click()
    expect(page).to_have_url(re.compile(r"task=halve%5B2%5D"))
    expect(page.get_by_text("5 is odd: it has no half").first).to_be_visible()
    assert page.title() != "taken"


def test_three_runs_are_compared(page):
    page.goto("/runs?q=pipeline:learning")
    for at in (1, 2, 3):
        rows(page).nth(at).get_by_role("checkbox").check()
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("heading", name="Compare 3 runs")).to_be_visible()
    table = page.get_by_role("table", name="Runs side by side")
    line = table.get_by_role("row", name=re.compile("^rate "))
    expect(line.get_by_role("cell")).to_have_text(["0.5", "0.3", "0.1"])
    expect(table.get_by_role("row", name=re.compile("^epochs "))).to_have_count(0)
    page.get_by_label(re.compile("also what is the same")).check()
    expect(table.get_by_role("row", name=re.compile("^epochs "))).to_be_visible()
    page.get_by_role("tab", name="Curves").click()
    page.get_by_label("Metric").select_option("loss")
    expect(page.get_by_role("img", name=re.compile("^loss of the runs"))).to_be_visible()
    expect(page.get_by_text("6 more curves not drawn")).to_be_visible()
    page.get_by_label("Task").select_option("learn[1]")
    expect(page).to_have_url(re.compile(r"task=learn%5B1%5D"))
    expect(page.get_by_text("more curves not drawn")).to_have_count(0)
    page.get_by_label("Task").select_option("all of each run")
    expect(page.get_by_role("main")).to_contain_text("learn[2]")
    page.get_by_role("tab", name="Plots").click()
    expect(page.get_by_role("img", name=re.compile("^Parallel coordinates"))).to_be_visible()
    page.get_by_role("tab", name="Code").click()
    expect(page.get_by_text("All steps ran the same code.")).to_be_visible()


def test_a_run_is_launched_from_the_form(page):
    page.goto("/pipelines")
    page.get_by_role("link", name="Run learning").click()
    expect(page.get_by_label("seeds", exact=True)).to_be_focused()
    rate = page.get_by_label("rate", exact=True)
    expect(rate).to_have_value("0.1")
    rate.fill("fast")
    expect(page.get_by_text(re.compile("rate.*float|float.*fast|number"))).to_be_visible()
    expect(page.get_by_role("button", name="Run", exact=True)).to_be_disabled()
    rate.fill("0.2")
    page.get_by_label("epochs", exact=True).fill("7")
    page.get_by_role("button", name="Plan").click()
    plan = page.get_by_role("grid", name="Plan")
    expect(plan.get_by_role("row").filter(has_text="learn").first).to_contain_text("run")
    expect(page.get_by_text("plait run learning rate=0.2 epochs=7")).to_be_visible()
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page).to_have_url(re.compile("/runs/[a-z0-9]+"))
    expect(page.get_by_role("main")).to_contain_text("done")


def test_lineage_leads_from_a_dataset_to_the_run_that_made_it(page):
    page.goto("/catalog")
    page.get_by_role("link", name="model").click()
    page.get_by_role("tab", name="Lineage").click()
    made = page.locator(".react-flow__node").filter(has_text="training").first
    made.click()
    expect(page).to_have_url(re.compile("/runs/[a-z0-9]+"))


def test_a_run_is_watched_while_it_works(page: Page):
    page.goto("/pipelines/waiting?tab=run")
    page.get_by_label("items", exact=True).fill("8")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page).to_have_url(re.compile("/runs/[a-z0-9]+"))
    expect(page.get_by_role("main")).to_contain_text("running")
    expect(page.get_by_role("main")).to_contain_text("8/8")
    expect(page.get_by_role("main")).to_contain_text("done")


def go(page: Page, key: str, address: str) -> None:
    page.keyboard.press("g")
    page.keyboard.press(key)
    expect(page).to_have_url(re.compile(address))


def test_all_of_it_by_keyboard(page):
    """Find, open, go back, compare, switch the theme, look up the keys: never a mouse."""
    press = page.keyboard.press
    page.goto("/runs?q=pipeline:training")
    expect(rows(page)).to_have_count(1 + 3)
    for key in "jxjx":
        press(key)
    press("c")
    expect(page.get_by_role("heading", name="Compare 2 runs")).to_be_visible()
    go(page, "r", "/runs$")
    expect(rows(page).nth(1)).to_be_visible()
    press("j")
    press("Enter")
    expect(page).to_have_url(re.compile("/runs/[a-z0-9]+"))
    press("?")
    keys = page.get_by_role("dialog", name="Keyboard")
    expect(keys).to_contain_text("relative or absolute times")
    press("Escape")
    expect(keys).to_be_hidden()
    press("Control+k")
    expect(page.get_by_role("combobox", name="Search")).to_be_focused()
    page.keyboard.type("halv")
    expect(page.get_by_role("option", name=re.compile("^Filter runs by"))).to_be_visible()
    expect(page.get_by_role("option", name=re.compile("halving")).first).to_be_visible()
    page.get_by_role("option", name="halving", exact=True).wait_for()
    # What is found comes bit by bit, and the choice may move: down the list, then up again, until it is there.
    chosen = """document.querySelector('[cmdk-item][aria-selected="true"]')?.innerText.trim()"""
    for turn in range(60):
        if page.evaluate(chosen) == "halving":
            break
        press("ArrowDown" if turn % 30 < 15 else "ArrowUp")
        page.wait_for_timeout(50)
    press("Enter")
    expect(page).to_have_url(re.compile("/pipelines/halving"))
    press("T")
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    press("T")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def tab_to(page: Page, place: Locator) -> None:
    """Press Tab until a place has the focus."""
    expect(place).to_be_visible()
    for _ in range(120):
        if place.evaluate("one => one === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab never comes to {place}")


def test_a_run_is_launched_by_keyboard_alone(page):
    press = page.keyboard.press
    page.goto("/runs")
    expect(rows(page).nth(1)).to_be_visible()
    go(page, "p", "/pipelines$")
    tab_to(page, page.get_by_role("link", name="Run learning"))
    press("Enter")
    rate = page.get_by_label("rate", exact=True)
    expect(rate).to_have_value("0.1")
    tab_to(page, rate)
    press("Control+a")
    page.keyboard.type("0.25")
    tab_to(page, page.get_by_role("button", name="Plan"))
    press("Enter")
    expect(page.get_by_role("grid", name="Plan")).to_be_visible()
    run = page.get_by_role("button", name="Run", exact=True)
    expect(run).to_be_enabled()
    run_or_back(page, run)
    press("Enter")
    expect(page).to_have_url(re.compile("/runs/[a-z0-9]+"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("done")


def run_or_back(page: Page, place: Locator) -> None:
    """To a place that may stand before the present one: Tab goes round through the browser's own bars."""
    for _ in range(200):
        if place.evaluate("one => one === document.activeElement"):
            return
        page.keyboard.press("Shift+Tab")
    raise AssertionError(f"Shift+Tab never comes to {place}")


def test_lineage_is_walked_from_a_dataset_to_its_run_by_keyboard_alone(page):
    press = page.keyboard.press
    page.goto("/runs")
    expect(rows(page).nth(1)).to_be_visible()
    go(page, "c", "/catalog$")
    model = page.get_by_role("link", name=re.compile("^model"))
    row = page.get_by_role("grid", name="Datasets").get_by_role("row").filter(has=model)
    for _ in range(int(row.get_attribute("aria-rowindex") or 0) - 1):
        press("j")
    press("Enter")
    expect(page).to_have_url(re.compile("/catalog/model"))
    tab_to(page, page.get_by_role("tab", name="About"))
    press("ArrowRight")
    press("Enter")
    expect(page).to_have_url(re.compile("tab=lineage"))
    made = page.locator(".react-flow__node").filter(has_text="training").first
    tab_to(page, made)
    press("Enter")
    expect(page).to_have_url(re.compile("/runs/[a-z0-9]+"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("done")


@pytest.mark.engine
def test_the_flights_demo_is_started_and_watched_live(visit, built, tmp_path):
    """With one model in the place of five: the same steps, on a machine that other tests share."""
    from plait.project.new import make_project
    from tests.ui.conftest import TIMEOUT, Server

    root = make_project(tmp_path / "flights", template="flights").root
    server = Server(root)
    try:
        page = visit(server)
        page.goto("/pipelines/training?tab=run")
        page.get_by_label("grid", exact=True).fill("[{kind: linear, C: 0.001}]")
        page.get_by_role("button", name="Run", exact=True).click()
        expect(page).to_have_url(re.compile("/runs/[a-z0-9]+"))
        main = page.get_by_role("main")
        expect(main).to_contain_text("running")
        expect(page.locator(".react-flow__node").filter(has_text="join").first).to_be_visible()
        expect(main.get_by_text("done").first).to_be_visible(timeout=3 * TIMEOUT)
        page.goto("/catalog")
        expect(page.get_by_role("grid", name="Datasets")).to_contain_text("flights")
    finally:
        server.close()
