"""What runs in a Python of another version, or with other packages? This file alone, on the standard library.

It is a program: it reads a task from its standard input, finds the step's function in the user's own files, calls it,
and answers. There is no plait in its environment, so it brings a small stand-in along: decorators do nothing, and what
a step says (``log``, ``checkpoint`` …) is asked of the worker that started it. Keep it to Python 3.8.
"""

from __future__ import annotations
import __future__

import ast
import faulthandler
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import inspect
import io
import os
import pickle
import struct
import sys
import textwrap
import time
import traceback
import types
from typing import IO, Any

HEADER = struct.Struct(">Q")
PROTOCOL = 5
NAME = "plait.executors.guest"
WHERE_IT_SHOWS = ("numpy", "pandas", "pyarrow")


# How values travel: pickled, tables as Arrow and arrays as their bytes, which every version of their packages reads.


def table_from(data, kind):
    import pyarrow

    table = pyarrow.ipc.open_stream(data).read_all()
    return table if kind == "arrow" else table.to_pandas()


def array_from(data, dtype, shape):
    import numpy

    return numpy.frombuffer(bytearray(data), dtype=dtype).reshape(shape)


# Both sides know them by this name, though one of them runs this file as its main program.
table_from.__module__ = array_from.__module__ = NAME


class Pickler(pickle.Pickler):
    """``there`` names the packages that the other side has."""

    def __init__(self, file, there):
        super().__init__(file, protocol=PROTOCOL)
        self._there = there

    def reducer_override(self, value):
        kind = type(value)
        root = kind.__module__.partition(".")[0]
        if root == "pandas" and kind.__name__ == "DataFrame" and {"pandas", "pyarrow"} <= self._there:
            return _arrow_of(value)
        if root == "pyarrow" and kind.__name__ == "Table" and "pyarrow" in self._there:
            return table_from, (_stream(value), "arrow")
        if (
            root == "numpy"
            and kind.__name__ == "ndarray"
            and not value.dtype.hasobject
            and not value.dtype.fields
        ):
            return array_from, (value.tobytes(), value.dtype.str, value.shape)
        return NotImplemented


def _arrow_of(frame):
    try:
        import pyarrow

        return table_from, (_stream(pyarrow.Table.from_pandas(frame)), "pandas")
    except Exception:  # a column that Arrow has no type for is pickled
        return NotImplemented


def _stream(table):
    import pyarrow

    sink = pyarrow.BufferOutputStream()
    with pyarrow.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def dump(value: object, there: set[str]) -> bytes:
    file = io.BytesIO()
    Pickler(file, there).dump(value)
    return file.getvalue()


def has() -> set[str]:
    """The packages that can be imported here, of those that make a difference to how values travel."""
    return {name for name in WHERE_IT_SHOWS if importlib.util.find_spec(name) is not None}


def send(stream: IO[bytes], *message: object) -> None:
    body = pickle.dumps(message, protocol=PROTOCOL)
    stream.write(HEADER.pack(len(body)) + body)
    stream.flush()


def receive(stream: IO[bytes]) -> Any:
    """The next message; None when the other side is gone."""
    header = stream.read(HEADER.size)
    if len(header) < HEADER.size:
        return None
    body = stream.read(HEADER.unpack(header)[0])
    return pickle.loads(body)


# What stands in for plait.


class Current:
    def __init__(self):
        self.known = {}

    def __bool__(self):
        return True

    def __getattr__(self, name):
        try:
            return self.__dict__["known"][name]
        except KeyError:
            raise AttributeError(name) from None


class Stand:
    """The side of a step's code that speaks to plait."""

    def __init__(self, incoming, outgoing):
        self.incoming, self.outgoing = incoming, outgoing
        self.there = set()
        self.current = Current()

    def ask(self, name, *args, **kwargs):
        send(self.outgoing, "ask", name, dump((args, kwargs), self.there))
        verb, body = receive(self.incoming)
        value = pickle.loads(body)
        if verb == "error":
            raise RuntimeError(value)
        return value

    def install(self):
        made = types.ModuleType("plait")
        made.__path__ = []
        made.step, made.pipeline, made.hook = _as_is, _as_is, _as_is
        made.current = self.current
        made.log = lambda *args, **kwargs: self.ask("log", *args, **kwargs)
        made.progress = lambda *args: self.ask("progress", *args)
        made.checkpoint = types.SimpleNamespace(
            save=lambda state: self.ask("save", state), load=lambda default=None: self.ask("load", default)
        )
        made.__getattr__ = _nothing_of("plait")
        errors = types.ModuleType("plait.errors")
        errors.__getattr__ = lambda name: (
            type(name, (Exception,), {}) if name[:1].isupper() else _refuse(name)
        )
        sys.modules["plait"], sys.modules["plait.errors"] = made, errors
        executors = types.ModuleType("plait.executors")
        executors.__path__ = []
        sys.modules["plait.executors"], sys.modules[NAME] = executors, sys.modules[__name__]


def _refuse(name):
    raise AttributeError(name)


def _as_is(function=None, **_options):
    """A decorator that leaves a function as it is."""
    if function is None:
        return _as_is
    try:
        function.function = function
        function.with_ = lambda **_options: function
    except AttributeError:
        pass
    return function


class Nothing:
    """Stands for what is not here, and says so when it is used."""

    def __init__(self, name):
        self.__dict__["_name"] = name

    def __getattr__(self, name):
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return Nothing(self._name + "." + name)

    def __call__(self, *args, **kwargs):
        if self._name.startswith("plait."):
            return Nothing(self._name + "()")
        root = self._name.partition(".")[0]
        raise ModuleNotFoundError(
            "%s needs the package %r, which the environment of this step does not have" % (self._name, root),
            name=root,
        )

    def __getitem__(self, _key):
        return self

    def __or__(self, _other):
        return self

    __ror__ = __or__

    def __mro_entries__(self, _bases):
        return (type(self._name.rpartition(".")[2], (), {}),)


def _nothing_of(name):
    def find(attribute):
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        return Nothing(name + "." + attribute)

    return find


class MissingFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """What the user's own files import at their top and this environment does not have is missed when it is used."""

    def __init__(self, roots):
        self.roots = tuple(os.path.join(os.path.abspath(root), "") for root in roots)

    def find_spec(self, name, path=None, target=None):
        root = name.partition(".")[0]
        if root in sys.modules and root != name:
            if not isinstance(getattr(sys.modules[root], "__loader__", None), MissingFinder):
                return None
        elif not self._asked_by_the_user():
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def _asked_by_the_user(self):
        frame = sys._getframe(2)
        while frame is not None and (
            "importlib" in frame.f_code.co_filename or frame.f_code.co_filename == __file__
        ):
            frame = frame.f_back
        file = os.path.abspath(frame.f_code.co_filename) if frame is not None else ""
        return file.startswith(self.roots) and "site-packages" not in file

    def create_module(self, spec):
        made = types.ModuleType(spec.name)
        made.__getattr__ = _nothing_of(spec.name)
        return made

    def exec_module(self, module):
        pass


class Writer(io.TextIOBase):
    """A stream whose text goes to the worker."""

    def __init__(self, outgoing, name):
        self._outgoing, self._name = outgoing, name

    def writable(self):
        return True

    def write(self, text):
        send(self._outgoing, self._name, text)
        return len(text)


# A task.


def find_function(task):
    """The step's function: by its module, by its file, or else by its source alone."""
    for entry in reversed(task["path"]):
        if entry not in sys.path:
            sys.path.insert(0, entry)
    if task["module"]:
        module = importlib.import_module(task["module"])
    elif task["file"] and "<locals>" not in task["qualname"]:
        module = _module_of_file(task["file"])
    else:
        return _function_of_source(task)
    found = module
    for part in task["qualname"].split("."):
        found = getattr(found, part)
    return found


def _module_of_file(file):
    name = "__plait_main__"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, file)
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


def _function_of_source(task):
    plait = sys.modules["plait"]
    space = {name: getattr(plait, name) for name in ("step", "current", "log", "progress", "checkpoint")}
    space.update({"__name__": "__plait_source__"}, **task["constants"])
    tree = ast.parse(textwrap.dedent(task["source"]))
    tree.body[0].decorator_list = []  # what they refer to is not here
    ast.increment_lineno(tree, task["line"] - 1)
    exec(compile(tree, task["file"] or "<step>", "exec", __future__.annotations.compiler_flag), space)
    return space[task["qualname"].rpartition(".")[2]]


def call(function, arguments):
    signature = inspect.signature(function)
    bound = inspect.BoundArguments(signature, arguments)
    result = function(*bound.args, **bound.kwargs)
    if inspect.iscoroutine(result):
        import asyncio

        result = asyncio.run(result)
    if inspect.isgenerator(result):
        result = list(result)
    return result


def do(stand, task):
    stand.there = task["there"]
    stand.current.known = task["current"]
    before = time.process_time()
    limit_memory(task["memory"])
    if task["timeout"]:
        faulthandler.dump_traceback_later(task["timeout"], file=2)
    try:
        os.environ.update(task["env"])
        os.chdir(task["cwd"])
        function = find_function(task)
        result = call(function, pickle.loads(task["arguments"]))
        answer = ("done", dump(result, stand.there))
    except BaseException as error:
        answer = ("raised", described(error))
    finally:
        faulthandler.cancel_dump_traceback_later()
        limit_memory(None)
        for name in task["env"]:
            os.environ.pop(name, None)
    send(stand.outgoing, *answer, time.process_time() - before, peak())


def described(error, depth=0):
    """An exception as texts: its own class may be known here alone."""
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    frames = [
        (one.filename, one.lineno or 0, one.name, one.line or "")
        for one in traceback.extract_tb(error.__traceback__)
    ]
    own = max([at for at, one in enumerate(frames) if one[0] == __file__], default=-1)
    try:
        message = str(error)
    except Exception:
        message = "<its message cannot be shown>"
    return {
        "kinds": [_kind(one) for one in type(error).__mro__[:-1]],
        "message": message,
        "frames": frames[own + 1 :][-100:],
        "notes": [str(note) for note in getattr(error, "__notes__", ())],
        "cause": described(cause, depth + 1) if cause is not None and depth < 10 else None,
    }


def _kind(kind):
    return (
        kind.__qualname__ if kind.__module__ == "builtins" else "%s.%s" % (kind.__module__, kind.__qualname__)
    )


def limit_memory(limit):
    """Let what is asked for beyond a limit fail at once; see ``trees.limited_memory``."""
    try:
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        soft = hard
        if limit is not None:
            with open("/proc/self/statm") as statm:
                sizes = [int(size) * resource.getpagesize() for size in statm.read().split()]
            soft = max(0, sizes[5] - (sizes[1] - sizes[2])) + limit + (256 << 20)
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
    except (ImportError, OSError, ValueError):
        pass


def peak():
    try:
        import resource
    except ImportError:
        return 0
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size if sys.platform == "darwin" else size * 1024


def main(roots):
    incoming, outgoing = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    sys.stdout, sys.stderr = Writer(outgoing, "out"), Writer(outgoing, "err")
    sys.path[:] = [
        entry for entry in sys.path if os.path.abspath(entry) != os.path.dirname(os.path.abspath(__file__))
    ]
    stand = Stand(incoming, outgoing)
    stand.install()
    sys.meta_path.append(MissingFinder(roots))
    send(outgoing, "ready", "%d.%d.%d" % sys.version_info[:3], has())
    while True:
        message = receive(incoming)
        if message is None:
            return
        do(stand, message[1])


if __name__ == "__main__":
    main(sys.argv[1:])
