"""Which instruction can follow which? The same program gives the same answer, however it was laid out."""

from __future__ import annotations

from collections.abc import Iterator

from plait.engine.closure.bytecode import END, NOP, PURE_JUMPS, Listing

__all__ = ["canonical"]


def canonical(found: Listing, labels: list[str]) -> str:
    """One line per instruction and its successors, in an order that follows from the flow of control alone.

    Instructions that do the same and go on in the same way are one; what cannot be reached is not there.
    """
    if not labels:
        return ""
    settled = _settled(found)
    follow = _successors(found, settled)
    order, heads = _depth_first(follow, settled[0])
    lines: dict[str, int] = {}
    merged = [-1] * len(labels)
    for index in order:
        onward = [merged[s] if merged[s] >= 0 else -1 - heads[s] for s in follow[index]]
        merged[index] = lines.setdefault(f"{labels[index]} {onward}", len(lines))
    loops = [merged[head] for head in heads]
    return "\n".join([*lines, f"start {merged[settled[0]]} loops {loops}"])


def _settled(found: Listing) -> list[int]:
    """For every instruction the one that control is at after jumps that only jump; the end is its own."""
    size = len(found.names)
    out = list(range(size + 1))
    for index in range(size - 1, -1, -1):
        name = found.names[index]
        if name == NOP:
            out[index] = out[index + 1]
        elif name in PURE_JUMPS:
            target = found.targets[index]
            out[index] = out[target] if target > index else found.settle(target)
        elif name == "LOAD_CONST":
            after = out[index + 1]
            if index < after < size and found.names[after] == "POP_TOP":  # a value that nobody looks at
                out[index] = out[after + 1]
    return out


def _successors(found: Listing, settled: list[int]) -> list[list[int]]:
    names, targets, handlers, turned = found.names, found.targets, found.handlers, found.turned
    size = len(names)
    out: list[list[int]] = []
    for index, name in enumerate(names):
        onward = [] if name in END else [settled[index + 1]]
        if targets[index] >= 0:
            onward.append(settled[targets[index]])
            if index in turned:
                onward.reverse()
        handler = handlers[index]
        if handler is not None:
            onward.append(settled[handler[0]])
        if onward and size in onward:
            onward = [s for s in onward if s < size]
        out.append(onward)
    return out


def _depth_first(follow: list[list[int]], entry: int) -> tuple[list[int], dict[int, int]]:
    """Instructions after all that follow them, and the heads of loops, numbered as they are met."""
    order: list[int] = []
    heads: dict[int, int] = {}
    state = [0] * len(follow)  # 1: on the way, 2: done
    stack: list[tuple[list[int], Iterator[int]]] = []
    onward = entry
    while True:
        run = _run(follow, state, onward)
        stack.append((run, iter(follow[run[-1]])))
        while stack:
            run, rest = stack[-1]
            for onward in rest:
                if not state[onward]:
                    break
                if state[onward] == 1:
                    heads.setdefault(onward, len(heads))
            else:
                stack.pop()
                run.reverse()
                order.extend(run)
                for index in run:
                    state[index] = 2
                continue
            break
        else:
            return order, heads


def _run(follow: list[list[int]], state: list[int], index: int) -> list[int]:
    """The instructions from ``index`` on that come one after the other, without a choice."""
    run = [index]
    state[index] = 1
    onward = follow[index]
    while len(onward) == 1 and not state[onward[0]]:
        index = onward[0]
        state[index] = 1
        run.append(index)
        onward = follow[index]
    return run
