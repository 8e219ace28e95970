"""Do graph, timeline and detail of a run move together, for a run of any width?"""

from __future__ import annotations

import json
import re

from playwright.sync_api import Page, expect

from tests.ui.project import plait


def node(page: Page, text: str):
    return page.locator(".react-flow__node").filter(has_text=re.compile(text)).first


def tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=re.compile(f"^{name}")).click()


def test_what_is_selected_in_one_pane_is_selected_in_all(page, shown):
    page.goto(f"/runs/{shown['story']}")
    node(page, "^train").click()
    expect(page).to_have_url(re.compile("step=train"))
    detail = page.get_by_role("region", name="Detail")
    expect(detail.get_by_role("navigation")).to_contain_text("train")
    lane = page.get_by_role("region", name="Timeline").get_by_role("button", name="train", exact=True)
    expect(lane).to_have_class(re.compile("here"))
    page.get_by_role("region", name="Timeline").get_by_role("button", name="look", exact=True).click()
    expect(page).to_have_url(re.compile("step=look"))
    expect(detail.get_by_text("Log something of every kind.")).to_be_visible()
    expect(node(page, "^look").locator("[class*=selected]")).to_have_count(1)
    page.go_back()
    expect(detail.get_by_role("navigation")).to_contain_text("train")
    page.keyboard.press("u")
    expect(page).not_to_have_url(re.compile("step="))
    tab(page, "Steps")
    page.get_by_role("grid", name="Steps").get_by_role("row").filter(has_text="praise").click()
    expect(page).to_have_url(re.compile("step=praise"))


def test_the_graph_tells_branches_loops_and_retries(page, shown):
    page.goto(f"/runs/{shown['story']}")
    expect(node(page, "not taken")).to_be_visible()
    expect(node(page, "refine.*rounds")).to_be_visible()
    page.goto(f"/runs/{shown['story']}?step=prepare.fetch")
    tries = page.get_by_role("radiogroup", name="Attempts")
    expect(tries.get_by_role("radio")).to_have_count(3)
    tries.get_by_role("radio").first.click()
    expect(page).to_have_url(re.compile("attempt=1"))
    expect(page.get_by_text("reset by peer, try 1").first).to_be_visible()
    tab(page, "Resources")
    expect(page.get_by_role("table", name="Attempts").get_by_role("row")).to_have_count(4)


def test_a_wide_map_is_one_node_a_strip_and_a_table_with_the_failed_first(page, shown):
    page.goto(f"/runs/{shown['wide']}?step=square")
    expect(page.locator(".react-flow__node").filter(has_text="20 000/20 000")).to_have_count(1)
    table = page.get_by_role("grid", name="Tasks of square")
    expect(table.get_by_role("row").nth(1)).to_contain_text("4999")
    expect(table.get_by_role("row").nth(4)).to_contain_text("19999")
    expect(table.get_by_role("row").nth(5)).to_contain_text("done")
    table.evaluate("grid => grid.scrollTop = 28 * 10_000")
    # Four that failed come first: the row of place 10,000 is that of task 9,997.
    expect(table.get_by_role("row").filter(has_text=re.compile("^9997"))).to_be_visible()
    assert table.get_by_role("row").count() < 100
    page.get_by_role("button", name=re.compile("^failed")).click()
    expect(page).to_have_url(re.compile("state=failed"))
    expect(table).to_have_attribute("aria-rowcount", "5")
    strip = page.get_by_role("slider", name=re.compile("Tasks of square"))
    strip.focus()
    page.keyboard.press("End")
    expect(strip).to_have_attribute("aria-valuetext", re.compile("failed"))
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"task=square%5B19"))


def test_a_map_of_many_scrolls_without_stops(page, shown):
    page.goto(f"/runs/{shown['wide']}?step=square&sort=index")
    table = page.get_by_role("grid", name="Tasks of square")
    expect(table.get_by_role("row").nth(1)).to_contain_text("done")
    seen = table.evaluate(
        """async grid => {
          let empty = 0, frames = 0;
          for (let at = 0; at < 90; at++) {
            grid.scrollTop += 160;
            await new Promise(requestAnimationFrame);
            frames++;
            const box = grid.getBoundingClientRect();
            if (!document.elementFromPoint(box.left + 60, box.top + box.height / 2)?.closest('[role=row]')) empty++;
          }
          return [frames, empty, grid.querySelectorAll('[role=row]').length];
        }"""
    )
    assert seen[1] == 0, "a frame showed no rows"
    assert seen[2] < 100, "rows out of sight are drawn"


def test_a_run_that_is_over_is_asked_for_once(page, shown):
    asked = []
    page.on("request", lambda one: asked.append(one.url) if f"/runs/{shown['story']}" in one.url else None)
    page.goto(f"/runs/{shown['story']}")
    expect(node(page, "^train")).to_be_visible()
    expect(page.get_by_role("application", name=re.compile("^Timeline of"))).to_be_visible()
    page.wait_for_timeout(1500)  # the stream has said by now that it is over
    assert sorted(asked) == sorted(set(asked))


def test_the_timeline_is_zoomed_by_brush_and_keys(page, shown):
    page.goto(f"/runs/{shown['story']}")
    picture = page.get_by_role("application", name=re.compile("^Timeline of"))
    box = picture.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 40, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + 160, box["y"] + 40, steps=4)
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"from=.*to=|to=.*from="))
    page.get_by_role("button", name="Whole run").click()
    expect(page).not_to_have_url(re.compile("from="))
    picture.focus()
    page.keyboard.press("+")
    expect(page).to_have_url(re.compile("from="))
    page.keyboard.press("0")
    expect(page).not_to_have_url(re.compile("from="))
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("(step|task)="))
    page.get_by_role("radio", name="Workers").click()
    expect(page).to_have_url(re.compile("lane=worker"))


def test_the_critical_path_and_a_search_show_in_the_graph(page, shown):
    page.goto(f"/runs/{shown['story']}")
    page.get_by_role("button", name="Critical path").click()
    expect(page.locator(".react-flow__node [class*=critical]").first).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("train")
    expect(node(page, "^look").locator("[class*=dimmed]")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("step=train"))
    page.get_by_role("button", name="Save the picture").click()
    with page.expect_download() as saved:
        page.get_by_role("menuitem", name="Save as SVG").click()
    drawn = saved.value.path().read_text()
    assert drawn.startswith("<svg")
    assert "train" in drawn


def test_groups_fold_and_open_and_the_address_knows(page, shown):
    page.goto(f"/runs/{shown['story']}")
    fold = page.get_by_role("button", name=re.compile("^Fold prepare "))
    fold.click()
    expect(page).to_have_url(re.compile("folded=[^&]*prepare"))
    expect(node(page, "1 step")).to_be_visible()
    page.reload()
    expect(node(page, "1 step")).to_be_visible()
    page.get_by_role("button", name="Open prepare").click()
    expect(node(page, "^fetch")).to_be_visible()


def test_a_task_tells_its_code_why_it_ran_and_how_to_run_it_again(page, shown):
    run = shown["story"]
    page.goto(f"/runs/{run}?step=train")
    expect(page.get_by_text(f"plait logs {run} train")).to_be_visible()
    tab(page, "Code")
    code = page.get_by_label(re.compile("^Source of .*train"))
    expect(code).to_contain_text('"""Learn for a while."""')
    expect(code).to_contain_text("<script>document.title='taken'</script>")
    tab(page, "Why")
    expect(page.get_by_text(f"plait why {run} train")).to_be_visible()
    tab(page, "Metrics")
    expect(page.get_by_role("img", name=re.compile("^loss over step"))).to_be_visible()
    page.get_by_role("radio", name="time").click()
    expect(page.get_by_role("img", name=re.compile("^loss over time"))).to_be_visible()


def test_the_keys_walk_from_failure_to_failure(page, shown):
    page.goto(f"/runs/{shown['wide']}")
    expect(page.get_by_role("button", name=re.compile(r"^square\[4999\]"))).to_be_visible()
    page.keyboard.press("x")
    expect(page).to_have_url(re.compile(r"task=square%5B4999%5D"))
    expect(page.get_by_text("4999 is too much").first).to_be_visible()
    page.keyboard.press("x")
    expect(page).to_have_url(re.compile(r"task=square%5B9999%5D"))
    expect(page.get_by_text("9999 is too much").first).to_be_visible()
    page.keyboard.press("]")
    expect(page).to_have_url(re.compile(r"task=square%5B10000%5D"))
    page.keyboard.press("u")
    expect(page).to_have_url(re.compile(r"step=square"))


def test_a_narrow_page_shows_one_pane_at_a_time(visit, shown):
    page = visit(width=390)
    page.goto(f"/runs/{shown['story']}")
    tab(page, "Graph")
    node(page, "^train").click()
    expect(page.get_by_role("tab", name="Detail", exact=True)).to_have_attribute("aria-selected", "true")
    expect(page.get_by_text("Learn for a while.")).to_be_visible()


def test_a_task_tells_what_differs_from_the_nearest_earlier_result(page, project):
    runs = json.loads(plait(project, "runs", "--json", "--pipeline", "learning").stdout)
    changed = next(run for run in runs if run["params"]["rate"] == 0.3)
    page.goto(f"/runs/{changed['id']}?task=learn%5B0%5D&tab=why")
    why = page.get_by_role("region", name="Why")
    expect(why.get_by_role("listitem").filter(has_text="rate")).to_contain_text("0.1 → 0.3")
    expect(why.get_by_role("link", name=re.compile(r"^learn\[0\] of"))).to_be_visible()


def test_elements_of_a_map_are_told_as_on_the_command_line(page, project):
    [run, *_] = json.loads(plait(project, "runs", "--json", "--pipeline", "halving").stdout)
    page.goto(f"/runs/{run['id']}?step=halve")
    table = page.get_by_role("grid", name="Tasks of halve")
    expect(table.get_by_role("row").nth(1)).to_contain_text("number=5")
    table.get_by_role("row").nth(1).click()
    expect(page.get_by_role("region", name="Detail").get_by_text("number=5", exact=True)).to_be_visible()


def test_the_logs_of_a_step_are_those_of_all_its_tasks(page, project):
    [run, *_] = json.loads(plait(project, "runs", "--json", "--pipeline", "halving").stdout)
    page.goto(f"/runs/{run['id']}?step=halve")
    page.get_by_role("tab", name="Logs").last.click()
    for number in (2, 4, 5, 8):
        expect(page.get_by_role("log")).to_contain_text(f"halving {number}")


def test_a_task_that_says_how_far_it_is_shows_it(page, shown):
    page.goto(f"/runs/{shown['gallery']}?step=hostile")
    bar = page.get_by_role("progressbar", name="Progress")
    expect(bar).to_have_attribute("value", "3")
    expect(bar).to_have_attribute("max", "4")
    expect(page.get_by_text("3 of 4", exact=True)).to_be_visible()
