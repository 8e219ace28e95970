"""A 1,000,000 x 10 table through 5 ops that add a column each, each table a pickle file."""

from home import own_home
from stopwatch import expect, stopwatch

own_home()
import numpy as np  # noqa: E402 - the home is set first
import pandas as pd  # noqa: E402
from dagster import DagsterInstance, FilesystemIOManager, job, op  # noqa: E402


@op
def start():
    return pd.DataFrame(np.random.default_rng(0).standard_normal((1_000_000, 10)), columns=list("abcdefghij"))


@op
def add(table):
    return table.assign(**{f"new{table.shape[1]}": table["a"] * table.shape[1]})


@job
def table():
    x = start()
    for number in range(5):
        x = add.alias(f"add{number}")(x)


if __name__ == "__main__":
    instance = DagsterInstance.get()
    with stopwatch():
        files = FilesystemIOManager(base_dir="stored")
        done = table.execute_in_process(instance=instance, resources={"io_manager": files})
    expect(done.output_for_node("add4").shape, (1_000_000, 15))
