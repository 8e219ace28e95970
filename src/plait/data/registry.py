"""Which serializer writes this value, and which one reads that format?"""

from __future__ import annotations

import importlib
import weakref
from typing import NamedTuple, cast

from plait.data.serializer import Serializer
from plait.errors import DataError, did_you_mean

__all__ = ["REGISTRY", "Entry", "Registry", "register"]


class Entry(NamedTuple):
    """A line of the registry: values of ``type`` (top package and class name) belong to ``serializer``."""

    type: str
    name: str
    serializer: str | Serializer
    subclasses: bool = False


def _family(module: str, *lines: tuple[str, str, str] | tuple[str, str, str, bool]) -> list[Entry]:
    place = f"plait.data.serializers.{module}:"
    return [Entry(line[0], line[1], place + line[2], *line[3:]) for line in lines]


# Classes are known by package and name: libraries move them between inner modules from version to version.
BUILTIN: list[Entry] = [
    *_family(
        "builtins",
        ("builtins.complex", "complex", "COMPLEX"),
        ("builtins.bytearray", "bytearray", "BYTEARRAY"),
        ("builtins.range", "range", "RANGE"),
        ("builtins.slice", "slice", "SLICE"),
        ("builtins.ellipsis", "ellipsis", "ELLIPSIS"),
        ("builtins.NotImplementedType", "notimplemented", "NOT_IMPLEMENTED"),
        ("collections.deque", "deque", "DEQUE"),
        ("collections.OrderedDict", "ordereddict", "ORDERED_DICT"),
        ("collections.defaultdict", "defaultdict", "DEFAULT_DICT"),
        ("collections.Counter", "counter", "COUNTER"),
        ("types.SimpleNamespace", "namespace", "NAMESPACE"),
        ("array.array", "array", "ARRAY"),
        ("enum.Enum", "enum", "ENUM", True),
        ("namedtuple", "namedtuple", "NAMED_TUPLE"),
        ("dataclass", "dataclass", "DATACLASS"),
        ("re.Pattern", "pattern", "PATTERN"),
        ("uuid.UUID", "uuid", "UUID"),
        ("decimal.Decimal", "decimal", "DECIMAL"),
        ("fractions.Fraction", "fraction", "FRACTION"),
        *((f"pathlib.{kind}", "path", "PATH") for kind in ("PosixPath", "WindowsPath")),
        *((f"pathlib.{kind}", "path", "PATH") for kind in ("PurePosixPath", "PureWindowsPath")),
    ),
    *_family("pickle", ("pickle", "pickle", "PICKLE")),
    *_family(
        "times",
        ("datetime.datetime", "datetime", "DATETIME"),
        ("datetime.date", "date", "DATE"),
        ("datetime.time", "time", "TIME"),
        ("datetime.timedelta", "timedelta", "TIMEDELTA"),
        ("datetime.timezone", "timezone", "TIMEZONE"),
        ("zoneinfo.ZoneInfo", "zoneinfo", "ZONEINFO"),
    ),
    *_family(
        "numpy",
        ("numpy.ndarray", "numpy.array", "ARRAY"),
        ("numpy.memmap", "numpy.array", "ARRAY"),
        ("numpy.recarray", "numpy.array", "ARRAY"),
        ("numpy.matrix", "numpy.array", "ARRAY"),
        ("numpy.MaskedArray", "numpy.masked", "MASKED"),
        ("numpy.generic", "numpy.scalar", "SCALAR", True),
        ("numpy.dtype", "numpy.dtype", "DTYPE", True),
    ),
    *_family(
        "pandas",
        ("pandas.DataFrame", "pandas.frame", "FRAME"),
        ("pandas.Series", "pandas.series", "SERIES"),
        ("pandas.Timestamp", "pandas.timestamp", "TIMESTAMP"),
        ("pandas.Timedelta", "pandas.timedelta", "TIMEDELTA"),
        ("pandas.Period", "pandas.period", "PERIOD"),
        ("pandas.Interval", "pandas.interval", "INTERVAL"),
        ("pandas.NAType", "pandas.na", "NA"),
        ("pandas.NaTType", "pandas.nat", "NAT"),
    ),
    *_family(
        "pandas_index",
        *(
            (f"pandas.{kind}", "pandas.index", "INDEX")
            for kind in (
                "Index",
                "RangeIndex",
                "MultiIndex",
                "DatetimeIndex",
                "TimedeltaIndex",
                "PeriodIndex",
                "IntervalIndex",
                "CategoricalIndex",
            )
        ),
    ),
    *_family(
        "pandas_arrays",
        ("pandas.ExtensionArray", "pandas.array", "ARRAY", True),
    ),
    *_family(
        "polars", ("polars.DataFrame", "polars.frame", "FRAME"), ("polars.Series", "polars.series", "SERIES")
    ),
    *_family(
        "arrow",
        ("pyarrow.Table", "arrow.table", "TABLE"),
        ("pyarrow.RecordBatch", "arrow.batch", "BATCH"),
        ("pyarrow.ChunkedArray", "arrow.chunked", "CHUNKED"),
        ("pyarrow.Array", "arrow.array", "ARRAY", True),
    ),
    *_family(
        "sparse",
        *(
            (f"scipy.{form}_{kind}", "scipy.sparse", "SPARSE")
            for form in ("csr", "csc", "bsr", "coo", "dia")
            for kind in ("matrix", "array")
        ),
    ),
    *_family("estimators", ("sklearn.BaseEstimator", "estimator", "ESTIMATOR", True)),
    *_family(
        "models",
        ("pydantic.BaseModel", "pydantic", "PYDANTIC", True),
        ("msgspec.Struct", "struct", "STRUCT", True),
    ),
    *_family("images", ("PIL.Image", "image", "IMAGE", True)),
    *_family(
        "figures",
        ("matplotlib.Figure", "matplotlib", "MATPLOTLIB"),
        ("plotly.Figure", "plotly", "PLOTLY"),
    ),
]


class Registry:
    """A table of serializers; a later line for the same type goes before an earlier one.

    A serializer's module is imported when the first value of its type is stored or loaded, not before.
    """

    def __init__(self, entries: list[Entry]) -> None:
        self._by_type: dict[str, Entry] = {}
        self._by_name: dict[str, Entry] = {}
        self._opened: dict[str, Serializer] = {}
        self._found: weakref.WeakKeyDictionary[type, Serializer | None] = weakref.WeakKeyDictionary()
        for entry in entries:
            self.add(entry)

    def add(self, entry: Entry) -> None:
        self._by_type[entry.type] = entry
        self._by_name[entry.name] = entry
        self._opened.pop(entry.name, None)
        self._found.clear()

    def for_type(self, cls: type) -> Serializer | None:
        """The serializer for direct instances of a class; None when there is none: they are pickled."""
        try:
            return self._found[cls]
        except KeyError:
            entry = self._match(cls)
            found = None if entry is None else self._open(entry)
            self._found[cls] = found
            return found

    def by_name(self, name: str) -> Serializer:
        """The serializer that wrote a format; DataError when it is not installed here."""
        opened = self._opened.get(name)
        if opened is not None:
            return opened
        entry = self._by_name.get(name)
        if entry is None:
            raise DataError(
                f"nothing here can read the format {name!r}",
                hint=did_you_mean(name, self._by_name) or "install the plugin that wrote the value",
            )
        return self._open(entry)

    def _match(self, cls: type) -> Entry | None:
        for base in cls.__mro__:
            entry = self._by_type.get(f"{base.__module__.partition('.')[0]}.{base.__qualname__}")
            if entry is not None and (base is cls or entry.subclasses):
                return entry
        if hasattr(cls, "__dataclass_fields__"):
            return self._by_type.get("dataclass")
        if issubclass(cls, tuple) and hasattr(cls, "_fields"):
            return self._by_type.get("namedtuple")
        return None

    def _open(self, entry: Entry) -> Serializer:
        found = entry.serializer
        if isinstance(found, str):
            module, _, name = found.partition(":")
            found = cast(Serializer, getattr(importlib.import_module(module), name))
        self._opened[entry.name] = found
        return found


REGISTRY = Registry(BUILTIN)


def register(
    type: str,  # noqa: A002
    serializer: Serializer | str,
    *,
    name: str | None = None,
    subclasses: bool = False,
) -> None:
    """Make a serializer known to every store of this process.

    Args:
        type: the values it is for, as top package and class name: ``"geopandas.GeoDataFrame"``.
        serializer: the object, or ``"module:attribute"`` to import it when it is first needed.
        name: its format's name; needed with ``"module:attribute"``, else the object's own.
        subclasses: whether it also stores instances of subclasses, and gives them back as such.
    """
    if isinstance(serializer, str) and name is None:
        raise DataError(
            f"the serializer {serializer} for {type} is registered without the name of its format",
            hint="add name=…: a value is found again by it before the module is imported",
        )
    REGISTRY.add(Entry(type, name or serializer.name, serializer, subclasses))  # type: ignore[union-attr]
