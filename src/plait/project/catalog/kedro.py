"""Which names are types of ``kedro_datasets``, and how is one of them found?"""

from __future__ import annotations

import importlib
import re
from importlib import util

from plait.errors import CatalogError, did_you_mean, nearest

__all__ = ["IN_CORE", "TYPES", "find_class", "install_command", "is_kedro", "problem"]

# The families and their types, to recognise a name and to suggest one; an installed package may have more.
_FAMILIES = {
    "api": "APIDataset",
    "biosequence": "BioSequenceDataset",
    "dask": "CSVDataset ParquetDataset",
    "databricks": "ManagedTableDataset",
    "email": "EmailMessageDataset",
    "geopandas": "GenericDataset",
    "holoviews": "HoloviewsWriter",
    "huggingface": "ArrowDataset CSVDataset HFDataset HFTransformerPipelineDataset "
    "JSONDataset ParquetDataset",
    "ibis": "FileDataset TableDataset",
    "json": "JSONDataset",
    "langchain": "ChatAnthropicDataset ChatCohereDataset ChatOpenAIDataset OpenAIEmbeddingsDataset",
    "matlab": "MatlabDataset",
    "matplotlib": "MatplotlibDataset",
    "networkx": "GMLDataset GraphMLDataset JSONDataset",
    "openxml": "DocxDataset PptxDataset",
    "pandas": "CSVDataset DeltaTableDataset ExcelDataset FeatherDataset GBQQueryDataset GBQTableDataset "
    "GenericDataset HDFDataset JSONDataset ParquetDataset SQLQueryDataset SQLTableDataset XMLDataset",
    "partitions": "IncrementalDataset PartitionedDataset",
    "pickle": "PickleDataset",
    "pillow": "ImageDataset",
    "plotly": "HTMLDataset JSONDataset PlotlyDataset",
    "polars": "CSVDataset EagerPolarsDataset LazyPolarsDataset",
    "redis": "PickleDataset",
    "snowflake": "SnowparkTableDataset",
    "spark": "DeltaTableDataset GBQQueryDataset SparkDataset SparkHiveDataset SparkJDBCDataset "
    "SparkStreamingDataset",
    "svmlight": "SVMLightDataset",
    "tensorflow": "TensorFlowModelDataset",
    "text": "TextDataset",
    "tracking": "JSONDataset MetricsDataset",
    "yaml": "YAMLDataset",
}  # fmt: skip
TYPES: tuple[str, ...] = tuple(
    f"{family}.{name}" for family, names in _FAMILIES.items() for name in names.split()
)
# What Kedro itself brings and we do not need it for.
IN_CORE: dict[str, str] = {
    f"{prefix}{name}": ours
    for name, ours in (("MemoryDataset", "memory"), ("CachedDataset", "cached"))
    for prefix in ("", "kedro.io.", f"kedro.io.{ours}_dataset.", "io.")
}
# The extras that are not called family-type; "" where none is needed.
_EXTRAS = {
    "partitions": "",
    "email": "",
    "tracking": "",
    "ibis": "ibis-duckdb",
    "spark.GBQQueryDataset": "spark",
}
_PREFIX = re.compile(r"^(kedro_datasets|kedro\.extras\.datasets)\.")
_MODULE = re.compile(r"^(\w+)\.\w+\.(\w+)$")


def _short(type_: str) -> str:
    """``pandas.CSVDataset`` for each of its spellings."""
    bare = _PREFIX.sub("", type_)
    in_module = _MODULE.match(bare) if bare != type_ else None
    return f"{in_module[1]}.{in_module[2]}" if in_module else bare


def is_kedro(type_: str) -> bool:
    """Whether a name is spelt as a type of kedro_datasets; looks at the name alone."""
    family, dot, name = _short(type_).partition(".")
    if type_.rpartition(".")[2] in {"MemoryDataSet", "CachedDataSet"}:
        return True
    return bool(_PREFIX.match(type_)) or (
        bool(dot) and family in _FAMILIES and "." not in name and ":" not in name
    )


def install_command(type_: str) -> str:
    """The command that installs what a type needs."""
    family, _, name = _short(type_).partition(".")
    usual = f"{family}-{name.lower()}"
    extra = _EXTRAS.get(_short(type_), _EXTRAS.get(family, usual)) if name else ""
    return f"pip install kedro 'kedro-datasets[{extra}]'" if extra else "pip install kedro kedro-datasets"


def problem(type_: str, *, name: str, where: str | None) -> CatalogError | None:
    """What is wrong with such a name as far as can be seen without importing anything."""
    short = _short(type_)
    if short.endswith("DataSet"):
        new = _new_spelling(short)
        return CatalogError(
            f"the type of {name!r}, {type_!r}, is an old spelling: it is written Dataset now", where=where,
            hint=f"write `type: {new}`",
        )  # fmt: skip
    installed = util.find_spec("kedro_datasets") is not None
    if short not in TYPES and not (installed and nearest(short, TYPES) == [] and short.endswith("Dataset")):
        exists = installed and _listed(short)
        if not exists:
            return CatalogError(
                f"kedro_datasets has no type {short!r}, which {name!r} asks for",
                where=where,
                hint=did_you_mean(short, TYPES),
            )
    if not installed:
        return CatalogError(
            f"{name!r} is a {short}, which comes with kedro-datasets, which is not installed",
            where=where,
            hint=install_command(type_),
        )
    if util.find_spec("kedro") is None:
        return CatalogError(
            f"{name!r} is a {short}; kedro-datasets is installed, but kedro, which it builds on, is not",
            where=where,
            hint="pip install kedro",
        )
    return None


def _listed(short: str) -> bool:
    """Whether the installed package names the type, read from its files without importing them."""
    family, _, name = short.partition(".")
    spec = util.find_spec("kedro_datasets")
    for location in (spec.submodule_search_locations or []) if spec else []:
        from pathlib import Path

        init = Path(location, family, "__init__.py")
        if init.is_file() and re.search(rf"\b{re.escape(name)}\b", init.read_text(encoding="utf-8")):
            return True
    return False


def _new_spelling(old: str) -> str:
    """``pandas.CSVDataSet`` as it is called today, abbreviations in capitals included."""
    guess = old.removesuffix("DataSet") + "Dataset"
    known = [*TYPES, *IN_CORE]
    return next((one for one in known if one.casefold() == guess.casefold()), guess)


def find_class(type_: str, *, name: str, where: str | None) -> type:
    """The class in kedro_datasets, imported now.

    Raises:
        CatalogError: there is none of that name, or a library that it needs is missing.
    """
    family, _, class_name = _short(type_).partition(".")
    try:
        found = getattr(importlib.import_module(f"kedro_datasets.{family}"), class_name)
    except ImportError as error:
        gone = family == "tracking" and error.name == "kedro_datasets.tracking"
        lacking = f" {error.name.partition('.')[0]}" if error.name and "kedro" not in error.name else ""
        raise CatalogError(
            f"{name!r} is a {family}.{class_name}, which cannot be imported: {error}",
            where=where,
            hint="write `type: json.JSONDataset` and `versioned: true`"
            if gone
            else install_command(type_) + lacking,
        ) from error
    except AttributeError as error:
        if f"{family}.{class_name}" in TYPES:
            hint: str | None = install_command(type_)
            what = f"{name!r} is a {family}.{class_name}, whose own libraries are not installed"
        else:
            hint = did_you_mean(f"{family}.{class_name}", TYPES)
            what = f"kedro_datasets has no type {family}.{class_name!s}, which {name!r} asks for"
        raise CatalogError(what, where=where, hint=hint) from error
    if not isinstance(found, type):
        raise CatalogError(
            f"{type_!r}, the type of {name!r}, is not a dataset",
            where=where,
            hint=did_you_mean(_short(type_), TYPES),
        )
    return found
