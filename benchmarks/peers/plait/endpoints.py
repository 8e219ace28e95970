"""How long does each question take that a page asks, on the store of `big_store.py`? `endpoints.py N [TIMES]`

Tells, for each endpoint, the 95th percentile of the milliseconds from the request to the last byte.
"""

import http.client
import json
import re
import subprocess
import sys
import time
from urllib.parse import quote

import psutil
from stopwatch import tell


class Server:
    def __init__(self):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "plait", "ui", "--no-browser", "--port", "0"],
            stderr=subprocess.PIPE,
            text=True,
        )
        line = self.process.stderr.readline()
        found = re.search(r"http://[^:]+:(\d+)", line)
        if found is None:
            raise SystemExit(f"ServerError: {line}{self.process.stderr.read()}")
        self.port = int(found.group(1))
        self.measured = psutil.Process(self.process.pid)
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)

    def get(self, path):
        self.connection.request("GET", f"/api/v1{path}")
        answer = self.connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise SystemExit(f"{path}: {answer.status} {body[:300]!r}")
        return json.loads(body)

    def cpu(self):
        """CPU seconds of the server, without the processes that it asks."""
        return sum(self.measured.cpu_times()[:2])

    def close(self):
        self.connection.close()
        self.process.terminate()
        self.process.wait()


def questions(server):
    """Name and addresses; those of a name take turns, so that no answer is asked for twice in a row."""
    runs = server.get("/runs?q=pipeline:large")["items"]
    large = runs[0]["id"]
    row = server.get("/runs?limit=1&cursor=")["items"]
    some = [one["id"] for one in server.get("/runs?limit=200&q=-pipeline:large")["items"]]
    here = f"/runs/{large}"
    span = server.get(f"{here}/timeline")
    first, last = span["start"], span["end"]
    cursor = server.get("/runs?limit=50")["next"]
    talk = quote("talk")
    windows = [(first + (last - first) * at / 40, first + (last - first) * (at + 4) / 40) for at in range(20)]
    artifact = server.get(f"{here}/tasks/numbers")["outputs"][0]["value"]["artifact"]
    assert row
    return {
        "runs": ["/runs?columns=param:alpha,metric:rmse&spark=metric:rmse", f"/runs?cursor={quote(cursor)}"],
        "runs, filtered by parameter and metric": ["/runs?q=" + quote("alpha>0.9 rmse<0.3 status:done")],
        "runs, nothing matches": ["/runs?q=" + quote("alpha>1000000")],
        "runs, by text": ["/runs?q=pipeline_7", "/runs?q=tag:nightly"],
        "runs, sorted by a metric": ["/runs?sort=metric:rmse", "/runs?sort=-param:alpha"],
        "runs, columns": ["/runs/columns"],
        "runs, groups": ["/runs/groups", "/runs/groups?q=status:failed"],
        "run": [here],
        "graph": [f"{here}/graph"],
        "steps": [f"{here}/steps"],
        "timeline, whole": [f"{here}/timeline?lane=step", f"{here}/timeline?lane=worker"],
        "timeline, zoomed": [f"{here}/timeline?from={low}&to={high}" for low, high in windows],
        "critical path": [f"{here}/critical"],
        "items, failed first": [f"{here}/steps/fit/items", f"{here}/steps/fit/items?limit=500"],
        "items, jumped": [f"{here}/steps/fit/items?offset={at * 1000}&limit=100" for at in range(80)],
        "items, slowest": [f"{here}/steps/fit/items?sort=slowest"],
        "strip": [f"{here}/steps/fit/strip?width={width}" for width in (500, 1000, 2000, 4000)],
        "task": [f"{here}/tasks/{quote(f'fit[{at}]')}" for at in range(1, 60_000, 997)],
        "task that gathers": [f"{here}/tasks/{talk}"],
        "task's code": [f"{here}/tasks/{quote('fit[5]')}/code"],
        "why": [f"{here}/tasks/{quote(f'fit[{at}]')}/why" for at in range(1, 60_000, 9973)],
        "metrics": [f"{here}/metrics"],
        "series of 1,000,000 points": [f"{here}/series?metric=loss&points=1000"],
        "series, zoomed": [
            f"{here}/series?metric=loss&from={at}&to={at + 15_000}" for at in range(0, 900_000, 40_000)
        ],
        "series of a map": [f"{here}/series?metric=rmse"],
        "logs, anywhere": [f"{here}/logs?task={talk}&from={at}" for at in range(0, 1_000_000, 33_337)],
        "logs of the run": [f"{here}/logs?from={at}&limit=2000" for at in range(0, 990_000, 33_337)],
        "logs, errors only": [f"{here}/logs?task={talk}&level=error"],
        "logs, search": [
            f"{here}/logs/search?q={quote('line 777777')}&task={talk}&from={at}" for at in (0, 500_000)
        ],
        "logs, next error": [f"{here}/logs/next?task={talk}&from={at}" for at in range(0, 900_000, 99_999)],
        "artifact": [f"/artifacts/{artifact}?run={large}&task=numbers"],
        "artifact, preview": [f"/artifacts/{artifact}/preview?run={large}&task=numbers"],
        "compare 10": [f"/compare?runs={','.join(some[:10])}"],
        "compare 200": [f"/compare?runs={','.join(some)}"],
        "compare, points": [f"/compare/points?runs={','.join(some)}&x=param:alpha&y=metric:rmse"],
        "pipelines": ["/pipelines"],
        "pipeline, grid": ["/pipelines/small/grid"],
        "pipeline, trends": ["/pipelines/small/trends?limit=200"],
        "lineage": ["/lineage", f"/lineage?run={large}"],
        "activity": ["/project/activity"],
        "disk": ["/project/disk"],
        "meta": ["/meta"],
    }


def measure(times=20):
    server = Server()
    figures = {}
    try:
        for name, paths in questions(server).items():
            try:
                server.get(paths[0])
            except SystemExit as problem:  # one question that cannot be answered is told, and keeps no other
                print(problem, flush=True)
                figures[name] = [0.0, 0.0, float("inf")]
                continue
            taken, cpu = [], server.cpu()
            for at in range(times):
                began = time.perf_counter()
                server.get(paths[at % len(paths)])
                taken.append(1000 * (time.perf_counter() - began))
            taken.sort()
            cpu = 1000 * (server.cpu() - cpu) / times
            figures[name] = [cpu, taken[len(taken) // 2], taken[min(len(taken) - 1, int(len(taken) * 0.95))]]
            print(
                f"{name:45} {figures[name][0]:8.1f} {figures[name][1]:8.1f} {figures[name][2]:8.1f}",
                flush=True,
            )
    finally:
        server.close()
    told = {}
    for name, (cpu, middle, slow) in figures.items():
        told |= {f"{name}|cpu": cpu, f"{name}|p50": middle, f"{name}|p95": slow}
    tell(**told)


if __name__ == "__main__":
    measure(int(sys.argv[2]) if len(sys.argv) > 2 else 20)
