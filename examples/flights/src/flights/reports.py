"""What do the models look like? Figures and tables, shown on the pages of their tasks."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from plait import log, step
from threadpoolctl import threadpool_limits

from flights.features import FEATURES
from flights.models import Model, Setting, predict, title

if TYPE_CHECKING:  # imported where it draws, for quick starts
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLORS = {"linear": ["#8fbfe3", "#2b6c9e", "#123f63"], "boosting": ["#f2a071", "#d3551f", "#7f2c08"]}


@step
def draw_roc(grid: list[Setting], forecasts: list[np.ndarray], test: pd.DataFrame) -> "Figure":
    """One ROC curve per model; each forecast has the shape (flights,)."""
    from sklearn.metrics import roc_auc_score, roc_curve

    figure, axes = square(
        "Share of punctual flights flagged", "Share of late flights flagged", diagonal="chance"
    )
    for setting, color, forecast in zip(grid, colors(grid), forecasts, strict=True):
        punctual, late, _ = roc_curve(test["late"], forecast)
        area = roc_auc_score(test["late"], forecast)
        axes.plot(punctual, late, color=color, linewidth=1.5, label=f"{title(setting)}: {area:.3f}")
    finish(axes, "ROC, held-out months", legend="Area under the curve", corner="lower right")
    log(figure, name="roc")
    return figure


@step
def draw_calibration(grid: list[Setting], forecasts: list[np.ndarray], test: pd.DataFrame) -> "Figure":
    """What was forecast against what happened, in ten groups of equal size per model."""
    from sklearn.calibration import calibration_curve

    figure, axes = square("Forecast probability to be late", "Share that was late", diagonal="perfect")
    for setting, color, forecast in zip(grid, colors(grid), forecasts, strict=True):
        happened, expected = calibration_curve(test["late"], forecast, n_bins=10, strategy="quantile")
        axes.plot(expected, happened, "o-", color=color, linewidth=1.5, markersize=4, label=title(setting))
    finish(axes, "Calibration, held-out months", legend="A tenth of the flights per dot", corner="upper left")
    log(figure, name="calibration")
    return figure


@step
def importances(model: Model, test: pd.DataFrame, flights: int = 10_000) -> pd.DataFrame:
    """How much the log loss grows when one feature is shuffled, on a sample of the held-out flights."""
    from sklearn.inspection import permutation_importance

    sample = test.sample(min(flights, len(test)), random_state=0)
    with threadpool_limits(1):
        result = permutation_importance(
            model, sample[FEATURES], sample["late"], scoring="neg_log_loss", n_repeats=3, random_state=0
        )
    columns = {"feature": FEATURES, "importance": result.importances_mean, "spread": result.importances_std}
    table = pd.DataFrame(columns).sort_values("importance", ascending=False, ignore_index=True)
    log(table, name="importances")
    return table


@step
def by_airline(model: Model, test: pd.DataFrame) -> pd.DataFrame:
    """Per airline the number of held-out flights, the share forecast to be late and the share that was."""
    groups = test.assign(forecast=predict(model, test)).groupby("airline", observed=True)
    table = groups.agg(flights=("late", "size"), forecast=("forecast", "mean"), late=("late", "mean"))
    table = table.sort_values("flights", ascending=False).reset_index()
    log(table, name="airlines")
    return table


def colors(grid: list[Setting]) -> list[str]:
    """A hue per kind of model, a shade per setting of that kind."""
    kinds = [setting["kind"] for setting in grid]
    return [COLORS[kind][kinds[:place].count(kind) % 3] for place, kind in enumerate(kinds)]


def square(across: str, up: str, diagonal: str) -> "tuple[Figure, Axes]":
    """A figure of two shares, from 0 to 1 both ways, with the diagonal drawn in."""
    from matplotlib.figure import Figure  # the figure itself, no pyplot: nothing is shared between tasks

    figure = Figure(figsize=(6.4, 6.4), dpi=120, layout="constrained")
    axes = figure.add_subplot(xlabel=across, ylabel=up, xlim=(0, 1), ylim=(0, 1), aspect="equal")
    axes.plot([0, 1], [0, 1], color="#888888", linewidth=1, linestyle=(0, (4, 3)), label=diagonal)
    axes.grid(color="#ebebeb", linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def finish(axes: "Axes", heading: str, legend: str, corner: str) -> None:
    """Heading and legend."""
    axes.set_title(heading, loc="left", fontweight="bold", pad=10)
    axes.legend(title=legend, loc=corner, fontsize=8.5, title_fontsize=8.5, alignment="left", frameon=False)
