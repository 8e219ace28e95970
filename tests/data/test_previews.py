import base64
import io
import json

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from plait.data.previews import preview

from . import samples


def shown(value, rows=20):
    found = preview(value, rows)
    json.dumps(found, allow_nan=False)
    return found


def test_small_values_are_shown_as_they_are():
    assert shown(3) == {"type": "int", "kind": "scalar", "value": 3}
    assert shown(None)["value"] is None
    assert shown(float("nan"))["value"] == "nan"
    assert shown(2**60)["value"] == str(2**60)
    assert "bits" in shown(10**5000)["value"]
    assert shown("x" * 50_000)["length"] == 50_000
    assert len(shown("x" * 50_000)["text"]) == 10_000
    assert shown("\ud800")["text"] == "?"
    assert shown(np.float32(0.5))["value"] == 0.5


TABLES = [
    pd.DataFrame({"n": [1, None, 3], "t": ["a", None, "c"], "d": pd.date_range("2020", periods=3)}),
    pl.DataFrame({"n": [1, None, 3], "t": ["a", None, "c"], "d": [None, "x", "y"]}),
    pa.table({"n": [1, None, 3], "t": ["a", None, "c"], "d": [None, "x", "y"]}),
]


@pytest.mark.parametrize("table", TABLES, ids=["pandas", "polars", "arrow"])
def test_a_table_shows_its_first_rows_and_its_types(table):
    found = shown(table, rows=2)
    assert found["kind"] == "table"
    assert found["shape"] == [3, 3]
    assert [column["name"] for column in found["columns"]] == ["n", "t", "d"]
    assert all(column["type"] for column in found["columns"])
    assert len(found["rows"]) == 2
    assert found["rows"][0][:2] == [1, "a"]


def test_a_preview_is_small_whatever_the_value():
    wide = pd.DataFrame(np.zeros((100, 1000)))
    for value in (
        wide,
        list(range(10**6)),
        np.zeros((1000, 1000)),
        {"a": "x" * 10**6},
        [["y" * 10**5] * 1000] * 50,
    ):
        assert len(json.dumps(shown(value))) < 300_000


def test_an_array_is_summed_up():
    found = shown(np.array([[1.0, np.nan], [3.0, 2.0]]))
    assert found["shape"] == [2, 2]
    assert (found["least"], found["greatest"], found["mean"], found["missing"]) == (1, 3, 2, 1)
    assert found["values"] == [1, "nan", 3, 2]
    assert shown(np.full(3, np.nan))["least"] == "nan"
    assert "least" not in shown(np.array(["a"]))
    assert shown(np.array([]))["values"] == []


def test_nested_values_are_a_tree():
    found = shown({"a": [1, (2, {"b": 3})], "c": samples.Config("x")})
    assert found["kind"] == "tree"
    assert found["items"][0][0] == "a"
    assert found["items"][0][1]["items"][0][1]["value"] == 1
    assert [name for name, _ in found["items"][1][1]["items"]] == ["name", "table", "tags"]
    assert [name for name, _ in shown(samples.Point(1, 2))["items"]] == ["x", "y"]
    assert [name for name, _ in shown(samples.Model(name="a"))["items"]] == ["name", "size", "inner"]
    assert shown(list(range(100)), rows=3)["length"] == 100
    loop = []
    loop.append(loop)
    assert shown(loop)["kind"] == "tree"


def test_pictures_are_png():
    from PIL import Image

    for value in (
        Image.new("CMYK", (2000, 10)),
        Image.new("RGBA", (5, 5)),
        Image.new("F", (5, 5)),
        Image.new("P", (5, 5)),
    ):
        found = shown(value)
        assert (found["width"], found["height"]) == value.size
        opened = Image.open(io.BytesIO(base64.b64decode(found["png"])))
        assert max(opened.size) <= 800


def test_figures_are_pictures_or_json_and_stay_as_they_were():
    pytest.importorskip("matplotlib").use("Agg")
    from matplotlib.figure import Figure

    figure = Figure()
    figure.subplots().plot([1, 2])
    drawn = []
    figure.canvas.mpl_connect("draw_event", drawn.append)
    found = shown(figure)
    assert base64.b64decode(found["png"]).startswith(b"\x89PNG")
    assert not drawn
    go = pytest.importorskip("plotly.graph_objects")
    found = shown(go.Figure(go.Bar(x=["a"], y=[1])))
    assert found["kind"] == "plotly"
    assert found["figure"]["data"][0]["type"] == "bar"


def test_estimators_show_class_and_parameters():
    from sklearn.linear_model import Ridge

    found = shown(Ridge(alpha=2))
    assert (found["kind"], found["class"], found["fitted"]) == ("estimator", "Ridge", False)
    assert found["params"]["alpha"] == 2


def test_an_object_that_cannot_show_itself_takes_nothing_down():
    found = shown([Rude()])
    assert "RuntimeError: no" in found["items"][0][1]["text"]


class Rude:
    def __repr__(self):
        raise RuntimeError("no")
