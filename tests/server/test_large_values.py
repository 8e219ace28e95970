"""Are values of any size looked at and saved, without anybody holding them whole?"""

from __future__ import annotations

import io
import shutil
import urllib.request
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest

from tests.server.conftest import Server, plait

FLOW = """
import numpy as np
from plait import pipeline, step

@step
def large(n: int):
    return np.zeros((n // 1024, 1024))

@step
def table(n: int):
    import pandas as pd
    return pd.DataFrame({"n": range(min(n, 10)), "name": "x"})

@step
def arrow(n: int):
    import pyarrow as pa
    return pa.table({"n": list(range(5))})

@pipeline
def flow(n: int):
    return large(n), table(n), arrow(n)
"""


def started(folder: Path, n: int) -> tuple[Server, str]:
    (folder / "flow.py").write_text(FLOW)
    run = plait(folder, "run", "flow.py:flow", f"n={n}", "--executor", "inline", "-q").split()[0]
    return Server(folder), run


def artifact_of(server: Server, run: str, task: str) -> str:
    return str(server.get(f"/runs/{run}/tasks/{task}")["outputs"][0]["value"]["artifact"])


def test_tables_are_saved_as_csv_and_as_parquet(tmp_path: Path) -> None:
    server, run = started(tmp_path, 1024)
    try:
        for task, rows in (("table", 10), ("arrow", 5)):
            place = f"/api/v1/artifacts/{artifact_of(server, run, task)}/download?run={run}&task={task}"
            csv = server.ask(place)
            assert csv.headers["content-disposition"] == f'attachment; filename="{task}.csv"'
            assert list(pd.read_csv(io.BytesIO(csv.body))["n"]) == list(range(rows))
            parquet = server.ask(f"{place}&format=parquet")
            assert parquet.headers["content-disposition"] == f'attachment; filename="{task}.parquet"'
            assert list(pd.read_parquet(io.BytesIO(parquet.body))["n"]) == list(range(rows))
            assert int(parquet.headers["content-length"]) == len(parquet.body)
        place = f"/api/v1/artifacts/{artifact_of(server, run, 'large')}/download?run={run}&task=large"
        assert np.load(io.BytesIO(server.ask(place).body)).shape == (1, 1024)
    finally:
        server.close()


def anonymous(process: psutil.Process) -> int:
    """Bytes of memory of its own, without what it has mapped from files."""
    text = Path(f"/proc/{process.pid}/status").read_text()
    return 1024 * next(int(line.split()[1]) for line in text.splitlines() if line.startswith("RssAnon"))


@pytest.mark.engine_slow
def test_an_array_of_two_gigabytes_is_seen_and_saved_piece_by_piece(tmp_path: Path) -> None:
    if shutil.disk_usage(tmp_path).free < 8 * 2**30:
        pytest.skip("8 GiB of free disk are needed")
    n = 2**28
    server, run = started(tmp_path, n)
    try:
        artifact = artifact_of(server, run, "large")
        about = server.get(f"/artifacts/{artifact}")
        assert about["size"] >= 2**31
        seen = server.get(f"/artifacts/{artifact}/preview")
        assert (seen["kind"], seen["shape"], seen["values"][:3]) == (
            "array",
            [n // 1024, 1024],
            [0.0, 0.0, 0.0],
        )
        received, most = 0, 0
        main = psutil.Process(server.process.pid)
        with urllib.request.urlopen(
            f"{server.base}/api/v1/artifacts/{artifact}/download", timeout=600
        ) as answer:
            assert int(answer.headers["Content-Length"]) == 8 * n + 128
            while piece := answer.read(2**24):
                received += len(piece)
                if received % 2**27 < 2**24:
                    most = max(most, *map(anonymous, [main, *main.children(recursive=True)]))
        assert received == 8 * n + 128
        assert most < 400 * 2**20
    finally:
        server.close()
    shutil.rmtree(tmp_path / ".plait", ignore_errors=True)
