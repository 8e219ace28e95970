"""The examples of the page about what a step can ask for run."""

from tests.docs.pages import follow


def test_every_example_of_the_page_runs(tmp_path):
    typed = follow("steps.md", tmp_path)
    assert any("learning.run" in line for line in typed)
