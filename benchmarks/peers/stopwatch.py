"""How long did the work take between two points of a script, without the start of Python and of the tool?"""

import json
import os
import resource
import sys
import time
from contextlib import contextmanager
from pathlib import Path


def cpu_seconds():
    """Of this process and of the children it has waited for."""
    both = (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in both)


def driver_mb():
    """The most memory that this process alone ever held."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def tell(**figures):
    """Hand figures to the benchmark, beside those told before."""
    report = Path(os.environ["BENCH_REPORT"])
    before = json.loads(report.read_text()) if report.exists() else {}
    report.write_text(json.dumps(before | figures))


@contextmanager
def stopwatch():
    """Tell the wall and CPU seconds of the block when it ends, however it ends."""
    wall, cpu = time.perf_counter(), cpu_seconds()
    try:
        yield
    finally:
        tell(seconds=time.perf_counter() - wall, cpu_seconds=cpu_seconds() - cpu)


def expect(value, wanted):
    """A tool that is quick because it did something else is not quick."""
    if value != wanted:
        raise SystemExit(f"wrong result: {value!r}, not {wanted!r}")
