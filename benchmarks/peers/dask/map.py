"""Map over N items on 2 worker processes."""

import sys
import time

from dask.distributed import Client, LocalCluster
from stopwatch import driver_mb, expect, stopwatch, tell


def double(x):
    return 2 * x


if __name__ == "__main__":
    n = int(sys.argv[1])
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        client.submit(double, -1).result()
        with stopwatch():
            start = time.perf_counter()
            futures = client.map(double, range(n), pure=False)
            submitted = time.perf_counter() - start
            value = sum(client.gather(futures))
        tell(submitted=submitted, driver_mb=driver_mb())
        expect(value, n * (n - 1))
