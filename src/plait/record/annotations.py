"""What do people say of a run? Its name, its tags, a note: words that can change when everything else is recorded."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct

from plait.errors import ParameterError, RecordError, did_you_mean
from plait.record.database import Database
from plait.record.facts import clean
from plait.record.store import RecordStore

__all__ = [
    "INSERT",
    "Annotations",
    "annotations_of",
    "check_tag",
    "make_annotations",
    "name_run",
    "note_run",
    "tag_run",
    "tags_in_use",
]

_TAG = re.compile(r"[^\s,:]+")
_LONGEST_TAG = 100
_LONGEST_NAME = 200
_LONGEST_NOTE = 100_000


class Annotations(Struct, frozen=True):
    """What is said of a run; empty where nobody said anything."""

    name: str = ""
    note: str = ""
    tags: tuple[str, ...] = ()

    def rows(self, run: int, user: str) -> list[tuple[Any, ...]]:
        """As rows of the table, for a run that begins with them."""
        said = [("name", self.name), ("note", self.note), *(("tag", tag) for tag in dict.fromkeys(self.tags))]
        return [(run, kind, value, time.time(), user) for kind, value in said if value]


INSERT = "INSERT INTO annotation (run, kind, value, said_at, said_by) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"


def make_annotations(*, name: str = "", note: str = "", tags: Iterable[str] = ()) -> Annotations:
    """What is to be said of a run, checked.

    Raises:
        ParameterError: a tag has a space, a comma or a colon in it, or something is too long.
    """
    return Annotations(_checked_name(name), _checked_note(note), tuple(map(check_tag, tags)))


def check_tag(tag: str) -> str:
    """The tag itself.

    Raises:
        ParameterError: it cannot be typed in a filter such as ``tag:nightly``, or is too long.
    """
    tag = clean(tag.strip())
    if not _TAG.fullmatch(tag):
        better = re.sub(r"[\s,:]+", "-", tag).strip("-")
        raise ParameterError(
            f"{tag!r} is no tag: a tag is one word, without spaces, commas and colons",
            hint=f"write {better}" if better else "write for example: nightly",
        )
    if len(tag) > _LONGEST_TAG:
        raise ParameterError(
            f"a tag has at most {_LONGEST_TAG} characters, and this one {len(tag)}",
            hint='longer words are a note: plait note RUN "…"',
        )
    return tag


def annotations_of(store: RecordStore, runs: Sequence[int]) -> dict[int, Annotations]:
    """What is said of each of some runs, by their numbers; a run of which nothing is said is left out."""
    found: dict[int, dict[str, list[str]]] = {}
    marks = ", ".join("?" * len(runs))
    for run, kind, value in store.database.rows(
        f"SELECT run, kind, value FROM annotation WHERE run IN ({marks}) ORDER BY run, kind, value", runs
    ):
        found.setdefault(run, {}).setdefault(kind, []).append(value)
    return {
        run: Annotations(
            "".join(said.get("name", [])), "".join(said.get("note", [])), tuple(said.get("tag", []))
        )
        for run, said in found.items()
    }


def tags_in_use(store: RecordStore, limit: int = 1000) -> list[str]:
    """All tags of all runs, by the alphabet."""
    rows = store.database.rows(
        f"SELECT DISTINCT value FROM annotation WHERE kind = 'tag' ORDER BY value LIMIT {int(limit)}"
    )
    return [row[0] for row in rows]


def tag_run(
    store: RecordStore, run: int, add: Iterable[str] = (), remove: Iterable[str] = (), user: str = ""
) -> tuple[str, ...]:
    """Put tags on a run and take others off; answers with those that it has then.

    Raises:
        ParameterError: one is no tag.
        RecordError: one to take off is not there; the nearest is named.
    """
    adding, removing = [check_tag(tag) for tag in add], list(remove)
    with store.database.transaction():
        known = annotations_of(store, [run]).get(run, Annotations()).tags
        for tag in removing:
            if tag not in known:
                raise RecordError(
                    f"the run has no tag {tag!r}",
                    hint=did_you_mean(tag, known) if known else "it has none",
                )
            store.database.execute(
                "DELETE FROM annotation WHERE run = ? AND kind = 'tag' AND value = ?", (run, tag)
            )
        store.database.many(INSERT, Annotations(tags=tuple(adding)).rows(run, user))
    return annotations_of(store, [run]).get(run, Annotations()).tags


def note_run(store: RecordStore, run: int, text: str, user: str = "") -> str:
    """Write a note to a run in place of the one it has; an empty one takes it away."""
    return _replace(store.database, run, "note", _checked_note(text), user)


def name_run(store: RecordStore, run: int, name: str, user: str = "") -> str:
    """Give a run a name, for people; an empty one takes it away. Runs may share one.

    Raises:
        ParameterError: it is too long, or has several lines.
    """
    return _replace(store.database, run, "name", _checked_name(name), user)


def _replace(database: Database, run: int, kind: str, value: str, user: str) -> str:
    with database.transaction():
        database.execute("DELETE FROM annotation WHERE run = ? AND kind = ?", (run, kind))
        if value:
            database.execute(INSERT, (run, kind, value, time.time(), user))
    return value


def _checked_name(name: str) -> str:
    name = clean(name.strip())
    if len(name) > _LONGEST_NAME or "\n" in name:
        raise ParameterError(
            f"the name of a run is one line of at most {_LONGEST_NAME} characters",
            hint='longer words are a note: plait note RUN "…"',
        )
    return name


def _checked_note(text: str) -> str:
    text = clean(text.strip())
    if len(text) > _LONGEST_NOTE:
        raise ParameterError(f"a note has at most {_LONGEST_NOTE} characters, and this one {len(text)}")
    return text
