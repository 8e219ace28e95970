import pandas as pd
from flights import tables


def test_every_flight_of_the_year_is_read_and_no_answer_is_lost():
    flights = tables.read_flights()
    assert len(flights) == 336_776
    assert flights["arr_delay"].notna().sum() == 327_346
    assert flights["time_hour"].dt.tz is not None


def test_weather_has_one_row_per_airport_and_hour():
    weather = tables.read_weather()
    assert not weather.duplicated(["origin", "time_hour"]).any()
    assert weather["time_hour"].dt.tz is not None


def test_planes_airports_and_airlines_have_unique_keys():
    for table, key in [
        (tables.read_planes(), "tailnum"),
        (tables.read_airports(), "faa"),
        (tables.read_airlines(), "carrier"),
    ]:
        assert isinstance(table, pd.DataFrame)
        assert table[key].is_unique
