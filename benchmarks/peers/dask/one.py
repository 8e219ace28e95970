"""One task on a cluster of one thread in this process."""

from dask.distributed import Client
from stopwatch import expect


def zero():
    return 0


if __name__ == "__main__":
    with Client(processes=False, n_workers=1, threads_per_worker=1, dashboard_address=None) as client:
        expect(client.submit(zero).result(), 0)
