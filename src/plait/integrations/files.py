"""As which file does a value look best to someone who has no plait?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

__all__ = ["write_file"]

_MOST_ROWS = 10_000  # of a table as text


def write_file(folder: Path, name: str, value: Any) -> Path:
    """Write a value as a picture, a table, text or JSON, as what it is; anything else as a pickle. The file's path."""
    kind = f"{type(value).__module__.partition('.')[0]}.{type(value).__name__}"
    if kind == "matplotlib.Figure":
        value.savefig(folder / f"{name}.png")
        return folder / f"{name}.png"
    if kind == "plotly.Figure":
        value.write_html(folder / f"{name}.html")
        return folder / f"{name}.html"
    if kind.startswith("PIL.") and hasattr(value, "save"):
        value.save(folder / f"{name}.png")
        return folder / f"{name}.png"
    if kind in ("pandas.DataFrame", "pandas.Series") and len(value) <= _MOST_ROWS:
        value.to_csv(folder / f"{name}.csv")
        return folder / f"{name}.csv"
    if kind == "polars.DataFrame" and len(value) <= _MOST_ROWS:
        value.write_csv(folder / f"{name}.csv")
        return folder / f"{name}.csv"
    if kind == "numpy.ndarray":
        import numpy as np

        np.save(folder / f"{name}.npy", value)
        return folder / f"{name}.npy"
    if isinstance(value, str):
        return _write(folder / f"{name}.txt", value.encode())
    if isinstance(value, (bytes, bytearray)):
        return _write(folder / f"{name}.bin", bytes(value))
    try:
        return _write(folder / f"{name}.json", json.dumps(value, indent=2).encode())
    except (TypeError, ValueError):
        import cloudpickle

        return _write(folder / f"{name}.pickle", cloudpickle.dumps(value))


def _write(file: Path, data: bytes) -> Path:
    file.write_bytes(data)
    return file
