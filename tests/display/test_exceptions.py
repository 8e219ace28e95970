"""Does a failure read from the user's own lines?"""

from __future__ import annotations

import json

from plait.display.errors import error_lines, headline
from plait.errors import StepError
from plait.record.facts import ErrorInfo, Frame, describe_error


def shown(error, width=100):
    return [line.plain for line in error_lines(error, width)]


def raised(function):
    try:
        function()
    except Exception as error:
        return describe_error(error)
    raise AssertionError("nothing was raised")


def test_the_users_line_and_its_source_stand_there():
    def fail():
        return json.loads("[]")[3]

    lines = shown(raised(fail))
    assert lines[0] == "  IndexError: list index out of range"
    assert any("test_exceptions.py:" in line and "in fail" in line for line in lines)
    assert '      return json.loads("[]")[3]' in lines


def test_library_frames_are_one_line():
    lines = shown(raised(lambda: json.loads("{")))
    assert lines[-1].startswith("    … ")
    assert "decoder.py" in lines[-1]
    assert sum("…" in line for line in lines) == 1


def test_our_own_frames_are_not_shown():
    frames = (
        Frame("/x/plait/executors/work.py", 1, "do", "x", "plait"),
        Frame("flow.py", 3, "fit", "return 1 / x", "user"),
        Frame("/x/plait/graph/step.py", 1, "__call__", "x", "plait"),
    )
    lines = shown(ErrorInfo("ZeroDivisionError", "division by zero", frames))
    assert lines == ["  ZeroDivisionError: division by zero", "    flow.py:3 in fit", "      return 1 / x"]


def test_many_frames_are_shortened_in_the_middle():
    frames = tuple(Frame("flow.py", at, "again", "again()", "user") for at in range(100))
    lines = shown(ErrorInfo("RecursionError", "too deep", frames))
    assert len(lines) < 25
    assert "92 frames more" in "\n".join(lines)


def test_a_long_message_is_wrapped_and_never_cut():
    message = " ".join(f"word{at}" for at in range(40))
    lines = shown(ErrorInfo("ValueError", message), width=60)
    assert all(len(line) <= 60 for line in lines)
    assert " ".join(" ".join(lines).split()) == f"ValueError: {message}"


def test_our_own_errors_are_said_without_their_class():
    assert headline(describe_error(StepError("it broke"))) == "it broke"
    assert headline(ErrorInfo("WorkerLost", "the worker was killed")) == "the worker was killed"
    assert headline(ErrorInfo("KeyError", "")) == "KeyError"


def test_a_message_of_several_lines_and_control_characters_stays_in_its_place():
    lines = shown(ErrorInfo("ValueError", "one\ntwo \x1b[31mred"))
    assert lines == ["  ValueError: one", "  two ·[31mred"]


def test_a_frame_of_a_compiled_module_is_the_librarys_and_of_ones_own_the_users(tmp_path):
    from plait.record.facts import frame_origin

    own = tmp_path / "mine.pyx"
    own.write_text("")
    assert frame_origin("pandas/_libs/index.pyx") == "library"
    assert frame_origin("index.pyx") == "library"
    assert frame_origin(str(own)) == "user"
    assert frame_origin(str(tmp_path / "mine.py")) == "user"
