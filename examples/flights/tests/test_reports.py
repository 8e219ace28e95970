import io

import numpy as np
import pandas as pd
import pytest

from flights.features import FEATURES
from flights.models import fit
from flights.reports import by_airline, colors, draw_calibration, draw_roc, importances

GRID = [{"kind": "linear", "C": 1.0}, {"kind": "boosting", "max_leaf_nodes": 7}]


@pytest.fixture
def table() -> pd.DataFrame:
    """300 flights of two airlines whose ``minute`` decides whether they are late."""
    random = np.random.default_rng(0)
    table = pd.DataFrame(random.random((300, len(FEATURES))), columns=FEATURES)
    return table.assign(late=table["minute"] > 0.7, airline=["Big", "Big", "Small"] * 100)


@pytest.mark.parametrize("draw", [draw_roc, draw_calibration])
def test_a_figure_shows_the_diagonal_and_every_model(table, draw):
    forecast = table["minute"].to_numpy()
    figure = draw(GRID, [forecast, forecast / 2], table)
    labels = [line.get_label() for line in figure.axes[0].get_lines()]
    assert len(labels) == 3
    assert labels[1].startswith("linear, C=1.0")
    assert labels[2].startswith("boosting, max_leaf_nodes=7")
    picture = io.BytesIO()
    figure.savefig(picture)
    assert picture.getvalue().startswith(b"\x89PNG")


def test_settings_of_one_kind_have_different_colors():
    assert len(set(colors([{"kind": "linear"}, {"kind": "linear"}, {"kind": "boosting"}]))) == 3


def test_the_feature_that_decides_is_the_most_important(table):
    ranked = importances(fit(table, GRID[0]), table)
    assert ranked["feature"][0] == "minute"
    assert sorted(ranked["feature"]) == sorted(FEATURES)


def test_airlines_are_counted_and_the_biggest_comes_first(table):
    airlines = by_airline(fit(table, GRID[0]), table)
    assert airlines["airline"].tolist() == ["Big", "Small"]
    assert airlines["flights"].tolist() == [200, 100]
    late = table.groupby("airline")["late"].mean()
    assert airlines["late"].tolist() == [late["Big"], late["Small"]]
