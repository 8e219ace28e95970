"""A value that many tasks get is one value, whatever their number."""

from __future__ import annotations

from typing import Any

import msgspec

from plait import each, pipeline, step
from plait.data import ArtifactStore
from plait.record.results import Results, Stored, load_tree


@step
def one(x: int) -> int:
    return x


@step
def pick(i: int, xs: list[int]) -> int:
    return xs[i]


@pipeline
def picking(items: list[int]) -> Any:
    return pick(each(items), one(each(items)))


def filled(store: ArtifactStore, n: int) -> Results:
    items = store.gather([store.save(x) for x in range(n)])
    results = Results(picking.graph, store, {"items": items})
    for node in range(2):
        results.add_extent(picking.graph.layout.node_axes[node][0], (), n)
    for x in range(n):
        results.add(0, (x,), (store.save(x),))
    return results


def test_a_long_list_that_many_tasks_get_goes_to_them_as_one_artifact(tmp_path: Any) -> None:
    store = ArtifactStore(tmp_path)
    results = filled(store, 500)
    messages = []
    for x in range(500):
        arguments = results.light(results.arguments(1, (x,)))
        messages.append(len(msgspec.msgpack.encode(arguments)))
        name, tree = arguments[1]
        assert name == "xs"
        if x:
            assert isinstance(tree, Stored)
            assert max(messages[1:]) < 300, "bytes of a message do not grow with the list"
        loaded = load_tree(store, tree)
        assert loaded == list(range(500))
        loaded.clear()  # each task's list is its own


def test_a_short_list_and_one_for_a_single_task_need_no_blob(tmp_path: Any) -> None:
    store = ArtifactStore(tmp_path)
    short, single = filled(store, 8), filled(store, 500)
    for x in range(8):
        short.light(short.arguments(1, (x,)))
    blobs = set(store.blobs())
    single.light(single.arguments(1, (0,)))
    assert set(store.blobs()) == blobs
