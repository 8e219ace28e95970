"""Small tables in the shape of the real ones."""

import numpy as np
import pandas as pd
import pytest


@pytest.fixture
def flights() -> pd.DataFrame:
    """Four flights as they are read: punctual, late, cancelled and diverted."""
    return pd.DataFrame(
        {
            "year": [2013, 2013, 2013, 2013],
            "month": [1, 1, 1, 2],
            "day": [1, 1, 1, 28],
            "dep_time": [1405.0, 1500.0, np.nan, 2359.0],
            "sched_dep_time": [1405, 1430, 1430, 2359],
            "arr_delay": [15.0, 16.0, np.nan, np.nan],
            "carrier": ["AA", "UA", "AA", "AA"],
            "tailnum": ["N1", "N2", None, "N1"],
            "origin": ["JFK", "JFK", "EWR", "JFK"],
            "dest": ["LAX", "SJU", "LAX", "LAX"],
            "distance": [2475, 1598, 2454, 2475],
            "time_hour": pd.to_datetime(
                ["2013-01-01T19:00Z", "2013-01-01T19:00Z", "2013-01-01T19:00Z", "2013-03-01T04:00Z"]
            ),
        }
    ).astype(dict.fromkeys(["carrier", "tailnum", "origin", "dest"], "category"))


@pytest.fixture
def weather() -> pd.DataFrame:
    """Three hours at two airports; the temperature tells the hour (UTC) and the airport apart."""
    hours = pd.to_datetime(["2013-01-01T18:00Z", "2013-01-01T19:00Z", "2013-01-01T20:00Z"])
    table = pd.DataFrame(
        {
            "origin": ["EWR"] * 3 + ["JFK"] * 3,
            "time_hour": [*hours, *hours],
            "temp": [18, 19, 20, 118, 119, 120],
        }
    )
    rest = dict.fromkeys(["humid", "wind_speed", "precip", "pressure", "visib"], 1.0)
    return table.assign(**rest).astype({"origin": "category"})


@pytest.fixture
def planes() -> pd.DataFrame:
    return pd.DataFrame({"tailnum": ["N1", "N3"], "year": [2003.0, 1990.0]})


@pytest.fixture
def airports() -> pd.DataFrame:
    return pd.DataFrame({"faa": ["LAX", "BOS"], "lat": [33.9, 42.4], "lon": [-118.4, -71.0]})


@pytest.fixture
def airlines() -> pd.DataFrame:
    return pd.DataFrame({"carrier": ["AA", "UA"], "name": ["American", "United"]})


@pytest.fixture
def year() -> pd.DataFrame:
    """Two flights a day, the evening one always late; from November on (a new airline) both are."""
    days = pd.date_range("2013-01-01", "2013-12-31")
    departs = pd.DatetimeIndex([*(days + pd.Timedelta(hours=8)), *(days + pd.Timedelta(hours=20))])
    return pd.DataFrame(
        {
            "departs": departs,
            "hour": departs.hour,
            "weekday": departs.day_of_week,
            "origin": pd.Categorical(["JFK"] * len(departs)),
            "carrier": pd.Categorical(np.where(departs.month < 11, "AA", "UA")),
            "dest": pd.Categorical(["LAX"] * len(departs)),
            "late": (departs.hour == 20) | (departs.month >= 11),
        }
    )
