"""How does a secret reach the code that needs it, and nothing else?"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

__all__ = ["MASK", "SHORTEST", "Masker", "Secret", "has_secret", "reveal", "secrets_in"]

MASK = "***"

# A value of fewer characters is not masked by value: "no" or "42" stand in half of all lines, and a log full
# of stars would hide everything but the secret, which its places in known text would give away.
SHORTEST = 4
SHORTEST_IN_DATA = 8
T = TypeVar("T")


class Secret(str):
    """A value that prints, formats, joins and serializes as ``***``; only ``reveal()`` gives it.

    It is a ``str`` whose characters are the mask, so that whatever takes its characters without asking
    (``json``, ``%``, ``join``, a C extension) takes the mask. Two secrets are equal when their values are;
    a secret never equals a plain string. It survives pickling, for the way between processes of one run:
    a pickle of a secret holds its value and belongs in no record.
    """

    __slots__ = ("_value",)

    _value: str

    def __new__(cls, value: str) -> Secret:
        made = super().__new__(cls, MASK)
        made._value = value.reveal() if isinstance(value, Secret) else str(value)
        return made

    def reveal(self) -> str:
        """The value itself."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret('{MASK}')"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __reduce__(self) -> tuple[Any, ...]:
        return Secret, (self._value,)


def reveal(value: Any) -> Any:
    """The same value with each secret in it, however deep in lists and mappings, in plain text."""
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, dict):
        return {key: reveal(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        inside = [reveal(inner) for inner in value]
        return type(value)(*inside) if hasattr(value, "_fields") else type(value)(inside)
    return value


def has_secret(value: Any) -> bool:
    """Whether a secret is in this value, however deep in lists and mappings."""
    if isinstance(value, Secret):
        return True
    if isinstance(value, dict):
        return any(map(has_secret, value.values()))
    return isinstance(value, (list, tuple, set, frozenset)) and any(map(has_secret, value))


def secrets_in(value: Any) -> Iterator[Secret]:
    """Each secret in a value, however deep in lists and mappings."""
    if isinstance(value, Secret):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from secrets_in(inner)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for inner in value:
            yield from secrets_in(inner)


class Masker:
    """Replaces every known secret value by ``***``, wherever it stands and however it is written.

    Each value is found as it is and as ``repr``, JSON, URLs and base64 write it (base64 also where the value
    is a part of what was encoded, as in an ``Authorization`` header); the password inside a URL and the lines
    of a value of several lines are values of their own.

    Args:
        values: the secret values, as plain text or as ``Secret``.
        shortest: values of fewer characters are left alone.
    """

    def __init__(self, values: Iterable[str], *, shortest: int = SHORTEST) -> None:
        known = dict.fromkeys(
            part for value in values for part in _parts(_opened(value)) if len(part) >= shortest
        )
        self.values = frozenset(known)
        forms = {form for value in known for form in _forms(value)}
        # The longest first, so that a value which holds another is masked whole.
        ordered = sorted(forms, key=lambda form: (-len(form), form))
        self._pattern = re.compile("|".join(map(re.escape, ordered))) if ordered else None
        self._in_data: re.Pattern[bytes] | None = None

    def __bool__(self) -> bool:
        return self._pattern is not None

    def __repr__(self) -> str:
        return f"<Masker of {len(self.values)} values>"

    def mask(self, value: Any) -> Any:
        """The same value without secrets: texts, bytes, numbers and collections of them; others as is."""
        if isinstance(value, Secret):
            return MASK
        if self._pattern is None and not isinstance(value, (dict, list, tuple, set, frozenset)):
            return value
        if isinstance(value, str):
            return self._pattern.sub(MASK, value) if self._pattern else value
        if isinstance(value, (bytes, bytearray)):
            text = bytes(value).decode("utf-8", "surrogateescape")
            return self.mask(text).encode("utf-8", "surrogateescape")
        if isinstance(value, dict):
            return {self.mask(key): self.mask(inner) for key, inner in value.items()}
        if isinstance(value, (list, tuple, set, frozenset)):
            inside = [self.mask(inner) for inner in value]
            return type(value)(*inside) if hasattr(value, "_fields") else type(value)(inside)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and str(value) in self.values:
            return MASK
        return value

    def is_in(self, data: Any) -> bool:
        """Whether bytes hold a secret value, as text of any usual encoding or in one of its other forms.

        Values of less than eight characters are not looked for: a table may well hold such a word by chance.
        """
        if self._in_data is None:
            long = [value for value in self.values if len(value) >= SHORTEST_IN_DATA]
            forms = {form.encode("utf-8", "surrogatepass") for value in long for form in _forms(value)}
            for encoding in ("utf-16-le", "utf-32-le"):
                forms |= {value.encode(encoding, "surrogatepass") for value in long}
            ordered = sorted(forms, key=lambda form: (-len(form), form))
            self._in_data = re.compile(b"|".join(map(re.escape, ordered)) if ordered else b"(?!)")
        return self._in_data.search(data) is not None

    def struct(self, value: T) -> T:
        """The same record (a ``msgspec.Struct`` of texts, numbers and records) with secrets masked."""
        import msgspec

        return msgspec.convert(self.texts(msgspec.to_builtins(value)), type(value))

    def texts(self, value: Any) -> Any:
        """JSON-able data with secrets masked in its texts; a number stays one."""
        if isinstance(value, str):
            return self.mask(value)
        if isinstance(value, dict):
            return {self.mask(key): self.texts(inner) for key, inner in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.texts(inner) for inner in value]
        return value

    def clean(self, error: BaseException) -> BaseException:
        """The same exception with secrets masked in what it says, its notes and the ones that caused it.

        It is changed in place, so that what is printed, pickled or sent on from here on is clean.
        """
        seen: set[int] = set()
        todo: list[BaseException | None] = [error]
        while todo:
            one = todo.pop()
            if one is None or id(one) in seen:
                continue
            seen.add(id(one))
            one.args = self.mask(one.args)
            one.__dict__.update({name: self.mask(inner) for name, inner in vars(one).items()})
            for name in _OUTSIDE_ARGS:
                if isinstance(inner := getattr(one, name, None), (str, bytes)):
                    with contextlib.suppress(AttributeError, TypeError):
                        setattr(one, name, self.mask(inner))
            todo += [one.__cause__, one.__context__, *getattr(one, "exceptions", ())]
        return error


# What some built-in exceptions print, and keep apart from their arguments.
_OUTSIDE_ARGS = ("filename", "filename2", "msg", "object", "path", "reason", "strerror", "text")


def _opened(value: str) -> str:
    return value.reveal() if isinstance(value, Secret) else str(value)


def _parts(value: str) -> Iterator[str]:
    yield value
    if value != value.strip():
        yield value.strip()
    # A key in PEM form is printed line by line, a connection string without its password's neighbours.
    lines = value.splitlines()
    if len(lines) > 1:
        yield from (line.strip() for line in lines if len(line.strip()) >= 8 and "-----" not in line)
    for match in re.finditer(r"://[^/@\s:]*:([^@\s]+)@", value):
        yield match[1]


def _forms(value: str) -> Iterator[str]:
    import json
    from urllib.parse import quote, quote_plus, unquote

    yield value
    yield repr(value)[1:-1]
    yield repr(value.encode())[2:-1]
    yield json.dumps(value)[1:-1]
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    for quoted in (quote(value, safe=""), quote(value), quote_plus(value)):
        yield quoted
        yield re.sub(r"%[0-9A-F]{2}", lambda match: match[0].lower(), quoted)
    if "%" in value and len(unquote(value)) >= SHORTEST:
        yield unquote(value)
    yield from _base64_forms(value.encode())


def _base64_forms(data: bytes) -> Iterator[str]:
    from base64 import b64encode

    for before in range(3):
        # Six bits a character: at each of three alignments, only the characters made of this value alone.
        whole = b64encode(b"\0" * before + data).decode()
        start = -(-before * 8 // 6)
        end = (before + len(data)) * 8 // 6
        for form in (
            whole[start:end],
            whole[start:].rstrip("=") if before == 0 else "",
            whole if not before else "",
        ):
            if len(form) >= 6:
                yield form
                yield form.replace("+", "-").replace("/", "_")
