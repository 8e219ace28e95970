"""How does a Pandera schema, a Great Expectations suite or a validator object check a value?"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plait.errors import CatalogError
from plait.project.datasets.conversion import convert_table, kind_of_value, need

if TYPE_CHECKING:
    from plait.project.catalog.checks import Check, Verdict

__all__ = ["run_suite", "runner"]

_SHOWN_ROWS = 10
_SHOWN_REASONS = 5


def runner(target: Any) -> Callable[[Any, Any, Check], Verdict] | None:
    """How to run a check that is more than a function; None for a plain callable. Told by the type's name."""
    classes = target.__mro__ if isinstance(target, type) else type(target).__mro__
    names = {f"{one.__module__.partition('.')[0]}.{one.__name__}" for one in classes}
    if "great_expectations.ExpectationSuite" in names:
        return _run_suite
    if any(name.startswith("pandera.") for name in names):
        return _run_pandera
    if callable(getattr(target, "validate", None)) and (isinstance(target, type) or not callable(target)):
        return _run_validator
    return None


def _run_validator(target: Any, value: Any, one: Check) -> Verdict:
    """An object with ``validate(value)``, which raises when the value is wrong."""
    validator = target(**one.arguments) if isinstance(target, type) else target
    try:
        validator.validate(value)
    except Exception as error:  # noqa: BLE001
        # Whatever a validator raises is its finding.
        return f"{type(error).__name__}: {error}", [], None
    return None, [], None


def _run_pandera(schema: Any, value: Any, one: Check) -> Verdict:
    kind = kind_of_value(value)
    wanted = _pandera_kind(schema)
    if kind is not None and wanted is not None and not (wanted == "polars" and kind == "polars-lazy"):
        value = convert_table(value, wanted)
    arguments = {"lazy": True, **one.arguments}
    try:
        schema.validate(value, **arguments)
    except Exception as error:
        cases = getattr(error, "failure_cases", None)
        if (
            type(error).__name__ not in {"SchemaErrors", "SchemaError", "SchemaDefinitionError"}
            and cases is None
        ):
            raise
        return _pandera_verdict(error, cases, value)
    return None, [], None


def _pandera_kind(schema: Any) -> str | None:
    """The kind of table that a schema is written for."""
    classes = schema.__mro__ if isinstance(schema, type) else type(schema).__mro__
    modules = " ".join(one.__module__ for one in classes)
    for word, kind in (("polars", "polars"), ("pyspark", "spark"), ("ibis", "ibis")):
        if word in modules:
            return kind
    return "pandas"


def _pandera_verdict(error: Exception, cases: Any, value: Any) -> Verdict:
    if kind_of_value(cases) is None:
        return str(error), [], None
    rows = (
        convert_table(cases, "pyarrow").to_pylist()
        if kind_of_value(cases) != "pandas"
        else cases.to_dict("records")
    )
    reasons: dict[str, int] = {}
    labels: list[Any] = []
    for row in rows:
        reason = (
            f"{row['column']}: {row['check']}" if row.get("column") is not None else str(row.get("check"))
        )
        reasons[reason] = reasons.get(reason, 0) + 1
        if row.get("index") is not None and row["index"] == row["index"]:
            labels.append(row["index"])
    positions = _positions(labels, value)
    listed = [f"{reason} ({count}×)" for reason, count in list(reasons.items())[:_SHOWN_REASONS]]
    more = len(reasons) - len(listed)
    text = "; ".join(listed) + (f"; and {more} more" if more > 0 else "")
    return text, positions[:_SHOWN_ROWS], len(positions) if positions else None


def _positions(labels: list[Any], value: Any) -> list[int]:
    """Row labels as positions from 0."""
    if kind_of_value(value) == "pandas":
        return sorted(
            {int(one) for one in value.index.get_indexer_for(list(dict.fromkeys(labels))) if one >= 0}
        )
    return sorted({int(label) for label in labels})


def run_suite(path: str, value: Any, one: Check) -> Verdict:
    """Run the Great Expectations suite that a JSON or YAML file describes.

    Raises:
        CatalogError: the file or the package is not there, or holds no suite.
    """
    need("great_expectations", f"the suite {path!r}", "great-expectations")
    file = Path(path)
    if not file.is_file():
        raise CatalogError(f"the suite of {one.dataset!r} is not there: {path}", where=one.where)
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".json":
        config = json.loads(text)
    else:
        import yaml

        config = yaml.safe_load(text)
    if not isinstance(config, Mapping) or "expectations" not in config:
        raise CatalogError(
            f"{path} holds no suite", where=one.where, hint='a suite has "name" and a list of "expectations"'
        )
    module = need("great_expectations", "a suite", "great-expectations")
    expectations = [
        {
            "type": item.get("type") or item.get("expectation_type"),
            "kwargs": item.get("kwargs", {}),
            "meta": item.get("meta"),
        }
        for item in config["expectations"]
    ]
    name = config.get("name") or config.get("expectation_suite_name") or file.stem
    return _run_suite(module.ExpectationSuite(name=name, expectations=expectations), value, one)


def _run_suite(suite: Any, value: Any, one: Check) -> Verdict:
    module = need("great_expectations", "a suite", "great-expectations")
    frame = convert_table(value, "pandas").reset_index(drop=True)
    context = module.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    asset = context.data_sources.add_pandas("plait").add_dataframe_asset(name=one.dataset)
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch(batch_parameters={"dataframe": frame})
    outcome = batch.validate(suite, result_format={"result_format": "COMPLETE"})
    if outcome.success:
        return None, [], None
    reasons: list[str] = []
    rows: set[int] = set()
    for result in outcome.results:
        if result.success:
            continue
        reasons.append(_expectation(result))
        rows.update(int(index) for index in (result.result or {}).get("unexpected_index_list") or [])
    listed = sorted(rows)
    more = len(reasons) - _SHOWN_REASONS
    text = "; ".join(reasons[:_SHOWN_REASONS]) + (f"; and {more} more" if more > 0 else "")
    return text, listed[:_SHOWN_ROWS], len(listed) if listed else None


def _expectation(result: Any) -> str:
    """One failed expectation in words."""
    config = result.expectation_config
    arguments = {
        key: value for key, value in config.kwargs.items() if key not in {"batch_id", "result_format"}
    }
    written = ", ".join(f"{key}={value!r}" for key, value in arguments.items())
    failed = (result.exception_info or {}).get("exception_message") if result.exception_info else None
    return f"{config.type}({written})" + (f": {failed}" if failed else "")
