"""Does a worker of an engine that lasts leave nothing behind when a run is over?"""

from __future__ import annotations

from typing import Any

import pytest

from plait.engine.task import TaskSpec
from plait.executors import kept
from plait.executors.kept import digest_of, do_kept, end_kept, keep_job
from plait.executors.remote import encode_spec


class OfNow:
    """A station that notes whether it was ended."""

    ended = False

    def end(self) -> None:
        self.ended = True


@pytest.mark.parametrize("over", [True, False])
def test_what_begins_in_the_moment_in_which_the_run_ends_is_ended(
    monkeypatch: pytest.MonkeyPatch, over: bool
) -> None:
    sealed, station = b"a job of this test", OfNow()
    digest = digest_of(sealed)

    def do_task(_sealed: bytes, _spec: bytes, _tell: Any, at: Any) -> bytes:
        if over:
            end_kept(digest)  # all that was there by now
        at(station)
        return b"done"

    monkeypatch.setattr(kept, "do_task", do_task)
    keep_job(sealed)
    try:
        spec = encode_spec(TaskSpec(0, (), 1, 0, "fit", (), ()))
        assert do_kept(digest, spec, lambda _: None, lambda: None) == b"done"
        assert station.ended is over
    finally:
        end_kept(digest)
