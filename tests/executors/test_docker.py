"""Do containers give tasks what an image has, and no more, and is nothing left of them?"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from executors import promised as steps

from plait import each, pipeline
from plait.errors import ParameterError, PlaitError
from plait.executors import make_executor
from plait.executors.images import packages_of
from plait.project.project import Project
from tests.services import wait_until
from tests.services.docker import BASE_IMAGE, Docker, docker_engine, registry

in_containers = pytest.mark.engine_slow


@pytest.fixture(scope="module")
def engine() -> Iterator[Docker]:
    with docker_engine() as one:
        yield one


@pytest.fixture
def run(engine: Docker, home: Path) -> Callable[..., Any]:
    def start(function: Any, options: dict[str, Any] | None = None, **params: Any) -> Any:
        given = {"base": BASE_IMAGE, "packages": (), "network": "none", "host": engine.environ["DOCKER_HOST"]}
        return pipeline(function).run(
            executor={"type": "docker", **given, **(options or {})},
            raise_on_failure=False,
            progress=False,
            **params,
        )

    return start


@in_containers
def test_a_container_has_what_its_image_has_and_nothing_of_this_machine(run: Callable[..., Any]) -> None:
    def p(host_folder: str) -> Any:
        return steps.surroundings(host_folder)

    assert run(p, host_folder=str(Path(__file__).parent)).result == {
        "pid": True, "user": os.getuid(), "sees": False, "numpy": False, "source": False,
    }  # fmt: skip


@in_containers
def test_an_image_is_built_once_and_anew_for_other_packages_only(
    run: Callable[..., Any], engine: Docker, capfd: pytest.CaptureFixture[str]
) -> None:
    def images() -> set[str]:
        listed = engine("images", "--format", "{{.Repository}}:{{.Tag}}").split()
        return {one for one in listed if one.startswith("plait") and one != BASE_IMAGE}

    def p(x: int) -> Any:
        return steps.give(x)

    assert run(p, x=1).result == 1
    before = images()
    capfd.readouterr()
    assert run(p, x=2).result == 2
    assert images() == before
    assert "building" not in capfd.readouterr().err
    assert run(p, {"packages": ["six"]}, x=3).result == 3
    assert len(images() - before) == 2
    assert "building the image plait-packages:" in capfd.readouterr().err


@in_containers
def test_what_the_kernel_ends_for_the_containers_memory_is_out_of_memory(run: Callable[..., Any]) -> None:
    def p() -> Any:
        return steps.hold.with_(memory=None)(800)

    error = run(p, {"run": ["--memory=200m", "--memory-swap=200m"]}).task("hold").error
    assert error.type == "OutOfMemory", error


@in_containers
def test_a_container_that_is_removed_from_outside_costs_a_try_and_none_is_left(
    run: Callable[..., Any], engine: Docker, tmp_path: Path
) -> None:
    def p(folder: str) -> Any:
        return [steps.be_killed_once(folder), steps.square(each([1, 2]))]

    def remove() -> None:
        wait_until((tmp_path / "pid").exists)
        names = engine("ps", "--format", '{{.Names}} {{.Label "plait.run"}}').splitlines()
        engine("rm", "--force", *(name.split()[0] for name in names))

    removing = threading.Thread(target=remove)
    removing.start()
    made = run(p, {"volumes": [f"{tmp_path}:{tmp_path}"]}, folder=str(tmp_path))
    removing.join()
    assert made.result == [2, [1, 4]], made.reason
    assert [one.state for one in made.task("be_killed_once").attempts] == ["retried", "done"]
    assert engine("ps", "--all", "--quiet") == ""


@in_containers
def test_an_image_that_is_not_there_is_said_with_dockers_words(run: Callable[..., Any]) -> None:
    def p() -> Any:
        return steps.give(1)

    with pytest.raises(PlaitError, match="docker pull: "):
        run(p, {"image": "nowhere/missing:1"})
    made = run(p, {"image": BASE_IMAGE})
    assert "there is no plait on" in made.task("give").error.message


@in_containers
def test_a_python_of_a_steps_own_is_refused_for_images_are_for_that(run: Callable[..., Any]) -> None:
    def p() -> Any:
        return steps.give.with_(packages=["six"])(1)

    with pytest.raises(ParameterError, match="asks for packages="):
        run(p)


def test_no_engine_is_an_error_before_any_task(home: Path, tmp_path: Path) -> None:
    if subprocess.run(["sh", "-c", "command -v docker"], capture_output=True, check=False).returncode:
        pytest.skip("there is no program docker here")

    def p() -> Any:
        return steps.give(1)

    with pytest.raises(PlaitError, match="docker info: |there is no Docker engine: ") as caught:
        pipeline(p).run(
            executor={"type": "docker", "host": f"unix://{tmp_path}/nothing.sock"}, progress=False
        )
    assert "host:" in (caught.value.hint or "")


@in_containers
def test_the_image_builder_of_a_stack_pushes_what_others_pull(
    engine: Docker, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "conf/base").mkdir(parents=True)
    with registry(tmp_path) as place:
        (tmp_path / "conf/base/stack.yml").write_text(
            f"image_builder: {{type: docker, registry: '{place}/ml', base: '{BASE_IMAGE}', packages: [],"
            f" host: '{engine.environ['DOCKER_HOST']}'}}\n"
            f"executor: {{type: docker, network: none, host: '{engine.environ['DOCKER_HOST']}'}}\n"
        )
        (tmp_path / "flow.py").write_text(
            "from plait import pipeline, step\n"
            "@step\ndef give(x: int) -> int:\n    return x\n"
            "@pipeline\ndef flow():\n    return give(7)\n"
        )
        project = Project(tmp_path)
        builder = project.stack.get("image_builder")
        assert builder is not None
        image = builder.open(project).image()
        assert image.startswith(f"{place}/ml/plait:")
        engine("rmi", image)
        engine("pull", "--quiet", image)
        assert "an image would have" in builder.open(project).check()
        executor = make_executor(None, project=project)
        command = [sys.executable, "-m", "plait", "run", "flow.py", "-q"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=200)
        assert done.returncode == 0, done.stderr
        assert f"docker push {image}" in done.stderr
    assert executor.name == "docker"


def test_without_the_program_it_is_said_what_to_install(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.path.dirname(sys.executable))

    def p() -> Any:
        return steps.give(1)

    with pytest.raises(PlaitError, match="needs the program docker"):
        pipeline(p).run(executor="docker", progress=False)


def test_packages_are_those_of_the_project_at_the_versions_that_are_here(tmp_path: Path) -> None:
    from importlib.metadata import version

    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\ndependencies = ["numpy>1", "plait"]\n')
    found = packages_of(tmp_path, None)
    assert "numpy>1" in found.wanted
    assert not any(one.startswith("plait") for one in found.wanted)
    assert found.versions["numpy"] == version("numpy")
    assert found.versions["msgspec"] == version("msgspec")
    assert "pytest" not in found.versions
    assert packages_of(tmp_path, None).key == found.key
    assert packages_of(tmp_path, ["numpy>1", "six"]).key != found.key
    assert packages_of(None, ()).key == packages_of(tmp_path, []).key
