"""The examples of the page about dynamic pipelines run."""

from tests.docs.pages import follow


def test_every_example_of_the_page_runs(tmp_path):
    typed = follow("dynamic.md", tmp_path)
    assert any("search.run" in line for line in typed)
