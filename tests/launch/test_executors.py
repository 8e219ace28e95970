"""Where do the steps of one run go that name an executor?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from plait import each, pipeline, step


@step
def rows(n: int) -> list[int]:
    return list(range(n))


@step
def square(x: int) -> int:
    return x * x


@pytest.mark.parametrize("name", ["inline", "threads", "processes"])
def test_a_step_may_name_the_executor_that_the_run_is_on(name: str, home: Path) -> None:
    @pipeline
    def flow(n: int) -> Any:
        return square.with_(executor=name, cpus=2)(each(rows(n)))

    assert flow.run(n=3, executor=name).result == [0, 1, 4]
