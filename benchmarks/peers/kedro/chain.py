"""N no-op nodes in a row; with `quiet`, without the log that kedro writes by default."""

import logging
import sys

from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import node, pipeline
from kedro.runner import SequentialRunner
from stopwatch import expect, stopwatch
from work import inc

n = int(sys.argv[1])
if sys.argv[2] == "quiet":
    import kedro.framework.project  # noqa: F401 - sets up the log, so before it is turned off

    logging.disable()
with stopwatch():
    chain = pipeline([node(inc, f"x{i}", f"x{i + 1}", name=f"inc{i}") for i in range(n)])
    result = SequentialRunner().run(chain, DataCatalog({"x0": MemoryDataset(0)}))
expect(result[f"x{n}"].load(), n)
