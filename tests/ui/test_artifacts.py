"""Is each value shown as what it is, and nothing of it run that nobody asked for?"""

from __future__ import annotations

import re

from playwright.sync_api import expect


def test_logged_values_show_as_what_they_are(page, shown):
    page.goto(f"/runs/{shown['story']}?step=look")
    detail = page.get_by_role("region", name="Detail")
    # The first value that anybody looks at waits for pandas to be imported.
    expect(detail.get_by_role("cell", name="<b>LH1</b>", exact=True)).to_be_visible()
    expect(detail.get_by_text("3 000 × 2, the first 12 rows")).to_be_visible()
    expect(detail.get_by_text("3 × 4", exact=True)).to_be_visible()
    expect(detail.get_by_role("img", name=re.compile("^A Figure of"))).to_be_visible()
    frame = page.frame_locator("iframe[title=HTML]")
    expect(frame.get_by_text("before")).to_be_visible()
    expect(frame.get_by_text("scripts ran")).to_have_count(0)
    drawing = page.frame_locator("iframe[title=Drawing]")
    expect(drawing.get_by_text("drawn")).to_be_visible()
    detail.get_by_role("button", name="Run its scripts").click()
    expect(frame.get_by_text("scripts ran")).to_be_visible()
    assert page.title() != "taken"


def test_a_table_is_paged_sorted_and_described(page, shown):
    page.goto(f"/runs/{shown['story']}?step=look")
    page.get_by_role("button", name="All about frame").click()
    table = page.get_by_role("grid", name="Table")
    expect(table).to_have_attribute("aria-rowcount", "3001")
    expect(table.get_by_text("10 % missing")).to_be_visible()
    expect(table.get_by_role("img", name=re.compile("^from 1 to 2"))).to_be_visible()
    table.get_by_role("button", name="delay").click()
    table.get_by_role("button", name="delay").click()
    expect(table.get_by_role("row").nth(1)).to_contain_text("<b>LH2999</b>")
    table.evaluate("grid => grid.scrollTop = 26 * 1500")
    expect(table.get_by_role("row").nth(12)).to_contain_text("<b>LH")
    expect(page.get_by_text("Load in Python")).to_be_visible()
    expect(page.get_by_role("table", name="Made by")).to_contain_text("look")
    with page.expect_download() as saved:
        page.get_by_role("link", name="csv").click()
    assert saved.value.path().read_text().startswith("flight,delay")


def test_markdown_and_trees_show_markup_as_text(page, shown):
    page.goto(f"/runs/{shown['story']}?step=praise")
    detail = page.get_by_role("region", name="Detail")
    detail.get_by_role("button", name="praise", exact=True).last.click()
    expect(page.get_by_role("heading", name="Report")).to_be_visible()
    expect(page.get_by_text("<script>document.title='taken'</script>", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="a link")).to_have_count(0)
    page.goto(f"/runs/{shown['story']}?step=train")
    detail.get_by_role("button", name="train", exact=True).last.click()
    page.get_by_role("button", name=re.compile("layers")).click()
    assert page.title() != "taken"


def test_a_value_has_an_address_of_its_own(page, shown, server):
    page.goto(f"/runs/{shown['story']}?step=look")
    page.get_by_role("button", name="All about array").click()
    expect(page.get_by_role("heading", name="array")).to_be_visible()
    made = re.search(r"artifact=([0-9a-f]+)", page.url)
    assert made is not None
    page.goto(f"/artifacts/{made[1]}?run={shown['story']}&task=look")
    expect(page.get_by_text("float64", exact=True).first).to_be_visible()
    page.goto(f"/artifacts/{'0' * len(made[1])}")
    expect(page.get_by_role("heading", name="Nothing here by that name")).to_be_visible()


def test_a_table_is_downloaded_as_parquet_with_its_types(page, shown):
    import io

    import pandas as pd

    page.goto(f"/runs/{shown['story']}?step=look")
    page.get_by_role("button", name="All about frame").click()
    with page.expect_download() as saved:
        page.get_by_role("link", name="parquet").click()
    assert saved.value.suggested_filename.endswith(".parquet")
    table = pd.read_parquet(io.BytesIO(saved.value.path().read_bytes()))
    assert table.shape == (3000, 2)
    assert str(table["delay"].dtype) == "float64"


def test_a_model_is_shown_by_its_class_and_parameters(page, shown):
    page.goto(f"/runs/{shown['gallery']}?step=tree")
    page.get_by_role("button", name="All about tree").click()
    article = page.get_by_role("article")
    expect(article.get_by_text("DecisionTreeRegressor").first).to_be_visible()
    expect(article.get_by_text("max_depth", exact=True)).to_be_visible()
    expect(article.get_by_role("link", name="Download")).to_be_visible()
    expect(article.get_by_text("Load in Python")).to_be_visible()


def test_a_table_without_rows_says_its_columns(page, shown):
    page.goto(f"/runs/{shown['gallery']}?step=hostile")
    detail = page.get_by_role("region", name="Detail")
    expect(detail.get_by_role("columnheader", name="nothing")).to_be_visible()
    expect(detail.get_by_text("0 × 1", exact=True)).to_be_visible()
