"""N no-op tasks in a row by the scheduler without a cluster, in this thread."""

import sys

from dask import delayed
from stopwatch import expect, stopwatch


def inc(x):
    return x + 1


n = int(sys.argv[1])
with stopwatch():
    x = 0
    for _ in range(n):
        x = delayed(inc)(x)
    value = x.compute(scheduler="synchronous")
expect(value, n)
