"""N no-op steps in a row, inline, every one recorded."""

import sys

from stopwatch import expect, stopwatch

from plait import get_run, pipeline, step


@step
def inc(x: int) -> int:
    return x + 1


@pipeline
def chain():
    x = 0
    for _ in range(int(sys.argv[1])):
        x = inc(x)
    return x


if __name__ == "__main__":
    with stopwatch():
        run = chain.run()
    expect(run.result, int(sys.argv[1]))
    recorded = get_run(run.id).counts().values()
    expect(sum(counts.by_state["done"] for counts in recorded), int(sys.argv[1]))
