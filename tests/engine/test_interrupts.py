"""What does Ctrl-C do within a run?"""

from __future__ import annotations

import os
import signal

import pytest

from plait.engine.interrupts import Interrupts
from plait.engine.task import EndNow


def press() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_the_first_is_heard_the_second_ends_and_what_ends_is_not_broken_off() -> None:
    before = signal.getsignal(signal.SIGINT)
    heard: list[str] = []
    interrupts = Interrupts(lambda: heard.append("stop launching"))
    with interrupts:
        press()
        assert heard == ["stop launching"]
        with pytest.raises(EndNow):
            press()
        interrupts.ignore()
        press()
        press()
    assert heard == ["stop launching"]
    assert signal.getsignal(signal.SIGINT) is before
