"""Map over N items on 2 worker processes; with `cached`, results of an earlier run are taken over."""

import sys

from prefect import flow, task
from prefect.cache_policies import INPUTS, NO_CACHE
from prefect.task_runners import ProcessPoolTaskRunner
from stopwatch import expect, stopwatch

cached = sys.argv[-1] == "cached"


@task(cache_policy=INPUTS if cached else NO_CACHE, persist_result=cached)
def double(x):
    return 2 * x


@flow(task_runner=ProcessPoolTaskRunner(max_workers=2))
def mapped(n: int):
    with stopwatch():
        values = double.map(list(range(n))).result()
    return sum(values)


if __name__ == "__main__":
    n = int(sys.argv[1])
    expect(mapped(n), n * (n - 1))
