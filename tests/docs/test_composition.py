"""The examples of the page about composition run."""

from tests.docs.pages import follow


def test_every_example_of_the_page_runs(tmp_path):
    typed = follow("composition.md", tmp_path)
    assert any("--debug" in line for line in typed)
