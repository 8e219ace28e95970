"""Does a step that asks for a SparkSession get the one that the stack says, wherever it runs?"""

from __future__ import annotations

import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from plait import pipeline, step, wire
from plait.errors import ConfError, DefinitionError
from plait.record.store import RecordStore

FLOW = """
from pyspark.sql import SparkSession
from plait import pipeline, step

@step
def rows(n: int) -> list:
    return [[i, i * i] for i in range(n)]

@step
def summed(spark: SparkSession, rows: list) -> dict:
    table = spark.createDataFrame(rows, ["a", "b"])
    name = spark.conf.get("spark.app.name")
    return {"sum": table.groupBy().sum("b").collect()[0][0], "app": name, "parts": spark.conf.get("spark.sql.shuffle.partitions")}

@pipeline
def flow(n: int = 4):
    return summed(rows(n))
"""


class SparkSession:
    """By its name alone it is not Spark's."""


def test_an_argument_of_a_type_of_that_name_alone_is_an_argument_like_any_other() -> None:
    @step
    def takes(spark: SparkSession) -> int:
        return 1

    takes.function.__annotations__["spark"] = SparkSession  # as without postponed annotations

    @pipeline
    def p() -> Any:
        return takes()

    with pytest.raises(DefinitionError, match="missing a required argument: 'spark'"):
        p.trace()


def test_what_is_provided_is_not_passed_and_not_wired() -> None:
    @step
    def summed(spark: "pyspark.sql.SparkSession", rows: list[int]) -> int:  # type: ignore[name-defined]  # noqa: F821, UP037
        return sum(rows)

    @step
    def rows() -> list[int]:
        return [1]

    @pipeline
    def p() -> Any:
        return summed(rows())

    assert [name for name, _ in p.trace().graph.nodes[1].args] == ["rows"]
    assert {one.name for one in wire(rows, summed).trace().graph.inputs} == set()
    assert summed(None, [1, 2]) == 3


def test_without_pyspark_it_is_said_what_to_install(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyspark", None)
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    from plait.integrations.spark import Session

    with pytest.raises(ConfError, match="pyspark is not installed") as raised:
        Session().open(None)
    assert raised.value.hint == "plait integration install spark"


@pytest.mark.engine_slow
@pytest.mark.parametrize("executor", ["inline", "processes"])
def test_a_step_gets_the_session_of_the_stack(tmp_path: Path, executor: str) -> None:
    pytest.importorskip("pyspark")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java, and it could not be installed: apt-get install default-jre-headless")
    (tmp_path / "conf/base").mkdir(parents=True)
    (tmp_path / "flow.py").write_text(textwrap.dedent(FLOW))
    (tmp_path / "conf/base/stack.yml").write_text(
        "spark:\n  type: session\n  master: local[1]\n  app_name: shop\n"
        "  config: {spark.ui.enabled: false, spark.driver.host: 127.0.0.1, spark.sql.shuffle.partitions: 3}\n"
    )
    command = [sys.executable, "-m", "plait", "run", "flow.py", "--executor", executor]
    for state in ("done", "cached"):
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        (run,) = RecordStore(tmp_path / ".plait", create=False).runs(limit=1)
        assert run.result == {"sum": 14, "app": "shop", "parts": "3"}
        assert {one.state for one in run.tasks} == {state}
