"""N no-op nodes in a row."""

import sys

from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import node, pipeline
from kedro.runner import SequentialRunner
from stopwatch import expect, stopwatch
from work import inc

n = int(sys.argv[1])
with stopwatch():
    chain = pipeline([node(inc, f"x{i}", f"x{i + 1}", name=f"inc{i}") for i in range(n)])
    result = SequentialRunner().run(chain, DataCatalog({"x0": MemoryDataset(0)}))
expect(result[f"x{n}"].load(), n)
