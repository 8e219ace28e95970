"""Pictures of every page for docs/images: `plait ui --no-browser --port 4210` in the flights project, then this.

The project has several runs of `training`, one that failed (`grid=[{kind: linear, C: -1.0}]`), and one of anything that
writes a log.

python tools/screenshots.py [http://localhost:4210 [PAGE …]]
"""

from __future__ import annotations

import io
import json
import re
import shutil
import sys
import urllib.request
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
PAGES = {
    "runs": "/runs?columns=metric%3Aauc%2Cmetric%3Alog_loss",
    "run": "/runs/{done}",
    "task": "/runs/{failed}?task={failed_task}",
    "map": "/runs/{done}?step=fit",
    "why": "/runs/{changed}?task=clean&tab=why",
    "logs": "/runs/{talking}?tab=logs&line=22",
    "artifact": "/artifacts/{table}?run={done}&task=clean",
    "model": "/artifacts/{model}?run={done}&task=choose",
    "compare": "/compare?runs={runs}",
    "curves": "/compare?runs={talks}&tab=curves&metric=loss",
    "plots": "/compare?runs={runs}&tab=plots",
    "pipelines": "/pipelines",
    "pipeline": "/pipelines/training?step=fit",
    "grid": "/pipelines/training?tab=grid",
    "trends": "/pipelines/training?tab=trends",
    "launch": "/pipelines/training?tab=run",
    "catalog": "/catalog",
    "dataset": "/catalog/{dataset}",
    "lineage": "/catalog/{dataset}?tab=lineage",
    "project": "/project",
    "disk": "/project?tab=disk",
}
KINDS = {"light": ("light", 1280, 800), "dark": ("dark", 1280, 800), "narrow": ("light", 390, 844)}


def main() -> None:
    base = sys.argv[1] if len(sys.argv) > 1 else "http://localhost:4210"
    IMAGES.mkdir(parents=True, exist_ok=True)
    runs = ask(base, "/runs")["items"]
    trained = [run for run in runs if run["pipeline"] == "training" and run["status"] == "done"]
    talking = [run for run in runs if run["pipeline"] != "training" and run["status"] == "done"]
    failed = next(run["id"] for run in runs if run["status"] == "failed")
    first = trained[-1]["id"]
    names = {
        "done": first,
        "changed": trained[0]["id"],
        "failed": failed,
        "failed_task": ask(base, f"/runs/{failed}")["failures"][0]["task"],
        "talking": talking[0]["id"],
        "talks": ",".join(run["id"] for run in talking),
        "table": output(base, first, "clean", "clean"),
        "model": output(base, first, "choose", "model"),
        "runs": ",".join(run["id"] for run in trained),
        "dataset": "model",
    }
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        for kind, (scheme, width, height) in KINDS.items():
            page = browser.new_context(
                base_url=base, color_scheme=scheme, viewport={"width": width, "height": height}
            ).new_page()
            for name in sys.argv[2:] or PAGES:
                page.goto(PAGES[name].format(**names))
                settle(page, graph=name in {"run", "task", "map", "pipeline", "lineage"} and kind != "narrow")
                save(page.screenshot(), IMAGES / f"ui-{name}-{kind}.webp")
        browser.close()


def ask(base: str, path: str) -> Any:
    with urllib.request.urlopen(f"{base}/api/v1{path}") as answer:  # noqa: S310 - the server of one's own
        return json.load(answer)


def output(base: str, run: str, task: str, name: str) -> str:
    made = ask(base, f"/runs/{run}/tasks/{task}")["outputs"]
    return next(str(one["value"]["artifact"]) for one in made if one["name"] == name)


def settle(page: Page, *, graph: bool) -> None:
    page.get_by_role("main").wait_for()
    if graph:
        page.locator(".react-flow__node").first.wait_for(timeout=120_000)
    page.wait_for_timeout(3000)
    expect(page.get_by_text(re.compile("^(Reading|Loading|Placing|Measuring)"))).to_have_count(
        0, timeout=120_000
    )


def save(png: bytes, path: Path) -> None:
    Image.open(io.BytesIO(png)).convert("RGB").save(path, quality=72, method=6)


if __name__ == "__main__":
    main()
