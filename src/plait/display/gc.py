"""How is it said what a collection removed, or would?"""

from __future__ import annotations

import datetime
from typing import Any

from plait.display.text import Text, columns
from plait.display.words import ago, bytes_text
from plait.record.gc import Collected, GoneRun

__all__ = ["collected_lines", "collected_object"]

_MOST_RUNS = 30


def collected_lines(found: Collected, width: int) -> list[Text]:
    """By run and step what goes, then the sum."""
    rows: list[list[str | Text]] = []
    for run in found.runs[:_MOST_RUNS]:
        rows += _run_rows(run)
    lines = columns(rows, width=width, right=(1,), shrink=(2,), indent=0)
    if len(found.runs) > _MOST_RUNS:
        lines.append(Text(f"and {len(found.runs) - _MOST_RUNS} runs more", "dim"))
    if lines:
        lines.append(Text())
    would = "would free" if found.dry_run else "freed"
    count = len(found.runs)
    said = f"{would} {bytes_text(found.bytes)} in {_several(found.blobs, 'blob')}"
    lines.append(Text(said, "bold").add(f": {_several(count, 'run')}" if count else ""))
    if found.leftover_blobs:
        lines.append(
            Text(
                f"  {bytes_text(found.leftover_bytes)} of it belonged to no run: left behind by killed or deleted ones",
                "dim",
            )
        )
    if found.young_bytes:
        lines.append(
            Text(
                f"  {bytes_text(found.young_bytes)} may be needed by what is going on: kept until the next time",
                "dim",
            )
        )
    if found.unfinished:
        lines.append(Text(f"  {_several(found.unfinished, 'half-written file')} removed", "dim"))
    return lines


def _run_rows(run: GoneRun) -> list[list[str | Text]]:
    when = ago(datetime.datetime.fromtimestamp(run.started_at).astimezone())
    inherited = f", {_several(run.inherited, 'result')} kept by later runs" if run.inherited else ""
    head: list[str | Text] = [
        Text("run ", "dim").add(run.id, "name").add(f" {run.pipeline}"),
        bytes_text(run.bytes),
        Text(f"{run.status}, {when}{inherited}", "dim"),
    ]
    rows = [head]
    for step in run.steps:
        size = Text(bytes_text(step.bytes), "dim")
        rows.append([Text(f"  {step.step}"), size, Text(_several(step.blobs, "blob"), "dim")])
    return rows


def _several(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def collected_object(found: Collected) -> dict[str, Any]:
    """The same for programs."""
    return {
        "dry_run": found.dry_run,
        "bytes": found.bytes,
        "blobs": found.blobs,
        "leftover_bytes": found.leftover_bytes,
        "young_bytes": found.young_bytes,
        "unfinished_files": found.unfinished,
        "runs": [
            {
                "id": run.id,
                "pipeline": run.pipeline,
                "status": run.status,
                "bytes": run.bytes,
                "inherited": run.inherited,
                "steps": [
                    {"step": step.step, "bytes": step.bytes, "blobs": step.blobs} for step in run.steps
                ],
            }
            for run in found.runs
        ],
    }
