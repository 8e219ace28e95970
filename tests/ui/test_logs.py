"""Is a log of any length at hand: its end, its errors, what it says of something, and what is being written?"""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect


def log(page: Page):
    return page.get_by_role("log")


def test_a_million_lines_are_gone_through(page, shown):
    page.goto(f"/runs/{shown['talking']}?tab=logs&line=700000")
    expect(log(page)).to_have_attribute("aria-label", re.compile(r"1\s000\s0"))
    expect(log(page).get_by_role("button", name="700001", exact=True)).to_be_visible()
    log(page).focus()
    page.keyboard.press("End")
    expect(log(page).get_by_text("json.decoder.JSONDecodeError").last).to_be_visible()
    page.keyboard.press("Home")
    expect(log(page).get_by_text("read shard 0", exact=True)).to_be_visible()
    assert log(page).locator("[class*=row]").count() < 200
    page.keyboard.press("e")
    expect(log(page).get_by_text("shard 249999 cannot be read")).to_be_visible()
    expect(page).to_have_url(re.compile("line=250000"))


def test_a_stack_trace_folds_the_frames_of_libraries(page, shown):
    page.goto(f"/runs/{shown['talking']}?tab=logs&line=250001")
    expect(log(page).get_by_text('json.loads("{")')).to_be_visible()
    fold = log(page).get_by_role("button", name=re.compile("frames of json"))
    expect(fold).to_be_visible()
    expect(log(page).get_by_text("raw_decode")).to_have_count(0)
    fold.click()
    expect(log(page).get_by_text("raw_decode").first).to_be_visible()
    log(page).get_by_role("button", name="Fold these frames").click()
    expect(fold).to_be_visible()


def test_lines_are_searched_and_filtered(page, shown):
    page.goto(f"/runs/{shown['talking']}?tab=logs")
    expect(log(page).get_by_text("read shard 0", exact=True)).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("shard 77777")
    status = page.get_by_role("toolbar", name="Log").get_by_role("status")
    # 77777 itself, and 777770 to 777779.
    expect(status).to_have_text(re.compile("^11$"))
    page.keyboard.press("Enter")
    expect(log(page).locator("mark").first).to_be_visible()
    expect(page).to_have_url(re.compile("line=77777"))
    page.get_by_role("button", name="Only lines that match").click()
    expect(log(page)).to_have_attribute("aria-label", "Log, 11 lines")
    page.get_by_role("button", name="Regular expression").click()
    page.get_by_label("Search the log").fill("shard 7{6}$")
    expect(log(page)).to_have_attribute("aria-label", "Log, 1 lines")
    page.get_by_label("Search the log").fill("shard (")
    expect(status).to_have_text("no expression yet")
    page.get_by_label("Search the log").fill("")
    page.get_by_label("Level").select_option("40")
    expect(log(page).get_by_text("shard 749999 cannot be read")).to_be_visible()
    expect(log(page).get_by_text("read shard", exact=False)).to_have_count(0)


def test_markup_in_a_log_is_text(page, shown):
    page.goto(f"/runs/{shown['story']}?step=train&tab=logs")
    expect(log(page).get_by_text("epoch 3 ok <script>document.title='taken'</script>")).to_be_visible()
    assert page.title() != "taken"


def test_the_tail_is_followed_until_one_scrolls(page):
    page.goto("/pipelines/waiting?tab=run")
    page.get_by_label("items", exact=True).fill("200")
    page.get_by_label("seconds", exact=True).fill("0.05")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page).to_have_url(re.compile("/runs/[a-z0-9]+"))
    page.get_by_role("tab", name=re.compile("^Logs")).click()
    # More lines than fit, so that the end is not in sight by itself.
    expect(log(page)).to_have_attribute("aria-label", re.compile(r"Log, ([5-9]\d|1\d\d) lines"))
    expect(page.get_by_role("button", name="Following")).to_be_visible()
    log(page).hover()
    page.mouse.wheel(0, -300)
    expect(page.get_by_role("button", name="Following")).to_have_count(0)
    top = log(page).evaluate("log => log.scrollTop")
    total = log(page).get_attribute("aria-label")
    expect(log(page)).not_to_have_attribute("aria-label", total)
    assert log(page).evaluate("log => log.scrollTop") == top
    page.keyboard.press("f")
    expect(page.get_by_role("button", name="Following")).to_be_visible()


def test_long_lines_wrap_where_one_wants_them_to(visit, shown):
    page = visit(width=390)
    page.goto(f"/runs/{shown['gallery']}?step=hostile&tab=logs")
    line = log(page).get_by_text("<script>document.title='taken'</script> <img", exact=False)
    expect(line).to_be_visible()
    scrolled = "log => log.scrollWidth - log.clientWidth"
    assert log(page).evaluate(scrolled) > 0
    page.get_by_role("button", name="Wrap long lines").click()
    expect(page.get_by_role("button", name="Wrap long lines")).to_have_attribute("aria-pressed", "true")
    assert log(page).evaluate(scrolled) == 0
    assert line.bounding_box()["height"] >= 18 * 2


def test_the_end_of_a_long_log_is_seen_when_its_lines_wrap(visit, shown):
    page = visit(width=390)
    page.goto(f"/runs/{shown['talking']}?step=talk&tab=logs")
    expect(log(page).get_by_text("read shard 0", exact=True)).to_be_visible()
    page.get_by_role("button", name="Wrap long lines").click()
    log(page).focus()
    page.keyboard.press("End")
    expect(log(page).get_by_text("json.decoder.JSONDecodeError").last).to_be_in_viewport()
    page.keyboard.press("Home")
    expect(log(page).get_by_text("read shard 0", exact=True)).to_be_in_viewport()


def test_a_link_to_a_line_leads_to_it_when_lines_wrap(visit, shown):
    page = visit(width=390)
    address = f"/runs/{shown['wordy']}?step=tell&tab=logs"
    page.goto(address)
    page.get_by_role("button", name="Wrap long lines").click()
    for line in (150, 3, 288, 299, 271, 0):
        page.goto(f"{address}&line={line}")
        expect(log(page).locator(f"[data-line='{line}']")).to_be_in_viewport(ratio=1)
    log(page).focus()
    page.keyboard.press("End")
    last = log(page).locator("[data-line='299']")
    expect(last).to_be_in_viewport(ratio=1)
    box = last.bounding_box()
    log(page).hover()
    page.mouse.wheel(0, -90)  # what is scrolled back from the end moves at once
    expect(last).not_to_be_in_viewport(ratio=1)
    assert box is not None
    for _ in range(40):  # and every line comes into sight on the way up
        page.mouse.wheel(0, -60)
    expect(last).to_have_count(0)
