"""What do the tests of the run page look at? Branches, loops, retries, values of every kind, a wide map, a long log."""

from __future__ import annotations

import json
from pathlib import Path

from tests.ui.project import plait

STORY = '''
"""A branch, a loop, retries, and values of many kinds."""

import logging
import pathlib

from plait import log, otherwise, pipeline, repeat, step, when

logger = logging.getLogger("story")


@step(retries=2)
def fetch(seed: int) -> float:
    """Fails twice, then works."""
    mark = pathlib.Path("tries.txt")
    tries = int(mark.read_text()) if mark.exists() else 0
    mark.write_text(str(tries + 1))
    if tries < 2:
        raise ConnectionError(f"reset by peer, try {tries + 1}")
    logger.warning("it took %s tries", tries + 1)
    return 0.5


@pipeline
def prepare(seed: int):
    return fetch(seed)


@step
def train(score: float, epochs: int) -> dict:
    """Learn for a while."""
    for epoch in range(epochs):
        log(loss=1 / (epoch + 1), at=epoch)
        print(f"epoch {epoch} \\x1b[32mok\\x1b[0m <script>document.title='taken'</script>")
    return {"epochs": epochs, "layers": [{"units": 64, "name": "<img src=x onerror=alert(1)>"}, {"units": 1}]}


@step
def praise(model: dict) -> str:
    return "# Report\\n\\nA **good** model.\\n\\n- <script>document.title='taken'</script>\\n- [a link](javascript:alert(1))\\n"


@step
def blame(model: dict) -> str:
    return "not good"


@step
def refine(value: float) -> float:
    return value / 2


@step
def enough(value: float) -> bool:
    return value < 0.1


@step
def look(value: float) -> int:
    """Log something of every kind."""
    import numpy as np
    import pandas as pd
    from matplotlib.figure import Figure

    log(frame=pd.DataFrame({
        "flight": [f"<b>LH{at}</b>" for at in range(3000)],
        "delay": [None if at % 10 == 0 else float(at) for at in range(3000)],
    }))
    log(array=np.arange(12.0).reshape(3, 4))
    figure = Figure(figsize=(4, 2))
    figure.subplots().plot([1, 3, 2])
    log(figure=figure)
    log(page="<html><body><p>before</p><script>document.body.append('scripts ran')</script></body></html>")
    log(drawing="<svg xmlns='http://www.w3.org/2000/svg'><script>document.title='taken'</script><text y='20'>drawn</text></svg>")
    return int(value * 100)


@pipeline
def story(seed: int = 1, epochs: int = 20):
    """Branch, loop, retries, values."""
    score = prepare(seed)
    model = train(score, epochs)
    with when(score > 0.4):
        praise(model)
    with otherwise():
        blame(model)
    return look(repeat(refine, score, until=lambda value: enough(value), limit=8))
'''

GALLERY = '''
"""A figure that moves, a model, and text that would like to be a page."""

from plait import log, pipeline, progress, step

TAKE = "<img src=x onerror=\\"document.title='taken'\\">"


@step
def figure() -> int:
    import plotly.graph_objects as go

    log(bars=go.Figure(go.Bar(x=[TAKE, "plain"], y=[1, 3]), layout={"title": TAKE}))
    return 1


@step
def tree(depth: int):
    from sklearn.tree import DecisionTreeRegressor

    return DecisionTreeRegressor(max_depth=depth).fit([[0.0], [1.0]], [0.0, 1.0])


@step
def hostile(text: str) -> dict:
    """<script>document.title='taken'</script> in what it says of itself."""
    import pandas as pd

    progress(3, 4)
    print(text, TAKE)
    log({TAKE: text}, name="pairs")
    log(frame=pd.DataFrame({TAKE: [TAKE, text], "<b>n</b>": [1, 2]}))
    log(notes=f"# {TAKE}\\n\\n[go](javascript:document.title=1) ![x](http://127.0.0.9/x.png)\\n\\n{text}\\n")
    log(drawing=f"<svg xmlns='http://www.w3.org/2000/svg' onload=\\"{text}\\"><text y='20'>drawn here</text></svg>")
    log(empty=pd.DataFrame({"nothing": []}))
    return {TAKE: [text, {"inner": TAKE}]}


@pipeline
def gallery(depth: int = 2, text: str = "<script>document.title='taken'</script>"):
    figure()
    tree(depth)
    return hostile(text)
'''

WIDE = '''
"""A wide map of which a few tasks fail."""

from plait import each, pipeline, step


@step
def numbers(count: int) -> list[int]:
    return list(range(count))


@step
def square(number: int) -> int:
    """The square of a number."""
    if number % 5000 == 4999:
        raise ValueError(f"{number} is too much")
    return number * number


@step
def total(squares: list[int]) -> int:
    return len(squares)


@pipeline
def wide(count: int = 20_000) -> int:
    return total(square(each(numbers(count))))
'''

LONG = '''
"""A log of a million lines, with a few errors in it."""

import json
import logging
import traceback

from plait import pipeline, step

logger = logging.getLogger("shards")


@step
def talk(lines: int) -> int:
    said = []
    for at in range(lines):
        said.append(f"read shard {at}")
        if at % 250_000 == 249_999:
            print("\\n".join(said))
            said.clear()
            logger.error("shard %s cannot be read", at)
            try:
                json.loads("{")
            except ValueError:
                traceback.print_exc()
    print("\\n".join(said))
    return lines


@pipeline
def talking(lines: int = 1_000_000) -> int:
    return talk(lines)
'''


WORDY = '''
"""Three hundred lines, most of them too long for a window."""
from plait import pipeline, step


@step
def tell(lines: int) -> int:
    for at in range(lines):
        print(f"line {at} of the tale " + "and so on " * (at * 7 % 60))
    return lines


@pipeline
def wordy(lines: int = 300) -> int:
    return tell(lines)
'''


PIPELINES = {"wordy": WORDY, "story": STORY, "gallery": GALLERY, "wide": WIDE, "talking": LONG}


class Shown(dict[str, str]):
    """The ids of runs in a project by their pipelines' names; each is run when it is asked for first."""

    def __init__(self, root: Path) -> None:
        super().__init__()
        self.root = root

    def __missing__(self, name: str) -> str:
        (self.root / f"src/trips/pipelines/{name}.py").write_text(PIPELINES[name].lstrip())
        done = plait(self.root, "run", name, "--executor", "inline", "-q")
        assert done.returncode == (1 if name == "wide" else 0), done.stdout[-2000:] + done.stderr[-2000:]
        found = plait(self.root, "runs", "--json", "--pipeline", name)
        self[name] = json.loads(found.stdout)[0]["id"]
        return self[name]
