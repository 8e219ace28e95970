"""Does a target mean what its writer thinks, and is nothing imported that is not needed?"""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

import pytest

from plait.errors import ConfError, PlaitError, TargetError
from plait.project.discover import find_pipeline

ONE = "from plait import step, pipeline\n@step\ndef one(): return 1\n@pipeline\ndef {name}(): return one()\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        file = getattr(sys.modules[name], "__file__", None)
        if file is None or Path(file).is_relative_to(tmp_path):
            del sys.modules[name]


@pytest.fixture
def write(folder):
    def write(name, text):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text))
        return file

    return write


@pytest.fixture
def project(write, folder):
    """A project with two pipelines, one of which cannot be imported."""

    def make(default=""):
        write("shop/pyproject.toml", f'[tool.plait]\npackage = "shop"\n{default}\n')
        write("shop/src/shop/__init__.py", "")
        write("shop/src/shop/pipelines/__init__.py", "")
        write("shop/src/shop/pipelines/sales.py", ONE.format(name="sales"))
        write("shop/src/shop/pipelines/returns.py", ONE.format(name="returns"))
        return folder / "shop"

    return make


def test_a_file_is_imported_under_its_own_name_with_its_neighbours(write):
    write("helper_of_found.py", "NAME = 'x'\n")
    write("found_flow.py", "import helper_of_found\n" + ONE.format(name="flow"))
    found = find_pipeline("found_flow.py")
    assert found.pipeline.name == "flow"
    assert found.pipeline.module == "found_flow"
    assert found.text == "found_flow.py"
    assert found.root is None


def test_a_file_whose_name_is_taken_does_not_replace_the_other(write):
    import json

    write(
        "json.py",
        "from __future__ import annotations\nfrom dataclasses import dataclass\n@dataclass\nclass A:\n    x: int\n"
        + ONE.format(name="flow"),
    )
    found = find_pipeline("json.py")
    assert found.pipeline.name == "flow"
    assert sys.modules["json"] is json
    assert found.pipeline.module not in sys.modules


def test_a_file_of_a_stem_with_dots_or_dashes_is_found(write):
    write("my-flow.v2.py", ONE.format(name="flow"))
    assert find_pipeline("my-flow.v2.py").pipeline.name == "flow"


def test_two_files_of_one_name_are_two_modules(write):
    write("a/same_stem.py", ONE.format(name="first"))
    write("b/same_stem.py", ONE.format(name="second"))
    assert find_pipeline("a/same_stem.py").pipeline.name == "first"
    assert find_pipeline("b/same_stem.py").pipeline.name == "second"


def test_a_file_inside_a_package_is_imported_by_its_package_name(write):
    write("pack_found/__init__.py", "")
    write("pack_found/sub/__init__.py", "")
    write("pack_found/sub/flow.py", "from ..base import X\n" + ONE.format(name="flow"))
    write("pack_found/base.py", "X = 1\n")
    assert find_pipeline("pack_found/sub/flow.py").pipeline.module == "pack_found.sub.flow"


def test_one_pipeline_of_several_must_be_named(write):
    write("both_found.py", ONE.format(name="first") + "@pipeline\ndef second(): return one()\n")
    with pytest.raises(TargetError, match="2 pipelines: first, second") as raised:
        find_pipeline("both_found.py")
    assert "both_found.py:second" in (raised.value.hint or "")
    found = find_pipeline("both_found.py:first")
    assert (found.pipeline.name, found.text) == ("first", "both_found.py:first")


def test_a_pipeline_that_was_imported_gives_way_to_one_that_is_defined_here(write):
    write("base_found.py", ONE.format(name="base"))
    write("uses_found.py", "from base_found import base\n" + ONE.format(name="own"))
    write("again_found.py", "from base_found import base\n")
    assert find_pipeline("uses_found.py").pipeline.name == "own"
    assert find_pipeline("again_found.py").pipeline.name == "base"


def test_a_module_is_a_target(write):
    write("mod_found/__init__.py", "")
    write("mod_found/flows.py", ONE.format(name="flow"))
    assert find_pipeline("mod_found.flows").pipeline.name == "flow"
    assert find_pipeline("mod_found.flows:flow").text == "mod_found.flows:flow"


@pytest.mark.parametrize("target", ["shop", "./shop", "shop/"])
def test_a_folder_is_its_projects_default_pipeline(project, target):
    project('default = "sales"')
    found = find_pipeline(target)
    assert found.pipeline.name == "sales"
    assert found.root is not None
    assert found.root.name == "shop"
    assert "shop.pipelines.returns" not in sys.modules


def test_a_folder_with_several_pipelines_and_no_default_lists_them(project):
    project()
    with pytest.raises(TargetError, match="2 pipelines: returns, sales"):
        find_pipeline("./shop")
    assert find_pipeline("./shop:sales").text == "./shop:sales"


def test_a_folder_with_one_pipeline_needs_no_default(project, write):
    root = project()
    (root / "src/shop/pipelines/returns.py").unlink()
    assert find_pipeline("./shop").pipeline.name == "sales"


def test_a_name_is_a_pipeline_of_the_project_one_stands_in(project, monkeypatch):
    root = project()
    (root / "src/shop/pipelines/returns.py").write_text("1 / 0\n")
    monkeypatch.chdir(root / "src")
    found = find_pipeline("sales")
    assert (found.pipeline.name, found.text) == ("sales", "sales")
    assert "shop.pipelines.returns" not in sys.modules


def test_a_name_that_no_module_has_is_looked_for_in_all(project, monkeypatch):
    root = project()
    (root / "src/shop/pipelines/returns.py").write_text(ONE.format(name="refunds"))
    monkeypatch.chdir(root)
    assert find_pipeline("refunds").pipeline.name == "refunds"


def test_a_module_that_is_broken_stands_in_nobodys_way(project, monkeypatch, write):
    root = project()
    (root / "src/shop/pipelines/returns.py").write_text("1 / 0\n")
    write("shop/own_flow.py", ONE.format(name="flow"))
    monkeypatch.chdir(root)
    assert find_pipeline("own_flow").pipeline.name == "flow"
    with pytest.raises(TargetError, match="ZeroDivisionError"):
        find_pipeline("refunds")


def test_a_pipeline_that_is_only_used_does_not_count(project):
    root = project()
    (root / "src/shop/pipelines/returns.py").unlink()
    (root / "src/shop/parts.py").write_text(ONE.format(name="part"))
    with (root / "src/shop/pipelines/sales.py").open("a") as file:
        file.write("from shop.parts import part\n")
    assert find_pipeline("./shop").pipeline.name == "sales"


def test_a_misspelt_name_names_the_nearest(project, monkeypatch):
    monkeypatch.chdir(project())
    with pytest.raises(TargetError) as raised:
        find_pipeline("sale")
    assert "did you mean sales?" in str(raised.value)


def test_a_missing_file_names_the_nearest(write):
    write("trainer.py", "")
    with pytest.raises(TargetError, match=r"did you mean trainer\.py") as raised:
        find_pipeline("traner.py")
    assert raised.value.what == "there is no file traner.py"


def test_a_file_without_pipelines_says_what_is_there(write):
    write(
        "steps_only.py", "from plait import step\n@step\ndef clean(): return 1\n@step\ndef fit(): return 1\n"
    )
    write("nothing_there.py", "")
    with pytest.raises(TargetError, match="clean, fit") as raised:
        find_pipeline("steps_only.py")
    assert "under @pipeline" in (raised.value.hint or "")
    with pytest.raises(TargetError, match="no step either"):
        find_pipeline("nothing_there.py")


def test_a_step_is_no_target(write):
    write("step_target.py", ONE.format(name="flow"))
    with pytest.raises(TargetError, match="is a step, not a pipeline"):
        find_pipeline("step_target.py:one")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import nothing_like_this\n", "No module named 'nothing_like_this'"),
        ("x = 1\ny = x.z\n", "AttributeError"),
        ("def broken(:\n", "SyntaxError"),
        ("import sys\nsys.exit(3)\n", "sys.exit(3)"),
    ],
)
def test_a_module_that_raises_says_what_and_where(write, text, said):
    write("raising_found.py", text)
    with pytest.raises(TargetError) as raised:
        find_pipeline("raising_found.py")
    assert said in raised.value.what
    assert raised.value.__cause__ is not None
    if "sys.exit" not in said:
        assert raised.value.where is not None
        assert raised.value.where.endswith(f"raising_found.py:{len(text.splitlines())}")


def test_plaits_own_errors_pass_through_an_import(write):
    write("wrong_option.py", "from plait import step\n@step(retires=3)\ndef one(): return 1\n")
    with pytest.raises(PlaitError, match="no option 'retires'"):
        find_pipeline("wrong_option.py")


def test_a_wrong_project_file_is_said_to_be_wrong(write):
    write("odd/pyproject.toml", "[tool.plait]\npackage = 3\n")
    with pytest.raises(ConfError, match="does not say which package"):
        find_pipeline("./odd")


def test_a_colon_without_a_name_is_told(write):
    write("colon_found.py", ONE.format(name="flow"))
    with pytest.raises(TargetError, match="after the colon"):
        find_pipeline("colon_found.py:")
