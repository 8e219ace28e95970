"""From the conf of N entries to N datasets, and all of them loaded."""

import sys
import time

from stopwatch import expect, stopwatch, tell

from plait import Project

n = int(sys.argv[1])
with stopwatch():
    began = time.perf_counter()
    catalog = Project.find().catalog
    datasets = [catalog.dataset(f"entry_{at}") for at in range(n)]
    resolved = time.perf_counter()
    rows = sum(len(catalog.load(f"entry_{at}")) for at in range(n))
    loaded = time.perf_counter()
tell(resolve=resolved - began, load=loaded - resolved)
expect((len(datasets), rows), (n, 2 * n))
