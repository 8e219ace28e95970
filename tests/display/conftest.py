"""A recorded run of a pipeline, inline."""

from __future__ import annotations

import sys

import pytest


@pytest.fixture
def ran(tmp_path, monkeypatch):
    """Run a pipeline and get its record, whether it failed or not."""
    monkeypatch.setenv("PLAIT_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(sys, "path", list(sys.path))

    def ran(pipeline, listener=None, **params):
        from plait.executors.inline import InlineExecutor

        import_launch = _launch()
        given = {name: import_launch.Given(value) for name, value in params.items()}
        prepared = import_launch.prepare(pipeline, given)
        return import_launch.execute(prepared, executor=InlineExecutor(tee=False), listener=listener)

    return ran


class _Names:
    def __init__(self, **names):
        self.__dict__.update(names)


def _launch():
    try:
        from plait.launch import Given, execute, prepare
    except ImportError:
        from plait.launch.prepare import Given, prepare
        from plait.launch.start import execute
    return _Names(Given=Given, execute=execute, prepare=prepare)
