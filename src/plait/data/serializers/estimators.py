"""How are estimators of scikit-learn and of those who follow it stored? As pickles that say what they are."""

from __future__ import annotations

from typing import Any

from plait.data.serializer import Codec
from plait.data.serializers import pickle

_SHOWN = 12
_NOTE = "stored as a pickle: it can only be read where its class's module can be imported"


def describe(value: Any) -> dict[str, Any]:
    try:
        given = value.get_params(deep=False)
    except Exception:  # noqa: BLE001 - what breaks scikit-learn's conventions can be stored all the same
        given = {}
    params = {name: _short(held) for name, held in list(given.items())[:_SHOWN]}
    fitted = any(name.endswith("_") and not name.startswith("_") for name in vars(value))
    return {"class": type(value).__name__, "params": params, "fitted": fitted, "note": _NOTE}


def _short(value: Any) -> Any:
    """JSON has no NaN and no infinity; anything longer than a number is shown as text."""
    if value is None or isinstance(value, (bool, int)):
        return value
    if type(value) is float and abs(value) < float("inf"):
        return value
    return (value if isinstance(value, str) else repr(value))[:40]


def amended(part: Any) -> Any:
    """How a part of an estimator is pickled: a vectorizer remembers the address of its list of stop words."""
    if "_stop_words_id" not in getattr(part, "__dict__", {}):
        return NotImplemented
    make, arguments, state, *rest = part.__reduce_ex__(5)
    state = {name: held for name, held in state.items() if name != "_stop_words_id"}
    return make, arguments, state, *rest


ESTIMATOR = Codec("estimator", pickle.dump, pickle.load, describe)
