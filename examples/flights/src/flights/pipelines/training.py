"""How does a table of flights become a model? Read this first: the steps stand in the order of the work."""

from flights.cleaning import clean
from flights.features import add_rates, join, split_by_time
from flights.models import Score, Setting, baselines, choose, evaluate, fit, predict
from flights.reports import by_airline, draw_calibration, draw_roc, importances
from flights.tables import read_airlines, read_airports, read_flights, read_planes, read_weather
from plait import each, pipeline

GRID: list[Setting] = [
    {"kind": "linear", "C": 0.0001},
    {"kind": "linear", "C": 1.0},
    {"kind": "boosting", "learning_rate": 0.03, "max_leaf_nodes": 15},
    {"kind": "boosting", "learning_rate": 0.1, "max_leaf_nodes": 15},
    {"kind": "boosting", "learning_rate": 0.1, "max_leaf_nodes": 63},
]


@pipeline
def training(late_minutes: int = 15, test_months: int = 2, grid: list[Setting] = GRID) -> Score:
    """Predict late arrivals out of New York in 2013."""
    flights = clean(read_flights(), late_minutes)
    table = join(flights, read_weather(), read_planes(), read_airports(), read_airlines())
    past, future = split_by_time(table, test_months)
    train, test = add_rates(past, future)

    models = fit(train, each(grid))  # one task per setting
    forecasts = predict(each(models), test)  # each model goes on as soon as it is there
    scores = evaluate(each(grid), each(forecasts), test)  # two `each` run side by side, like zip
    best, model = choose(scores, models, baselines(train, test))  # no `each`: the whole lists

    draw_roc(grid, forecasts, test)
    draw_calibration(grid, forecasts, test)
    importances(model, test)
    by_airline(model, test)
    return best
