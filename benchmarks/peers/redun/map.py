"""Map over N items on 2 worker processes, recorded in SQLite; a second run finds all of them cached."""

import sys

from redun import Scheduler, task
from redun.config import Config
from stopwatch import expect, stopwatch

redun_namespace = "bench"


@task(executor="process")
def double(x):
    return 2 * x


@task
def total(xs):
    return sum(xs)


if __name__ == "__main__":
    n = int(sys.argv[1])
    settings = {
        "backend": {"db_uri": "sqlite:///redun.db"},
        "executors.process": {"type": "local", "mode": "process", "max_workers": "2"},
    }
    scheduler = Scheduler(config=Config(settings))
    scheduler.load()
    with stopwatch():
        value = scheduler.run(total([double(number) for number in range(n)]))
    expect(value, n * (n - 1))
