import pandas as pd

from flights.cleaning import clean


def test_only_flights_that_arrived_stay(flights):
    assert clean(flights)["carrier"].tolist() == ["AA", "UA"]


def test_late_means_more_than_the_limit(flights):
    assert clean(flights, late_minutes=15)["late"].tolist() == [False, True]
    assert clean(flights, late_minutes=14)["late"].tolist() == [True, True]


def test_departure_is_the_scheduled_local_time(flights):
    assert clean(flights)["departs"].tolist() == [
        pd.Timestamp("2013-01-01 14:05"),
        pd.Timestamp("2013-01-01 14:30"),
    ]


def test_traffic_counts_the_schedule_with_its_cancelled_flights(flights):
    assert clean(flights)["traffic"].tolist() == [2, 2]
    at_one_airport = flights.assign(origin=pd.Categorical(["JFK"] * 4))
    assert clean(at_one_airport)["traffic"].tolist() == [3, 3]


def test_nothing_learnt_after_departure_is_kept(flights):
    assert not {"dep_time", "arr_delay"} & set(clean(flights).columns)


def test_the_given_table_stays_as_it_is(flights):
    before = flights.copy()
    clean(flights)
    pd.testing.assert_frame_equal(flights, before)
