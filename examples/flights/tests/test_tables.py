import pytest
from plait import Project

from flights.checks import one_row_per
from flights.tables import PackagedTable


@pytest.fixture(scope="module")
def catalog():
    return Project.find(__file__).catalog


def test_every_flight_of_the_year_is_read_and_no_answer_is_lost(catalog):
    flights = catalog.load("flights")
    assert len(flights) == 336_776
    assert flights["arr_delay"].notna().sum() == 327_346
    assert flights["time_hour"].dt.tz is not None


def test_weather_has_one_row_per_airport_and_hour(catalog):
    weather = catalog.load("weather")
    assert not weather.duplicated(["origin", "time_hour"]).any()
    assert weather["time_hour"].dt.tz is not None
    assert [result.passed for result in catalog.check("weather")] == [True]


def test_a_second_row_for_an_hour_is_found(weather):
    twice = weather.iloc[[0, 1, 1, 2]]
    assert one_row_per(twice, ["origin", "time_hour"]) == [2]


@pytest.mark.parametrize(
    ("table", "key"), [("planes", "tailnum"), ("airports", "faa"), ("airlines", "carrier")]
)
def test_tables_to_look_up_in_have_unique_keys(catalog, table, key):
    assert catalog.load(table)[key].is_unique


def test_two_tables_are_told_apart_and_one_is_the_same_twice():
    first, again, other = (PackagedTable(name).fingerprint() for name in ("planes", "planes", "airports"))
    assert first == again != other


def test_an_unknown_table_is_answered_with_those_there_are():
    with pytest.raises(FileNotFoundError, match="no table 'trains', but airlines, airports, flights"):
        PackagedTable("trains").load()
