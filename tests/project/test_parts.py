"""A part of a pipeline runs on what the catalog or an earlier run has of the rest."""

import json

import pytest

from plait import fork, get_run, resume
from plait.project.project import Project

FLOW = """
from pathlib import Path
from plait import each, param, pipeline, step

@step
def clean(flights: list) -> list:
    return sorted(flights)

@step(outputs=["train", "test"])
def split(clean, share: float = 0.5):
    cut = int(len(clean) * share)
    return clean[:cut], clean[cut:]

@step(tags=["slow"])
def fit(train, alpha: float):
    if Path("broken").exists():
        doubled = [one * 2 for one in train]
        raise ValueError(f"cannot fit {doubled} with {alpha}")
    return {"alpha": alpha, "total": sum(train)}

@step
def evaluate(model, test):
    return model["total"] * model["alpha"] - sum(test)

@step
def choose(scores):
    return max(scores)

@pipeline
def training(flights, alphas: list[float] = [1.0, 2.0]):
    train, test = split(clean(flights), param("split.share", 0.5))
    models = fit(train, each(alphas)).named("models")
    return choose(evaluate(each(models), test))
"""
CATALOG = """
flights: {type: json, filepath: data/flights.json}
train: {type: json, filepath: data/train.json}
models: {type: partitioned, path: data/models, dataset: json, filename_suffix: .json}
"""


@pytest.fixture
def project(write, tmp_path):
    write("pyproject.toml", '[tool.plait]\npackage = "shop"\n')
    write("conf/base/catalog.yml", CATALOG)
    write("src/shop/__init__.py", "")
    write("src/shop/pipelines/__init__.py", "")
    write("src/shop/pipelines/training.py", FLOW)
    write("data/flights.json", "[4, 3, 1, 2, 6, 5]")
    return tmp_path


@pytest.fixture
def script(write, tmp_path):
    """The same pipeline in a file of its own, without any conf."""
    write("flow.py", FLOW)
    return tmp_path


def tasks(run):
    return {task.name: task.state for task in run.tasks}


def latest(folder):
    return get_run(home=folder / ".plait")


def run_part(plait, folder, *words):
    said = plait("run", *words, "--executor", "inline", cwd=folder)
    assert said.status == 0, said.err
    return latest(folder)


# From the catalog.


def test_a_part_reads_from_the_catalog_what_its_dataset_has(project, plait):
    run_part(plait, project, "training")
    (project / "data/train.json").write_text("[10, 20]")
    run = run_part(plait, project, "training", "--only", "fit")
    assert run.result == [{"alpha": 1.0, "total": 30}, {"alpha": 2.0, "total": 30}]
    assert run.origins["train"] == "catalog"
    assert json.loads((project / "data/models/1.json").read_text())["total"] == 30


def test_what_a_mapped_step_saved_is_read_element_by_element_in_order(project, plait):
    alphas = json.dumps([float(at) for at in range(12)])
    whole = run_part(plait, project, "training", f"alphas={alphas}")
    part = run_part(plait, project, "training", "--from", "models", "--inputs-from", "latest")
    assert part.result == whole.result
    assert part["evaluate"] == whole["evaluate"]
    # The same from the catalog alone: the parts are in the order of the elements, 2 before 10.
    for name in ("test",):
        (project / "conf/base/catalog.yml").write_text(
            CATALOG + f"\n{name}: {{type: json, filepath: data/{name}.json}}\n"
        )
    run_part(plait, project, "training", f"alphas={alphas}")
    part = run_part(plait, project, "training", "--from", "models")
    assert part.origins["models"] == "catalog"
    assert part["evaluate"] == whole["evaluate"]


def test_an_empty_dataset_and_a_value_without_one_are_both_told(project, plait):
    said = plait("run", "training", "--from", "evaluate", cwd=project)
    assert said.status == 2
    assert "'models', which fit makes" in said.err
    assert "'test', which split makes (no dataset of the catalog has it)" in said.err
    assert "--inputs-from RUN" in said.err
    assert not (project / ".plait/records.db").exists() or plait("runs", "--json", cwd=project).json == []


def test_the_latest_run_that_has_it_is_named(project, plait):
    whole = run_part(plait, project, "training")
    said = plait("run", "training", "--only", "evaluate", cwd=project)
    assert f"--inputs-from {whole.id}" in said.err


def test_the_run_that_is_named_counts_more_than_the_catalog(project, plait):
    whole = run_part(plait, project, "training")
    (project / "data/train.json").write_text("[10, 20]")
    run = run_part(plait, project, "training", "--only", "fit", "--inputs-from", whole.id)
    assert run.result == whole["models"]
    assert run.origins["train"] == f"run {whole.id}"


# From an earlier run.


def test_a_part_runs_on_what_an_earlier_run_recorded(script, plait):
    whole = run_part(plait, script, "flow.py", "flights=[1,2,3,4]", "alphas=[3.0]")
    part = run_part(plait, script, "flow.py", "--from", "fit", "--inputs-from", whole.id, "--no-cache")
    assert part.result == whole.result
    assert tasks(part) == {"fit[0]": "done", "evaluate[0]": "done", "choose": "done"}
    assert part.params["alphas"] == [3.0]
    # What a mapped step made elsewhere has the key that it would have here.
    cached = run_part(plait, script, "flow.py", "--only", "choose", "--inputs-from", whole.id)
    assert tasks(cached) == {"choose": "cached"}
    assert part.params["train"] == [1, 2]
    assert part.facts["inputs_from"] == whole.id


def test_arguments_may_be_set_over_those_of_the_earlier_run(script, plait):
    whole = run_part(plait, script, "flow.py", "flights=[1,2,3,4]", "alphas=[3.0]", "split.share=0.25")
    assert whole.params["split.share"] == 0.25
    again = run_part(plait, script, "flow.py", "--only", "split", "--inputs-from", whole.id)
    assert again.result == ([1], [2, 3, 4])
    other = run_part(
        plait, script, "flow.py", "--only", "split", "--inputs-from", whole.id, "split.share=0.5"
    )
    assert other.result == ([1, 2], [3, 4])
    given = run_part(plait, script, "flow.py", "--only", "split", "clean=[7,8]")
    assert given.result == ([7], [8])


def test_what_the_earlier_run_never_made_is_told(script, plait):
    (script / "broken").touch()
    assert plait("run", "flow.py", "flights=[1,2]", cwd=script).status == 1
    said = plait("run", "flow.py", "--only", "choose", "--inputs-from", "latest", cwd=script)
    assert said.status == 2
    assert "'evaluate', which evaluate makes" in said.err
    assert "has none" in said.err
    assert "--from evaluate" in said.err


def test_a_run_of_a_part_knows_what_the_run_it_took_from_knows(script, plait):
    whole = run_part(plait, script, "flow.py", "flights=[1,2,3,4]")
    run_part(plait, script, "flow.py", "--only", "fit", "--inputs-from", "latest")
    last = run_part(plait, script, "flow.py", "--only", "evaluate", "--inputs-from", "latest")
    assert last.result == whole["evaluate"]


# One element of one step.


def test_one_element_runs_alone_on_what_it_received(script, plait):
    run_part(plait, script, "flow.py", "flights=[1,2,3,4]", "alphas=[3.0,5.0]")
    one = run_part(plait, script, "flow.py", "--only", "fit[1]", "--inputs-from", "latest", "--no-cache")
    assert one.result == {"alpha": 5.0, "total": 3}
    assert tasks(one) == {"fit": "done"}
    assert (one.params["train"], one.params["alpha"]) == ([1, 2], 5.0)
    # Again and again, with the run of the element as the latest, and with another argument.
    again = run_part(plait, script, "flow.py", "--only", "fit[1]", "--inputs-from", "latest", "alpha=7.0")
    assert again.result == {"alpha": 7.0, "total": 3}
    other = run_part(plait, script, "flow.py", "--only", "fit[0]", "--inputs-from", "latest")
    assert other.result == {"alpha": 3.0, "total": 3}


def test_one_element_is_not_saved_where_all_of_them_are(project, plait):
    run_part(plait, project, "training")
    before = (project / "data/models/1.json").read_bytes()
    one = run_part(plait, project, "training", "--only", "fit[1]", "--inputs-from", "latest", "alpha=9.0")
    assert one.result["alpha"] == 9.0
    assert (project / "data/models/1.json").read_bytes() == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--only", "fit[7]", "--inputs-from", "latest"], "fit[7]"),
        (["--only", "fit[0,1]", "--inputs-from", "latest"], "fit[0]"),
        (["--only", "choose[0]", "--inputs-from", "latest"], "it is one task"),
        (["--only", "fitt[0]", "--inputs-from", "latest"], "did you mean 'fit'"),
        (["--only", "fit[0]", "--only", "choose", "--inputs-from", "latest"], "is run alone"),
        (["--only", "fit[0]"], "--inputs-from"),
        (["--only", "fit[0]", "--inputs-from", "nosuchrun"], "nosuchrun"),
    ],
)
def test_an_element_that_is_not_there_is_refused(script, plait, words, said):
    run_part(plait, script, "flow.py", "flights=[1,2,3,4]")
    answer = plait("run", "flow.py", *words, cwd=script)
    assert answer.status in (1, 2)
    assert said in answer.err


def test_a_round_of_a_loop_runs_alone(write, tmp_path, plait):
    write(
        "loop.py",
        """
        from plait import pipeline, repeat, step

        @step
        def grow(n: int):
            return n * 3

        @pipeline
        def flow(n: int = 1):
            return repeat(grow, n, until=lambda n: n > 20, limit=9)
        """,
    )
    run_part(plait, tmp_path, "loop.py")
    one = run_part(plait, tmp_path, "loop.py", "--only", "grow[2]", "--inputs-from", "latest")
    assert (one.params["n"], one.result) == (9, 27)


# Under a debugger.


def test_the_debugger_is_at_the_line_that_failed(script, shell):
    (script / "broken").touch()
    failed = shell("-m", "plait", "run", "flow.py", "flights=[1,2,3,4]", cwd=script)
    assert failed.status == 1
    program = (
        "import subprocess, sys\n"
        "typed = 'p doubled\\np alpha\\nup\\nq\\n'\n"
        "line = [sys.executable, '-m', 'plait', 'run', 'flow.py', '--only', 'fit[1]', '--inputs-from', 'latest']\n"
        "done = subprocess.run([*line, '--debug'], input=typed, capture_output=True, text=True)\n"
        "print(done.stdout, done.stderr, done.returncode)\n"
    )
    said = shell("-c", program, cwd=script)
    assert "fit()" in said.out
    assert "-> raise ValueError(" in said.out
    assert "(Pdb) [2, 4]" in said.out
    assert "(Pdb) 2.0" in said.out
    assert said.out.rstrip().endswith("1")
    assert "cannot fit [2, 4] with 2.0" in said.out


def test_the_debugger_begins_in_the_users_own_line_where_a_library_raised(script, shell):
    (script / "flow.py").write_text(
        FLOW.replace('    return {"alpha"', '    import json\n    json.loads("{")\n    return {"alpha"')
    )
    program = (
        "import io, sys\n"
        "sys.stdin = io.StringIO('p alpha\\nq\\n')\n"
        "from flow import training\n"
        "run = training.run(flights=[1, 2], debug=True, raise_on_failure=False)\n"
        "print(run.status)\n"
    )
    said = shell("-c", program, cwd=script)
    assert '-> json.loads("{")' in said.out, said.err
    assert "(Pdb) 1.0" in said.out
    assert "failed" in said.out.splitlines()[-1]


def test_a_debugger_needs_the_steps_in_this_process(script, plait):
    said = plait("run", "flow.py", "flights=[1]", "--debug", "--executor", "processes", cwd=script)
    assert said.status == 2
    assert "needs the steps in this process" in said.err


# What comes after.


def test_a_failed_part_is_resumed_as_the_part_that_it_is(script, plait, monkeypatch):
    whole = run_part(plait, script, "flow.py", "flights=[1,2,3,4]")
    (script / "broken").touch()
    monkeypatch.chdir(script)
    words = ["--from", "fit", "--inputs-from", whole.id, "--no-cache"]
    assert plait("run", "flow.py", *words, "--executor", "inline", cwd=script).status == 1
    (script / "broken").unlink()
    run = resume(home=script / ".plait")
    assert list(tasks(run)) == ["fit[0]", "fit[1]", "evaluate[0]", "evaluate[1]", "choose"]
    assert run.status == "done"
    assert run.result == whole.result
    branch = fork(run, at="choose")
    assert branch.result == whole.result
    assert {task.name for task in branch.tasks} == set(tasks(run))


def test_a_run_of_a_part_is_verified_as_the_part_that_it_is(script, plait):
    run_part(plait, script, "flow.py", "flights=[1,2,3,4]")
    run_part(plait, script, "flow.py", "--from", "fit", "--inputs-from", "latest")
    said = plait("verify", "evaluate", cwd=script)
    assert said.status == 0, said.err
    run_part(plait, script, "flow.py", "--only", "fit[1]", "--inputs-from", "latest")
    assert plait("verify", "fit", cwd=script).status == 0


def test_the_page_of_a_run_says_which_part_it_is_of(script, plait):
    whole = run_part(plait, script, "flow.py", "flights=[1,2,3,4]")
    run_part(plait, script, "flow.py", "--only", "fit", "--inputs-from", whole.id)
    shown = plait("show", cwd=script).out
    assert "--only fit" in shown
    assert f"inputs of run {whole.id}" in shown


@pytest.mark.parametrize("command", ["plan", "show"])
def test_plan_and_show_take_the_same_words(project, plait, command):
    run_part(plait, project, "training")
    words = ["--inputs-from", "latest"] if command == "plan" else []
    said = plait(command, "training", "--from", "split", "--to", "models", *words, cwd=project)
    assert said.status == 0, said.err
    assert "fit" in said.out
    assert "choose" not in said.out
    assert "evaluate" not in said.out


def test_show_tells_how_to_run_the_part(project, plait):
    shown = plait("show", "training", "--only", "evaluate", cwd=project).out
    assert "of the catalog, or of an earlier run" in shown
    assert "plait run training --only evaluate --inputs-from RUN" in shown


@pytest.mark.usefixtures("plait")  # which forgets what was imported
def test_the_same_from_python(project, monkeypatch):
    monkeypatch.chdir(project)
    training = Project.find().pipelines["training"]
    whole = training.run()
    part = training.select(from_="fit", to="evaluate")
    run = part.run(inputs_from=whole, alphas=[5.0])
    assert run.result == [sum([1, 2, 3]) * 5.0 - 15]
    assert part.plan(inputs_from=whole.id, alphas=[5.0]).is_done
    assert training.select(only="fit[1]").run(inputs_from=whole).result == whole["models"][1]


# Parameters by name in a project.


def test_a_parameter_by_its_name_is_of_the_conf_and_set_by_its_name(project, write, plait):
    write("conf/base/parameters.yml", "split:\n  share: 0.5\n  seed: 3\n")
    run = run_part(plait, project, "training")
    assert run.params["split.share"] == 0.5
    assert run.origins["split.share"].endswith("parameters.yml:2")
    run = run_part(plait, project, "training", "split.share=0.25")
    assert (run.params["split.share"], run.origins["split.share"]) == (0.25, "command line")
    shown = plait("show", "training", cwd=project).out
    assert "split.share" in shown
    assert "0.5" in shown
    said = plait("run", "training", "split.shaer=1", cwd=project)
    assert said.status == 2
    assert "'split.share'" in said.err


def test_a_part_takes_the_options_of_its_steps_from_the_conf(project, write, plait):
    write("conf/base/steps.yml", "fit: {retries: 1, retry_delay: 0}\n")
    run_part(plait, project, "training")
    (project / "broken").touch()
    plait("run", "training", "--only", "fit", "--no-cache", "--executor", "inline", cwd=project)
    run = latest(project)
    assert run.status == "failed"
    assert run.task("fit[0]").attempt == 2


def test_a_secret_that_is_asked_for_by_its_name_is_recorded_nowhere(write, tmp_path, plait, monkeypatch):
    monkeypatch.setenv("SHOP_TOKEN", "tok-4711-abcdefgh")
    write("pyproject.toml", '[tool.plait]\npackage = "bank"\n')
    write("conf/base/parameters.yml", "api:\n  token: ${secret:env:SHOP_TOKEN}\n  url: https://example.org\n")
    write("src/bank/__init__.py", "")
    write("src/bank/pipelines/__init__.py", "")
    write(
        "src/bank/pipelines/asking.py",
        """
        from plait import param, pipeline, step

        @step
        def ask(url, token):
            return len(token.reveal())

        @pipeline
        def asking():
            return ask(param("api.url"), param("api.token"))
        """,
    )
    run = run_part(plait, tmp_path, "asking")
    assert run.result == 17
    assert run.params == {"api.url": "https://example.org", "api.token": "***"}
    again = run_part(plait, tmp_path, "asking", "--only", "ask", "--inputs-from", "latest", "--no-cache")
    assert again.result == 17
    for command in (["show"], ["plan", "asking"], ["show", "asking"], ["show", "asking", "--json"]):
        said = plait(*command, cwd=tmp_path)
        assert "tok-4711" not in said.out + said.err
    for file in (tmp_path / ".plait").rglob("*"):
        assert not file.is_file() or b"tok-4711" not in file.read_bytes()
