"""Does the table of runs do what its users do?"""

import json
import re

from playwright.sync_api import Page, expect

from tests.ui.project import plait


def rows(page: Page):
    return page.get_by_role("grid", name="Runs").get_by_role("row")


def test_the_first_page_shows_the_runs_newest_first(page, project):
    # Other tests may have run something since.
    runs = json.loads(plait(project, "runs", "--json").stdout)
    page.goto("/")
    expect(page).to_have_url(re.compile("/runs$"))
    expect(rows(page)).to_have_count(1 + len(runs))
    for position in (0, len(runs) - 1):
        expect(rows(page).nth(1 + position)).to_contain_text(runs[position]["id"])
        expect(rows(page).nth(1 + position)).to_contain_text(runs[position]["status"])


def test_the_filter_is_text_and_the_address(page, project):
    # Other tests may have run it once more.
    listed = json.loads(plait(project, "runs", "--json", "--pipeline", "learning", "--limit", "500").stdout)
    fitting = sum(float(one["params"]["rate"]) > 0.2 for one in listed)
    assert fitting >= 2
    page.goto("/runs")
    expect(rows(page).nth(1)).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("pipeline:learning rate>0.2")
    expect(rows(page)).to_have_count(1 + fitting)
    expect(page).to_have_url(re.compile(r"q=pipeline%3Alearning(\+|%20)rate%3E0\.2"))
    page.reload()
    expect(rows(page)).to_have_count(1 + fitting)
    expect(page.get_by_label("Filter runs")).to_have_value("pipeline:learning rate>0.2")


def test_a_wrong_word_of_the_filter_names_the_nearest(page):
    page.goto("/runs?q=stauts:failed")
    expect(page.get_by_text("status", exact=False).filter(has_text="stauts:failed")).to_be_visible()


def test_typing_completes_keys_and_values(page):
    page.goto("/runs")
    page.get_by_label("Filter runs").click()
    page.keyboard.type("pipeline:le")
    page.get_by_role("option", name="learning").click()
    expect(page).to_have_url(re.compile("q=pipeline%3Alearning"))
    expect(rows(page).filter(has_text="training")).to_have_count(0)
    expect(rows(page).nth(3)).to_contain_text("learning")


def test_a_metric_becomes_a_column_with_its_curve_and_stays_one(page):
    page.goto("/runs?q=pipeline:learning")
    page.get_by_role("button", name="Columns").click()
    page.get_by_role("checkbox", name=re.compile("^final")).check()
    page.get_by_role("checkbox", name=re.compile("^loss")).check()
    page.keyboard.press("Escape")
    expect(page.get_by_role("columnheader", name="final")).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("^loss: from")).nth(2)).to_be_visible()
    page.get_by_role("button", name="final").click()
    expect(page).to_have_url(re.compile("sort=metric%3Afinal"))
    page.goto("/runs")
    expect(page.get_by_role("columnheader", name="final")).to_be_visible()


def test_views_are_saved_under_a_name(page):
    page.goto("/runs?q=pipeline:training")
    page.get_by_role("button", name="Views").click()
    page.get_by_role("menuitem", name="Save this view …").click()
    page.get_by_label("Name").fill("Only training")
    page.keyboard.press("Enter")
    page.goto("/runs")
    page.get_by_role("button", name="Views").click()
    page.get_by_role("menuitem", name="Only training").click()
    expect(rows(page)).to_have_count(1 + 3)


def test_tags_notes_and_pins_are_given_from_the_table(page, project):
    page.goto("/runs?q=pipeline:training")
    run = rows(page).nth(1)
    run.get_by_role("button", name=re.compile("^Actions for")).click()
    page.get_by_role("menuitem", name="Tags …").click()
    page.get_by_role("textbox", name=re.compile("^Tags")).fill("nightly")
    page.get_by_role("button", name="Save").click()
    expect(run.get_by_role("link", name="nightly")).to_be_visible()
    run.get_by_role("button", name=re.compile("^Actions for")).click()
    page.get_by_role("menuitem", name=re.compile("^Pin")).click()
    expect(run.get_by_role("img", name="pinned")).to_be_visible()
    run.get_by_role("link", name="nightly").click()
    expect(rows(page)).to_have_count(1 + 1)


def test_runs_of_another_terminal_appear_while_one_looks(page, project):
    page.goto("/runs?q=tag:elsewhere")
    expect(page.get_by_text("No run matches this filter")).to_be_visible()
    words = ("run", "waiting", "items=2", "seconds=0.1", "--run-tag", "elsewhere")
    assert plait(project, *words).returncode == 0
    expect(rows(page).nth(1)).to_contain_text("done")


def test_runs_by_pipeline_show_how_each_went_lately(page):
    page.goto("/runs")
    page.get_by_role("button", name="By pipeline").click()
    group = page.get_by_role("listitem").filter(has_text="halving")
    expect(group).to_contain_text("1 failed")
    group.get_by_role("link", name=re.compile("failed")).first.click()
    expect(page).to_have_url(re.compile("/runs/[a-z0-9]+"))


def test_text_of_users_is_text(page):
    page.goto("/runs?q=status:failed")
    expect(rows(page).nth(1)).to_be_visible()
    assert page.title() != "taken"
