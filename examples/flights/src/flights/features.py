"""What is known about a flight before it leaves?"""

import pandas as pd
from plait import step

WEATHER = ["temp", "humid", "wind_speed", "precip", "pressure", "visib"]
RATED = ["origin", "carrier", "dest", "hour", "weekday"]
RATES = [f"{column}_rate" for column in RATED]
FEATURES = ["minute", "distance", "traffic", "plane_age", "dest_lat", "dest_lon", *WEATHER, *RATES]
PRIOR_FLIGHTS = 100  # a group of so many flights has a rate half way between the common one and its own


@step
def join(
    flights: pd.DataFrame,
    weather: pd.DataFrame,
    planes: pd.DataFrame,
    airports: pd.DataFrame,
    airlines: pd.DataFrame,
) -> pd.DataFrame:
    """The flights, row for row, with calendar, weather, plane, destination and airline beside them.

    The weather is that of the hour *before* the hour of the scheduled departure, at the airport of
    departure: a flight at 14:05 gets the record of 13 o'clock, and nothing in that was observed after it
    left. The month is no feature: the months to forecast are never among those to learn from. What is not
    on record is NaN.
    """
    departs = flights["departs"].dt
    places = airports.set_index("faa")
    table = flights.assign(
        minute=departs.hour * 60 + departs.minute,  # since local midnight
        hour=departs.hour,
        weekday=departs.day_of_week,  # Monday is 0
        plane_age=departs.year - look_up(flights["tailnum"], planes.set_index("tailnum")["year"]),  # years
        dest_lat=look_up(flights["dest"], places["lat"]),
        dest_lon=look_up(flights["dest"], places["lon"]),
        airline=flights["carrier"].map(airlines.set_index("carrier")["name"]),
    )
    an_hour_later = weather.assign(time_hour=weather["time_hour"] + pd.Timedelta(hours=1))
    return table.merge(an_hour_later, how="left", on=["origin", "time_hour"], validate="many_to_one")


@step(outputs=["past", "future"])
def split_by_time(table: pd.DataFrame, test_months: int = 2) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The earlier months to learn from, and the last ``test_months`` months to be judged on."""
    months = table["departs"].dt.to_period("M")
    first = months.max() - (test_months - 1)
    if not months.min() < first <= months.max():
        raise ValueError(
            f"test_months={test_months} leaves one side empty, the table has {months.nunique()} months"
        )
    past, future = table[months < first], table[months >= first]
    return past.reset_index(drop=True), future.reset_index(drop=True)


@step(outputs=["train", "test"])
def add_rates(past: pd.DataFrame, future: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both tables with the share of late flights per airport, airline, destination, hour and weekday.

    The rates come from the past alone. A value that the past has not seen gets NaN.
    """
    rates = {column: late_rates(past, column) for column in RATED}

    def with_rates(table: pd.DataFrame) -> pd.DataFrame:
        return table.assign(**{f"{column}_rate": look_up(table[column], rates[column]) for column in RATED})

    return with_rates(past), with_rates(future)


def late_rates(table: pd.DataFrame, column: str) -> pd.Series:
    """The share of late flights by value of a column; the fewer flights, the closer to the common share."""
    late = table.groupby(column, observed=True)["late"].agg(["sum", "size"])
    return (late["sum"] + PRIOR_FLIGHTS * table["late"].mean()) / (late["size"] + PRIOR_FLIGHTS)


def look_up(keys: pd.Series, numbers: pd.Series) -> pd.Series:
    """The number that each key has, NaN for a key without one."""
    return keys.map(numbers).astype("float64")  # `map` keeps a category a category
