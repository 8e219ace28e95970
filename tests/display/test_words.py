"""Are times, sizes and numbers said so that they can be compared by looking?"""

from __future__ import annotations

import datetime
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.display.words import ago, bytes_text, clock, column_of_numbers, number, seconds, value_text


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.0034, "3 ms"),
        (0.9999, "1.00 s"),
        (9.994, "9.99 s"),
        (9.996, "10.0 s"),
        (59.96, "1 min 00 s"),
        (200, "3 min 20 s"),
        (7500, "2 h 05 min"),
        (200000, "2 d 7 h"),
    ],
)
def test_durations(value, said):
    assert seconds(value) == said


@pytest.mark.parametrize(("value", "said"), [(0.4, "0:00"), (67, "1:07"), (3723, "1:02:03")])
def test_clocks(value, said):
    assert clock(value) == said


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (999_600, "1.0 MB"),
        (10_500_000, "10.5 MB"),
        (336_000_000, "336 MB"),
    ],
)
def test_sizes(size, said):
    assert bytes_text(size) == said


def test_moments():
    now = datetime.datetime(2024, 5, 17, 14, 30).astimezone()
    before = {3: "just now", 30: "30 s ago", 300: "5 min ago", 7200: "2 h ago"}
    for passed, said in before.items():
        assert ago(now - datetime.timedelta(seconds=passed), now) == said
    assert ago(now - datetime.timedelta(days=1), now) == "yesterday 14:30"
    assert ago(now - datetime.timedelta(days=30), now) == "2024-04-17"


def test_a_column_has_the_same_decimals():
    assert column_of_numbers([0.5214, 0.17, 1.0]) == ["0.5214", "0.1700", "1.0000"]
    assert column_of_numbers([327346.0, 8255.0]) == ["327\u202f346", "8\u202f255"]
    assert column_of_numbers([123.456, 7.0]) == ["123.46", "7.00"]
    assert column_of_numbers([0.5, math.nan, None, math.inf]) == ["0.5000", "nan", "-", "inf"]
    assert column_of_numbers([1e-9, 0.5]) == ["1e-09", "0.5"]
    assert column_of_numbers([]) == []
    assert column_of_numbers([None]) == ["-"]


@given(st.lists(st.one_of(st.none(), st.floats()), max_size=8))
def test_every_number_can_be_said(values):
    said = column_of_numbers(values)
    assert len(said) == len(values)
    assert all(said)


@given(st.floats(1e-4, 1e6))
def test_a_number_is_said_to_four_digits_or_decimals(value):
    assert float(number(value).replace("\u202f", "")) == pytest.approx(value, rel=1e-3, abs=5.1e-5)


def test_values_are_one_line_and_their_repr_may_raise():
    class Broken:
        def __repr__(self):
            raise RuntimeError

    assert value_text("two\nlines") == "'two\\nlines'"
    assert value_text(list(range(100)), 20) == "[100 items]"
    assert "Broken" in value_text(Broken())
