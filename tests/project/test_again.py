"""What is asked of a project after its run: with the environment, the data and the settings of that run."""

import json
import sqlite3

import pytest

from plait.record.store import RecordStore


@pytest.fixture
def project(write, tmp_path):
    write("pyproject.toml", '[tool.plait]\npackage = "again"\n')
    write("src/again/__init__.py", "")
    write("src/again/pipelines/__init__.py", "")
    write(
        "src/again/pipelines/counting.py",
        """
        from pathlib import Path
        from plait import pipeline, step
        @step
        def counted(words: list, factor: int):
            return factor * len(words)
        @step
        def checked(counted, words):
            if not Path("go").exists():
                raise ValueError("not yet")
            return counted, words[0]
        @pipeline
        def counting(words, factor):
            return checked(counted(words, factor), words)
        """,
    )
    write("conf/base/parameters.yml", "factor: 1\nfolder: data\n")
    write(
        "conf/base/catalog.yml", "words: {type: json, filepath: '${runtime_params:folder,data}/words.json'}\n"
    )
    write("conf/prod/parameters.yml", "factor: 10\n")
    write("conf/prod/catalog.yml", "words: {filepath: '${runtime_params:folder,prod}/words.json'}\n")
    for folder, words in (("data", ["a"]), ("prod", ["p", "q"]), ("other", ["o", "o", "o"])):
        write(f"{folder}/words.json", json.dumps(words))
    return tmp_path


@pytest.fixture
def plait(shell, project):
    def plait(*typed):
        return shell("-m", "plait", *typed, cwd=project)

    return plait


def planned(said):
    assert said.status in (0, 2), said.err
    return {one["step"]: one["decision"] for one in said.json["items"]}


def test_plan_takes_what_run_takes(project, plait):
    (project / "go").touch()
    for words in (
        ("--env", "prod"),
        ("factor=3",),
        ("--params-file", "mine.yml"),
        ("-e", "prod", "folder=other"),
    ):
        (project / "mine.yml").write_text("factor: 7\n")
        assert plait("plan", *words, "--check").status == 2
        assert plait("run", *words, "--executor", "inline", "-q").status == 0
        assert plait("plan", *words, "--check").status == 0
        assert plait("plan", *words, "--no-cache", "--check").status == 2
        assert plait("plan", *words, "--refresh", "checked", "--check").status == 2
    assert plait("plan", "--check").status == 2, "that of base has not run"
    for wrong in (("factor=3", "fctor=3"), ("-e", "prdo"), ("--refresh", "chekced"), ("--nonsense",)):
        assert plait("plan", *wrong, "--check").status == 1, "an error is no work to do"


def test_a_run_goes_on_in_its_environment_with_its_settings(project, plait):
    failed = plait("run", "--env", "prod", "folder=other", "--executor", "inline", "-q")
    assert failed.status == 1
    (project / "go").touch()
    assert plait("resume", "--executor", "inline", "-q").status == 0
    assert result(project) == (30, "o")


def test_a_fork_reads_the_data_of_the_run_that_it_came_from(project, plait):
    (project / "go").touch()
    assert plait("run", "--env", "prod", "--executor", "inline", "-q").status == 0
    run = plait("fork", "latest", "--at", "checked", "--executor", "inline", "-q")
    assert run.status == 0, run.err
    assert result(project) == (20, "p")


def test_a_step_that_reads_a_dataset_can_be_verified(project, plait):
    (project / "go").touch()
    assert plait("run", "--env", "prod", "--executor", "inline", "-q").status == 0
    said = plait("verify", "counted")
    assert (said.status, said.err) == (0, "")
    assert "gave the same again" in said.out


def test_a_file_whose_stamps_lie_is_seen_by_the_paranoid(project, plait):
    (project / "go").touch()
    assert plait("run", "--executor", "inline", "-q").status == 0
    file = project / "data/words.json"
    file.write_text('["b"]')  # the same size
    stat = file.stat()
    with sqlite3.connect(project / ".plait/fingerprints.sqlite") as memo:
        memo.execute(
            "CREATE TABLE IF NOT EXISTS files (path TEXT PRIMARY KEY, size INTEGER, mtime INTEGER, ctime INTEGER,"
            " inode INTEGER, content TEXT) WITHOUT ROWID"
        )
        # As on a file system that shows no change: the stamps of now with the content of before.
        memo.execute(
            "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?)",
            (str(file), stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino, before(project)),
        )
    assert plait("plan", "--check").status == 0, "the memo is believed"
    assert plait("plan", "--paranoid", "--check").status == 2
    assert plait("run", "--paranoid", "--executor", "inline", "-q").status == 0
    assert result(project) == (1, "b")


def result(project):
    return RecordStore(project / ".plait").run().result


def before(project):
    from plait.project.datasets.fingerprints import hash_file

    was = project / "was"
    was.write_text('["a"]')
    return hash_file(was)


def test_data_that_changes_while_a_run_goes_on_is_never_found_under_what_it_was(project, plait, write):
    code = project / "src/again/pipelines/counting.py"
    code.write_text(
        code.read_text().replace(
            "    return factor * len(words)",
            "    Path('data/words.json').write_text('[\"z\", \"z\"]')\n    return factor * len(words)",
        )
    )
    (project / "go").touch()
    said = plait("run", "--executor", "inline", "-q")
    assert said.status == 1
    assert "the data of 'words' has changed since the run began" in said.err
    # Going on, what is done is kept, and what is to do reads the data as it is now.
    said = plait("resume", "--executor", "inline", "-q")
    assert said.status == 0, said.err
    assert "the data of 'words' has changed since" in said.err
    assert result(project) == (1, "z")
    # With the old data back nothing is found that was made of the new.
    write("data/words.json", '["a"]')
    assert planned(plait("plan", "--json"))["checked"] == "run"


def test_a_run_is_resumed_on_the_data_that_is_there(project, plait, write):
    assert plait("run", "--executor", "inline", "-q").status == 1
    first = RecordStore(project / ".plait").run()
    (project / "go").touch()
    write("data/words.json", '["n"]')
    said = plait("resume", "--executor", "inline", "-q")
    assert said.status == 0, said.err
    assert result(project) == (1, "n")
    second = RecordStore(project / ".plait").run()
    assert second.parent == first.id
    assert {task.name: task.state for task in second.tasks} == {"counted": "cached", "checked": "done"}
    write("data/words.json", '["a"]')
    assert planned(plait("plan", "--json"))["checked"] == "run"


def test_a_fork_says_that_data_has_changed_and_computes_with_it(project, plait, write):
    (project / "go").touch()
    assert plait("run", "--executor", "inline", "-q").status == 0
    write("data/words.json", '["f", "f"]')
    said = plait("fork", "latest", "--at", "checked", "--executor", "inline", "-q")
    assert said.status == 0, said.err
    assert "the data of 'words' has changed since" in said.err
    assert result(project) == (1, "f")
