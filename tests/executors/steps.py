"""What may steps do? Steps that behave, and steps that do not; workers import them from here."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from plait import current, log, step


@step
def echo(x: Any = None, y: Any = None) -> Any:
    return x if y is None else [x, y]


@step
def triple(n: int) -> list[int]:
    return [n] * 3


@step
def total(xs: Any) -> int:
    return sum(map(total.function, xs)) if isinstance(xs, list) else xs


@step
def count_up(n: int) -> list[int]:
    return list(range(n))


@step
def spoil(table: dict[str, list[int]]) -> int:
    table["a"].append(99)
    table["b"] = []
    return len(table["a"])


@step
def fail_if(x: int, bad: Any) -> int:
    if x in bad:
        raise ValueError(f"{x} is bad")
    return x


@step(retries=2, retry_delay=0.3, backoff=2.0)
def flaky(folder: str, wins: int) -> int:
    tried = Path(folder, "tried")
    with tried.open("a") as file:
        file.write(f"{time.time()}\n")
    print(f"attempt {current.attempt}")
    log(attempt=current.attempt)
    if current.attempt < wins:
        raise RuntimeError("not yet")
    return current.attempt


@step
def mark(folder: str, name: str) -> str:
    Path(folder, name).write_text(str(time.time()))
    return name


@step
def die(how: str, x: int = 0) -> int:
    print("last words")
    if how == "exit":
        os._exit(7)
    if how == "segv":
        ctypes.string_at(0)
    if how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "term":
        os.kill(os.getpid(), signal.SIGTERM)
    return x


@step
def die_at(x: int, at: int) -> int:
    if x == at:
        os.kill(os.getpid(), signal.SIGKILL)
    return x


@step(retries=1)
def die_once(folder: str) -> int:
    tried = Path(folder, "died")
    if not tried.exists():
        tried.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return os.getpid()


@step
def talk(n: int) -> None:
    print("out", n)
    print("err", n, file=sys.stderr)
    logging.getLogger("mine").debug("debug %d", n)
    logging.getLogger("mine").info("info %d", n)
    logging.getLogger("mine").warning("warning\nof two lines %d", n)
    print("no newline", end="")


@step
def talk_from_c(n: int) -> None:
    print("from python")
    os.write(1, b"from write\n")
    libc = ctypes.CDLL(None)
    libc.printf(b"from printf %d\n", n)
    libc.puts(b"half")
    subprocess.run(["echo", "from a child"], check=True)
    print("again from python")


@step
def talk_slowly(n: int) -> None:
    for at in range(20):
        print(f"task {n} line {at}")
        time.sleep(0.005)


@step
def talk_much(size: int) -> int:
    line = "x" * 99
    for _ in range(size // 100):
        print(line)
    return size


@step
def progress_bar(n: int) -> None:
    for at in range(n + 1):
        sys.stderr.write(f"\r{at}/{n}")
    sys.stderr.write("\n")
    sys.stdout.write("dos\r\n")
    for _ in range(3):
        sys.stdout.write(".")
    print("\udcff and half a character")


@step
def threads(n: int) -> None:
    def speak(at: int) -> None:
        for line in range(5):
            print(f"thread {at}", end=" ")
            print(f"line {line}")
        log(**{f"metric{at}": at})

    started = [threading.Thread(target=speak, args=(at,)) for at in range(n)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()


@step
def leave(code: Any) -> None:
    sys.exit(code)


@step
def interrupt() -> None:
    raise KeyboardInterrupt


class Unpicklable(Exception):
    def __init__(self) -> None:
        super().__init__("cannot travel")
        self.lock = threading.Lock()

    def __reduce__(self) -> Any:
        raise TypeError("not me")


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


class Base(BaseException):
    pass


@step
def raise_it(kind: str) -> None:
    if kind == "unpicklable":
        raise Unpicklable
    if kind == "unspeakable":
        raise Unspeakable
    if kind == "base":
        raise Base("below Exception")
    if kind == "surrogate":
        raise ValueError("half \udcff character")
    if kind == "group":
        raise ExceptionGroup("several", [ValueError("first"), TypeError("second")])
    if kind == "recursion":
        raise_deep(0)
    if kind == "cause":
        try:
            {}["inner"]
        except KeyError as error:
            outer = ValueError("outer")
            outer.add_note("a note")
            raise outer from error


def raise_deep(n: int) -> None:
    raise_deep(n + 1)


@step
def give_unpicklable() -> Any:
    return {"rows": [1, {"lock": threading.Lock()}]}


@step(outputs=["a", "b"])
def several(how: str) -> Any:
    return {
        "one": 1,
        "three": (1, 2, 3),
        "list": [1, 2],
        "dict": {"b": 2, "a": 1},
        "generator": iter((1, 2)),
    }[how]


@step
def read_input() -> str:
    return input("what? ")


@step
def move(folder: str) -> str:
    os.chdir(folder)
    return os.getcwd()


@step
def where(_after: Any = None) -> str:
    return os.getcwd()


@step
def who() -> dict[str, Any]:
    return {
        "run": current.run, "task": current.task, "index": current.index, "step": current.step,
        "attempt": current.attempt, "params": current.params, "pid": os.getpid(), "known": bool(current),
    }  # fmt: skip


@step
def import_broken() -> Any:
    import executors.broken  # noqa: F401


@step
def sleep(seconds: float) -> float:
    time.sleep(seconds)
    return time.time()


@step
def worker(_x: Any = None) -> int:
    return os.getpid()


@step
def start_child(folder: str) -> int:
    child = subprocess.Popen(["sleep", "600"])
    return child.pid


@step
def fork_and_die(folder: str) -> int:
    """The child keeps the worker's pipes open."""
    child = os.fork()
    if child == 0:
        time.sleep(600)
        os._exit(0)
    Path(folder, "child").write_text(str(child))
    os.kill(os.getpid(), signal.SIGKILL)
    return child


@step
def thread_kills_later(x: int) -> int:
    if x == 0:
        threading.Timer(0.05, os._exit, (9,)).start()
    return x


@step
def drain(_task: int, lists: list[list[int]]) -> int:
    count = sum(map(len, lists))
    for one in lists:
        one.clear()
    lists.clear()
    return count
