"""Every answer has the shape that the document of the API says."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from plait.server.openapi import text as openapi_text
from tests.server.conftest import Server


@pytest.fixture(scope="session")
def document(server: Server) -> dict[str, Any]:
    return server.get("/openapi.json")


def test_the_document_that_programs_are_made_from_is_that_of_the_server(document: dict[str, Any]) -> None:
    assert json.loads(openapi_text()) == document


def test_every_way_to_read_answers_as_the_document_says(
    server: Server, runs: dict[str, str], document: dict[str, Any]
) -> None:
    asked = 0
    for run in (runs["done"], runs["failed"]):
        graph = server.get(f"/runs/{run}/graph")
        tasks = [
            row["task"]
            for node in graph["nodes"]
            for row in server.get(f"/runs/{run}/steps/{node['id']}/items")["items"][:2]
        ]
        values = {
            (one["value"]["artifact"], task)
            for task in tasks
            for view in [server.get(f"/runs/{run}/tasks/{quote(task)}")]
            for one in (*view["outputs"], *view["inputs"], *view["objects"])
            if one["value"]["artifact"]
        }
        steps = [node["id"] for node in graph["nodes"]]
        for template in [path for path, operations in document["paths"].items() if "get" in operations]:
            for path in _paths(template, run, steps, tasks, values):
                shape = _shape(document, template)
                if shape is None:
                    continue
                query = _QUERIES.get(template.removeprefix("/api/v1"), "").format(
                    run=run, other=runs["scaled"]
                )
                address = f"{path}{'&' if '?' in path else '?'}{query}" if query else path
                answer = server.ask(address)
                if (
                    template.endswith(("/table", "/columns"))
                    and "artifacts" in template
                    and answer.status == 400
                ):
                    continue  # not every value is a table
                assert answer.status == 200, (address, answer.body[:300])
                _conforms(answer.json, shape, document, address)
                asked += 1
    assert asked > 100


_QUERIES = {
    "/runs": "columns=param:count,metric:loss&spark=metric:curve",
    "/runs/{run}/series": "metric=loss",
    "/series": "runs={run},{other}&metric=curve",
    "/runs/{run}/logs/search": "q=squaring",
    "/compare": "runs={run},{other}",
    "/compare/code": "left={run}&right={other}",
    "/compare/points": "runs={run},{other}&x=param:scale&y=metric:curve",
    "/lineage": "run={run}",
}
_SKIPPED = ("/launches/", "/catalog/{name}")


def _paths(
    template: str, run: str, steps: list[str], tasks: list[str], values: set[tuple[str, str]]
) -> list[str]:
    if any(part in template for part in _SKIPPED):
        return []
    if "{artifact}" in template:
        return [
            template.replace("{artifact}", artifact) + f"?run={run}&task={quote(task)}"
            for artifact, task in values
        ]
    filled = template.replace("{run}", run).replace("{name}", "flow")
    if "{step}" in filled:
        return [filled.replace("{step}", step) for step in steps]
    if "{task}" in filled:
        return [filled.replace("{task}", quote(task)) for task in tasks]
    return [filled]


def _shape(document: dict[str, Any], template: str) -> Any:
    content = document["paths"][template]["get"]["responses"]["200"].get("content", {})
    return content.get("application/json", {}).get("schema")


def _conforms(value: Any, schema: Any, document: dict[str, Any], where: str) -> None:
    """A small check of JSON Schema: what the document uses, and nothing that it does not name."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        _conforms(value, document["components"]["schemas"][name], document, f"{where} {name}")
        return
    if "anyOf" in schema:
        problems = []
        for one in schema["anyOf"]:
            try:
                _conforms(value, one, document, where)
                return
            except AssertionError as error:
                problems.append(str(error))
        raise AssertionError(f"{where}: {json.dumps(value)[:200]} is none of {len(problems)}: {problems}")
    kind = schema.get("type")
    if kind == "object":
        assert isinstance(value, dict), (where, value)
        known = schema.get("properties", {})
        for name in schema.get("required", ()):
            assert name in value, f"{where}: {name} is missing"
        for name, inner in value.items():
            if known:
                assert name in known, f"{where}: nobody said {name}"
            inside = known.get(name, schema.get("additionalProperties", {}))
            if isinstance(inside, dict) and inside:
                _conforms(inner, inside, document, f"{where}.{name}")
    elif kind == "array":
        assert isinstance(value, list), (where, value)
        items = schema.get("items", {})
        for at, inner in enumerate(value):
            if isinstance(items, dict) and items:
                _conforms(inner, items, document, f"{where}[{at}]")
    elif kind is not None:
        types = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "null": type(None)}
        assert isinstance(value, types[kind]), f"{where}: {value!r} is no {kind}"
        assert kind == "boolean" or not isinstance(value, bool), f"{where}: {value!r} is no {kind}"
