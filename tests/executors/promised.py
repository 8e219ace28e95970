"""Steps for the promises that every executor keeps; small, for on some engines each task is a job of its own."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from plait import checkpoint, current, log, progress, step

_BEATING = "import sys, time\nwhile True:\n    open(sys.argv[1], 'a').write('.'); time.sleep(0.05)"


@step
def give(x: Any) -> Any:
    return x


@step
def rows(n: int) -> list[list[int]]:
    return [list(range(at + 1)) for at in range(n)]


@step
def square(x: int) -> int:
    return x * x


@step
def add(xs: Any) -> int:
    return sum(map(add.function, xs)) if isinstance(xs, list) else xs


@step(retries=2, retry_delay=0.2)
def third_time(x: int) -> int:
    print(f"attempt {current.attempt}")
    if current.attempt < 3:
        raise RuntimeError("not yet")
    return x + current.attempt


@step
def fail(x: int) -> int:
    try:
        return {}[x]  # type: ignore[no-any-return]
    except KeyError as error:
        raised = ValueError(f"nothing for {x}")
        raised.add_note("a note")
        raise raised from error


@step(timeout=1.0)
def takes_too_long(folder: str) -> None:
    _beat(folder)
    stay_here()


def stay_here() -> None:
    time.sleep(600)


def _beat(folder: str) -> None:
    """Start a process that writes to a file as long as it lives."""
    subprocess.Popen([sys.executable, "-c", _BEATING, str(Path(folder, "beats"))])


@step
def long(folder: str, n: int) -> int:
    Path(folder, f"began-{n}").touch()
    end = time.monotonic() + 600
    while time.monotonic() < end:
        with Path(folder, "beats").open("a") as file:
            file.write(".")
        time.sleep(0.05)
    return n


@step(memory="200MiB", memory_growth=4.0)
def hold(megabytes: int) -> int:
    held = [os.urandom(1 << 20) for _ in range(megabytes)]
    time.sleep(1.5)  # what a task holds is looked at now and then
    return len(held)


@step(retries=1)
def die_once(x: int) -> int:
    if current.attempt == 1:
        print("last words", flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    return x + 1


@step(retries=1)
def be_killed_once(folder: str) -> int:
    if current.attempt == 1:
        Path(folder, "pid.part").write_text(str(os.getpid()))
        Path(folder, "pid.part").rename(Path(folder, "pid"))
        time.sleep(600)
    return current.attempt


@step
def talk(n: int) -> None:
    print("out", n)
    print("err", n, file=sys.stderr)
    logging.getLogger("mine").info("info %d", n)
    log(loss=float(n), at=0)
    log(loss=n / 2, at=1)


@step
def tell_and_wait(folder: str) -> int:
    print("in the middle")
    log(half=0.5)
    progress(1, 2)
    while not Path(folder, "go").exists():
        time.sleep(0.05)
    return 1


@step(secrets=["TOKEN=env:PLAIT_TEST_TOKEN"])
def use_secret() -> int:
    print(f"the token is {os.environ['TOKEN']}")
    return len(os.environ["TOKEN"])


@step(secrets=["TOKEN=env:PLAIT_TEST_TOKEN"])
def spill_secret() -> None:
    raise ValueError(f"bad token {os.environ['TOKEN']}")


@step
def variable(name: str, _after: Any = None) -> str | None:
    return os.environ.get(name)


@step(env={"COLOUR": "blue"})
def colour() -> str:
    return os.environ["COLOUR"]


@step(cpus=2)
def wide(x: int) -> list[float]:
    began = time.time()
    time.sleep(0.2)
    return [began, time.time()]


@step(gpus=1)
def on_gpu(x: int) -> list[Any]:
    began = time.time()
    time.sleep(0.2)
    machine = (
        os.environ.get("SLURMD_NODENAME") or os.uname().nodename
    )  # nodes that are on one machine have names
    return [os.environ["CUDA_VISIBLE_DEVICES"], began, time.time(), machine]


@step
def large(megabytes: int) -> Any:
    import numpy as np

    return np.arange(megabytes * 125_000, dtype="int64")


@step
def ends_of(array: Any) -> list[int]:
    return [int(array[0]), int(array[-1]), array.nbytes]


@step
def folder_here(_after: Any = None) -> str:
    return os.getcwd()


@step(retries=2)
def count_on(folder: str) -> list[int]:
    """Counts to 4, and dies at 2."""
    seen = checkpoint.load([])
    print(f"begins with {seen}")
    while len(seen) < 4:
        seen.append(len(seen))
        checkpoint.save(seen)
        if len(seen) == 2:
            raise RuntimeError("not yet")
    return seen


@step(isolated=True)
def alone(_x: Any) -> str:
    return f"{os.uname().nodename} {os.getpid()}"


@step
def where_its_code_is() -> str:
    return __file__


@step(nodes=2)
def together() -> list[Any]:
    print("here")
    return [current.rank, list(current.peers)]


@step
def surroundings(host_folder: str) -> dict[str, Any]:
    import importlib.util

    return {
        "pid": os.getpid() < 1000,
        "user": os.getuid(),
        "sees": Path(host_folder).exists(),
        "numpy": importlib.util.find_spec("numpy") is not None,
        "source": Path(__file__).exists() and "/tests/executors/" in __file__,
    }
