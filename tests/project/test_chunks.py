"""Where do the chunks of a generator step go, if the catalog has a dataset of its name?"""

import json

import pytest


@pytest.fixture
def project(write, tmp_path):
    write("pyproject.toml", '[tool.plait]\npackage = "chunking"\n')
    write("src/chunking/__init__.py", "")
    write("src/chunking/pipelines/__init__.py", "")
    write(
        "src/chunking/pipelines/chunked.py",
        """
        from pathlib import Path
        import pandas as pd
        from plait import each, pipeline, step

        def tables(count, watched=None):
            for at in range(count):
                if watched is not None:
                    print(at, watched())
                yield pd.DataFrame({"at": [at, at]})

        @step
        def parts(count):
            yield from tables(count, lambda: len(list(Path("data/parts").glob("*"))))
        @step
        def each_part(one):
            yield from tables(one)
        @step
        def lines(count):
            yield from tables(count)
        @step
        def rows(count):
            yield from tables(count)
        @step
        def listed(count):
            yield from range(count)
        @step
        def rows_read(rows):
            return sum(len(table) for table in rows)
        @pipeline
        def chunked(count: int = 3):
            each_part(each([1, 2]))
            return [parts(count), lines(count), rows_read(rows(count)), listed(count)]
        """,
    )
    write(
        "conf/base/catalog.yml",
        """
        parts: {type: partitioned, path: data/parts, dataset: csv, filename_suffix: .csv}
        each_part: {type: partitioned, path: data/each, dataset: csv, filename_suffix: .csv}
        lines:
          type: csv
          filepath: data/lines.csv
          save_args: {header: false}
          fs_args: {open_args_save: {mode: a}}
        rows: {type: duckdb, filepath: data/rows.duckdb, table: rows, save_args: {mode: append}}
        listed: {type: json, filepath: data/listed.json}
        """,
    )
    return tmp_path


@pytest.mark.parametrize("executor", ["inline", "processes"])
def test_chunks_go_to_the_dataset_as_they_come(project, shell, executor):
    import duckdb

    said = shell("-m", "plait", "run", "--executor", executor, "--json", cwd=project)
    assert said.status == 0, said.out + said.err
    data = project / "data"
    assert sorted(one.name for one in (data / "parts").iterdir()) == ["00000.csv", "00001.csv", "00002.csv"]
    assert sorted(one.name for one in (data / "each").iterdir()) == [
        "0-00000.csv", "1-00000.csv", "1-00001.csv",
    ]  # fmt: skip
    lines = [line.split(",")[-1] for line in (data / "lines.csv").read_text().split()]
    assert lines == ["0", "0", "1", "1", "2", "2"]
    with duckdb.connect(str(data / "rows.duckdb")) as connection:
        assert connection.sql('SELECT t."at" FROM rows t ORDER BY 1').fetchall() == [
            (n,) for n in (0, 0, 1, 1, 2, 2)
        ]
    assert json.loads((data / "listed.json").read_text()) == [0, 1, 2]
    spoken = [
        event["text"] for line in said.out.splitlines() if (event := json.loads(line))["event"] == "line"
    ]
    assert spoken == ["0 0", "1 1", "2 2"], "each chunk is saved before the next is made"
    again = shell("-m", "plait", "run", "--executor", executor, "--json", cwd=project)
    ended = [event for line in again.out.splitlines() if (event := json.loads(line))["event"] == "task_ended"]
    cached = {event["task"] for event in ended if event["state"] == "cached"}
    assert cached >= {"parts", "each_part[0]", "each_part[1]", "lines", "listed"}, again.out
