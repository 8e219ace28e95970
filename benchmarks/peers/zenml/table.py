"""A 1,000,000 x 10 table through 5 steps that add a column each."""

import numpy as np
import pandas as pd
from stopwatch import expect, stopwatch
from zenml import pipeline, step
from zenml.client import Client


@step(enable_cache=False)
def start() -> pd.DataFrame:
    return pd.DataFrame(np.random.default_rng(0).standard_normal((1_000_000, 10)), columns=list("abcdefghij"))


@step(enable_cache=False)
def add(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(**{f"new{table.shape[1]}": table["a"] * table.shape[1]})


@pipeline(enable_cache=False)
def table():
    x = start()
    for _ in range(5):
        x = add(x)


if __name__ == "__main__":
    _ = Client().active_stack
    with stopwatch():
        run = table()
    expect(run.status.value, "completed")
