"""Do lines fit where they are shown, and can nothing from a user's value drive a terminal?"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from plait.display.text import Text, clean, columns, width_of


@given(
    st.lists(st.tuples(st.text(max_size=12), st.sampled_from(["", "dim", "done"])), max_size=5),
    st.integers(1, 40),
)
def test_a_cut_line_is_never_wider_than_asked(spans, width):
    line = Text()
    for text, style in spans:
        line.add(text, style)
    assert line.cut(width).width <= width


@given(
    st.lists(
        st.lists(st.text(st.characters(categories=["L", "N"]), max_size=30), min_size=1, max_size=4),
        min_size=1,
        max_size=6,
    ),
    st.integers(20, 80),
)
def test_columns_are_never_wider_than_the_page(rows, width):
    assert all(line.width <= width for line in columns(rows, width=width, shrink=(0, 1)))


@given(st.text())
def test_clean_text_has_no_control_characters(text):
    assert clean(text).isprintable()


def test_wide_and_combining_characters_count_as_cells():
    assert width_of("日本") == 4
    assert width_of("e\u0301") == 1
    assert Text("日本語").cut(4).plain == "日…"


def test_columns_line_up():
    lines = [line.plain for line in columns([["a", "1"], ["long", "22"]], width=40, right=(1,), indent=0)]
    assert lines == ["a      1", "long  22"]


def test_colours_are_told_only_where_they_are_wanted():
    line = Text("ok", "done")
    assert line.render(colour=False) == "ok"
    assert line.render(colour=True) == "\x1b[32mok\x1b[0m"
