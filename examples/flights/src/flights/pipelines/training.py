"""How does a table of flights become a model? Read this first: the steps stand in the order of the work."""

import pandas as pd
from plait import each, pipeline

from flights.cleaning import clean
from flights.features import add_rates, join, split_by_time
from flights.models import Score, Setting, baselines, choose, evaluate, fit, predict
from flights.reports import by_airline, draw_calibration, draw_roc, importances


@pipeline
def training(
    flights: pd.DataFrame,  # the tables are in conf/base/catalog.yml
    weather: pd.DataFrame,
    planes: pd.DataFrame,
    airports: pd.DataFrame,
    airlines: pd.DataFrame,
    late_minutes: int,  # the settings are in conf/base/parameters.yml
    test_months: int,
    grid: list[Setting],
) -> Score:
    """Predict late arrivals out of New York in 2013."""
    table = join(clean(flights, late_minutes), weather, planes, airports, airlines)
    past, future = split_by_time(table, test_months)
    train, test = add_rates(past, future)

    models = fit(train, each(grid))  # one task per setting
    forecasts = predict(each(models), test)  # each model goes on as soon as it is there
    scores = evaluate(each(grid), each(forecasts), test)  # two `each` run side by side, like zip
    best, model, _ = choose(scores, models, baselines(train, test))  # no `each`: the whole lists

    draw_roc(grid, forecasts, test)
    draw_calibration(grid, forecasts, test)
    importances(model, test)
    by_airline(model, test)
    return best
