"""Other processes, with other hash seeds, name equal values equally, and different ones differently."""

from __future__ import annotations

import os
import pickle
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plait.data import ArtifactStore

from .test_identity import ATOMS, KEYS, VALUES, said

ROOT = Path(__file__).parents[2]
CHILD = """
import pickle, struct, sys
from plait.data import ArtifactStore
while size := sys.stdin.buffer.read(4):
    value = pickle.loads(sys.stdin.buffer.read(struct.unpack("<I", size)[0]))
    sys.stdout.write(ArtifactStore.identify(value) + "\\n")
    sys.stdout.flush()
"""

TABLES = st.builds(
    lambda rows, names: pd.DataFrame(dict.fromkeys(names, rows)),
    st.lists(st.floats(allow_nan=False) | st.integers(-5, 5), max_size=5),
    st.lists(st.text("abc", min_size=1, max_size=2), unique=True, max_size=3),
)
ARRAYS = st.builds(
    lambda items, kind: np.array(items, dtype=kind),
    st.lists(st.integers(0, 100), max_size=6),
    st.sampled_from(["i1", "i8", "u2", "f4", "f8", "U3", "S3", "bool"]),
)
ANY = VALUES | TABLES | ARRAYS | st.dictionaries(KEYS, ARRAYS | TABLES, max_size=2)


class Elsewhere:
    """A process with a hash seed of its own that tells the ids of values."""

    def __init__(self, seed: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", CHILD],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def identify(self, value: Any) -> str:
        body = pickle.dumps(value)
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(struct.pack("<I", len(body)) + body)
        self.process.stdin.flush()
        return self.process.stdout.readline().decode().strip()

    def end(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(30)


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[list[Elsewhere]]:
    made = [Elsewhere(seed) for seed in ("1", "4711")]
    yield made
    for one in made:
        one.end()


@settings(suppress_health_check=list(HealthCheck), deadline=None, max_examples=150)
@given(ANY)
def test_one_value_has_one_id_everywhere(elsewhere: list[Elsewhere], value: Any) -> None:
    here = ArtifactStore.identify(value)
    assert [one.identify(value) for one in elsewhere] == [here, here]


@settings(suppress_health_check=list(HealthCheck), deadline=None, max_examples=150)
@given(VALUES, VALUES)
def test_two_values_share_an_id_elsewhere_exactly_when_they_are_the_same(
    elsewhere: list[Elsewhere], one: Any, other: Any
) -> None:
    first, second = elsewhere
    assert (first.identify(one) == second.identify(other)) == (said(one) == said(other))


@settings(suppress_health_check=list(HealthCheck), deadline=None, max_examples=100)
@given(st.lists(ATOMS, max_size=8, unique_by=repr))
def test_a_set_that_was_filled_elsewhere_is_the_same_set(
    elsewhere: list[Elsewhere], items: list[Any]
) -> None:
    value = {"set": set(items), "frozen": frozenset(items)}
    here = ArtifactStore.identify(value)
    assert {one.identify(value) for one in elsewhere} == {here}
