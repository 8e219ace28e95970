"""A 1,000,000 x 10 table through 5 steps that add a column each."""

import sys
from contextlib import nullcontext

from metaflow import FlowSpec, step
from stopwatch import expect, stopwatch


def add(table):
    return table.assign(**{f"new{table.shape[1]}": table["a"] * table.shape[1]})


class Table(FlowSpec):
    @step
    def start(self):
        import numpy as np
        import pandas as pd

        floats = np.random.default_rng(0).standard_normal((1_000_000, 10))
        self.table = pd.DataFrame(floats, columns=list("abcdefghij"))
        self.next(self.add1)

    @step
    def add1(self):
        self.table = add(self.table)
        self.next(self.add2)

    @step
    def add2(self):
        self.table = add(self.table)
        self.next(self.add3)

    @step
    def add3(self):
        self.table = add(self.table)
        self.next(self.add4)

    @step
    def add4(self):
        self.table = add(self.table)
        self.next(self.end)

    @step
    def end(self):
        self.table = add(self.table)
        expect(self.table.shape, (1_000_000, 15))


if __name__ == "__main__":
    with stopwatch() if "run" in sys.argv else nullcontext():
        Table()
