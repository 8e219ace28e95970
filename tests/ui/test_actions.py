"""Does each thing that can be done with runs from the page do it, and say so?"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.ui.conftest import Server
from tests.ui.project import plait
from tests.ui.test_runs import rows

FLOW = """
import pathlib, time

from plait import each, pipeline, step


@step
def draw(seed: int) -> int:
    return seed * 7


@pipeline
def quick(seed: int = 1) -> int:
    return draw(seed)


@step(cache=False)
def open_door(door: str) -> str:
    if not pathlib.Path(door).exists():
        raise FileNotFoundError(f"{door} is not there yet")
    return door


@step
def prepare() -> int:
    return 1


@pipeline
def doors(door: str = "door.txt") -> str:
    prepare()
    return open_door(door)


@step(cache=False)
def nap(number: int) -> int:
    end = time.time() + 120
    while time.time() < end:
        time.sleep(0.05)
    return number


@pipeline
def naps(count: int = 3) -> int:
    return nap(count)
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of its own: what is done here is not undone."""
    folder = tmp_path_factory.mktemp("actions")
    (folder / "flow.py").write_text(FLOW)
    for words in (["quick"], ["quick", "seed=2"], ["quick", "seed=3"], ["quick", "seed=4"], ["doors"]):
        done = plait(folder, "run", f"flow.py:{words[0]}", *words[1:], "--executor", "inline", "-q")
        assert done.returncode == (words == ["doors"]), done.stderr
    return folder


@pytest.fixture(scope="module")
def own(place: Path, built: Path) -> Iterator[Server]:
    running = Server(place)
    yield running
    running.close()


@pytest.fixture
def page(visit, own) -> Page:
    return visit(own)


def recorded(place: Path, *words: str) -> list[dict]:
    return json.loads(plait(place, "runs", "--json", *words).stdout)


def act(page: Page, run: Locator, what: str) -> None:
    run.get_by_role("button", name=re.compile("^Actions for")).click()
    page.get_by_role("menuitem", name=what, exact=True).click()


def row(page: Page, text: str) -> Locator:
    return rows(page).filter(has_text=text)


def message(page: Page, text: str) -> Locator:
    return page.get_by_role("region", name="Messages").get_by_text(text)


def test_a_failed_run_is_resumed_once_its_cause_is_gone(page, place):
    page.goto("/runs?q=pipeline:doors")
    expect(rows(page).nth(1)).to_contain_text("failed")
    rows(page).nth(1).get_by_role("link").first.click()
    expect(page.get_by_text("door.txt is not there yet").first).to_be_visible()
    (place / "door.txt").write_text("open")
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("done")
    expect(page.get_by_text("door.txt is not there yet")).to_have_count(0)
    # It is the same run that went on, and what was done stayed done.
    [run] = recorded(place, "--pipeline", "doors")
    assert run["status"] == "done"
    page.get_by_role("button", name="More to do with this run").click()
    expect(page.get_by_role("menuitem", name="Resume")).to_be_disabled()


def test_a_run_is_cancelled_while_it_works(page, place):
    run = start_in_background(place, "naps")
    page.goto("/runs?q=pipeline:naps")
    expect(rows(page).nth(1)).to_contain_text("running")
    act(page, rows(page).nth(1), "Cancel")
    expect(message(page, "is being cancelled")).to_be_visible()
    expect(rows(page).nth(1)).to_contain_text("cancelled")
    assert run.wait(60) != 0
    assert recorded(place, "--pipeline", "naps")[0]["status"] == "cancelled"


def test_a_run_is_cancelled_from_its_own_page(page, place):
    process = start_in_background(place, "naps", "count=4")
    page.goto("/runs?q=pipeline:naps status:running")
    rows(page).nth(1).get_by_role("link").first.click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("cancelled")
    assert process.wait(60) != 0


def start_in_background(place: Path, pipeline: str, *words: str):
    import subprocess
    import sys

    from tests.ui.project import environment

    return subprocess.Popen(
        [sys.executable, "-m", "plait", "run", f"flow.py:{pipeline}", *words, "--workers", "1", "-q"],
        cwd=place,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def test_a_run_is_run_again_as_it_was(page, place):
    page.goto("/runs?q=pipeline:quick seed=2")
    expect(rows(page)).to_have_count(1 + 1)
    act(page, rows(page).nth(1), "Run again")
    expect(page).to_have_url(re.compile("/runs/[a-z0-9]+"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("done")
    newest = recorded(place, "--pipeline", "quick")[0]
    assert newest["id"] in page.url
    assert newest["params"]["seed"] == 2


def test_a_run_gets_a_name_a_note_and_tags(page, place):
    page.goto("/runs?q=pipeline:quick seed=3")
    run = rows(page).nth(1)
    act(page, run, "Name …")
    page.get_by_label("Name", exact=True).fill("the third")
    page.keyboard.press("Enter")
    expect(run).to_contain_text("the third")
    act(page, run, "Note …")
    page.get_by_label("Note", exact=True).fill("<b>not</b> good enough")
    page.get_by_role("button", name="Save").click()
    expect(message(page, "Note saved")).to_be_visible()
    act(page, run, "Tags …")
    page.get_by_label("Tags, separated by spaces").fill("two words")
    page.get_by_role("button", name="Save").click()
    expect(run.get_by_role("link", name="words")).to_be_visible()
    run.get_by_role("link").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("the third")
    expect(page.get_by_text("<b>not</b> good enough")).to_be_visible()
    [kept] = recorded(place, "--tag", "words")
    assert (kept["name"], kept["note"], kept["tags"]) == (
        "the third",
        "<b>not</b> good enough",
        ["two", "words"],
    )


def test_a_pinned_run_stays_though_one_deletes_it(page, place):
    page.goto("/runs?q=pipeline:quick seed=4")
    run = rows(page).nth(1)
    act(page, run, "Pin: gc keeps it")
    expect(run.get_by_role("img", name="pinned")).to_be_visible()
    act(page, run, "Delete …")
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("alert").filter(has_text="pinned")).to_be_visible()
    expect(rows(page)).to_have_count(1 + 1)
    act(page, run, "Unpin")
    expect(run.get_by_role("img", name="pinned")).to_have_count(0)
    act(page, run, "Delete …")
    page.get_by_role("dialog").get_by_role("button", name="Keep").click()
    expect(rows(page)).to_have_count(1 + 1)
    act(page, run, "Delete …")
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("No run matches this filter")).to_be_visible()
    assert [one for one in recorded(place, "--pipeline", "quick") if one["params"]["seed"] == 4] == []


def test_many_runs_are_tagged_pinned_and_deleted_at_once(page, place):
    for _ in range(3):
        assert plait(place, "run", "flow.py:quick", "seed=9", "--executor", "inline", "-q").returncode == 0
    page.goto("/runs?q=pipeline:quick seed=9")
    expect(rows(page)).to_have_count(1 + 3)
    toolbar = page.get_by_role("toolbar", name="Selected runs")
    rows(page).nth(1).get_by_role("checkbox").check()
    rows(page).nth(3).get_by_role("checkbox").click(modifiers=["Shift"])
    expect(toolbar).to_contain_text("3 runs selected")
    toolbar.get_by_role("button", name="Tag").click()
    page.get_by_label("Tags, separated by spaces").fill("batch")
    page.get_by_role("button", name="Save").click()
    expect(rows(page).get_by_role("link", name="batch")).to_have_count(3)
    toolbar.get_by_role("button", name="Pin", exact=True).click()
    expect(rows(page).get_by_role("img", name="pinned")).to_have_count(3)
    toolbar.get_by_role("button", name="Unpin").click()
    expect(rows(page).get_by_role("img", name="pinned")).to_have_count(0)
    rows(page).nth(2).get_by_role("checkbox").uncheck()
    expect(toolbar).to_contain_text("2 runs selected")
    toolbar.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog", name="Delete 2 runs?").get_by_role("button", name="Delete").click()
    expect(rows(page)).to_have_count(1 + 1)
    expect(toolbar).to_have_count(0)
    assert len(recorded(place, "--tag", "batch")) == 1


def test_several_runs_are_cancelled_at_once(page, place):
    working = [start_in_background(place, "naps", f"count={count}") for count in (5, 6)]
    page.goto("/runs?q=pipeline:naps status:running")
    expect(rows(page)).to_have_count(1 + 2)
    for at in (1, 2):
        rows(page).nth(at).get_by_role("checkbox").check()
    page.get_by_role("toolbar", name="Selected runs").get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("No run matches this filter")).to_be_visible()
    assert [process.wait(60) != 0 for process in working] == [True, True]


def test_what_a_clean_up_frees_is_counted_asked_about_and_then_gone(page, place):
    before = recorded(place)
    page.goto("/project?tab=disk")
    page.get_by_label("Keep runs of the last").fill("soon")
    page.get_by_role("button", name="What would go?").click()
    expect(page.get_by_role("alert")).to_contain_text("soon")
    page.get_by_label("Keep runs of the last").fill("")
    page.get_by_label("and the last runs of each pipeline").fill("1")
    page.get_by_role("button", name="What would go?").click()
    pipelines = {one["pipeline"] for one in before}
    expect(page.get_by_role("main")).to_contain_text(f"{len(before) - len(pipelines)} runs and")
    page.get_by_role("button", name="Remove them …").click()
    page.get_by_role("dialog").get_by_role("button", name="Keep").click()
    assert len(recorded(place)) == len(before)
    page.get_by_role("button", name="Remove them …").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(message(page, "Freed")).to_be_visible()
    assert len(recorded(place)) == len(pipelines)
