"""Which learning rate and momentum fit a curve best? Successive halving with early stopping, in plain Python."""

from __future__ import annotations

import math
import random

from plait import each, log, pipeline, step


@step
def load(points: int, noise: float, seed: int = 7) -> list[tuple[float, float]]:
    """Points of a sine with noise: ``(x, y)``, x from -1 to 1."""
    chance = random.Random(seed)
    xs = [2 * at / (points - 1) - 1 for at in range(points)]
    return [(x, math.sin(3 * x) + chance.gauss(0, noise)) for x in xs]


@step
def candidates(count: int, seed: int = 3) -> list[dict[str, float]]:
    chance = random.Random(seed)
    return [
        {"rate": 10 ** chance.uniform(-2.5, -0.3), "momentum": chance.uniform(0.0, 0.95)}
        for _ in range(count)
    ]


@step
def train(state: dict, data: list[tuple[float, float]], epochs: int) -> dict:
    """Some epochs of gradient descent on a polynomial of degree 5, from where an earlier round left off."""
    weights = list(state.get("weights", [0.0] * 6))
    speed = list(state.get("speed", [0.0] * 6))
    for epoch in range(epochs):
        slope = [0.0] * 6
        loss = 0.0
        for x, y in data:
            powers = [x**at for at in range(6)]
            wrong = sum(w * p for w, p in zip(weights, powers, strict=True)) - y
            loss += wrong * wrong / len(data)
            for at, power in enumerate(powers):
                slope[at] += 2 * wrong * power / len(data)
        for at in range(6):
            speed[at] = state["momentum"] * speed[at] - state["rate"] * slope[at]
            weights[at] += speed[at]
        log(loss=loss, at=state.get("epochs", 0) + epoch)
    return {
        **state,
        "weights": weights,
        "speed": speed,
        "loss": loss,
        "epochs": state.get("epochs", 0) + epochs,
    }


@pipeline(dynamic=True)
def search(points: int = 60, noise: float = 0.1, count: int = 16, epochs: int = 5, patience: float = 0.02):
    """Train all candidates a little, keep the better half, and again; stop when a round gains too little."""
    data = load(points, noise)
    alive = candidates(count).result()
    best = math.inf
    while True:
        alive = sorted(train(each(alive), data, epochs).result(), key=lambda one: one["loss"])
        gained, best = best - alive[0]["loss"], min(best, alive[0]["loss"])
        print(
            f"{len(alive)} candidates after {alive[0]['epochs']} epochs each: the best has a loss of {best:.4f}"
        )
        log(loss=best, at=alive[0]["epochs"])
        if gained < patience and len(alive) == 1:
            return {"loss": alive[0]["loss"], "rate": alive[0]["rate"], "momentum": alive[0]["momentum"]}
        alive = alive[: max(1, len(alive) // 2)]
        epochs *= 2
