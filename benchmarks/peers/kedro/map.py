"""N no-op nodes beside each other and one that gathers them, on 2 processes."""

import sys
from functools import partial

from kedro.io import MemoryDataset, SharedMemoryDataCatalog
from kedro.pipeline import node, pipeline
from kedro.runner import ParallelRunner
from stopwatch import stopwatch
from work import check_total, double

if __name__ == "__main__":
    n = int(sys.argv[1])
    with stopwatch():
        nodes = [node(double, f"x{i}", f"y{i}", name=f"double{i}") for i in range(n)]
        # the shared memory ends with the run, so the last node checks the result
        check = partial(check_total, n * (n - 1))
        nodes.append(node(check, [f"y{i}" for i in range(n)], None, name="total"))
        catalog = SharedMemoryDataCatalog({f"x{i}": MemoryDataset(i) for i in range(n)})
        ParallelRunner(max_workers=2).run(pipeline(nodes), catalog)
