"""Classes that an import finds, for values that are stored by reference to their class."""

import collections
import enum
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec
import pydantic


class Color(enum.Enum):
    RED = 1
    ROUGE = 1
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Right(enum.Flag):
    READ = 1
    WRITE = 2


class Point(NamedTuple):
    x: float
    y: Any = None


Pair = collections.namedtuple("Pair", "left right")


@dataclass
class Config:
    name: str
    table: Any = None
    tags: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Frozen:
    a: int
    b: Any


class Model(pydantic.BaseModel):
    name: str
    size: int = 3
    inner: dict[str, list[int]] = {}


class Record(msgspec.Struct):
    a: int
    b: list[int] = []


class MyDict(dict):
    pass


class MyInt(int):
    pass


class MyList(list):
    pass


class Thing:
    """An ordinary object."""

    def __init__(self, **held):
        self.__dict__.update(held)

    def __eq__(self, other):
        return type(other) is Thing and vars(self) == vars(other)

    __hash__ = None


class Guarded:
    def __init__(self):
        import threading

        self.name = "a"
        self.lock = threading.Lock()
