"""A type is a name: of ours, of a plugin's, of Kedro's or of any class with load and save. Nothing else."""

import sys

import pytest

from plait.errors import CatalogError
from plait.project.catalog import Catalog
from plait.project.catalog.types import NATIVE, native_builder


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A module of the user's own, with types of many kinds."""
    (tmp_path / "own_types.py").write_text(
        """
from pathlib import Path

class Upper:
    def __init__(self, filepath, suffix=""):
        self.filepath, self.suffix = Path(filepath), suffix
    def load(self):
        return self.filepath.read_text()
    def save(self, value):
        self.filepath.write_text(value.upper() + self.suffix)

class Appending:
    def __init__(self, filepath):
        self.filepath = Path(filepath)
    def load(self):
        return self.filepath.read_text()
    def save(self, value):
        with self.filepath.open("a") as out:
            out.write(value)
            if value == "bad":
                raise ValueError("cannot")

class Himself:
    def __init__(self, filepath):
        self.filepath = Path(filepath)
    def load(self):
        return self.filepath.read_text()
    def save(self, value):
        self.filepath.write_text(value)
        self.filepath.with_suffix(".own").write_text(str(self.filepath))
    def fingerprint(self):
        return "as I say"

class Counter:
    def __init__(self, start, metadata=None, **more):
        self.count, self.metadata, self.more = start, metadata, more
    def load(self):
        return self.count
    def save(self, value):
        self.count = value
    def fingerprint(self):
        return f"count {self.count}"
    def exists(self):
        return True

class Unfinished:
    def save(self, value):
        pass

class OnlyReads:
    def load(self):
        return 1

class Group:
    class Inner:
        def load(self): return "inner"
        def save(self, value): pass

def function():
    raise SystemExit("a function was called")

instance = Counter(1)
"""
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield "own_types"
    sys.modules.pop("own_types", None)


def catalog(root, type_, **more):
    return Catalog({"it": {"type": type_, **more}}, root=root, origin=lambda key: f"catalog.yml: {key}")


def test_every_type_of_ours_can_be_made():
    for name in NATIVE:
        assert callable(native_builder(name))


def test_any_class_with_load_and_save_is_a_type(tmp_path, package):
    found = catalog(tmp_path, "own_types.Upper", filepath="a.txt", suffix="!", metadata={"x": 1})
    saved = found.save("it", "hi")
    assert found.load("it") == "HI!"
    assert saved.content
    assert saved.size == 3
    assert catalog(tmp_path, "own_types:Group.Inner").load("it") == "inner"


def test_a_class_of_your_own_gets_versions_without_knowing(tmp_path, package):
    found = catalog(tmp_path, "own_types.Upper", filepath="a.txt", versioned=True)
    first, second = found.save("it", "one"), found.save("it", "two")
    assert found.load("it") == "TWO"
    assert found.versions("it") == [second.version, first.version]


def test_a_class_that_changes_its_file_in_place_may_and_its_failure_changes_nothing(tmp_path, package):
    found = catalog(tmp_path, "own_types.Appending", filepath="a.txt")
    found.save("it", "one ")
    found.save("it", "two")
    assert found.load("it") == "one two"
    with pytest.raises(CatalogError, match="cannot"):
        found.save("it", "bad")
    assert found.load("it") == "one two"


def test_a_class_that_tells_its_own_fingerprint_looks_after_its_file(tmp_path, package):
    found = catalog(tmp_path, "own_types.Himself", filepath="a.txt")
    assert found.save("it", "x").content == "as I say"
    assert (tmp_path / "a.own").read_text() == str(tmp_path / "a.txt")
    assert found.load("it") == "x"


def test_a_class_without_a_file_is_asked_for_everything(tmp_path, package):
    found = catalog(tmp_path, "own_types.Counter", start=3, metadata={"a": 1}, other=2)
    assert found.load("it") == 3
    before = found.fingerprint("it")
    found.save("it", 4)
    assert found.load("it") == 4
    assert found.fingerprint("it") != before
    assert found.dataset("it").inner.metadata == {"a": 1}
    assert found.dataset("it").inner.more == {"other": 2}
    with pytest.raises(CatalogError, match="keeps no versions"):
        catalog(tmp_path, "own_types.Counter", start=1, versioned=True).load("it")


def test_a_type_of_a_plugin_has_a_short_name(tmp_path, package):
    found = Catalog(
        {"it": {"type": "upper", "filepath": "a.txt"}}, root=tmp_path, types={"upper": "own_types.Upper"}
    )
    found.save("it", "x")
    assert found.load("it") == "X"
    with pytest.raises(CatalogError) as caught:
        Catalog({"it": {"type": "uper"}}, root=tmp_path, types={"upper": "own_types.Upper"}).load("it")
    assert "'upper'" in caught.value.hint


@pytest.mark.parametrize(
    "type_",
    ["os.system", "os:system", "subprocess.Popen", "builtins.eval", "pickle.Pickler", "json.JSONDecoder",
     "shutil.rmtree", "importlib.import_module", "pathlib.Path", "this.s", "json.loads",
     "pandas.io.common:os.system", "pandas.io.common:zipfile.ZipFile", "tempfile.TemporaryDirectory"],
)  # fmt: skip
def test_conf_cannot_name_anything_of_python_itself(tmp_path, type_):
    with pytest.raises(CatalogError):
        catalog(tmp_path, type_, filepath="x").load("it")
    assert "this" not in sys.modules


@pytest.mark.parametrize(
    ("type_", "message"),
    [
        ("own_types.function", "not a class"),
        ("own_types.instance", "not a class"),
        ("own_types.Unfinished", "no load"),
        ("own_types", "unknown type"),
        ("own_types.Path", "belongs to Python itself"),
    ],
)
def test_what_is_no_dataset_is_refused_and_never_called(tmp_path, package, type_, message):
    with pytest.raises(CatalogError, match=message):
        catalog(tmp_path, type_).load("it")


def test_a_class_without_save_is_read_and_says_that_it_cannot_be_written(tmp_path, package):
    found = catalog(tmp_path, "own_types.OnlyReads")
    assert found.load("it") == 1
    with pytest.raises(CatalogError, match="only reads"):
        found.save("it", 2)


@pytest.mark.parametrize(
    ("type_", "hint"),
    [
        ("cvs", "'csv'"),
        ("parqet", "'parquet'"),
        ("CSVDataset", "'pandas.CSVDataset'"),
        ("own_types.Uper", "'Upper'"),
        ("own_tipes.Upper", "own_tipes"),
        ("pandas.CSVDatset", "'pandas.CSVDataset'"),
        ("pandas.CSVDataSet", "pandas.CSVDataset"),
        ("kedro.extras.datasets.pandas.CSVDataSet", "`type: pandas.CSVDataset`"),
        ("pickle.PickleDataSet", "`type: pickle.PickleDataset`"),
        ("MemoryDataSet", "MemoryDataset"),
        ("a b", ""),
        ("..csv", ""),
    ],
)
def test_an_unknown_type_is_told_with_line_and_nearest(tmp_path, package, type_, hint):
    with pytest.raises(CatalogError) as caught:
        catalog(tmp_path, type_, filepath="x").load("it")
    assert caught.value.where == "catalog.yml: it.type"
    assert hint in (caught.value.hint or "")
