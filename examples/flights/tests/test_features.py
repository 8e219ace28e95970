import pandas as pd
import pytest

from flights.cleaning import clean
from flights.features import FEATURES, PRIOR_FLIGHTS, add_rates, join, late_rates, split_by_time


@pytest.fixture
def joined(flights, weather, planes, airports, airlines) -> pd.DataFrame:
    return join(clean(flights), weather, planes, airports, airlines)


def test_weather_is_that_of_the_hour_before_at_the_airport_of_departure(joined):
    # both leave JFK between 19:00 and 20:00 UTC
    assert joined["temp"].tolist() == [118, 118]


def test_an_hour_without_weather_keeps_its_flights(flights, weather, planes, airports, airlines):
    joined = join(clean(flights), weather[weather["origin"] == "EWR"], planes, airports, airlines)
    assert len(joined) == 2
    assert joined["temp"].isna().all()


def test_weather_with_two_rows_for_an_hour_is_refused(flights, weather, planes, airports, airlines):
    with pytest.raises(pd.errors.MergeError):
        join(clean(flights), pd.concat([weather, weather]), planes, airports, airlines)


def test_plane_destination_and_airline_are_looked_up_and_nan_where_unknown(joined):
    first, second = joined.to_dict("records")
    assert (first["plane_age"], first["dest_lat"], first["airline"]) == (10, 33.9, "American")
    assert pd.isna(second["plane_age"])
    assert pd.isna(second["dest_lat"])
    assert second["airline"] == "United"


def test_clock_and_calendar_are_local(joined):
    assert joined["minute"].tolist() == [14 * 60 + 5, 14 * 60 + 30]
    assert joined["weekday"].tolist() == [1, 1]  # a Tuesday


def test_every_date_to_learn_from_is_before_every_date_to_be_judged_on(year):
    past, future = split_by_time(year.sample(frac=1, random_state=0), test_months=2)
    assert past["departs"].max() < future["departs"].min()
    assert future["departs"].min() == pd.Timestamp("2013-11-01 08:00")
    assert len(past) + len(future) == len(year)


@pytest.mark.parametrize("months", [0, 12, 13])
def test_a_split_with_an_empty_side_is_refused(year, months):
    with pytest.raises(ValueError, match=f"test_months={months} leaves one side empty"):
        split_by_time(year, months)


def test_rates_do_not_change_when_the_future_does(year):
    past, future = split_by_time(year)
    train, test = add_rates(past, future)
    other_train, other_test = add_rates(past, future.assign(late=~future["late"]))
    pd.testing.assert_frame_equal(train, other_train)
    pd.testing.assert_frame_equal(test.drop(columns="late"), other_test.drop(columns="late"))


def test_a_flight_to_forecast_gets_the_rate_of_the_past_and_a_new_airline_gets_none(year):
    _, test = add_rates(*split_by_time(year))
    morning, evening = (test.loc[test["hour"] == hour, "hour_rate"] for hour in (8, 20))
    assert morning.max() < 0.2  # though every morning flight of the future is late
    assert evening.min() > 0.8
    assert test["carrier_rate"].isna().all()


def test_a_small_group_is_drawn_to_the_common_rate():
    table = pd.DataFrame({"dest": ["A"] * PRIOR_FLIGHTS + ["B"] * PRIOR_FLIGHTS + ["C"], "late": False})
    table.loc[table["dest"] == "A", "late"] = True
    rates, common = late_rates(table, "dest"), table["late"].mean()
    assert rates["A"] == pytest.approx((1 + common) / 2)
    assert rates["C"] == pytest.approx(common, abs=0.01)


def test_no_feature_changes_with_how_the_flight_went(flights, weather, planes, airports, airlines):
    joined = join(clean(flights), weather, planes, airports, airlines)
    otherwise = flights.assign(dep_time=flights["dep_time"] + 100, arr_delay=60 - flights["arr_delay"])
    rejoined = join(clean(otherwise), weather, planes, airports, airlines)
    assert rejoined["late"].tolist() != joined["late"].tolist()
    _, test = add_rates(joined, joined)
    _, retest = add_rates(joined, rejoined)
    pd.testing.assert_frame_equal(test[FEATURES], retest[FEATURES])
