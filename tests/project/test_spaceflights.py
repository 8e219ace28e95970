"""Are conf/ and data/ of a Kedro project used as they are? The one that Kedro's starter spaceflights makes."""

import hashlib
import random
from pathlib import Path

import pytest

pytest.importorskip("kedro_datasets")

CONF = {
    "base/catalog.yml": """
        # Here you can define all your data sets by using simple YAML syntax.
        companies:
          type: pandas.CSVDataset
          filepath: data/01_raw/companies.csv

        reviews:
          type: pandas.CSVDataset
          filepath: data/01_raw/reviews.csv

        shuttles:
          type: pandas.ExcelDataset
          filepath: data/01_raw/shuttles.xlsx
          load_args:
            engine: openpyxl

        preprocessed_companies:
          type: pandas.ParquetDataset
          filepath: data/02_intermediate/preprocessed_companies.parquet

        preprocessed_shuttles:
          type: pandas.ParquetDataset
          filepath: data/02_intermediate/preprocessed_shuttles.parquet

        model_input_table:
          type: pandas.ParquetDataset
          filepath: data/03_primary/model_input_table.parquet

        regressor:
          type: pickle.PickleDataset
          filepath: data/06_models/regressor.pickle
          versioned: true
        """,
    "base/parameters.yml": "",
    "base/parameters_data_processing.yml": """
        # The parameters of the pipeline 'data_processing'. It has none.
        #
        """,
    "base/parameters_data_science.yml": """
        model_options:
          test_size: 0.2
          random_state: 3
          features:
            - engines
            - passenger_capacity
            - crew
            - d_check_complete
            - moon_clearance_complete
            - iata_approved
            - company_rating
            - review_scores_rating
        """,
    "base/.gitkeep": "",
    "local/.gitkeep": "",
    "local/credentials.yml": """
        # Here you can define credentials for different data sets and environment.
        #
        # dev_s3:
        #   aws_access_key_id: token
        #   aws_secret_access_key: key
        """,
    "logging.yml": """
        version: 1
        disable_existing_loggers: False
        formatters:
          simple:
            format: "%(asctime)s - %(name)s - %(levelname)s - %(message)s"
        handlers:
          rich:
            class: kedro.logging.RichHandler
            rich_tracebacks: True
        loggers:
          kedro:
            level: INFO
        root:
          handlers: [rich]
        """,
}

PROCESSING = '''
"""How do raw tables become the table that models learn from?"""

import pandas as pd

from plait import pipeline, step


@step(outputs=["preprocessed_companies"])
def preprocess_companies(companies: pd.DataFrame) -> pd.DataFrame:
    rating = companies["company_rating"].str.rstrip("%").astype(float) / 100
    return companies.assign(iata_approved=companies["iata_approved"] == "t", company_rating=rating)


@step(outputs=["preprocessed_shuttles"])
def preprocess_shuttles(shuttles: pd.DataFrame) -> pd.DataFrame:
    flags = {name: shuttles[name] == "t" for name in ("d_check_complete", "moon_clearance_complete")}
    price = shuttles["price"].str.replace("[$,]", "", regex=True).astype(float)
    return shuttles.assign(price=price, **flags)


@step(outputs=["model_input_table"])
def create_model_input_table(
    shuttles: pd.DataFrame, companies: pd.DataFrame, reviews: pd.DataFrame
) -> pd.DataFrame:
    rated = shuttles.merge(reviews, left_on="id", right_on="shuttle_id").drop("id", axis=1)
    return rated.merge(companies, left_on="company_id", right_on="id").dropna()


@pipeline
def data_processing(companies, shuttles, reviews):
    return create_model_input_table(preprocess_shuttles(shuttles), preprocess_companies(companies), reviews)
'''

SCIENCE = '''
"""What does a seat in a shuttle cost?"""

import pandas as pd

from plait import log, pipeline, step


@step(outputs=["X_train", "X_test", "y_train", "y_test"])
def split_data(data: pd.DataFrame, options: dict) -> tuple:
    from sklearn.model_selection import train_test_split

    return train_test_split(
        data[options["features"]],
        data["price"],
        test_size=options["test_size"],
        random_state=options["random_state"],
    )


@step(outputs=["regressor"])
def train_model(X_train: pd.DataFrame, y_train: pd.Series):
    from sklearn.linear_model import LinearRegression

    return LinearRegression().fit(X_train, y_train)


@step
def evaluate_model(regressor, X_test: pd.DataFrame, y_test: pd.Series) -> float:
    score = float(regressor.score(X_test, y_test))
    log(r2=score)
    return score


@pipeline
def data_science(model_input_table, model_options: dict):
    X_train, X_test, y_train, y_test = split_data(model_input_table, model_options)
    return evaluate_model(train_model(X_train, y_train), X_test, y_test)
'''

WHOLE = '''
"""Both, one after the other."""

from plait import pipeline

from spaceflights.pipelines.data_processing import (
    create_model_input_table,
    preprocess_companies,
    preprocess_shuttles,
)
from spaceflights.pipelines.data_science import evaluate_model, split_data, train_model


@pipeline
def everything(companies, shuttles, reviews, model_options: dict):
    table = create_model_input_table(preprocess_shuttles(shuttles), preprocess_companies(companies), reviews)
    X_train, X_test, y_train, y_test = split_data(table, model_options)
    return evaluate_model(train_model(X_train, y_train), X_test, y_test)
'''


def write_data(raw: Path) -> None:
    """The three tables of the starter, with fewer rows: the price follows from engines, crew and rating."""
    import pandas as pd

    chance = random.Random(3)
    raw.mkdir(parents=True)
    flag = lambda: chance.choice("tf")  # noqa: E731
    companies = [
        (
            35000 + at,
            f"{chance.randint(40, 100)}%" if at % 9 else None,
            "Niue",
            float(chance.randint(1, 9)),
            flag(),
        )
        for at in range(40)
    ]
    columns = ["id", "company_rating", "company_location", "total_fleet_count", "iata_approved"]
    pd.DataFrame(companies, columns=columns).to_csv(raw / "companies.csv", index=False)
    shuttles, reviews = [], []
    for at in range(160):
        engines, crew, rating = chance.randint(1, 8), chance.randint(1, 6), float(chance.randint(60, 100))
        price = f"${900 + 150 * engines + 80 * crew + chance.randint(-20, 20):,}.0"
        shuttles.append(
            (63000 + at, "Niue", "Type V5", "Quantum", "Bose", engines, engines * 2, "strict", crew, flag(), flag(), price, 35000 + at % 40)
        )  # fmt: skip
        reviews.append((63000 + at, rating, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0, chance.randint(1, 90), 1.2))
    columns = [
        "id", "shuttle_location", "shuttle_type", "engine_type", "engine_vendor", "engines", "passenger_capacity",
        "cancellation_policy", "crew", "d_check_complete", "moon_clearance_complete", "price", "company_id",
    ]  # fmt: skip
    pd.DataFrame(shuttles, columns=columns).to_excel(raw / "shuttles.xlsx", index=False)
    scores = ("rating", "comfort", "amenities", "trip", "crew", "location", "price")
    columns = [
        "shuttle_id",
        *(f"review_scores_{one}" for one in scores),
        "number_of_reviews",
        "reviews_per_month",
    ]
    pd.DataFrame(reviews, columns=columns).to_csv(raw / "reviews.csv", index=False)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    from textwrap import dedent

    root = tmp_path_factory.mktemp("kedro") / "spaceflights"
    files = {f"conf/{name}": dedent(text).lstrip("\n") for name, text in CONF.items()}
    files["pyproject.toml"] = (
        '[tool.kedro]\npackage_name = "spaceflights"\nproject_name = "spaceflights"\nkedro_init_version = "1.0.0"\n\n'
        '[tool.plait]\npackage = "spaceflights"\ndefault = "everything"\n'
    )
    package = "src/spaceflights"
    files[f"{package}/__init__.py"] = files[f"{package}/pipelines/__init__.py"] = ""
    files[f"{package}/pipelines/data_processing.py"] = PROCESSING
    files[f"{package}/pipelines/data_science.py"] = SCIENCE
    files[f"{package}/pipelines/everything.py"] = WHOLE
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    write_data(root / "data/01_raw")
    return root


def hashes(*folders: Path) -> dict[str, str]:
    return {
        str(file): hashlib.sha256(file.read_bytes()).hexdigest()
        for folder in folders
        for file in folder.rglob("*")
        if file.is_file()
    }


def score(project, shell) -> float:
    shown = shell("-m", "plait", "show", "latest", "--json", cwd=project).json
    return next(one["values"]["r2"] for one in shown["metrics"] if one["task"] == "evaluate_model")


def test_the_whole_pipeline_runs_on_conf_and_data_as_they_are(project, shell):
    before = hashes(project / "conf", project / "data/01_raw")
    said = shell("-m", "plait", "run", "-q", cwd=project)
    assert said.status == 0, said.err + said.out
    assert score(project, shell) > 0.9
    assert hashes(project / "conf", project / "data/01_raw") == before
    for name in (
        "02_intermediate/preprocessed_companies",
        "02_intermediate/preprocessed_shuttles",
        "03_primary/model_input_table",
    ):
        assert (project / f"data/{name}.parquet").is_file()


def test_one_pipeline_goes_on_from_what_the_other_saved(project, shell):
    assert shell("-m", "plait", "run", "data_processing", "-q", cwd=project).status == 0
    said = shell("-m", "plait", "run", "data_science", "model_options.test_size=0.4", "-q", cwd=project)
    assert said.status == 0, said.err
    assert score(project, shell) > 0.9


def test_kedro_reads_what_was_saved_and_plait_what_kedro_saves(project, shell):
    from kedro.io import DataCatalog

    from plait import Project

    shell("-m", "plait", "run", "-q", cwd=project)
    here = Project.find(project)
    versions = here.catalog.versions("regressor")
    assert versions
    entry = {
        "type": "pickle.PickleDataset",
        "filepath": str(project / "data/06_models/regressor.pickle"),
        "versioned": True,
    }
    theirs = DataCatalog.from_config({"regressor": entry})
    ours = here.catalog.load("regressor")
    assert theirs.load("regressor").coef_.tolist() == ours.coef_.tolist()
    theirs["regressor"].save({"saved": "by kedro"})
    assert Project.find(project).catalog.load("regressor") == {"saved": "by kedro"}
    pinned = Project.find(project, load_versions={"regressor": versions[0]})
    assert pinned.catalog.load("regressor").coef_.tolist() == ours.coef_.tolist()


def test_its_conf_is_understood_to_the_last_entry(project, plait):
    said = plait("catalog", "check", cwd=project)
    assert (said.status, said.out) == (0, "✓ 7 entries are right\n")
    assert plait("params", "model_options.test_size", "--json", cwd=project).json == [
        {"name": "model_options.test_size", "value": 0.2, "where": "conf/base/parameters_data_science.yml:2"}
    ]
    names = [one["name"] for one in plait("pipelines", "--json", cwd=project).json]
    assert sorted(names) == ["data_processing", "data_science", "everything"]
    preview = plait("catalog", "preview", "shuttles", "-n", 2, "--json", cwd=project).json
    assert preview["shape"] == [160, 13]
