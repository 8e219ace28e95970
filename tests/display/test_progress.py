"""Is what goes on told as it goes on, for little?"""

from __future__ import annotations

import io
import os
import sys
import time

import pytest

from plait import each, pipeline, step
from plait.display.live import picture
from plait.display.outline import outline
from plait.display.progress import PlainProgress, watch
from plait.display.screen import Screen
from plait.display.tally import Tally
from plait.record.facts import Advance, Usage


@step
def items(n: int):
    return list(range(n))


@step
def one(x):
    if x == 13:
        raise ValueError("thirteen")
    print("one", x)
    return x


@step
def total(xs):
    return sum(xs)


@pipeline
def mapped(n: int):
    return total(one(each(items(n))))


@pipeline
def chain(x: int = 0):
    for _ in range(60):
        x = one(x)
    return x


def told(ran, pipeline, **params):
    stream = io.StringIO()
    run = ran(pipeline, lambda run: PlainProgress(run, Screen(stream), repeat=False), **params)
    return run, stream.getvalue().splitlines()


def test_a_map_says_its_start_its_tenths_and_its_end(ran):
    _, lines = told(ran, mapped, n=40)
    assert "▸ one: 40 tasks" in lines
    assert "  one  4/40" in lines
    assert [line for line in lines if line.startswith("  one")][-1] == "  one  36/40"
    end = next(line for line in lines if "one  39/40" in line)
    assert end.startswith("✗ ")
    assert "1 failed" in end
    assert "✗ one[13]  ValueError: thirteen" in lines
    assert "○ total  skipped: one[13] failed" in lines
    assert len(lines) < 20


def test_an_empty_map_says_so(ran):
    _, lines = told(ran, mapped, n=0)
    assert "✓ one: an empty list, no tasks" in lines
    assert any(line.startswith("✓ total") for line in lines)


def test_ten_thousand_tasks_make_few_lines_and_little_work(ran):
    run = ran(mapped, n=1)
    stream = io.StringIO()
    progress = PlainProgress(run, Screen(stream), repeat=True)
    progress.unfolded(1, (), 10_000)
    usage = Usage(time.time(), time.time(), 0.0, 0, "w")
    before = time.process_time()
    for at in range(10_000):
        progress.task_started(1, (at,), 1)
        progress.task_ended(1, (at,), "done", usage, None, "")
    spent = time.process_time() - before
    assert len(stream.getvalue().splitlines()) < 15
    assert spent < 0.5  # 0.015 s where nothing else runs; a task itself takes 0.2 ms


def test_a_picture_fits_the_terminal_and_counts(ran):
    run = ran(chain)
    tally = Tally(run.graph)
    rows = outline(run.graph)
    usage = Usage(1.0, 2.0)
    for node in range(30):
        tally.started(node)
        tally.ended(node, (), "done", usage)
    tally.started(30)
    lines = [line.plain for line in picture("chain", rows, tally, 12.0, (50, 16))]
    assert len(lines) <= 15
    assert all(len(line) <= 50 for line in lines)
    assert "30/60 steps  0:12" in lines[0]
    assert any("▸ one_31" in line for line in lines)
    assert any("more done" in line for line in lines)
    assert any("more waiting" in line for line in lines)
    shown = sum(line.lstrip()[0] in "✓▸·" and "more" not in line for line in lines[1:])
    folded = sum(int(line.split()[1]) for line in lines if "more" in line)
    assert shown + folded == 60


def test_a_step_that_says_how_far_it_is_has_a_bar(ran):
    run = ran(chain)
    tally = Tally(run.graph)
    tally.started(0)
    tally.advanced(0, Advance(5, 20, 1.0))
    tally.started(1)
    tally.advanced(1, Advance(7, None, 1.0))
    lines = [line.plain for line in picture("chain", outline(run.graph), tally, 1.0, (80, 16))]
    assert lines[1].endswith("━" * 5 + "─" * 15 + "  5/20")
    assert lines[2].rstrip().endswith("  7")


def test_without_a_terminal_a_line_tells_each_tenth(ran):
    run = ran(chain)
    stream = io.StringIO()
    told = PlainProgress(run, Screen(stream), repeat=True)
    for at in range(101):
        told.advanced(0, (), Advance(at, 100, 1.0))
    assert [line.strip() for line in stream.getvalue().splitlines()[1:]] == [
        f"{run.graph.nodes[0].id}  {at}/100" for at in range(10, 101, 10)
    ]


def test_nested_maps_know_their_total_only_when_all_are_entered():
    @pipeline
    def nested(xss: list):
        return one(each(each(xss)))

    graph = nested.graph
    tally = Tally(graph)
    assert tally.total(0) is None
    tally.unfolded(1, 2)
    tally.unfolded(2, 3)
    assert tally.total(0) is None
    tally.unfolded(2, 4)
    assert tally.total(0) == 7


def test_the_inline_executor_keeps_to_plain_lines(ran, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setenv("TERM", "xterm")
    run = ran(mapped, n=1)
    assert isinstance(watch(run, screen=Screen(Terminal())), PlainProgress)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_on_a_terminal_the_picture_moves_and_is_gone_at_the_end(tmp_path):
    import pty
    import subprocess
    from pathlib import Path

    (tmp_path / "moving.py").write_text(
        "import time\nfrom plait import step, pipeline, each\n"
        "@step\ndef items(): return list(range(12))\n"
        "@step\ndef slow(x):\n    time.sleep(0.06)\n    print('said', x)\n    return x\n"
        "@pipeline\ndef moving(): return slow(each(items()))\n"
    )
    main, other = pty.openpty()
    source = str(Path(__file__).parents[2] / "src")
    process = subprocess.Popen(
        [sys.executable, "-m", "plait", "run", "moving.py"],
        cwd=tmp_path,
        stdin=other,
        stdout=subprocess.PIPE,
        stderr=other,
        env={**os.environ, "PYTHONPATH": source, "TERM": "xterm", "COLUMNS": "80", "LINES": "24"},
    )
    os.close(other)
    said = b""
    while True:
        try:
            chunk = os.read(main, 65536)
        except OSError:  # the other end is closed
            break
        if not chunk:
            break
        said += chunk
    out, _ = process.communicate(timeout=60)
    os.close(main)
    text = said.decode()
    assert process.returncode == 0, text
    assert "steps" in text
    assert "/12" in text
    assert text.count("said ") == 12
    assert "slow[11]" in text
    assert "\x1b[?25h" in text  # the cursor is back
    assert "✓ moving" in out.decode()
    assert "\x1b" not in out.decode()
