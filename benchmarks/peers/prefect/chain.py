"""N no-op tasks in a row, until the server has recorded all of them."""

import sys
import time

from prefect import flow, task
from prefect.client.orchestration import get_client
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


def recorded():
    with get_client(sync_client=True) as client:
        return len(client.read_task_runs(limit=200))


if __name__ == "__main__":
    n = int(sys.argv[1])
    expect(chain(0), 0)  # a first flow starts a server for this process: not part of the chain
    with stopwatch():
        value = chain(n)
        while recorded() < n:  # the flow ends before its tasks are recorded; exit now and some never are
            time.sleep(0.05)
    expect(value, n)
