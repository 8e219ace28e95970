"""How soon does the page of the largest run show itself, and how does its map scroll? `browser.py N [TIMES]`

In a headless Chromium, on the store of `big_store.py`. First paint: from the address to the first contentful paint, of
loads without a cache. Scrolling: the time between frames while the table of the map moves by a screen and more a frame.
"""

import os
import shutil
import sys

from endpoints import Server
from playwright.sync_api import sync_playwright
from stopwatch import tell

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]

PAINT = """() => new Promise((resolve) => {
  const seen = () => performance.getEntriesByName("first-contentful-paint")[0]?.startTime;
  if (seen()) return resolve(seen());
  new PerformanceObserver(() => seen() && resolve(seen())).observe({ type: "paint", buffered: true });
})"""

SCROLL = """async (grid) => {
  const frames = [];
  let last = await new Promise(requestAnimationFrame);
  for (let at = 0; at < 240; at++) {
    grid.scrollTop += 900;
    const now = await new Promise(requestAnimationFrame);
    frames.push(now - last);
    last = now;
  }
  return frames;
}"""


def main():
    times = int(sys.argv[2]) if len(sys.argv) > 2 else 10
    server = Server()
    try:
        run = server.get("/runs?q=pipeline:large")["items"][0]["id"]
        base = f"http://127.0.0.1:{server.port}"
        with sync_playwright() as started:
            path = os.environ.get("PLAIT_CHROMIUM") or shutil.which("chromium")
            browser = started.chromium.launch(executable_path=path, args=FLAGS)
            paints, shown = [], []
            for _ in range(times):
                page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
                page.goto(f"{base}/runs/{run}")
                paints.append(page.evaluate(PAINT))
                page.get_by_role("main").get_by_text("large").first.wait_for()
                shown.append(page.evaluate("performance.now()"))
                page.context.close()
            page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
            page.goto(f"{base}/runs/{run}?step=fit")
            grid = page.get_by_role("grid").first
            grid.get_by_role("gridcell").first.wait_for()
            page.wait_for_timeout(1000)
            frames = grid.evaluate(SCROLL)
            rows = int(grid.get_attribute("aria-rowcount") or 0)
            browser.close()
    finally:
        server.close()
    assert rows > 0.8 * int(sys.argv[1]), f"the table has {rows} rows"
    report = {}
    for name, values in (
        ("page of the run: first paint", paints),
        ("page of the run: its facts are there", shown),
        ("map of 0.9 n items scrolls: a frame", frames),
    ):
        values.sort()
        report |= {
            f"{name}|p50": values[len(values) // 2],
            f"{name}|p95": values[min(len(values) - 1, int(0.95 * len(values)))],
            f"{name}|cpu": 0.0,
        }
    report["page of the run: first paint|limit"] = 1500.0
    report["page of the run: its facts are there|limit"] = 1500.0
    report["map of 0.9 n items scrolls: a frame|limit"] = 20.0  # 50 frames a second
    tell(**report)


main()
