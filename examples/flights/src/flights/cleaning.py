"""Which flights count, and which of them are late?"""

import pandas as pd
from plait import log, step


@step
def clean(flights: pd.DataFrame, late_minutes: int = 15) -> pd.DataFrame:
    """One row per flight that arrived, with the answer: ``late`` is a delay of more than ``late_minutes``.

    A cancelled flight (no departure) has no arrival, and a diverted one none where it was meant to go:
    neither has an answer, so both are left out, and their numbers logged. They do count in ``traffic``, the
    departures scheduled at one airport in one hour: the schedule is known beforehand, cancellations are not.
    ``departs`` is the scheduled departure in local time.
    """
    cancelled = flights["dep_time"].isna()
    arrived = flights["arr_delay"].notna()
    hours, minutes = flights["sched_dep_time"] // 100, flights["sched_dep_time"] % 100
    table = flights.assign(
        departs=pd.to_datetime(flights[["year", "month", "day"]])
        + pd.to_timedelta(hours, unit="h")
        + pd.to_timedelta(minutes, unit="min"),
        traffic=flights.groupby(["origin", "time_hour"], observed=True)["carrier"].transform("size"),
        late=flights["arr_delay"] > late_minutes,
    )
    kept = ["departs", "time_hour", "carrier", "tailnum", "origin", "dest", "distance", "traffic", "late"]
    table = table.loc[arrived, kept].reset_index(drop=True)
    log(
        flights=len(table),
        cancelled=int(cancelled.sum()),
        diverted=int((~cancelled & ~arrived).sum()),
        late_share=float(table["late"].mean()),
    )
    return table
