"""Which instruction can follow which? The same program gives the same answer, however it was laid out."""

from __future__ import annotations

from collections.abc import Callable

from plait.engine.closure.bytecode import END, NOP, PURE_JUMPS, Listing

__all__ = ["canonical"]

# One test, two spellings: the compiler picks one by which way is nearer.
_FLIP = {"POP_JUMP_IF_TRUE": "POP_JUMP_IF_FALSE", "POP_JUMP_IF_NOT_NONE": "POP_JUMP_IF_NONE"}

_Node = tuple[str, tuple[int, ...]]


def canonical(found: Listing, label: Callable[[int], str]) -> list[str]:
    """One line per instruction and its successors, in an order that follows from the flow of control alone.

    Instructions that do the same and go on in the same way are one; what cannot be reached is not there.
    """
    if not found.names:
        return []
    follow = _successors(found)
    order, heads = _depth_first(follow, found.settle(0))
    nodes: dict[_Node, int] = {}
    merged: dict[int, int] = {}
    for index in order:
        onward = tuple(merged[s] if s in merged else -1 - heads[s] for s in follow[index])
        node = (label(index), onward)
        merged[index] = nodes.setdefault(node, len(nodes))
    roots = [merged[found.settle(0)], *(merged[head] for head in heads)]
    return _written(list(nodes), roots)


def _successors(found: Listing) -> list[list[int]]:
    names, targets, handlers = found.names, found.targets, found.handlers
    out: list[list[int]] = []
    for index, name in enumerate(names):
        if name == NOP or name in PURE_JUMPS:
            out.append([])
            continue
        onward = [] if name in END else [found.settle(index + 1)]
        if targets[index] >= 0:
            onward.append(found.settle(targets[index]))
            if name in _FLIP:
                names[index] = _FLIP[name]
                onward.reverse()
        handler = handlers[index]
        if handler is not None:
            onward.append(found.settle(handler[0]))
        out.append([s for s in onward if s < len(names)])
    return out


def _depth_first(follow: list[list[int]], entry: int) -> tuple[list[int], dict[int, int]]:
    """Instructions after all that follow them, and the heads of loops, numbered as they are met."""
    order: list[int] = []
    heads: dict[int, int] = {}
    state = {entry: 1}  # 1: on the way, 2: done
    stack = [(entry, iter(follow[entry]))]
    while stack:
        index, rest = stack[-1]
        for onward in rest:
            seen = state.get(onward)
            if seen is None:
                state[onward] = 1
                stack.append((onward, iter(follow[onward])))
                break
            if seen == 1:
                heads.setdefault(onward, len(heads))
        else:
            state[index] = 2
            order.append(index)
            stack.pop()
    return order, heads


def _written(nodes: list[_Node], roots: list[int]) -> list[str]:
    numbers: dict[int, int] = {}
    kept: list[_Node] = []
    stack = roots[::-1]
    while stack:
        node = stack.pop()
        if node in numbers:
            continue
        numbers[node] = len(kept)
        kept.append(nodes[node])
        stack.extend(onward for onward in reversed(nodes[node][1]) if onward >= 0)
    lines = [
        f"{text} {' '.join(str(numbers[s]) if s >= 0 else f'L{-1 - s}' for s in onward)}"
        for text, onward in kept
    ]
    lines.append("heads " + " ".join(str(numbers[root]) for root in roots))
    return lines
