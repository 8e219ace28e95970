"""N no-op steps in a row; with `first` they are kept for `cached`, where none may run."""

import sys

from stopwatch import expect, stopwatch
from zenml import pipeline, step
from zenml.client import Client

n, cached = int(sys.argv[1]), sys.argv[2] in ("first", "cached")


@step(enable_cache=cached)
def zero() -> int:
    return 0


@step(enable_cache=cached)
def inc(x: int) -> int:
    return x + 1


@pipeline(enable_cache=cached)
def chain():
    x = zero()
    for _ in range(n - 1):
        x = inc(x)


if __name__ == "__main__":
    _ = Client().active_stack  # sets up the home on first use: not part of the chain
    with stopwatch():
        run = chain()
    wanted = "cached" if sys.argv[2] == "cached" else "completed"
    expect({step.status.value for step in run.steps.values()}, {wanted})
