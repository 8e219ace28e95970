"""A 1,000,000 x 10 table through 5 nodes that add a column each, each table a Parquet file."""

import numpy as np
import pandas as pd
from kedro.io import DataCatalog
from kedro.pipeline import node, pipeline
from kedro.runner import SequentialRunner
from kedro_datasets.pandas import ParquetDataset
from stopwatch import expect, stopwatch


def start():
    return pd.DataFrame(np.random.default_rng(0).standard_normal((1_000_000, 10)), columns=list("abcdefghij"))


def add(table):
    return table.assign(**{f"new{table.shape[1]}": table["a"] * table.shape[1]})


with stopwatch():
    nodes = [node(start, None, "t0")] + [node(add, f"t{i}", f"t{i + 1}", name=f"add{i}") for i in range(5)]
    catalog = DataCatalog({f"t{i}": ParquetDataset(filepath=f"data/t{i}.parquet") for i in range(6)})
    SequentialRunner().run(pipeline(nodes), catalog)
expect(catalog["t5"].load().shape, (1_000_000, 15))
