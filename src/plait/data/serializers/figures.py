"""How are figures of matplotlib and plotly stored? So that they load as figures and are shown without it.

A matplotlib figure keeps traces of what else was drawn in its process: the same code gives the same bytes
in a fresh process, and mostly, not always, in one that has drawn before. Its picture depends on what it
shows alone.
"""

from __future__ import annotations

import io
from typing import Any

from plait.data.serializer import Codec, Raw, Unsuited
from plait.data.serializers import pickle


def picture(figure: Any) -> bytes:
    """A matplotlib figure as PNG: the same bytes for the same figure and version of matplotlib."""
    file = io.BytesIO()
    figure.savefig(file, format="png", metadata={"Software": None})
    return file.getvalue()


def amended(part: Any) -> Any:
    """How a part of a figure is pickled: without what depends on this process alone."""
    if not hasattr(part, "_parents") and type(part).__name__ not in ("Figure", "CallbackRegistry"):
        return NotImplemented
    reduced = part.__reduce_ex__(5)
    if not isinstance(reduced, tuple) or len(reduced) < 3 or not isinstance(reduced[2], dict):
        return NotImplemented
    make, arguments, state, *rest = reduced
    if (
        "_parents" in state
    ):  # a transform lists those that depend on it by their addresses: any other number does as well
        held = [parent for parent in state["_parents"].values() if parent is not None]
        state = {**state, "_parents": dict(enumerate(held))}
    elif "_cid_gen" in state:  # counts how often the figure was pickled, too
        used = [number for group in state.get("callbacks", {}).values() for number in group]
        state = {**state, "_cid_gen": max(used, default=-1) + 1}
    else:  # a figure that pyplot manages would open a window where it is loaded
        state = {name: held for name, held in state.items() if name != "_restore_to_pylab"}
    return make, arguments, state, *rest


def _matplotlib_dump(value: Any) -> list[Any]:
    stored = pickle.dump(value)
    # Drawing settles limits and ticks in the figure itself: it is done to a copy, the step's own stays as
    # it is.
    copy = pickle.load([memoryview(bytearray(raw.data)) for raw in stored])
    return [Raw(picture(copy)), *stored]


MATPLOTLIB = Codec(
    "matplotlib",
    _matplotlib_dump,
    lambda state: pickle.load(state[1:]),
    lambda value: {"inches": [float(side) for side in value.get_size_inches()], "axes": len(value.axes)},
)


def _plotly_dump(value: Any) -> Any:
    if type(value).__name__ != "Figure":  # a widget is bound to the notebook that shows it
        raise Unsuited
    return _sorted(value.to_plotly_json())


def _sorted(held: Any) -> Any:
    """The order of keys has no meaning for plotly, which changes it as it likes."""
    if isinstance(held, dict):
        return {key: _sorted(held[key]) for key in sorted(held)}
    if isinstance(held, (list, tuple)):
        return [_sorted(item) for item in held]
    return held


def _plotly_load(state: Any) -> Any:
    import plotly.graph_objects

    return plotly.graph_objects.Figure(state, skip_invalid=False)


PLOTLY = Codec(
    "plotly",
    _plotly_dump,
    _plotly_load,
    lambda value: {"traces": [trace.type for trace in value.data][:20]},
    stored=True,
)
