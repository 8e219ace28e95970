"""Write a flow of N no-op steps in a row, start and end included, that times its own `run`."""

import sys
from itertools import pairwise
from pathlib import Path

HEAD = """import sys
from contextlib import nullcontext

from metaflow import FlowSpec, step
from stopwatch import expect, stopwatch


class Chain(FlowSpec):
"""
STEP = """    @step
    def {name}(self):
        self.x = {value}
        self.next(self.{then})

"""
END = """    @step
    def end(self):
        self.x += 1
        expect(self.x, {n})


if __name__ == "__main__":
    # the flow's steps are processes that start this file again
    with stopwatch() if "run" in sys.argv else nullcontext():
        Chain()
"""
n = int(sys.argv[1])
names = ["start", *(f"inc{i}" for i in range(1, n - 1)), "end"]
steps = [
    STEP.format(name=name, value="1" if name == "start" else "self.x + 1", then=then)
    for name, then in pairwise(names)
]
Path("chain.py").write_text(HEAD + "".join(steps) + END.format(n=n))
