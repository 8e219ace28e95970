"""What do the browser tests look at? A small project with real runs of it: done, broken, with curves and figures."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from plait.project.new import make_project

LEARNING = '''
"""How well does it learn? Three seeds, each with a curve of its loss."""

from plait import each, log, pipeline, step


@step
def learn(seed: int, rate: float, epochs: int) -> float:
    """Go down a slope, and say how far it is still."""
    print(f"seed {seed}: rate {rate}")
    loss = 1.0
    for epoch in range(epochs):
        loss *= 1 - rate * (0.8 + 0.1 * seed)
        log(loss=loss, at=epoch)
    log(final=loss)
    return loss


@step
def best(losses: list[float]) -> float:
    """The least loss of all."""
    return min(losses)


@pipeline
def learning(seeds: list[int] = [0, 1, 2], rate: float = 0.1, epochs: int = 30) -> float:
    """Learn with several seeds and keep the best."""
    return best(learn(each(seeds), rate, epochs))
'''

BROKEN = '''
"""What does a failure look like? One item of a map cannot be done."""

from plait import each, pipeline, step


@step
def halve(number: int) -> int:
    """Half of an even number."""
    print(f"halving {number}")
    if number % 2:
        raise ValueError(f"{number} is odd: it has no half <script>document.title='taken'</script>")
    return number // 2


@step
def total(halves: list[int]) -> int:
    return sum(halves)


@pipeline
def halving(numbers: list[int] = [2, 4, 5, 8]) -> int:
    """Halve all numbers; five cannot be halved."""
    return total(halve(each(numbers)))
'''

SLOW = '''
"""What does a run look like while it works?"""

import time

from plait import each, pipeline, step


@step
def wait(number: int, seconds: float) -> int:
    """Do nothing for a while."""
    print(f"waiting {seconds} s")
    time.sleep(seconds)
    return number


@step
def count(numbers: list[int]) -> int:
    return len(numbers)


@pipeline
def waiting(items: int = 12, seconds: float = 0.5) -> int:
    """Wait a while, item by item."""
    return count(wait(each(numbers(items)), seconds))


@step
def numbers(items: int) -> list[int]:
    return list(range(items))
'''


def make(folder: Path) -> Path:
    """A project with three trainings, three learnings and a broken run; takes some seconds."""
    root = make_project(folder / "trips").root
    pipelines = root / "src/trips/pipelines"
    for name, text in {"learning": LEARNING, "halving": BROKEN, "waiting": SLOW}.items():
        (pipelines / f"{name}.py").write_text(text.lstrip())
    (root / "conf/local/credentials.yml").write_text("warehouse: {password: never-shown-anywhere}\n")
    for words in (
        ["training"],
        ["training", "test_share=0.4"],
        ["training", "test_share=0.5"],
        ["learning"],
        ["learning", "rate=0.3"],
        ["learning", "rate=0.5"],
        ["halving"],
    ):
        done = plait(root, "run", *words, "--executor", "inline")
        assert done.returncode == (1 if words == ["halving"] else 0), done.stdout + done.stderr
    return root


def plait(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "plait", *words],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
        env=environment(),
    )


def environment() -> dict[str, str]:
    """Of a user: nothing of this process's own settings of plait."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PLAIT_")}
