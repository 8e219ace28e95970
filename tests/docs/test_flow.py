"""The examples of the page about fan-out, branches and loops run."""

from tests.docs.pages import follow


def test_every_example_of_the_page_runs(tmp_path):
    typed = follow("flow.md", tmp_path)
    assert any("reading_all" in line for line in typed)
