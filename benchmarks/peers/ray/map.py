"""Map over N items on 2 worker processes."""

import sys
import time

import ray
from stopwatch import driver_mb, expect, stopwatch, tell


@ray.remote
def double(x):
    return 2 * x


if __name__ == "__main__":
    n = int(sys.argv[1])
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    ray.get([double.remote(-1) for _ in range(20)])
    with stopwatch():
        start = time.perf_counter()
        futures = [double.remote(number) for number in range(n)]
        submitted = time.perf_counter() - start
        value = sum(ray.get(futures))
    tell(submitted=submitted, driver_mb=driver_mb())
    ray.shutdown()
    expect(value, n * (n - 1))
