"""How are dates and times of the standard library stored?"""

from __future__ import annotations

import datetime as dt
import zoneinfo
from typing import Any

from plait.data.serializer import Codec, Unsuited


def _datetime_dump(value: dt.datetime) -> list[Any]:
    day = [value.year, value.month, value.day, value.hour, value.minute, value.second, value.microsecond]
    return [day, value.fold, value.tzinfo]


def _datetime_load(state: list[Any]) -> dt.datetime:
    clock, fold, zone = state
    year, month, day, *time = clock
    return dt.datetime.combine(dt.date(year, month, day), _time_load([time, fold, zone]))


def _time_dump(value: dt.time) -> list[Any]:
    return [[value.hour, value.minute, value.second, value.microsecond], value.fold, value.tzinfo]


def _time_load(state: list[Any]) -> dt.time:
    clock, fold, zone = state
    hour, minute, second, micro = clock
    return dt.time(hour, minute, second, micro, zone, fold=fold)


def _zone_dump(value: zoneinfo.ZoneInfo) -> str:
    if value.key is None:  # read from a file: nothing says which zone it is
        raise Unsuited
    return value.key


DATETIME = Codec("datetime", _datetime_dump, _datetime_load, immutable=True)
DATE = Codec("date", dt.date.toordinal, dt.date.fromordinal, immutable=True)
TIME = Codec(
    "time",
    _time_dump,
    _time_load,
    immutable=True,
)
TIMEDELTA = Codec(
    "timedelta",
    lambda value: [value.days, value.seconds, value.microseconds],
    lambda state: dt.timedelta(*state),
    immutable=True,
)
TIMEZONE = Codec(
    "timezone",
    lambda value: list(value.__getinitargs__()),
    lambda state: dt.timezone(*state),
    immutable=True,
)
ZONEINFO = Codec("zoneinfo", _zone_dump, zoneinfo.ZoneInfo, immutable=True)
