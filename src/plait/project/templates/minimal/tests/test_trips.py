"""Do the steps do what their names say?"""

import pytest
from plait import Project

from minimal.trips import choose, clean, distances_are_positive, evaluate, fit, predict, split

LINE = [{"km": km, "minutes": 5 + 2 * km} for km in (1.0, 2.0, 3.0, 6.0)]


def test_trips_without_a_time_are_left_out():
    assert clean([{"km": 1.0, "minutes": None}, *LINE]) == LINE


def test_the_last_trips_are_those_to_be_judged_on():
    train, test = split(LINE, 0.25)
    assert (train, test) == (LINE[:3], LINE[3:])


def test_a_line_is_found():
    model = fit(LINE, strength=0.0)
    assert predict(model, 10.0) == pytest.approx(25.0)
    assert evaluate(model, LINE) == pytest.approx(0.0)


def test_the_smallest_error_wins():
    model, report = choose([fit(LINE, 1000.0), fit(LINE, 0.0)], [3.0, 1.0])
    assert model["strength"] == 0.0
    assert report["error"] == 1.0


@pytest.mark.parametrize("env", ["base", "prod"])
def test_the_data_is_there_and_passes_its_checks(env):
    catalog = Project.find(__file__, env).catalog
    assert catalog.problems() == []
    assert len(catalog.load("trips")) == 40


def test_a_trip_of_no_distance_is_found():
    assert distances_are_positive([*LINE, {"km": 0.0, "minutes": 3.0}]) == [4]
