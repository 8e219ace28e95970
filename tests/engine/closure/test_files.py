"""A file that a step opens by itself counts, where a constant says which one it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from plait.engine.closure import Closure
from tests.programs import Folder

READING = {
    "open": "def step(x):\n    with open('table.csv') as file: return file.read() + x",
    "read_text": "from pathlib import Path\ndef step(x): return Path('table.csv').read_text()",
    "a reader of a package": "import pandas as pd\ndef step(x): return pd.read_csv('table.csv')",
    "a constant of the module": "TABLE = 'table.csv'\ndef step(x): return open(TABLE).read()",
    "a path of the module": "from pathlib import Path\nTABLE = Path('table.csv')\ndef step(x): return TABLE.read_text()",
    "a helper": "def read(): return open('table.csv').read()\ndef step(x): return read()",
    "a comprehension": "def step(x): return [open(one).read() for one in ('a', 'b') if one] + [open('table.csv')]",
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "table.csv").write_text("1")
    return tmp_path


@pytest.mark.parametrize("program", READING.values(), ids=READING)
def test_its_content_is_in_the_key(closure: Callable[..., Closure], here: Path, program: str) -> None:
    first = closure(program)
    assert closure(program).digest == first.digest
    (here / "table.csv").write_text("2")
    second = closure(program)
    assert second.digest != first.digest
    assert any("seems to read 'table.csv': its content is in the key" in note for note in second.opaque)
    assert second.cacheable
    (here / "table.csv").write_text("1")
    assert closure(program).digest == first.digest


@pytest.mark.parametrize(
    "program",
    [
        "def step(x): return 'table.csv'",
        "def step(x):\n    with open('table.csv', 'w') as file: file.write(x)",
        "def step(x): x.to_csv('table.csv')",
        "def step(x): return open('no.csv').read()",
        "def step(x): return open(x).read()",
    ],
)
def test_what_is_not_read_or_not_there_does_not_count(
    closure: Callable[..., Closure], here: Path, program: str
) -> None:
    first = closure(program)
    (here / "table.csv").write_text("2")
    assert closure(program).digest == first.digest
    assert not first.opaque


def test_an_edited_file_makes_the_step_run_and_is_the_reason(folder: Folder, here: Path) -> None:
    folder.write(
        """
        @step
        def read():
            with open("rates.txt") as file:
                return file.read()
        @pipeline
        def flow():
            return read()
        """
    )
    (here / "rates.txt").write_text("0.1")
    assert folder.run().result == "0.1"
    assert folder.states(folder.run()) == {"read": "cached"}
    (here / "rates.txt").write_text("0.2")
    status, out, err = folder.plait("plan", "flow.py")
    assert (status, err) == (0, "")
    assert "rates.txt" in out.split("what changed")[1]
    assert folder.run().result == "0.2"
