"""A foreach over N items and a join, 2 workers."""

import sys
from contextlib import nullcontext

from metaflow import FlowSpec, Parameter, step
from stopwatch import expect, stopwatch


class Map(FlowSpec):
    n = Parameter("n", default=100, type=int)

    @step
    def start(self):
        self.items = list(range(self.n))
        self.next(self.work, foreach="items")

    @step
    def work(self):
        self.y = self.input * 2
        self.next(self.join)

    @step
    def join(self, inputs):
        self.total = sum(one.y for one in inputs)
        self.next(self.end)

    @step
    def end(self):
        expect(self.total, self.n * (self.n - 1))


if __name__ == "__main__":
    with stopwatch() if "run" in sys.argv else nullcontext():
        Map()
