"""Steps that fail for one element, in a module of their own: worker processes import them."""

from __future__ import annotations

from plait import each, pipeline, step


@step(on_failure="continue")
def kept(x: int) -> int:
    if x == 1:
        raise ValueError("no 1")
    return 10 * x


@step(on_failure=-1.0)
def scored(x: int) -> float:
    if x == 1:
        raise ValueError("no 1")
    return float(x)


@step(on_failure=lambda error: error)
def said(x: int) -> str:
    if x == 1:
        raise ValueError("no 1")
    return ""


@step
def together(kept: list[int], all_: list[float], said: list[str]) -> dict:
    return {"kept": kept, "all": all_, "said": said}


@pipeline
def flow(retries_of: int = 3):
    xs = [0, 1, 2]
    return together(kept(each(xs)), scored(each(xs)), said(each(xs)))
