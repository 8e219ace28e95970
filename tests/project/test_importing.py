"""What is imported to find pipelines and steps does not run them."""

import pytest

FLOW = """
from plait import pipeline, step

@step
def one(n: int):
    return n

@pipeline
def flow(n: int = 1):
    return one(n)
"""


@pytest.mark.parametrize("command", ["run", "plan", "show"])
def test_a_file_that_runs_its_pipeline_while_it_is_imported_is_refused(tmp_path, write, plait, command):
    write("flow.py", FLOW + "\nflow.run()\n")
    said = plait(command, "flow.py", cwd=tmp_path)
    assert said.status == 2
    assert "flow.py calls flow.run() while it is imported" in said.err
    assert "flow.py:11" in said.err
    assert 'if __name__ == "__main__":' in said.err
    assert not (tmp_path / ".plait").exists()


def test_behind_the_main_guard_it_runs_once_either_way(tmp_path, write, plait, shell):
    write("flow.py", FLOW + '\nif __name__ == "__main__":\n    print(flow.run().id)\n')
    assert plait("run", "flow.py", cwd=tmp_path).status == 0
    assert shell("flow.py", cwd=tmp_path).status == 0
    assert len(plait("runs", "--json", cwd=tmp_path).json) == 2


def test_a_worker_that_imports_a_module_does_not_run_what_the_module_runs(tmp_path, write, shell, plait):
    write("steps.py", FLOW + "\nflow.run(n=5)\n")
    write(
        "program.py",
        """
        from steps import flow
        if __name__ == "__main__":
            run = flow.run(n=6, executor="processes", workers=1, raise_on_failure=False)
            print(run.status, run.tasks[0].reason)
        """,
    )
    said = shell("program.py", cwd=tmp_path)
    assert "steps calls flow.run() while it is imported" in said.out, said.err
    assert len(plait("runs", "--json", cwd=tmp_path).json) == 2
