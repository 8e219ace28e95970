"""In which order is it done? Read this first."""

from plait import each, pipeline

from minimal.trips import Model, Trip, choose, clean, evaluate, fit, split


@pipeline
def training(trips: list[Trip], test_share: float, strengths: list[float]) -> Model:
    """Predict the minutes of a trip from its distance."""
    train, test = split(clean(trips), test_share)
    models = fit(train, each(strengths))  # one task for each strength
    scores = evaluate(each(models), test)  # each model goes on as soon as it is there
    model, _ = choose(models, scores)  # no `each`: the whole lists; both outputs are saved, see catalog.yml
    return model
