"""Map over N items on 2 worker processes; with `first` they are kept for `cached`, where none may run."""

import sys

from prefect import flow, task
from prefect.cache_policies import INPUTS, NO_CACHE
from prefect.task_runners import ProcessPoolTaskRunner
from server import state_names, wait_until_recorded
from stopwatch import expect, stopwatch

cached = sys.argv[2] in ("first", "cached")


@task(cache_policy=INPUTS if cached else NO_CACHE, persist_result=cached)
def double(x):
    return 2 * x


@flow
def nothing():
    pass


@flow(task_runner=ProcessPoolTaskRunner(max_workers=2))
def mapped(n: int):
    return sum(double.map(list(range(n))).result())


if __name__ == "__main__":
    n = int(sys.argv[1])
    nothing()  # a first flow starts a server for this process: not part of the map
    with stopwatch():
        value = mapped(n)
        wait_until_recorded(n)
    expect(value, n * (n - 1))
    wanted = "Cached" if sys.argv[2] == "cached" else "Completed"
    expect(state_names(n), [wanted] * n)
