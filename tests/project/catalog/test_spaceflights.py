"""The conf of a Kedro project, as its spaceflights starter writes it, is used as it is."""

import json
import pickle

import pandas as pd
import pytest
import yaml

from plait.project.catalog import Catalog

pytest.importorskip("kedro_datasets")

CATALOG = """
_layers:
  raw: &raw
    metadata:
      kedro-viz:
        layer: raw
_csv: &csv
  type: pandas.CSVDataset
  load_args:
    sep: ","
  save_args:
    index: false

companies:
  type: pandas.CSVDataset
  filepath: data/01_raw/companies.csv
  metadata:
    kedro-viz:
      layer: raw
      preview_args:
          nrows: 5

reviews:
  <<: [*csv, *raw]
  filepath: data/01_raw/reviews.csv

shuttles:
  type: pandas.ExcelDataset
  filepath: data/01_raw/shuttles.xlsx
  load_args:
    engine: openpyxl

preprocessed_companies:
  type: pandas.ParquetDataset
  filepath: data/02_intermediate/preprocessed_companies.pq

"{name}_shuttles":
  type: pandas.ParquetDataset
  filepath: data/02_intermediate/{name}_shuttles.pq

"{namespace}.{name}@pandas":
  type: pandas.CSVDataset
  filepath: data/03_primary/{namespace}_{name}.csv

"{namespace}.{name}@text":
  type: text.TextDataset
  filepath: data/03_primary/{namespace}_{name}.csv

regressor:
  type: pickle.PickleDataset
  filepath: data/06_models/regressor.pickle
  versioned: true

metrics:
  type: json.JSONDataset
  filepath: data/09_tracking/metrics.json

reviews_by_year:
  type: partitions.PartitionedDataset
  path: data/05_model_input/reviews
  dataset:
    type: pandas.CSVDataset
    save_args:
      index: false
  filename_suffix: .csv

model_input_table:
  type: MemoryDataset

shuttle_passenger_capacity_plot:
  type: plotly.JSONDataset
  filepath: data/08_reporting/capacity.json
  versioned: true
  metadata:
    kedro-viz:
      layer: reporting

confusion_matrix:
  type: matplotlib.MatplotlibDataset
  filepath: data/08_reporting/confusion_matrix.png
  versioned: true

remote:
  type: pandas.CSVDataset
  filepath: s3://bucket/remote.csv
  credentials: dev_s3
"""

OLD_VERSION = "2024-05-01T10.00.00.000Z"


@pytest.fixture
def project(tmp_path):
    """The conf and a few rows of data, laid out as the starter lays them out."""
    (tmp_path / "conf/base").mkdir(parents=True)
    (tmp_path / "conf/base/catalog.yml").write_text(CATALOG)
    raw = tmp_path / "data/01_raw"
    raw.mkdir(parents=True)
    (raw / "companies.csv").write_text(
        "id,company_rating,company_location,total_fleet_count,iata_approved\n"
        "35029,100%,Niue,4.0,f\n30292,67%,Anguilla,6.0,f\n19032,,Russian Federation,4.0,t\n"
    )
    (raw / "reviews.csv").write_text(
        "shuttle_id,review_scores_rating,number_of_reviews\n63561,97.0,133\n36260,90.0,3\n57015,95.0,14\n"
    )
    shuttles = pd.DataFrame(
        {
            "id": [63561, 36260, 57015],
            "shuttle_type": ["Type V5", "Type V5", "Type V5"],
            "price": ["$1,325.0", "$1,780.0", "$1,715.0"],
            "company_id": [35029, 30292, 19032],
        }
    )
    shuttles.to_excel(raw / "shuttles.xlsx", index=False)
    old = tmp_path / "data/06_models/regressor.pickle" / OLD_VERSION
    old.mkdir(parents=True)
    (old / "regressor.pickle").write_bytes(pickle.dumps({"coef": [1.0]}))
    return tmp_path


def catalog(project, **more):
    entries = yaml.safe_load((project / "conf/base/catalog.yml").read_text())
    return Catalog(entries, root=project, credentials={"dev_s3": {"key": "k", "secret": "s"}}, **more)


def test_the_whole_catalog_is_understood(project):
    found = catalog(project)
    assert found.problems() == []
    assert "_csv" not in found.names()
    assert found.patterns() == ["{name}_shuttles", "{namespace}.{name}@pandas", "{namespace}.{name}@text"]
    layers = {name: found.describe(name)["layer"] for name in found.names()}
    assert layers["companies"] == layers["reviews"] == "raw"
    assert layers["shuttle_passenger_capacity_plot"] == "reporting"
    for name in found.names():
        if not name.startswith("remote"):
            assert found.dataset(name) is not None


def test_the_pipelines_of_the_starter_run_on_it(project):
    found = catalog(project)
    companies = found.load("companies")
    companies["iata_approved"] = companies["iata_approved"] == "t"
    found.save("preprocessed_companies", companies)
    shuttles = found.load("shuttles")
    shuttles["price"] = shuttles["price"].str.replace("$", "").str.replace(",", "").astype(float)
    found.save("preprocessed_shuttles", shuttles)
    table = (
        found.load("preprocessed_shuttles")
        .merge(found.load("reviews"), left_on="id", right_on="shuttle_id")
        .merge(found.load("preprocessed_companies"), left_on="company_id", right_on="id")
    )
    found.save("model_input_table", table)
    assert found.load("model_input_table")["price"].tolist() == [1325.0, 1780.0, 1715.0]
    assert found.load("regressor") == {"coef": [1.0]}
    saved = found.save("regressor", {"coef": [2.0]})
    assert found.versions("regressor") == [saved.version, OLD_VERSION]
    assert found.load("regressor") == {"coef": [2.0]}
    assert catalog(project, load_versions={"regressor": OLD_VERSION}).load("regressor") == {"coef": [1.0]}
    found.save("metrics", {"r2": 0.5})
    assert json.loads((project / "data/09_tracking/metrics.json").read_text()) == {"r2": 0.5}
    found.save("reviews_by_year", {"2013": found.load("reviews"), "2014": found.load("reviews")})
    assert [part().shape for part in found.load("reviews_by_year").values()] == [(3, 3), (3, 3)]
    found.save("uk.prices@pandas", table[["price"]])
    assert found.load("uk.prices@text").startswith("price\n1325.0\n")


def test_figures_of_the_starter_are_kept_with_versions(project):
    import matplotlib

    matplotlib.use("agg")
    from matplotlib.figure import Figure
    from plotly.graph_objects import Figure as Plotly

    found = catalog(project)
    saved = found.save("confusion_matrix", Figure())
    assert saved.place.endswith(f"confusion_matrix.png/{saved.version}/confusion_matrix.png")
    found.save("shuttle_passenger_capacity_plot", Plotly())
    assert found.exists("shuttle_passenger_capacity_plot")


def test_kedro_itself_reads_what_was_saved(project):
    from kedro.io import DataCatalog

    found = catalog(project)
    found.save("regressor", {"coef": [3.0]})
    entry = yaml.safe_load(CATALOG)["regressor"]
    entry["filepath"] = str(project / entry["filepath"])
    assert DataCatalog.from_config({"regressor": entry}).load("regressor") == {"coef": [3.0]}
