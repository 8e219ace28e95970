"""What is done with trips? Steps are plain functions: called in a test, they just run."""

from statistics import fmean
from typing import Any

from plait import log, step

Trip = dict[str, Any]  # {"km": distance, "minutes": time, None where it is not known}
Model = dict[str, float]  # minutes = base + per_km * km


@step
def clean(trips: list[Trip]) -> list[Trip]:
    """The trips whose time is known."""
    kept = [trip for trip in trips if trip["minutes"] is not None]
    log(trips=len(kept), without_time=len(trips) - len(kept))
    return kept


@step(outputs=["train", "test"])
def split(trips: list[Trip], test_share: float) -> tuple[list[Trip], list[Trip]]:
    """The first trips to learn from, and the last ones to be judged on."""
    first = round(len(trips) * (1 - test_share))
    return trips[:first], trips[first:]


@step
def fit(train: list[Trip], strength: float) -> Model:
    """The straight line that is nearest to the trips, its slope drawn towards zero."""
    km, minutes = fmean(trip["km"] for trip in train), fmean(trip["minutes"] for trip in train)
    common = sum((trip["km"] - km) * (trip["minutes"] - minutes) for trip in train)
    spread = sum((trip["km"] - km) ** 2 for trip in train)
    per_km = common / (spread + strength)
    return {"strength": strength, "per_km": per_km, "base": minutes - per_km * km}


@step
def evaluate(model: Model, test: list[Trip]) -> float:
    """The mean error in minutes."""
    error = fmean(abs(predict(model, trip["km"]) - trip["minutes"]) for trip in test)
    log(error=error)
    return error


@step(outputs=["model", "report"])
def choose(models: list[Model], scores: list[float]) -> tuple[Model, dict[str, Any]]:
    """The model with the smallest error, and what is to be told of all of them."""
    error, model = min(zip(scores, models, strict=True), key=lambda pair: pair[0])
    tried = [{"strength": one["strength"], "error": score} for one, score in zip(models, scores, strict=True)]
    log(error=error)
    return model, {"error": error, "tried": tried}


def predict(model: Model, km: float) -> float:
    """The minutes that a trip of this distance takes."""
    return model["base"] + model["per_km"] * km


def distances_are_positive(trips: list[Trip]) -> list[int]:
    """A check of the dataset `trips`: the positions of those that are wrong."""
    return [position for position, trip in enumerate(trips) if trip["km"] <= 0]
