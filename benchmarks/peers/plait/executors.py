"""N no-op tasks on one executor, recorded; beside as many bare calls on the very same engine."""

import json
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from stopwatch import expect, stopwatch, tell

from plait import each, pipeline, step


def double(x: int) -> int:
    return 2 * x


doubled = step(double)


@step
def total(xs: list[int]) -> int:
    return sum(xs)


@pipeline
def mapped(items: list[int]):
    return total(doubled(each(items)))


@contextmanager
def inline():
    yield {"type": "inline"}, lambda items: [double(one) for one in items]


@contextmanager
def threads():
    with ThreadPoolExecutor(2) as pool:
        yield {"type": "threads", "workers": 2}, lambda items: list(pool.map(double, items))


@contextmanager
def processes():
    with ProcessPoolExecutor(2) as pool:
        yield {"type": "processes", "workers": 2}, lambda items: list(pool.map(double, items))


@contextmanager
def dask():
    from distributed import Client, LocalCluster

    where = {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"}
    with LocalCluster(n_workers=2, threads_per_worker=1, **where) as cluster, Client(cluster) as client:

        def bare(items):
            return client.gather([client.submit(double, one, pure=False) for one in items])

        yield {"type": "dask", "address": cluster.scheduler_address}, bare


@contextmanager
def ray():
    import ray

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    call = ray.remote(double)
    yield {"type": "ray"}, lambda items: ray.get([call.remote(one) for one in items])
    ray.shutdown()


def main(name: str, n: int) -> None:
    import engines

    with (globals().get(name) or getattr(engines, name))() as (options, bare):
        Path("conf/base").mkdir(parents=True, exist_ok=True)
        Path("conf/base/stack.yml").write_text(json.dumps({"executor": options}))  # which is YAML
        os.environ["PLAIT_CONF"] = "conf"
        items = list(range(n))
        bare(items[: max(1, min(20, n // 10))])
        start = time.perf_counter()
        expect(sum(bare(items)), n * (n - 1))
        tell(bare=time.perf_counter() - start)
        with stopwatch():
            run = mapped.run(items=items, progress=False)
        expect(run.result, n * (n - 1))
        tasks = [task for task in run.iter_tasks() if task.path]
        expect(len(tasks), n)
        # Without the start of workers, which the bare calls have behind them too.
        tell(going=max(one.ended_at for one in tasks) - min(one.started_at for one in tasks))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
