"""N no-op tasks in a row, in threads of this process, recorded in SQLite."""

import sys

from redun import Scheduler, task
from redun.config import Config
from stopwatch import expect, stopwatch

redun_namespace = "bench"


@task
def inc(x):
    return x + 1


if __name__ == "__main__":
    n = int(sys.argv[1])
    scheduler = Scheduler(config=Config({"backend": {"db_uri": "sqlite:///redun.db"}}))
    scheduler.load()
    with stopwatch():
        x = 0
        for _ in range(n):
            x = inc(x)
        value = scheduler.run(x)
    expect(value, n)
