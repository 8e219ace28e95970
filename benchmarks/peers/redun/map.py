"""Map over N items on 2 worker processes, recorded in SQLite; with `cached`, none may run."""

import sqlite3
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
    if sys.argv[2] == "cached":
        jobs = sqlite3.connect("redun.db").execute(
            "SELECT count(*) FROM job WHERE cached AND task_hash IN ("
            "SELECT hash FROM task WHERE name = 'double')"
        )
        expect(jobs.fetchone()[0], n)
