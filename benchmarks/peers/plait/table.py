"""A 1,000,000 x 10 table through 5 steps that add a column each, recorded."""

import sys

import numpy as np
import pandas as pd
from stopwatch import expect, stopwatch

from plait import pipeline, step


@step
def start() -> pd.DataFrame:
    return pd.DataFrame(np.random.default_rng(0).standard_normal((1_000_000, 10)), columns=list("abcdefghij"))


@step
def add(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(**{f"new{table.shape[1]}": table["a"] * table.shape[1]})


@pipeline
def table():
    x = start()
    for _ in range(5):
        x = add(x)
    return x


if __name__ == "__main__":
    with stopwatch():
        run = table.run(executor=sys.argv[1])
    expect(run.result.shape, (1_000_000, 15))
