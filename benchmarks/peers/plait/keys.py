"""What a cache key costs: of a typical step N times over, or the closure of N functions that was never looked at."""

import importlib
import sys
import tempfile
from pathlib import Path

from stopwatch import expect, stopwatch

from plait.engine.closure import Walker

STEP = """
import math
import pandas as pd
RATE, NAMES = 0.25, {"low": 1, "high": 2}
def rounded(x, digits=2):
    return round(math.sqrt(x) * RATE, digits)
def scaled(x, name):
    return rounded(x) * NAMES[name]
def step(table, name="low"):
    return pd.DataFrame({"y": [scaled(one, name) for one in table["x"]]})
"""
CLASS = """
from dataclasses import dataclass
@dataclass
class Scale:
    by: float = 2.0
    offset: int = 0
    def apply(self, x):
        return x * self.by + self.offset
def step(x):
    return [Scale().apply(one) for one in range(x)]
"""
MANY = "def f0(x): return x\n" + "".join(
    f"def f{at}(x):\n    total = f{at - 1}(x) + {at}\n    return total if x > {at} else f{at // 2}(x)\n"
    for at in range(1, 1000)
)


def imported(text: str) -> object:
    folder = Path(tempfile.mkdtemp())
    (folder / "measured.py").write_text(text)
    sys.path.insert(0, str(folder))
    return importlib.import_module("measured")


if __name__ == "__main__":
    n = int(sys.argv[2])
    walker = Walker()
    if sys.argv[1] in ("typical", "class"):
        step = imported(STEP if sys.argv[1] == "typical" else CLASS).step
        walker.closure_of(step)
        with stopwatch():
            digests = {walker.closure_of(step).digest for _ in range(n)}
        expect(len(digests), 1)
    else:
        step = getattr(imported(MANY), f"f{n - 1}")
        with stopwatch():
            closure = walker.closure_of(step)
        expect(sum(part.kind == "function" for part in closure.components), n)
