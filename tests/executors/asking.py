"""Steps that ask for something; workers import them from here."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from executors import OTHER

from plait import checkpoint, current, log, progress, step


@step(timeout=0.4)
def stuck_in_c(folder: str) -> None:
    child = subprocess.Popen(["sleep", "600"], start_new_session=True)
    Path(folder, "child").write_text(str(child.pid))
    print("begun")
    wait_in_c()


def wait_in_c() -> None:
    ctypes.PyDLL(None).sleep(600)  # holds the interpreter's lock


@step(timeout=0.6)
def busy_for_ever() -> None:
    while True:
        sum(range(1000))


@step(timeout="5m")
def in_time(x: Any = None) -> int:
    return os.getpid()


@step(timeout=0.3, retries=1)
def slow_once(folder: str) -> int:
    if current.attempt == 1:
        time.sleep(600)
    return current.attempt


@step(memory="300MiB")
def hoard(how: str) -> int:
    if how == "at once":
        return len(bytearray(4 << 30))
    if how == "in a child":
        code = "import time; x = b'x' * (400 << 20); time.sleep(600)"
        subprocess.run(["python3", "-c", code], check=True)
    kept = []
    while how == "bit by bit":
        kept.append(os.urandom(1 << 20))
    return os.getpid()


@step(memory="150MiB", memory_growth=4.0)
def grow(folder: str) -> int:
    held = [os.urandom(1 << 20) for _ in range(300)]
    return len(held)


@step(env={"COLOUR": "blue", "PLAIT_TEST": "1"})
def coloured() -> str | None:
    return os.environ.get("COLOUR")


@step
def uncoloured(_after: Any = None) -> str | None:
    return os.environ.get("COLOUR")


@step(secrets=["TOKEN=env:PLAIT_TEST_TOKEN", "env:PLAIT_TEST_KEY"])
def with_secret() -> int:
    print(f"the token is {os.environ['TOKEN']}")
    return len(os.environ["TOKEN"]) + len(os.environ["PLAIT_TEST_KEY"])


@step(secrets=["TOKEN=env:PLAIT_TEST_TOKEN"])
def fail_with_secret() -> None:
    raise ValueError(f"bad token {os.environ['TOKEN']}")


@step
def token(_after: Any = None) -> str | None:
    return os.environ.get("TOKEN")


@step(isolated=True)
def alone(_x: Any = None) -> int:
    return os.getpid()


@step(gpus=1)
def on_gpu(x: int) -> list[Any]:
    start = time.time()
    time.sleep(0.2)
    return [os.environ["CUDA_VISIBLE_DEVICES"], start, time.time(), os.getpid()]


@step(gpus=2)
def on_two_gpus(_after: Any = None) -> str:
    return os.environ["CUDA_VISIBLE_DEVICES"]


@step(workdir="data")
def in_data() -> str:
    return os.getcwd()


@step
async def wait_together(n: int) -> list[int]:
    async def one(at: int) -> int:
        await asyncio.sleep(0.01)
        log(n=at)
        return at * 2

    return list(await asyncio.gather(*map(one, range(n))))


@step
def chunks(n: int, fail_at: int = -1) -> Iterator[list[int]]:
    for at in range(n):
        if at == fail_at:
            raise ValueError(f"no chunk {at}")
        yield [at] * 3


@step
async def chunks_later(n: int) -> AsyncIterator[int]:
    for at in range(n):
        await asyncio.sleep(0)
        yield at


@step
def nothing() -> None:
    pass


@step(retries=3)
def count_on(folder: str, how: str) -> list[int]:
    """Counts to 6, and dies at 2 and 4."""
    seen = checkpoint.load([])
    print(f"begins with {seen}")
    while len(seen) < 6:
        progress(len(seen), 6)
        seen.append(len(seen))
        checkpoint.save(seen)
        mark = Path(folder, f"died-at-{len(seen)}")
        if len(seen) in (2, 4) and not mark.exists():
            mark.touch()
            if how == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            raise RuntimeError("not yet")
    return seen


@step
def count_slowly(folder: str, size: int) -> int:
    import numpy as np

    start = int(checkpoint.load(np.zeros(size))[0])
    Path(folder, f"began-at-{start}").touch()
    for at in range(start, 5):
        checkpoint.save(np.full(size, at + 1.0))
        progress(at + 1, 5)
        if not Path(folder, "go").exists():
            Path(folder, f"saved-{at + 1}").touch()
            time.sleep(0.05 if at < 2 else 600)
    return start


@step(python=OTHER, packages=["cowsay==6.1"])
def say(text: str, table: Any = None) -> dict[str, Any]:
    import cowsay

    print("moo")
    log(length=len(text))
    progress(1, 1)
    checkpoint.save(1)
    return {
        "said": cowsay.get_output_string("cow", text),
        "python": sys.version_info[:2],
        "task": current.task,
        "table": table,
        "saved": checkpoint.load(0),
    }


@step(python=OTHER, packages=["cowsay==6.1"], timeout=0.5)
def stuck_elsewhere() -> None:
    wait_in_c()


@step(python=OTHER, packages=["cowsay==6.1"], memory="300MiB")
def hoard_elsewhere() -> int:
    return len(bytearray(4 << 30))


@step(python=OTHER, packages=["cowsay==6.1"])
def fail_elsewhere() -> None:
    try:
        {}["inner"]
    except KeyError as error:
        raise ValueError("outer") from error


@step(python=OTHER, packages=["cowsay==6.1"])
def give_what_is_only_there() -> Any:
    class Own:
        pass

    import cowsay.main

    return [cowsay.main.CowsayError("x")]


@step(packages=["cowsay>=99"])
def impossible() -> None:
    pass


@step
def changed(table: Any, array: Any) -> list[Any]:
    table["c"] = range(1, 3)
    array *= 2
    return [table, array, type(table).__name__]
