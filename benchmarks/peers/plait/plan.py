"""The plan of a chain or of a map of N steps, all of them cached; `fill` runs them first."""

import sys

from stopwatch import expect, stopwatch

from plait import each, pipeline, step


@step
def double(x: int) -> int:
    return 2 * x


@step
def inc(x: int) -> int:
    return x + 1


@pipeline
def mapped(items: list[int]):
    return double(each(items))


@pipeline
def chain(n: int):
    x = n
    for _ in range(int(sys.argv[2])):
        x = inc(x)
    return x


if __name__ == "__main__":
    n = int(sys.argv[2])
    chosen, params = (chain, {"n": n}) if sys.argv[1] == "chain" else (mapped, {"items": list(range(n))})
    if sys.argv[3] == "fill":
        chosen.run(**params)
    else:
        with stopwatch():
            plan = chosen.plan(**params)
        expect((len(plan.cached), plan.is_done), (n, True))
