"""What happened to which step? A line of JSON for each, in the file that PLAIT_JOURNAL names."""

import json
import os

from plait import hook


@hook
def step_finished(context):
    _note(
        {"event": "finished", "task": context.task, "run": context.run, "seconds": round(context.seconds, 6)}
    )


@hook
def step_failed(context):
    _note({"event": "failed", "task": context.task, "run": context.run, "error": context.error})


def _note(line):
    path = os.environ.get("PLAIT_JOURNAL")
    if not path:
        return
    # One write to a file opened for appending: lines of several worker processes do not run into each other.
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(descriptor, (json.dumps(line) + "\n").encode())
    finally:
        os.close(descriptor)
