import json

import numpy as np
import pandas as pd
import pytest
from plait import Project

from flights.features import FEATURES
from flights.models import Score, baselines, build, choose, evaluate, fit, predict, ranking

GRID = Project.find(__file__).params.get("grid")
LINEAR, BOOSTING = {"kind": "linear", "C": 1.0}, {"kind": "boosting", "max_leaf_nodes": 7}


@pytest.fixture
def table() -> pd.DataFrame:
    """400 flights whose ``minute`` decides whether they are late; a tenth of the visibilities is missing."""
    random = np.random.default_rng(0)
    table = pd.DataFrame(random.random((400, len(FEATURES))), columns=FEATURES)
    table.loc[::10, "visib"] = np.nan
    return table.assign(late=table["minute"] > 0.7)


def score(log_loss: float, auc: float = 0.5, **setting) -> Score:
    return Score({"kind": "linear", **setting}, log_loss=log_loss, brier=0.2, auc=auc)


@pytest.mark.parametrize("setting", [LINEAR, BOOSTING])
def test_a_model_finds_what_is_there_and_finds_it_again(table, setting):
    first, second = (predict(fit(table, setting), table) for _ in range(2))
    assert evaluate(setting, first, table).auc > 0.95
    assert first.shape == (400,)
    assert first.tolist() == second.tolist()


def test_every_setting_of_the_grid_can_be_built_and_said_in_json():
    assert json.loads(json.dumps(GRID)) == GRID
    assert all(build(setting) for setting in GRID)


def test_an_unknown_kind_is_refused_by_name():
    with pytest.raises(ValueError, match="no model of kind 'magic'"):
        build({"kind": "magic"})


def test_the_scores_of_a_known_forecast_are_known():
    test = pd.DataFrame({"late": [True, False]})
    result = evaluate(LINEAR, np.array([0.5, 0.5]), test)
    assert (result.auc, result.brier) == (0.5, 0.25)
    assert result.log_loss == pytest.approx(np.log(2))


def test_baselines_forecast_what_training_says():
    train = pd.DataFrame({"late": [True, False, False, False]})
    test = pd.DataFrame({"late": [True, False], "hour_rate": [1.0, 0.0]})
    base, hourly = baselines(train, test)
    assert base.log_loss == pytest.approx(-(np.log(0.25) + np.log(0.75)) / 2)
    assert hourly.log_loss == pytest.approx(0, abs=1e-9)


def test_the_smallest_log_loss_is_chosen_with_its_model_whatever_the_auc():
    scores = [score(0.5, auc=0.9), score(0.3, auc=0.6), score(0.4, auc=0.8)]
    best, model, table = choose(scores, ["first", "second", "third"], [score(0.6)])
    assert best is scores[1]
    assert model == "second"
    assert table["log_loss"].tolist() == [0.3, 0.4, 0.5, 0.6]


def test_the_ranking_starts_with_the_best():
    assert ranking([score(0.5, C=1), score(0.3, C=2)])["setting"].tolist() == ["linear, C=2", "linear, C=1"]
