"""N no-op tasks in a row, until the server has recorded all of them."""

import sys

from prefect import flow, task
from server import wait_until_recorded
from stopwatch import expect, stopwatch


@task
def inc(x):
    return x + 1


@flow
def chain(n: int):
    x = 0
    for _ in range(n):
        x = inc(x)
    return x


if __name__ == "__main__":
    n = int(sys.argv[1])
    expect(chain(0), 0)  # a first flow starts a server for this process: not part of the chain
    with stopwatch():
        value = chain(n)
        wait_until_recorded(n)
    expect(value, n)
