"""Can everybody use it? axe-core finds nothing on any page, light and dark, wide and narrow."""

import re

import pytest
from playwright.sync_api import expect

from tests.ui.conftest import ROOT

PAGES = {
    "runs": ("/runs?columns=metric%3Afinal%2Cmetric%3Aloss", "grid", "Runs"),
    "no runs": ("/runs?q=pipeline%3Anothing", "heading", "No run matches this filter"),
    "by pipeline": ("/runs?group=pipeline", "link", "halving"),
    "run": ("/runs/{run}", None, None),
    "failed task": ("/runs/{run}?task=halve%5B2%5D", None, None),
    "logs": ("/runs/{run}?tab=logs", None, None),
    "compare": ("/compare?runs={runs}", "table", "Runs side by side"),
    "curves": ("/compare?runs={runs}&tab=curves&metric=loss", "img", re.compile("^loss of")),
    "plots": ("/compare?runs={runs}&tab=plots", "img", re.compile("^Parallel")),
    "outputs": ("/compare?runs={runs}&tab=outputs", None, None),
    "pipelines": ("/pipelines", "link", "halving"),
    "pipeline": ("/pipelines/training?step=fit", "complementary", "Step fit"),
    "grid": ("/pipelines/learning?tab=grid", "table", re.compile("^Steps of")),
    "trends": ("/pipelines/learning?tab=trends", "img", re.compile("^Duration of the runs")),
    "launch": ("/pipelines/learning?tab=run", "form", "Run learning"),
    "catalog": ("/catalog", "grid", "Datasets"),
    "dataset": ("/catalog/model", "heading", "In the catalog"),
    "writes": ("/catalog/model?tab=history", "table", "Writes"),
    "lineage": ("/catalog/model?tab=lineage", "group", "Lineage"),
    "project": ("/project", "heading", re.compile("trips")),
    "stack": ("/project?tab=stack", "heading", "Stack"),
    "activity": ("/project?tab=activity", None, None),
    "disk": ("/project?tab=disk", "heading", "Clean up"),
    "nowhere": ("/nowhere", "heading", "There is no page at this address"),
}

AXE = ROOT / "ui/node_modules/axe-core/axe.min.js"


@pytest.fixture(scope="module")
def ids(server):
    """Runs to put into addresses."""
    import json
    import urllib.request

    def ask(q: str) -> list[str]:
        with urllib.request.urlopen(f"{server.url}/api/v1/runs?q={q}") as answer:
            return [run["id"] for run in json.load(answer)["items"]]

    return {"run": ask("pipeline%3Ahalving")[0], "runs": ",".join(ask("pipeline%3Alearning")[:3])}


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_any_page(scheme, width, visit, ids):
    page = visit(width=width, scheme=scheme)
    axe = AXE.read_text()
    found = []
    for name, (address, role, words) in PAGES.items():
        page.goto(address.format(**ids))
        expect(page.get_by_role("main")).to_be_visible()
        if role:
            expect(page.get_by_role(role, name=words).first).to_be_visible()
        expect(page.get_by_role("heading", level=1).first).to_be_attached()
        page.wait_for_load_state("load")
        page.wait_for_timeout(300)  # what fades in has its colours then
        page.evaluate(axe)
        for one in page.evaluate("axe.run()")["violations"]:
            where = one["nodes"][0]
            found.append(f"{name}: {one['id']} {where['html'][:160]} {where['failureSummary'][:300]}")
        overflow = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        if overflow > 0:
            found.append(f"{name}: wider than the window by {overflow} px")
    assert found == [], "\n".join(found)
