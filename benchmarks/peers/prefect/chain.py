"""N no-op tasks in a row."""

import sys

from prefect import flow, task
from stopwatch import expect, stopwatch


@task
def inc(x):
    return x + 1


@flow
def chain(n: int):
    with stopwatch():  # within the flow: a flow's first act is to start a server for itself
        x = 0
        for _ in range(n):
            x = inc(x)
    return x


if __name__ == "__main__":
    n = int(sys.argv[1])
    expect(chain(n), n)
