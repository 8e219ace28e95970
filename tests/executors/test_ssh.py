"""What if a machine that one logs in to cannot be used: nobody there, no plait there, another Python there?"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from executors import steps

import plait
from plait import each, pipeline
from plait.errors import PlaitError
from plait.project.environments import _interpreter
from tests.services import Sshd, ssh_server

SOURCE = Path(plait.__file__).parents[1]
NEEDS = [
    "blake3",
    "click",
    "cloudpickle",
    "fsspec",
    "msgspec",
    "omegaconf",
    "pluggy",
    "psutil",
    "pyyaml",
    "rich",
]

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with ssh_server(tmp_path_factory.mktemp("ssh")) as one:
        yield one


def run(server: Sshd, *hosts: Any, python: str = sys.executable, **options: Any) -> Any:
    def p(n: int) -> Any:
        return steps.total(steps.triple(each(steps.count_up(n))))

    executor = {
        "type": "ssh",
        "hosts": [one.format(user=server.user) for one in hosts],
        "python": python,
        "port": server.port,
        "identity": str(server.key),
        "options": {"StrictHostKeyChecking": "no", "UserKnownHostsFile": "/dev/null", "LogLevel": "ERROR"},
        **options,
    }
    return pipeline(p).run(executor=executor, raise_on_failure=False, progress=False, n=3)


def test_a_machine_that_lets_nobody_in_is_warned_of_and_the_others_do_its_tasks(
    server: Sshd, home: Path
) -> None:
    done = run(server, "nobody-of-that-name@127.0.0.1", "{user}@127.0.0.1")
    assert (done.status, done.result) == ("done", 9)
    lines = [line for task in done.tasks for line in task.logs() if line.stream == "WARNING"]
    assert any("nobody-of-that-name@127.0.0.1: " in line.text for line in lines)


def test_where_no_machine_can_be_used_each_says_why_and_no_run_is_recorded(server: Sshd, home: Path) -> None:
    with pytest.raises(PlaitError, match="nobody-of-that-name@127.0.0.1: .*Permission denied"):
        run(server, "nobody-of-that-name@127.0.0.1")
    assert not (home / "records.db").exists()


def test_a_python_without_plait_says_what_to_install(server: Sshd, home: Path, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "bare")], check=True)
    with pytest.raises(PlaitError) as refused:
        run(server, "{user}@127.0.0.1", python=str(tmp_path / "bare/bin/python"))
    assert (
        refused.value.what
        == f"there is no plait on {server.user}@127.0.0.1: pip install plait=={plait.__version__}"
    )


def test_another_python_is_told_and_nothing_is_tried(server: Sshd, home: Path, tmp_path: Path) -> None:
    other = "3.12" if sys.version_info[:2] != (3, 12) else "3.11"
    venv = tmp_path / "other"
    uv = [sys.executable, "-m", "uv"]
    made = subprocess.run(
        [*uv, "venv", "-q", "--python", _interpreter(other), str(venv)], capture_output=True, text=True
    )
    if made.returncode:
        pytest.skip(f"there is no Python {other} here: {made.stderr.strip()[-200:]}")
    subprocess.run([*uv, "pip", "install", "-q", "--python", str(venv / "bin/python"), *NEEDS], check=True)
    (site,) = venv.glob("lib/python*/site-packages")
    (site / "plait.pth").write_text(f"{SOURCE}\n")
    with pytest.raises(PlaitError) as refused:
        run(server, "{user}@127.0.0.1", python=str(venv / "bin/python"))
    said = refused.value.what
    assert f"has Python {other} and plait {plait.__version__}, and this run has Python" in said
    assert said.endswith("install the same there")


def test_a_host_that_is_no_text_and_no_mapping_is_an_error_of_the_stack(server: Sshd, home: Path) -> None:
    with pytest.raises(plait.errors.ConfError, match="hosts"):
        run(server, hosts=[3])
