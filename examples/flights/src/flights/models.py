"""Which model forecasts best?"""

from dataclasses import asdict, dataclass
from typing import Any, Protocol, Self

import numpy as np
import pandas as pd
from plait import log, step
from threadpoolctl import threadpool_limits

from flights.features import FEATURES

Setting = dict[str, Any]  # {"kind": "linear" or "boosting"} and options of the scikit-learn class


class Model(Protocol):
    """What this project asks of a classifier."""

    def fit(self, table: pd.DataFrame, late: pd.Series) -> Self: ...
    def predict_proba(self, table: pd.DataFrame) -> np.ndarray: ...


@dataclass(frozen=True)
class Score:
    """How well a forecast did on the held-out months."""

    setting: Setting
    log_loss: float  # nats per flight, 0 is perfect
    brier: float  # mean squared error of the probability, 0 is perfect
    auc: float  # 1 ranks every late flight above every punctual one, 0.5 is chance


def build(setting: Setting) -> Model:
    """The model that a setting describes, untrained."""
    # Imported here, as it takes a second or two: a run that finds its models in the cache does without.
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    options = {key: value for key, value in setting.items() if key != "kind"}
    match setting["kind"]:
        case "linear":
            return make_pipeline(
                SimpleImputer(strategy="median"),
                StandardScaler(),
                LogisticRegression(max_iter=1000, **options),
            )
        case "boosting":
            return HistGradientBoostingClassifier(
                max_iter=150, early_stopping=False, random_state=0, **options
            )
    raise ValueError(f"there is no model of kind {setting['kind']!r}: write 'linear' or 'boosting'")


@step
def fit(train: pd.DataFrame, setting: Setting) -> Model:
    """The model of one setting, trained."""
    model = build(setting)
    # One thread: the models train side by side anyway, and one order of sums gives the same digits anywhere.
    with threadpool_limits(1):
        return model.fit(train[FEATURES], train["late"])


@step
def predict(model: Model, test: pd.DataFrame) -> np.ndarray:
    """The probability that a flight is late, shape (flights,)."""
    with threadpool_limits(1):
        return model.predict_proba(test[FEATURES])[:, 1]


@step
def evaluate(setting: Setting, forecast: np.ndarray, test: pd.DataFrame) -> Score:
    """Compare a forecast, shape (flights,), with what happened."""
    score = compare(setting, forecast, test["late"])
    log(log_loss=score.log_loss, brier=score.brier, auc=score.auc)
    return score


@step
def baselines(train: pd.DataFrame, test: pd.DataFrame) -> list[Score]:
    """The scores to beat: of forecasting the share of late flights in training, in all or at that hour."""
    in_all = np.full(len(test), train["late"].mean())
    at_hour = test["hour_rate"].to_numpy()
    return [
        compare({"kind": "base rate"}, in_all, test["late"]),
        compare({"kind": "rate of the hour"}, at_hour, test["late"]),
    ]


@step(outputs=["best", "model", "ranking"])
def choose(
    scores: list[Score], models: list[Model], baselines: list[Score]
) -> tuple[Score, Model, pd.DataFrame]:
    """The score and the model with the smallest log loss, and the table of all scores.

    Log loss, because whoever plans with a forecast needs the probability itself: AUC only looks at the order.
    ``skill`` is the part of the best baseline's log loss that the model takes away.
    """
    best, model = min(zip(scores, models, strict=True), key=lambda pair: pair[0].log_loss)
    skill = 1 - best.log_loss / min(score.log_loss for score in baselines)
    log(log_loss=best.log_loss, brier=best.brier, auc=best.auc, skill=skill)
    table = ranking([*scores, *baselines])
    log(table, name="ranking")
    return best, model, table


def compare(setting: Setting, forecast: np.ndarray, late: pd.Series) -> Score:
    """The score of a forecast, shape (flights,)."""
    from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

    return Score(
        setting,
        log_loss=float(log_loss(late, forecast)),
        brier=float(brier_score_loss(late, forecast)),
        auc=float(roc_auc_score(late, forecast)),
    )


def ranking(scores: list[Score]) -> pd.DataFrame:
    """One row per score, the best first."""
    rows = [asdict(score) | {"setting": title(score.setting)} for score in scores]
    return pd.DataFrame(rows).sort_values("log_loss", ignore_index=True)


def title(setting: Setting) -> str:
    """``{"kind": "linear", "C": 1.0}`` as people say it: ``linear, C=1.0``."""
    return ", ".join(
        [setting["kind"], *(f"{key}={value}" for key, value in setting.items() if key != "kind")]
    )
