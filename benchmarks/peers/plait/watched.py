"""Is a run slower while a page looks at it? `watched.py N`: N no-op tasks without a page and with one, in turns."""

import http.client
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import quote

from stopwatch import tell

FLOW = """
from plait import each, pipeline, step

@step
def double(x: int) -> int:
    return 2 * x

@pipeline
def mapped(n: int):
    return double(each(list(range({n}))))

if __name__ == "__main__":
    import sys, time
    began = time.perf_counter()
    run = mapped.run(n=int(sys.argv[1]), executor="processes", workers=2, cache=False)
    print(time.perf_counter() - began)
"""


def run(turn):
    done = subprocess.run([sys.executable, "flow.py", str(turn)], capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


class Page:
    """What an open page of the newest run asks: its events, and, when they say so, its pictures, once a second."""

    def __init__(self):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "plait", "ui", "--no-browser", "--port", "0"],
            stderr=subprocess.PIPE,
            text=True,
        )
        self.port = int(re.search(r":(\d+)", self.process.stderr.readline()).group(1))
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.look, daemon=True)
        self.thread.start()

    def get(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("GET", f"/api/v1{path}")
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return body

    def look(self):
        import json

        while not self.over.is_set():
            try:
                newest = json.loads(self.get("/runs?limit=1"))["items"][0]
                events = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
                events.request("GET", f"/api/v1/runs/{newest['id']}/events")
                stream = events.getresponse()
                asked = 0.0
                while not self.over.is_set():
                    line = stream.readline()
                    if line.startswith(b"event: end"):
                        break
                    if line == b"event: run\n" and time.monotonic() - asked > 1:
                        asked = time.monotonic()
                        for part in (
                            "/timeline",
                            f"/steps/{quote('double')}/items",
                            f"/steps/{quote('double')}/strip",
                        ):
                            self.get(f"/runs/{newest['id']}{part}")
                events.close()
                time.sleep(0.2)
            except (OSError, KeyError, IndexError, ValueError):
                time.sleep(0.2)

    def close(self):
        self.over.set()
        self.process.terminate()
        self.process.wait()


def main():
    n = int(sys.argv[1])
    Path("flow.py").write_text(FLOW.format(n=n))
    run(0)
    alone, watched = [], []
    for turn in range(1, 4):
        alone.append(run(turn))
        page = Page()
        time.sleep(2)
        watched.append(run(turn + 100))
        page.close()
    tell(alone=min(alone), watched=min(watched), seconds=min(watched))
    print(alone, watched, min(watched) / min(alone))


if __name__ == "__main__":
    main()
