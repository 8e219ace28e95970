"""Which records does a command speak of, and how is JSON printed?"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from plait.record.store import RecordStore

__all__ = ["open_store", "print_json"]


def open_store() -> RecordStore:
    """The records of the project or folder that one stands in, on the stack that was asked for.

    Raises:
        RecordError: nothing is recorded there.
        ConfError: the stack does not add up.
    """
    from plait.record.store import find_records

    return find_records()


def print_json(value: Any, *, indent: bool = True) -> None:
    import msgspec

    text = msgspec.json.encode(value, enc_hook=str)
    sys.stdout.write((msgspec.json.format(text, indent=2) if indent else text).decode() + "\n")
