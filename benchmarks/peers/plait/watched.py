"""Is a run slower while a page looks at it? `watched.py N [PAIRS]`: N no-op tasks, without a page and with one.

The two of a pair run one after the other, in turns first; the median of their ratios is told, since on a machine that
others use a single pair says little. The CPU of the server and of the run say the same without the noise.
"""

import http.client
import json
import re
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
from stopwatch import tell

FLOW = """
from plait import each, pipeline, step

@step
def double(x: int) -> int:
    return 2 * x

@pipeline
def mapped(items: list[int]):
    return double(each(items))

if __name__ == "__main__":
    import resource, sys, time
    items = list(range({n} * int(sys.argv[1]), {n} * (int(sys.argv[1]) + 1)))  # none of them was ever computed
    began = time.perf_counter()
    run = mapped.run(items=items, executor="processes", workers=2)
    took = time.perf_counter() - began
    both = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    print(took, sum(one.ru_utime + one.ru_stime for one in both))
"""


def run(turn):
    """Seconds of a run, and CPU seconds of it and its workers."""
    done = subprocess.run([sys.executable, "flow.py", str(turn)], capture_output=True, text=True, check=True)
    seconds, cpu = done.stdout.split()[-2:]
    return float(seconds), float(cpu)


class Server:
    def __init__(self):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "plait", "ui", "--no-browser", "--port", "0"],
            stderr=subprocess.PIPE,
            text=True,
        )
        self.port = int(re.search(r":(\d+)", self.process.stderr.readline()).group(1))
        self.measured = psutil.Process(self.process.pid)

    def cpu(self):
        return sum(self.measured.cpu_times()[:2])

    def close(self):
        self.process.terminate()
        self.process.wait()


class Page:
    """What an open page asks: the events of the runs, then those of the one that begins, with its pictures.

    As the page in `ui/src/features/run` does: where an event said that something changed, the timeline, the table and
    the strip of the map, once a second or, where the answers take long, once in ten times as long as they took; every
    fourth second the graph and the facts of the run.
    """

    def __init__(self, port):
        self.port = port
        self.over = threading.Event()
        self.streams = []
        self.asked = 0
        self.thread = threading.Thread(target=self.look, daemon=True)
        self.thread.start()

    def get(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("GET", f"/api/v1{path}")
        body = connection.getresponse().read()
        connection.close()
        self.asked += 1
        return body

    def events(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("GET", f"/api/v1{path}")
        self.streams.append(connection)
        stream, name = connection.getresponse(), ""
        while not self.over.is_set():
            line = stream.readline()
            if line.startswith(b"event: "):
                name = line[7:-1].decode()
            elif line.startswith(b"data: "):
                yield name, json.loads(line[6:])

    def look(self):
        try:
            for name, said in self.events("/events"):
                begun = (
                    [one for one in said.get("changed", ()) if one["status"] == "running"]
                    if name == "runs"
                    else []
                )
                if begun:
                    self.follow(begun[0]["id"])
        except (OSError, ValueError, AttributeError, http.client.HTTPException):
            if not self.over.is_set():
                raise

    def follow(self, run):
        self.pictures(run, whole=True)
        graphed = time.monotonic()
        due = graphed + 1
        for name, _ in self.events(f"/runs/{run}/events"):
            if name == "end":
                self.pictures(run, whole=True)
                return
            began = time.monotonic()
            if name == "run" and began > due:
                whole = began - graphed > 4
                self.pictures(run, whole=whole)
                graphed = began if whole else graphed
                now = time.monotonic()
                due = now + max(1.0, min(10.0, 10 * (now - began)))

    def pictures(self, run, *, whole):
        if whole:
            self.get(f"/runs/{run}")
            self.get(f"/runs/{run}/graph")
        for part in ("timeline", "steps/double/items", "steps/double/strip"):
            self.get(f"/runs/{run}/{part}")

    def close(self):
        self.over.set()
        for one in self.streams:
            if one.sock is not None:
                one.sock.shutdown(2)
            one.close()
        self.thread.join(5)


def main():
    n, pairs = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 15
    Path("flow.py").write_text(FLOW.format(n=n))
    run(0)
    server = Server()
    alone, watched, share, asked = [], [], [], 0
    try:
        time.sleep(2)  # the project's code is read once, at the beginning
        for turn in range(1, pairs + 1):
            for looked_at in (turn % 2 == 0, turn % 2 == 1):
                if not looked_at:
                    alone.append(run(turn)[0])
                    continue
                page = Page(server.port)
                time.sleep(0.3)
                before = server.cpu()
                seconds, cpu = run(1_000 + turn)
                share.append((server.cpu() - before) / cpu)
                watched.append(seconds)
                page.close()
                asked += page.asked
    finally:
        server.close()
    assert asked >= 5 * pairs, f"the page asked {asked} questions"
    ratios = [one / other for one, other in zip(watched, alone, strict=True)]
    quarters = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3
    tell(
        alone=statistics.median(alone),
        watched=statistics.median(watched),
        ratio=statistics.median(ratios),
        lower=quarters[0],
        upper=quarters[2],
        share=statistics.median(share),
        seconds=statistics.median(watched),
    )
    print(sorted(round(one, 3) for one in ratios), statistics.median(ratios), statistics.median(share))


if __name__ == "__main__":
    main()
