"""Can everybody use it? axe-core finds nothing on any page, light and dark, wide and narrow."""

import json
import re
import urllib.request

import pytest
from playwright.sync_api import expect

from tests.ui.conftest import ROOT

PAGES = {
    "runs": ("/runs?columns=metric%3Afinal%2Cmetric%3Aloss", "grid", "Runs"),
    "no runs": ("/runs?q=pipeline%3Anothing", "heading", "No run matches this filter"),
    "by pipeline": ("/runs?group=pipeline", "link", "halving"),
    "run": ("/runs/{run}", None, None),
    "failed task": ("/runs/{run}?task=halve%5B2%5D", None, None),
    "logs": ("/runs/{run}?tab=logs", "log", None),
    "step's logs": ("/runs/{run}?step=halve&tab=logs", "log", None),
    "items": ("/runs/{run}?step=halve", "grid", "Tasks of halve"),
    "why": ("/runs/{changed}?task=learn%5B0%5D&tab=why", "region", "Why"),
    "code": ("/runs/{changed}?task=learn%5B0%5D&tab=code", None, None),
    "metrics": ("/runs/{changed}?tab=metrics", "img", re.compile("^loss")),
    "environment": ("/runs/{changed}?tab=environment", "region", "Environment"),
    "table": ("/artifacts/{frame}?run={story}&task=look", "grid", "Table"),
    "no value": ("/artifacts/0123abcd", "alert", None),
    "too few": ("/compare?runs={run}", "heading", "Nothing to compare yet"),
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

SETTLED = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done())))"
AXE = ROOT / "ui/node_modules/axe-core/axe.min.js"


@pytest.fixture(scope="module")
def ids(server, shown):
    """Runs and values to put into addresses."""

    def ask(path: str):
        with urllib.request.urlopen(f"{server.url}/api/v1{path}") as answer:
            return json.load(answer)

    def runs(pipeline: str) -> list[str]:
        return [run["id"] for run in ask(f"/runs?q=pipeline%3A{pipeline}")["items"]]

    learned = runs("learning")
    frame = ask(f"/runs/{shown['story']}/tasks/look")["objects"][0]
    return {
        "run": runs("halving")[0],
        "runs": ",".join(learned[:3]),
        "changed": learned[-2],
        "story": shown["story"],
        "frame": frame["value"]["artifact"],
    }


# What depends on colours alone is looked at for itself in the other scheme.
COLOURS = '{runOnly: {type: "rule", values: ["color-contrast", "link-in-text-block"]}}'
LOOKS = [(1280, "light", ""), (1280, "dark", COLOURS), (390, "dark", ""), (390, "light", COLOURS)]


@pytest.mark.parametrize("half", [0, 1])
def test_axe_finds_nothing_on_any_page_wide_or_narrow_light_or_dark(half, visit, ids):
    page = visit()
    axe = AXE.read_text()
    found = []
    for name, (address, role, words) in list(PAGES.items())[half::2]:
        page.set_viewport_size({"width": 1280, "height": 800})
        page.goto(address.format(**ids))
        page.wait_for_load_state("load")
        page.evaluate(axe)
        for width, scheme, rules in LOOKS:
            page.set_viewport_size({"width": width, "height": 800})
            # What fades in has its colours at once.
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            expect(page.get_by_role("main")).to_be_visible()
            if role:
                expect(page.get_by_role(role, name=words).first).to_be_visible()
            expect(page.get_by_role("heading", level=1).first).to_be_attached()
            page.evaluate(SETTLED)
            for one in page.evaluate(f"axe.run({rules})")["violations"]:
                where = one["nodes"][0]
                found.append(
                    f"{name} {width} {scheme}: {one['id']} {where['html'][:160]} {where['failureSummary'][:300]}"
                )
            overflow = page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            if overflow > 0:
                found.append(f"{name} {width} {scheme}: wider than the window by {overflow} px")
    assert found == [], "\n".join(found)
