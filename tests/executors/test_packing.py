"""Does the project's code reach other machines, as it is, once per version, and nothing that should stay at home?"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from plait.data import ArtifactStore
from plait.engine.task import Abroad, Job
from plait.errors import CatalogError, ConfError, PlaitError, StoreError
from plait.executors.packing import mark_folder, pack, settled, unpack
from plait.executors.station import Versions, open_job, seal_job
from plait.project.project import Project

FILES = {
    "pyproject.toml": "[tool.plait]\npackage = 'shop'\n",
    "src/shop/__init__.py": "",
    "src/shop/model.py": "def fit(): return 1\n",
    "src/shop/words.txt": "one\n",
    "src/shop/__pycache__/model.pyc": "x",
    "conf/base/parameters.yml": "alpha: 1\n",
    "conf/local/credentials.yml": "db: {password: hunter22}\n",
    "conf/base/credentials.yml": "db: {password: hunter22}\n",
    "data/flights.csv": "a,b\n",
    ".env": "PASSWORD=hunter22\n",
    ".plait/runs.sqlite": "x",
    ".venv/pyvenv.cfg": "x",
    "env/pyvenv.cfg": "x",
    "env/lib/thing.py": "x",
}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PLAIT_CODE", str(tmp_path / "there"))
    root = tmp_path / "shop"
    for name, text in FILES.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(str(tmp_path / "artifacts"))


def test_code_and_conf_travel_and_what_is_private_or_data_does_not(root: Path, store: ArtifactStore) -> None:
    code = pack(store, Project(root))
    there = unpack(store, code) / str(code.roots.index(str(root)))
    found = {file.relative_to(there).as_posix() for file in there.rglob("*") if file.is_file()}
    assert found == {
        "pyproject.toml",
        "src/shop/__init__.py",
        "src/shop/model.py",
        "src/shop/words.txt",
        "conf/base/parameters.yml",
    }
    blobs = Path(store.url).rglob("*")
    assert not any(b"hunter22" in blob.read_bytes() for blob in blobs if blob.is_file())


def test_one_version_is_stored_once_and_a_change_is_another(root: Path, store: ArtifactStore) -> None:
    first = pack(store, Project(root))
    for file in root.rglob("*.py"):
        os.utime(file, (1, 1))
    assert pack(store, Project(root)) == first
    (root / "src/shop/model.py").write_text("def fit(): return 2\n")
    second = pack(store, Project(root))
    assert second.digest != first.digest
    assert unpack(store, first) != unpack(store, second)


def test_a_pattern_keeps_large_files_at_home(root: Path, store: ArtifactStore) -> None:
    (root / "pyproject.toml").write_text(
        "[tool.plait]\npackage = 'shop'\ncode = {exclude = ['src/shop/*.txt']}\n"
    )
    code = pack(store, Project(root))
    assert not list(unpack(store, code).rglob("words.txt"))


def test_what_is_too_large_to_be_code_is_named(
    root: Path, store: ArtifactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plait.executors.packing._MOST_BYTES", 2 << 20)
    (root / "src/shop/weights.bin").write_bytes(bytes(3 << 20))
    with pytest.raises(ConfError, match=r"more than 2 MiB") as raised:
        pack(store, Project(root))
    assert str(raised.value.where).endswith("weights.bin")
    assert "exclude" in (raised.value.hint or "")


def test_a_machine_that_cannot_read_the_store_says_what_to_name(
    root: Path, store: ArtifactStore, tmp_path: Path
) -> None:
    (root / "src/shop/large.txt").write_bytes(
        os.urandom(20_000)
    )  # beyond what is kept in the artifact itself
    code = pack(store, Project(root))
    with pytest.raises(StoreError, match="cannot read the artifact store") as raised:
        unpack(ArtifactStore(str(tmp_path / "elsewhere")), code)
    assert "s3://" in (raised.value.hint or "")


def test_paths_mean_what_was_unpacked_and_data_stays_where_it_is(root: Path, store: ArtifactStore) -> None:
    project = Project(root)
    code = pack(store, project)
    job = Job(
        "r",
        "p",
        store.url,
        (),
        search_path=(str(root / "src"), "/nowhere/site-packages"),
        abroad=Abroad(code, project.spec_for_elsewhere(), mark_folder(project.home)),
    )
    here, folder = settled(job, store)
    there = unpack(store, code)
    assert here.search_path[0] == str(there / "0" / "src")
    assert not any("nowhere" in entry for entry in here.search_path)
    assert here.project is not None
    assert here.project.root == str(there / "0")
    assert here.project.data_root == str(root)
    assert folder == os.getcwd()


def test_a_folder_of_the_same_name_is_not_taken_for_the_project(root: Path, store: ArtifactStore) -> None:
    (root / "conf/base/catalog.yml").write_text(
        "sales: {type: csv, filepath: data/sales.csv}\nfar: {type: csv, filepath: memory://shop/far.csv}\n"
    )
    project = Project(root)
    code = pack(store, project)
    mark = mark_folder(project.home)
    assert mark_folder(project.home) == mark
    abroad = Abroad(code, project.spec_for_elsewhere(), mark)
    (project.home / "folder-id").write_text("that of another machine")
    here, _ = settled(Job("r", "p", store.url, (), abroad=abroad), store)
    assert here.project is not None
    there = Project.of(here.project)
    with pytest.raises(
        CatalogError, match=r"dataset 'sales' is data/sales\.csv in the project's folder, which"
    ) as raised:
        there.catalog.dataset("sales")
    assert "s3://" in (raised.value.hint or "")
    assert there.catalog.dataset("far") is not None


def test_a_conf_goes_along_as_it_was_read(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "conf/base/catalog.yml").write_text("sales: {type: csv, filepath: '${env:BUCKET}/sales.csv'}\n")
    (root / "conf/base/credentials.yml").unlink()
    monkeypatch.setenv("BUCKET", "memory://shop")
    monkeypatch.setenv("TOKEN", "opensesame")
    spec = Project(root).spec_for_elsewhere(["API=env:TOKEN"])
    assert "hunter22" not in repr(spec)
    monkeypatch.delenv("BUCKET")
    monkeypatch.delenv("TOKEN")
    for file in (root / "conf").rglob("*.yml"):
        file.unlink()
    there = Project.of(spec)
    assert there.conf.get("catalog")["sales"]["filepath"] == "memory://shop/sales.csv"
    assert there.params.get("alpha") == 1
    assert there.conf.get("credentials")["db"]["password"].reveal() == "hunter22"
    assert there.step_secret("API=env:TOKEN")[1].reveal() == "opensesame"
    masker = there.masker()
    assert masker is not None
    assert masker.mask("hunter22 opensesame") == "*** ***"


@pytest.mark.parametrize(
    ("named", "file"), [(None, "base/stack.yml"), ("big", "base/stacks.yml"), ("prod", "prod/stack.yml")]
)
def test_the_stack_goes_along_whichever_file_names_it(
    root: Path, monkeypatch: pytest.MonkeyPatch, named: str | None, file: str
) -> None:
    stack = "{artifact_store: {type: s3, url: 's3://${env:BUCKET}/x'}, alerter: 'https://hook.example'}"
    (root / "conf" / file).parent.mkdir(exist_ok=True)
    (root / "conf" / file).write_text(f"big: {stack}\n" if named == "big" else stack)
    monkeypatch.setenv("BUCKET", "shop")
    spec = Project(root, stack=named).spec_for_elsewhere()
    monkeypatch.delenv("BUCKET")
    (root / "conf" / file).unlink()
    there = Project.of(spec).stack
    assert there.artifact_store.options["url"] == "s3://shop/x"
    assert there.get("alerter") is None  # those are told by the driver


def test_another_version_on_the_other_side_is_told_and_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    job = Job("r", "p", "somewhere", ())
    sealed = seal_job(job)
    assert open_job(sealed) == job
    monkeypatch.setattr(
        "plait.executors.station.Versions.here", classmethod(lambda cls: Versions("3.9", "0.0.1"))
    )
    with pytest.raises(PlaitError, match=r"has Python 3\.9 and plait 0\.0\.1, and this run has Python 3\.1"):
        open_job(sealed)
