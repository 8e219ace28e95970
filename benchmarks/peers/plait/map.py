"""Map over N items on 2 worker processes, recorded; with `cached`, nothing may be left to do."""

import sys
import time

from stopwatch import driver_mb, expect, stopwatch, tell

from plait import each, pipeline, step


@step
def double(x: int) -> int:
    return 2 * x


@step
def total(xs: list[int]) -> int:
    return sum(xs)


@pipeline
def mapped(items: list[int]):
    return total(double(each(items)))


if __name__ == "__main__":
    n = int(sys.argv[1])
    called = time.time()
    with stopwatch():
        run = mapped.run(items=list(range(n)), executor="processes", workers=2)
    expect(run.result, n * (n - 1))
    states = [counts.by_state for counts in run.counts().values()]
    if sys.argv[2] == "cached":
        expect(sum(state.get("cached", 0) for state in states), n + 1)
    else:
        # the call is the whole run: the map is under way when its first item is
        begun = min(task.started_at for task in run.iter_tasks())
        tell(submitted=begun - called)
    tell(driver_mb=driver_mb())
