"""However a run begins, its records say how it ended; what cannot begin leaves none."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

import pytest

from plait.errors import RecordError
from plait.executors.inline import InlineExecutor
from plait.launch.start import execute
from plait.record.store import RecordStore
from tests.programs import Folder

FLOW = """
@step
def work(n: int):
    ran("work")
    return n
@pipeline
def flow(n: int = 1):
    return work(n)
"""


def test_a_step_to_refresh_that_is_not_there_is_said_before_a_run_is_recorded(folder: Folder) -> None:
    folder.write(FLOW)
    with pytest.raises(RecordError, match="no step 'wrok'"):
        folder.run(refresh=("wrok",))
    assert RecordStore(folder.home, create=True).runs() == []


@pytest.mark.skipif(sys.platform == "win32", reason="there Ctrl-C cannot be sent to oneself")
def test_interrupted_before_its_first_task_a_run_is_cancelled_and_can_be_resumed(folder: Folder) -> None:
    folder.write(FLOW)

    def interrupt(_run: Any) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        execute(folder.prepared(), executor=InlineExecutor(tee=False), listener=interrupt)
    (run,) = folder.store.runs()
    assert (run.status, run.reason, folder.count("work")) == ("cancelled", "cancelled by Ctrl-C", 0)
    assert folder.plait("resume", "-q", "--executor", "inline")[0] == 0
    assert run.refresh().status == "done"


def test_what_goes_wrong_before_its_first_task_is_the_reason_of_a_run(folder: Folder) -> None:
    folder.write(FLOW)

    def break_(_run: Any) -> None:
        raise OSError("no screen")

    with pytest.raises(OSError, match="no screen"):
        execute(folder.prepared(), executor=InlineExecutor(tee=False), listener=break_)
    (run,) = folder.store.runs()
    assert (run.status, run.reason) == ("failed", "OSError: no screen")
