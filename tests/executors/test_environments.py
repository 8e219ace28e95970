"""Does a step run in the Python, and with the packages, that it asks for?"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from executors import OTHER, asking, steps

from plait import pipeline, step
from plait.errors import ParameterError, RunFailed
from plait.project.environments import Environments, Request

EXECUTORS: dict[str, dict[str, Any]] = {
    "inline": {"executor": "inline"},
    "processes": {"executor": "processes", "workers": 2},
}


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the environment of these steps comes to, solved and built once."""
    folder = tmp_path_factory.mktemp("environments")
    Environments(folder).python(Request(OTHER, ("cowsay==6.1",)))
    return folder


@pytest.fixture(params=EXECUTORS)
def run_it(request: pytest.FixtureRequest, home: Path, built: Path) -> Iterator[Callable[..., Any]]:
    home.mkdir(parents=True, exist_ok=True)
    (home / "environments").symlink_to(built)

    def run(function: Callable[..., Any], **params: Any) -> Any:
        return pipeline(function).run(
            **EXECUTORS[request.param], raise_on_failure=False, progress=False, **params
        )

    return run


def test_a_step_runs_in_its_own_python_with_its_own_packages(run_it: Callable[..., Any]) -> None:
    import pandas as pd

    table = pd.DataFrame({"a": [1.5, 2.5], "b": ["x", "y"]})

    def p(text: str, table: Any) -> Any:
        said = asking.say(text)
        return [said, steps.echo(said)]

    version = tuple(map(int, OTHER.split(".")))
    run = run_it(p, text="hello", table=table)
    first, second = run.result
    assert first == second
    assert "hello" in first["said"]
    assert first["python"] == version
    assert first["task"] == "say"
    assert first["saved"] == 1
    task = run.task("say")
    assert [line.text for line in task.logs()] == ["moo"]
    assert task.metrics == {"length": 5.0}
    assert task.progress == (1, 1)
    assert task.peak_memory > 1 << 20


def test_what_it_raises_is_recorded_as_if_it_were_raised_here(run_it: Callable[..., Any]) -> None:
    def p() -> Any:
        return [asking.fail_elsewhere(), asking.give_what_is_only_there()]

    run = run_it(p)
    error = run.task("fail_elsewhere").error
    assert error.headline == "ValueError: outer"
    assert error.kinds == ("ValueError", "Exception", "BaseException")
    assert error.cause.headline == "KeyError: 'inner'"
    assert [(one.file, one.function, one.code) for one in error.frames] == [
        (asking.__file__, "fail_elsewhere", 'raise ValueError("outer") from error')
    ]
    assert "the result cannot be read by Python" in run.task("give_what_is_only_there").error.message
    assert "cowsay" in run.task("give_what_is_only_there").error.message


def test_tables_and_arrays_go_there_and_back(home: Path) -> None:
    import numpy as np
    import pandas as pd

    from plait.engine.task import function_ref
    from plait.executors.elsewhere import Guest, GuestCall

    table = pd.DataFrame({"a": [1.5, None], "b": ["x", "y"], "t": pd.date_range("2026", periods=2)})
    array = np.asfortranarray(np.arange(6, dtype=">i4").reshape(2, 3))
    there = Guest(Path(sys.executable), [str(Path(__file__).parents[1])])
    try:
        function = asking.changed.function
        call = GuestCall(function, function_ref("changed", function), {"table": table, "array": array}, {})
        table_back, array_back, kind = there.call(call)
    finally:
        there.end()
    pd.testing.assert_frame_equal(table_back, table.assign(c=[1, 2]))
    np.testing.assert_array_equal(array_back, array * 2)
    array_back[0, 0] = 7
    assert kind == "DataFrame"


@pytest.mark.engine_slow
@pytest.mark.parametrize("version", ["3.9", "3.10", "3.12", "3.13"])
def test_every_python_that_is_here_runs_a_step_with_other_packages(home: Path, version: str) -> None:
    import numpy as np
    import pandas as pd

    def p(table: Any, array: Any) -> Any:
        return asking.changed.with_(python=version, packages=["pandas", "pyarrow"])(table, array)

    table = pd.DataFrame({"a": [1.5, None], "b": ["x", "y"]})
    run = pipeline(p).run(table=table, array=np.arange(3), progress=False, executor="processes")
    table_back, array_back, _ = run.result
    pd.testing.assert_frame_equal(table_back, table.assign(c=[1, 2]), check_dtype=False)
    np.testing.assert_array_equal(array_back, [0, 2, 4])


def test_its_limits_hold_there_too(run_it: Callable[..., Any]) -> None:
    def p() -> Any:
        return [asking.stuck_elsewhere(), asking.hoard_elsewhere()]

    run = run_it(p)
    error = run.task("stuck_elsewhere").error
    assert error.type == "TimedOut"
    assert [frame.function for frame in error.frames if frame.origin == "user"] == [
        "stuck_elsewhere",
        "wait_in_c",
    ]
    error = run.task("hoard_elsewhere").error
    assert error.type == "OutOfMemory"
    assert error.frames[-1].code == "return len(bytearray(4 << 30))"


def test_packages_that_cannot_be_solved_are_an_error_before_the_run(home: Path) -> None:
    def p() -> Any:
        return asking.impossible()

    with pytest.raises(ParameterError) as caught:
        pipeline(p).run(progress=False)
    assert "the packages of impossible cannot be solved:" in str(caught.value)
    assert "cowsay>=99" in str(caught.value)
    assert "asking.py" in str(caught.value) or "test_environments.py" in str(caught.value)


def test_an_environment_is_built_by_one_process_while_others_wait(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from plait.project.environments import Environments, Request\n"
        "print(Environments(Path(sys.argv[1])).python(Request(sys.argv[2], ('cowsay==6.1',), step='say'), print))"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path), OTHER], stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    said = [process.communicate(timeout=120)[0].splitlines() for process in started]
    assert len({lines[-1] for lines in said}) == 1
    assert Path(said[0][-1]).exists()
    assert sorted(map(len, said)) == [1, 1, 3], "one of them tells that it builds, and how long it took"
    left = sorted(one.suffix for one in tmp_path.iterdir())
    assert left == ["", ".busy", ".lock"], "nothing half-built is left"


def test_without_uv_the_error_says_how_to_get_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    real = subprocess.run

    def run(command: list[str], **options: Any) -> Any:
        return real([sys.executable, "-c", "import sys; sys.exit('No module named uv')"], **options)

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(ParameterError, match="uv, which builds it, is not installed") as caught:
        Environments(home / "environments").lock(Request("", ("cowsay",), step="say"))
    assert caught.value.hint == "pip install uv"


def test_a_requirements_file_is_found_beside_the_steps_own(
    home: Path, built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own_needs.txt").write_text("cowsay==6.1\n")
    (tmp_path / "own_flow.py").write_text(
        "import pandas as pd\n"
        "from plait import step, pipeline\n\n"
        "def width():\n    return 5\n\n"
        f"@step(python='{OTHER}', requirements='own_needs.txt')\n"
        "def said(text):\n    import cowsay\n    return len(cowsay.get_output_string('cow', text)) > width()\n\n"
        f"@step(python='{OTHER}', requirements='own_needs.txt')\n"
        "def missed(table: pd.DataFrame | None = None):\n    return pd.DataFrame({})\n\n"
        "@pipeline\ndef flow():\n    return said('hi'), missed()\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    from importlib import import_module

    flow = import_module("own_flow").flow
    run = flow.run(raise_on_failure=False, progress=False)
    assert run.task("said").outputs == {"said": True}
    message = run.task("missed").error.message
    assert (
        message
        == "pandas.DataFrame needs the package 'pandas', which the environment of this step does not have"
    )
    locks = list((home / "environments").glob("*.lock"))
    assert [one.read_text() for one in locks] == [f"# python {OTHER}\ncowsay==6.1\n"]
    (tmp_path / "own_needs.txt").write_text("cowsay==6.0\n")
    again = flow.run(raise_on_failure=False, progress=False)
    assert again.task("said").state == "done", "other packages are another key"


def test_a_script_and_a_step_inside_a_function_run_elsewhere_too(
    home: Path, built: Path, tmp_path: Path
) -> None:
    home.mkdir(parents=True, exist_ok=True)
    (home / "environments").symlink_to(built)
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\nfrom plait import step, pipeline\n\n"
        f"@step(python='{OTHER}', packages=['cowsay==6.1'])\n"
        "def version(more):\n    import sys, cowsay\n    return [*sys.version_info[:2], more]\n\n"
        "@pipeline\ndef flow():\n    return version(7)\n\n"
        "if __name__ == '__main__':\n    print(flow.run(progress=False).result)\n"
    )
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, env=dict(os.environ), check=False
    )
    assert done.stdout.strip() == f"[{OTHER.replace('.', ', ')}, 7]", done.stderr

    factor = 3

    @step(python=OTHER, packages=["cowsay==6.1"])
    def inside(x: int) -> list[int]:
        import sys

        return [sys.version_info[1], x * factor]

    def p() -> Any:
        return inside(2)

    try:
        assert pipeline(p).run(progress=False).result == [int(OTHER[2:]), 6]
    except RunFailed as failed:
        raise AssertionError(str(failed)) from failed
