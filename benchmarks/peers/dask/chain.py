"""N no-op tasks in a row on a cluster of one thread in this process."""

import sys

from dask.distributed import Client
from stopwatch import expect, stopwatch


def inc(x):
    return x + 1


if __name__ == "__main__":
    n = int(sys.argv[1])
    with Client(processes=False, n_workers=1, threads_per_worker=1, dashboard_address=None) as client:
        with stopwatch():
            x = 0
            for _ in range(n):
                x = client.submit(inc, x)
            value = x.result()
        expect(value, n)
