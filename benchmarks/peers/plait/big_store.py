"""A store as large as the web interface has to bear: made by plait's own writer, without running anything.

One run of N tasks (nine tenths of them in one map, some failed and retried), 10,000 other runs, a log of 1,000,000
lines, and a metric of 1,000,000 points. `big_store.py N [RUNS]`
"""

import math
import os
import sys
import time
from pathlib import Path

from plait import each, log, pipeline, step
from plait.data import ArtifactStore
from plait.engine.keys import Keys
from plait.launch.facts import installed_packages, new_id, run_facts
from plait.record.annotations import Annotations
from plait.record.facts import ErrorInfo, Frame, LogLine, Metric, Usage
from plait.record.store import RecordStore
from plait.record.writer import RunWriter, new_run

LINES, POINTS, BATCH = 1_000_000, 1_000_000, 5_000


@step
def numbers(n: int) -> list:
    return list(range(n))


@step(retries=1)
def fit(item: int, alpha: float) -> float:
    log(rmse=alpha * item)
    return alpha * item


@step
def check(value: float) -> float:
    return value


@step
def talk(values: list) -> int:
    return len(values)


@pipeline
def large(n: int = 90_000, alpha: float = 0.1):
    items = numbers(n)
    fitted = fit(each(items), alpha)
    said = talk(fitted)
    return said, [check(said) for _ in range(3)]


@pipeline
def small(alpha: float = 0.1, model: str = "ridge", depth: int = 3):
    return check(fit(numbers(depth), alpha))


def parts(definition, artifacts):
    traced = definition.trace()
    keys = Keys(traced.graph, traced.functions, traced.uses, artifacts)
    closures = [keys.closure(node) for node in range(len(traced.graph.nodes))]
    return traced.graph, closures


def begin(store, graph, closures, params, facts, said=None):
    inputs = {name: (store.artifacts.save(value), "command line") for name, value in params.items()}
    return new_run(
        store.database,
        graph,
        run_id=new_id(),
        target="big_store.py:" + graph.name,
        params=params,
        packages=installed_packages(),
        facts=facts,
        executor="processes",
        inputs=inputs,
        closures=closures,
        said=said or Annotations(),
    )


def fill_large(store, n, facts):
    graph, closures = parts(large, store.artifacts)
    wide = n * 9 // 10
    writer = begin(store, graph, closures, {"n": wide, "alpha": 0.1}, facts)
    by_id = graph.layout.by_id
    # What it did has the times of a run that took a quarter of an hour and ends just now.
    fit_node, began = by_id["fit"], time.time() - 0.01 * wide
    store.database.execute("UPDATE run SET started_at = ? WHERE key = ?", (began - 1.0, writer.key))
    writer = RunWriter(store.database, writer.key, writer.run_id, time.time(), began=began - 1.0)
    error = ErrorInfo(
        "ValueError", "no convergence", (Frame("flow.py", 12, "fit", "raise ValueError", "user"),)
    )
    value = store.artifacts.save(0.5)
    axes = graph.layout.node_axes[fit_node]
    writer.extent(axes[-1], (), wide)
    one(
        writer,
        by_id["numbers"],
        (),
        store.artifacts.gather([store.artifacts.save(at) for at in range(wide)]),
        began,
    )
    for index in range(wide):
        at = began + index * 0.01
        usage = Usage(at, at + 0.01 + (index % 97) * 0.001, 0.01, 50_000_000, f"worker {index % 8}")
        attempt = 1
        writer.launched(fit_node, (index,), attempt, f"key{index}", "new")
        if index % 1_000 == 7:
            writer.ended(fit_node, (index,), attempt, "retried", usage, "no convergence", error)
            attempt = 2
            writer.launched(fit_node, (index,), attempt, f"key{index}", "new")
        if index % 10_000 == 7:
            writer.ended(fit_node, (index,), attempt, "failed", usage, "no convergence", error)
            continue
        writer.ended(fit_node, (index,), attempt, "done", usage)
        writer.outputs(fit_node, (index,), (value,))
        writer.metrics(fit_node, (index,), attempt, (Metric("rmse", index * 0.1, None, at),))
        if index % BATCH == 0:
            writer.commit()
    writer.commit()
    talk_node = by_id["talk"]
    one(writer, talk_node, (), store.artifacts.save(wide), began + 1)
    for start in range(0, LINES, BATCH):
        for first in range(start, start + BATCH, 500):
            lines = tuple(
                LogLine(
                    began + number * 1e-3,
                    "ERROR" if number % 99_991 == 0 else "WARNING" if number % 997 == 0 else "out",
                    f"line {number} of the log: loss {number * 0.001:.3f}, nothing to see here",
                )
                for number in range(first, first + 500)
            )
            writer.logs(talk_node, (), 1, lines)
        writer.commit()
    for start in range(0, POINTS, BATCH):
        points = tuple(
            Metric(
                "loss",
                math.exp(-number / 200_000) + math.sin(number) * 0.01,
                float(number),
                began + number * 1e-3,
            )
            for number in range(start, start + BATCH)
        )
        writer.metrics(talk_node, (), 1, points)
        writer.commit()
    rest = n - wide - 2
    # The tasks beside the map: as many attempts of a chain of checks as are left.
    others = [
        node
        for node, one_node in enumerate(graph.nodes)
        if node not in (fit_node, talk_node, by_id["numbers"])
    ]
    for index in range(rest):
        one(writer, others[index % len(others)], (index,), value, began + index * 0.02)
        if index % BATCH == 0:
            writer.commit()
    writer.finished("failed", "9 tasks failed")
    writer.commit()
    return writer.run_id


def one(writer, node, path, artifact, at):
    writer.launched(node, path, 1, f"key {node} {path}", "new")
    writer.ended(node, path, 1, "done", Usage(at, at + 0.5, 0.4, 60_000_000, "worker 0"))
    writer.outputs(node, path, (artifact,))


def renamed(graph, name):
    return type(graph)(name, *[getattr(graph, field) for field in graph.__struct_fields__[1:]])


def fill_small(store, count, facts):
    graph, closures = parts(small, store.artifacts)
    value = store.artifacts.save(0.5)
    for start in range(0, count, 500):
        with store.database.transaction():
            for index in range(start, min(count, start + 500)):
                model = ("ridge", "lasso", "tree")[index % 3]
                params = {"alpha": 0.001 * (index % 1_000), "model": model, "depth": index % 7}
                tags = ("nightly",) if index % 50 == 0 else ()
                named = graph if index % 4 else renamed(graph, f"pipeline_{index % 12}")
                writer = begin(store, named, closures, params, facts, Annotations(tags=tags))
                for node in range(len(graph.nodes)):
                    one(writer, node, (), value, time.time())
                last = len(graph.nodes) - 1
                writer.metrics(last, (), 1, (Metric("rmse", (index * 7 % 1_000) / 1_000, None, time.time()),))
                writer.finished("failed" if index % 9 == 0 else "done")
                writer.commit()


def main():
    n, count = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 10_000
    home = Path(os.environ.get("PLAIT_HOME", ".plait"))
    store = RecordStore(home, create=True)
    assert isinstance(store.artifacts, ArtifactStore)
    facts = run_facts(Path.cwd())
    fill_small(store, count, facts)
    print(fill_large(store, n, facts))


if __name__ == "__main__":
    main()
