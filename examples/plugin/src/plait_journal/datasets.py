"""A dataset is any class with load and save; its arguments are those of the entry in the catalog."""

import json
import os
from pathlib import Path


class JsonLines:
    """A list of objects, one per line."""

    def __init__(self, filepath: str) -> None:
        self._file = Path(filepath)

    def load(self) -> list:
        return [json.loads(line) for line in self._file.read_text(encoding="utf-8").splitlines()]

    def save(self, value: list) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        scratch = self._file.with_name(f".{self._file.name}.{os.getpid()}")
        scratch.write_text("".join(json.dumps(one) + "\n" for one in value), encoding="utf-8")
        scratch.replace(self._file)  # whole, or not at all

    def exists(self) -> bool:
        return self._file.exists()
