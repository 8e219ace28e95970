"""Whose code is whose, and which version of which package is in the key."""

from __future__ import annotations

import importlib
import importlib.metadata
import math
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from plait.engine.closure import Closure, closure_of
from plait.engine.closure.origin import Origins

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path) -> Iterator[Install]:
    """Put a package into a ``site-packages`` of its own, as an installer would."""
    site = tmp_path / "lib" / "site-packages"
    site.mkdir(parents=True)
    before = set(sys.modules)

    def put(dist: str, version: str, files: dict[str, str], *, record: bool = True, top: str = "") -> None:
        for name, text in files.items():
            (site / name).parent.mkdir(parents=True, exist_ok=True)
            (site / name).write_text(text)
        for old in site.glob(f"{dist}-*.dist-info"):
            for file in old.iterdir():
                file.unlink()
            old.rmdir()
        if version:
            info = site / f"{dist}-{version}.dist-info"
            info.mkdir()
            shown = dist.replace("_", "-")
            (info / "METADATA").write_text(
                f"Metadata-Version: 2.1\nName: {shown}\nVersion: {version}\n\nVersion: 0\n"
            )
            if record:
                (info / "RECORD").write_text("".join(f"{name},sha256=x,1\n" for name in files))
            if top:
                (info / "top_level.txt").write_text(f"{top}\n")

    sys.path.append(str(site))
    importlib.invalidate_caches()
    yield put
    sys.path.remove(str(site))
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


def forget(*names: str) -> None:
    for name in names:
        sys.modules.pop(name, None)


def test_a_package_counts_by_its_version_and_not_by_its_code(closure: Any, install: Install) -> None:
    program = "import colours\ndef step(x): return colours.red(x)"
    install("colours", "1.0", {"colours/__init__.py": "def red(x): return 1\n"})
    first = closure(program)
    assert first.packages == (("colours", "1.0"),)
    forget("colours")
    install("colours", "1.0", {"colours/__init__.py": "def red(x): return 2\n"})
    assert closure(program).digest == first.digest
    install("colours", "1.1", {"colours/__init__.py": "def red(x): return 1\n"})
    second = closure(program)
    assert second.packages == (("colours", "1.1"),)
    assert second.digest != first.digest


@pytest.mark.parametrize(
    "program",
    [
        "from colours import red\ndef step(x): return red(x)",
        "from colours.sub import blue as b\ndef step(x): return b(x)",
        "import colours.sub as s\ndef step(x): return s.blue(x)",
        "def step(x):\n    import colours\n    return colours.red(x)",
        "def step(x):\n    from colours.sub import blue\n    return blue(x)",
        "from colours import Paint\nclass Mine(Paint): pass\ndef step(x): return Mine()",
        "from colours import Paint\nP = Paint()\ndef step(x): return P",
        "from colours import wrap\n@wrap\ndef h(x): return x\ndef step(x): return h(x)",
        "import helpers\ndef step(x): return helpers.f(x)\n# file: helpers.py\nimport colours\ndef f(x): return colours.red(x)\n",
    ],
)
def test_every_way_to_touch_a_package_is_seen(closure: Any, install: Install, program: str) -> None:
    source = (
        "class Paint: pass\ndef red(x): return 1\ndef wrap(f):\n    def w(*a): return f(*a)\n    return w\n"
    )
    files = {"colours/__init__.py": source, "colours/sub.py": "def blue(x): return 1\n"}
    install("colour_tools", "2.3", files)
    assert closure(program).packages == (("colour-tools", "2.3"),)


def test_what_a_package_wraps_is_walked(closure: Any, install: Install) -> None:
    source = "def wrap(k):\n    def deco(f):\n        def w(*a): return f(*a), k\n        return w\n    return deco\n"
    install("wraps", "1.0", {"wraps.py": source})
    program = "from wraps import wrap\n@wrap(3)\ndef h(x): return x + 1\ndef step(x): return h(x)"
    first = closure(program)
    assert closure(program.replace("+ 1", "+ 2")).digest != first.digest
    assert closure(program.replace("wrap(3)", "wrap(4)")).digest != first.digest


def test_a_package_that_is_not_imported_is_not_imported_for_the_key(closure: Any, install: Install) -> None:
    install("heavy", "3.0", {"heavy/__init__.py": "raise SystemExit('imported')\n"})
    found = closure("def step(x):\n    import heavy\n    return heavy.run(x)")
    assert found.packages == (("heavy", "3.0"),)
    assert "heavy" not in sys.modules


def test_a_package_that_is_imported_later_gives_the_same_key(closure: Any, install: Install) -> None:
    install(
        "later",
        "3.0",
        {
            "later/__init__.py": "from later.deep import f, C\nK = 1\n",
            "later/deep.py": "def f(): pass\nclass C: pass\n",
        },
    )
    program = "def step(x):\n    import later\n    from later import f, C as D\n    return later.f(), f(), D, later.K"
    before = closure(program)
    importlib.import_module("later")
    assert closure(program).digest == before.digest


def test_a_user_module_that_is_imported_later_gives_the_same_key(programs: Any) -> None:
    program = (
        "def step(x):\n    import helpers\n    return helpers.f(x)\n# file: helpers.py\ndef f(x): return x\n"
    )
    before = programs.closure(program)
    step = programs.load(program)
    step(1)
    assert closure_of(step).digest == before.digest


def test_parts_of_a_namespace_belong_to_their_own_distributions(closure: Any, install: Install) -> None:
    install("acme_one", "1.0", {"acme/one/__init__.py": "def f(): pass\n"}, top="acme")
    install("acme_two", "2.0", {"acme/two/__init__.py": "def f(): pass\n"}, top="acme")
    one = closure("from acme.one import f\ndef step(x): return f()")
    two = closure("import acme.two\ndef step(x): return acme.two.f()")
    assert one.packages == (("acme-one", "1.0"),)
    assert two.packages == (("acme-two", "2.0"),)


def test_a_package_without_a_record_is_found_by_its_top_level(closure: Any, install: Install) -> None:
    install("old_style", "0.9", {"oldstyle/__init__.py": "def f(): pass\n"}, record=False, top="oldstyle")
    found = closure("import oldstyle\ndef step(x): return oldstyle.f()")
    assert found.packages == (("old-style", "0.9"),)


def test_a_package_without_metadata_counts_by_its_own_version_or_its_file(
    closure: Any, install: Install
) -> None:
    program = "import bare\ndef step(x): return bare.f()"
    install("bare", "", {"bare.py": "__version__ = '7'\ndef f(): pass\n"})
    assert closure(program).packages == (("bare", "7"),)
    forget("bare")
    install("bare", "", {"bare.py": "def f(): pass\n"})
    ((_, one),) = closure(program).packages
    forget("bare")
    install("bare", "", {"bare.py": "def f(): return 1\n"})
    ((_, two),) = closure(program).packages
    assert one.startswith("file:")
    assert one != two


@pytest.mark.parametrize(
    ("module", "dist"),
    [
        ("msgspec", "msgspec"),
        ("blake3", "blake3"),
        ("_pytest", "pytest"),
        ("yaml", "PyYAML"),
        ("sklearn", "scikit-learn"),
    ],
)
def test_real_packages_have_the_version_that_their_metadata_says(module: str, dist: str) -> None:
    pytest.importorskip(module)
    name, version = Origins().distribution(module)
    assert (name.lower(), version) == (dist.lower(), importlib.metadata.version(dist))


def test_the_standard_library_is_no_package(closure: Any) -> None:
    program = "import json, math, os.path, collections.abc, sqlite3, _thread, sys, itertools\ndef step(x): return json.dumps(math.pi), os.path.join('a'), sqlite3.connect, collections.abc.Mapping, itertools.chain"
    found = closure(program)
    assert found.packages == ()
    assert [c.name for c in found.components] == ["flow:step", "python"]


def test_the_python_version_is_a_piece(closure: Any) -> None:
    (python,) = [c for c in closure("def step(x): return x").components if c.name == "python"]
    assert python.detail == f"{sys.version_info[0]}.{sys.version_info[1]}"


def test_plait_itself_is_neither_walked_nor_a_package(closure: Any) -> None:
    found = closure(
        "from plait.errors import nearest, PlaitError\nimport plait.errors as e\ndef step(x): return nearest(x, []), PlaitError, e.did_you_mean, e"
    )
    assert found.packages == ()
    assert found.opaque == ()
    assert [c.name for c in found.components] == ["flow:step", "python"]


def plait_step(function: Any, **options: Any) -> Any:
    """An object like plait's step: the function inside, options around it."""
    kind = type(
        "Step", (), {"__module__": "plait.graph.step", "__call__": lambda self, *a: self.function(*a)}
    )
    made = kind()
    made.function = made.__wrapped__ = function
    made.options = SimpleNamespace(**options)
    return made


def test_a_step_that_a_step_calls_counts_by_its_function_and_not_by_its_options(programs: Any) -> None:
    def key(body: str, **options: Any) -> Closure:
        step = programs.load(f"def inner(x): return {body}\ndef step(x): return inner(x)")
        step.__globals__["inner"] = plait_step(step.__globals__["inner"], **options)
        return closure_of(step)

    assert key("x", retries=1).digest == key("x", retries=2, tags=["a"]).digest
    assert key("x").digest != key("-x").digest
    assert "flow:inner" in [c.name for c in key("x").components]


def test_a_step_can_be_given_as_it_is_and_calls_itself(programs: Any) -> None:
    program = "def step(n): return n and step(n - 1)"
    plain = programs.closure(program)
    step = programs.load(program)
    step.__globals__["step"] = wrapped = plait_step(step, retries=3)
    assert closure_of(step).digest == plain.digest
    assert closure_of(wrapped).digest == plain.digest


def test_first_party_decides_for_modules_that_are_not_installed(programs: Any) -> None:
    program = "import helpers\ndef step(x): return helpers.f(x)\n# file: helpers.py\ndef f(x): return 1\n"

    def mine(module: ModuleType) -> bool:
        return module.__name__ != "helpers"

    found = programs.closure(program, first_party=mine)
    assert [name for name, _ in found.packages] == ["helpers"]
    assert programs.closure(program.replace("return 1", "return 2"), first_party=mine).digest != found.digest
    assert "helpers:f" in [c.name for c in programs.closure(program).components]


def test_the_user_s_own_extension_module_counts_by_its_file(programs: Any) -> None:
    library = next(Path(math.__file__).parent.glob("_bisect.*"), None) if hasattr(math, "__file__") else None
    if library is None:
        pytest.skip("this Python has its extension modules built in")
    program = "from pkg import _bisect\ndef step(x): return {}([1], x)\n# file: pkg/__init__.py\n"

    def key(program: str, more: bytes) -> Closure:
        folder = programs.folder / f"v{programs.count + 1}" / "pkg"
        folder.mkdir(parents=True)
        (folder / library.name).write_bytes(library.read_bytes() + more)
        found = programs.closure(program)
        assert "file" in {c.kind for c in found.components}
        return found

    for written in ("_bisect.bisect_left", "getattr(_bisect, 'insort_left')"):
        body = program.format(written)
        assert key(body, b"").digest == key(body, b"").digest
        assert key(body, b"").digest != key(body, b"more").digest
