"""N no-op nodes beside each other and one that gathers them, on 2 processes."""

import sys

from kedro.io import MemoryDataset, SharedMemoryDataCatalog
from kedro.pipeline import node, pipeline
from kedro.runner import ParallelRunner
from stopwatch import expect, stopwatch
from work import double, total

if __name__ == "__main__":
    n = int(sys.argv[1])
    with stopwatch():
        nodes = [node(double, f"x{i}", f"y{i}", name=f"double{i}") for i in range(n)]
        nodes.append(node(total, [f"y{i}" for i in range(n)], "total"))
        catalog = SharedMemoryDataCatalog({f"x{i}": MemoryDataset(i) for i in range(n)})
        result = ParallelRunner(max_workers=2).run(pipeline(nodes), catalog)
    expect(result["total"].load(), n * (n - 1))
