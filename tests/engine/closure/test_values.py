"""Values that are data count by their content, however it is found out."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from blake3 import blake3

ARRAY = "import numpy as np\nT = np.array({})\ndef step(x): return T[x]"
FRAME = "import pandas as pd\nT = pd.DataFrame({{'a': {}}})\ndef step(x): return T.loc[x]"


def content(value: Any) -> str:
    return blake3(pickle.dumps(value)).hexdigest()


@pytest.mark.parametrize(("program", "module"), [(ARRAY, "numpy"), (FRAME, "pandas")])
@pytest.mark.parametrize("hash_value", [content, None, lambda value: None])
def test_data_counts_by_its_content(closure: Any, program: str, module: str, hash_value: Any) -> None:
    pytest.importorskip(module)
    first = closure(program.format("[1, 2]"), hash_value=hash_value)
    assert first.cacheable
    assert module in dict(first.packages)
    assert closure(program.format("[1, 2]"), hash_value=hash_value).digest == first.digest
    assert closure(program.format("[1, 3]"), hash_value=hash_value).digest != first.digest
    assert closure(program.format("[1.0, 2.0]"), hash_value=hash_value).digest != first.digest


def test_data_is_given_to_the_hash_as_it_is(closure: Any) -> None:
    pytest.importorskip("numpy")
    seen: list[Any] = []

    def remember(value: Any) -> str:
        seen.append(value)
        return "same"

    program = "import numpy as np\nT = {'a': [np.arange(3)], 'b': np.zeros((2, 2))}\ndef step(x): return T"
    assert closure(program, hash_value=remember).cacheable
    assert [value.shape for value in seen] == [(3,), (2, 2)]


def test_functions_in_an_array_are_found_although_there_is_a_hash(closure: Any) -> None:
    pytest.importorskip("numpy")
    program = (
        "import numpy as np\ndef h(): return 1\nT = np.array([h], dtype=object)\ndef step(x): return T[0]()"
    )
    first = closure(program, hash_value=content)
    assert closure(program.replace("return 1", "return 2"), hash_value=content).digest != first.digest


def test_a_class_of_the_user_s_around_data_is_walked(closure: Any) -> None:
    pytest.importorskip("numpy")
    program = "import numpy as np\nclass A(np.ndarray):\n    def m(self): return 1\nT = np.zeros(2).view(A)\ndef step(x): return T.m()"
    first = closure(program, hash_value=lambda value: "same")
    assert (
        closure(program.replace("return 1", "return 2"), hash_value=lambda value: "same").digest
        != first.digest
    )


def test_a_hash_helps_where_nothing_else_can_write_a_value_down(closure: Any) -> None:
    program = "import threading\nT = threading.Lock()\ndef step(x): return T"
    assert not closure(program).cacheable
    assert closure(program, hash_value=lambda value: "one").cacheable
    one, two = (closure(program, hash_value=lambda value, k=k: k) for k in ("one", "two"))
    assert one.digest != two.digest


def test_a_hash_that_fails_is_no_hash(closure: Any) -> None:
    def fails(value: Any) -> str:
        raise TypeError("cannot")

    assert not closure(
        "import threading\nT = threading.Lock()\ndef step(x): return T", hash_value=fails
    ).cacheable


@pytest.mark.parametrize(
    ("value", "shown"),
    [("0.5", "0.5"), ("'a' * 300", "…"), ("{'a': 1, 'b': [2]}", "{'a': 1, 'b': [2]}"), ("[step_]", "[step_]"), ("object()", "builtins.object"),
     ("{'user': 'me', 'password': 'x'}", "{'password': •••, 'user': 'me'}"), ("__import__('re').compile('a+')", "re.compile('a+')"), ("10 ** 5000", "an integer of 16610 bits")],
)  # fmt: skip
def test_a_constant_is_shown_short_and_without_secrets(closure: Any, value: str, shown: str) -> None:
    found = closure(f"def step_(): pass\nK = {value}\ndef step(x): return K")
    (constant,) = [c for c in found.components if c.name == "flow:K"]
    assert constant.detail.endswith(shown)
    assert len(constant.detail) <= 200
