"""Do summaries, outlines, metrics, flowcharts and notebooks say what happened?"""

from __future__ import annotations

import html.parser

import pytest

from plait import each, log, pipeline, step
from plait.display.html import pipeline_html, run_html
from plait.display.mermaid import mermaid_text
from plait.display.metrics import metric_lines, metric_tables
from plait.display.outline import outline, taken_text
from plait.display.page import pipeline_page, run_page
from plait.display.summary import summary


@step
def fit(train, alpha: float, depth: int = 2):
    if alpha < 0:
        raise ValueError("<b>alpha</b> is negative")
    log(loss=alpha / 2, count=depth)
    return alpha


@step
def score(model, test):
    return model


@step
def choose(scores, models=None):
    log(loss=min(scores))
    return {"loss": min(scores), "name": "<script>"}


@step(outputs=["train", "test"])
def split(rows):
    return rows, rows


@pipeline
def tune(train, test, alphas):
    models = fit(train, **each.product(alpha=alphas, depth=[2, 3]))
    return choose(score(each(models), test), models)


@pipeline
def study(rows: int = 3, alphas: list[float] = [0.1, 0.25]):  # noqa: B006 - never changed
    """A study."""
    train, test = split(rows)
    return tune(train, test, alphas)


@pipeline
def regions(names: list[str], alphas: list[float]):
    return study(each(names), alphas)


def plain(lines):
    return "\n".join(line.plain.rstrip() for line in lines)


def test_an_outline_speaks_the_words_of_the_pipeline():
    rows = [(row.depth, row.label, taken_text(row.takes, 200).plain) for row in outline(study.graph)]
    assert rows == [
        (0, "split", "← rows"),
        (0, "tune", ""),
        (1, "fit", "← train, each.product(alphas, [2, 3])"),
        (1, "score", "← each(fit), test"),
        (1, "choose", "← score[*], fit[*]"),
    ]


def test_an_outline_of_a_mapped_group_names_elements_not_lists():
    rows = [(row.depth, row.label, taken_text(row.takes, 200).plain) for row in outline(regions.graph)]
    assert rows[0] == (0, "study", "← each(names)")
    assert (2, "fit", "← train, each.product(alphas, [2, 3])") in rows
    assert (2, "choose", "← score[*], fit[*]") in rows


def test_inputs_that_do_not_fit_are_counted():
    takes = next(row.takes for row in outline(study.graph) if row.label == "choose")
    assert taken_text(takes, 16).plain == "← score[*], +1"


def test_a_summary_has_steps_metrics_result_and_what_to_type_next(ran):
    run = ran(study)
    text = plain(summary(run, 100))
    assert f"✓ study  run {run.id}  done in" in text
    assert "fit" in text
    assert "4/4" in text
    assert "alpha=0.25, depth=3" in text
    assert "0.1250" in text
    assert "result" in text
    assert "loss  0.1" in text
    assert f"plait show {run.id}" in text
    assert all(line.width <= 60 for line in summary(run, 60))


def test_the_table_of_metrics_puts_tasks_of_one_name_together(ran):
    tables = metric_tables(ran(study))
    assert len(tables) == 1
    assert [row.task for row in tables[0]] == [*(f"tune.fit[{at}]" for at in range(4)), "tune.choose"]
    assert tables[0][3].values == {"loss": 0.125, "count": 3.0}


def test_metrics_of_very_many_tasks_are_a_range(ran):
    run = ran(study, alphas=[at / 100 for at in range(1, 41)])
    rows = metric_tables(run)[0]
    assert [row.about for row in rows[:3]] == ["least of 80", "median", "greatest"]
    assert rows[0].values["loss"] == pytest.approx(0.005)
    assert rows[2].values["loss"] == pytest.approx(0.2)
    assert len(metric_lines(run, 80)) < 10


def test_a_failure_is_told_once_however_many_tasks_had_it(ran):
    run = ran(study, alphas=[-1.0, 0.5, -2.0])
    text = plain(summary(run, 100))
    assert text.count("ValueError: <b>alpha</b> is negative") == 1
    assert "also tune.fit[1], tune.fit[4], tune.fit[5]" in text
    assert "2/6" in text
    assert "4 failed" in text
    assert f"plait logs {run.id} 'tune.fit[0]'" in text


def test_a_page_has_parameters_and_outputs(ran):
    text = plain(run_page(ran(study), 100))
    assert "alphas  [0.1, 0.25]" in text
    assert "default" in text
    assert "Python" in text
    assert "tune.fit" in text


def test_the_page_of_a_pipeline_says_what_it_needs():
    text = plain(pipeline_page(regions, regions.graph, 100, "flows.py:regions"))
    assert "plait run flows.py:regions names=… alphas=…" in text
    assert "required" in text


def test_a_flowchart_nests_groups_and_escapes():
    text = mermaid_text(study.graph, opened=["*"])
    assert text.index("subgraph") < text.index("tune.fit") < text.index("  end")
    assert text.count("subgraph") == text.count("\n  end") == 1


class _Checker(html.parser.HTMLParser):
    """Collects tags, and whether those that must close do."""

    def __init__(self):
        super().__init__()
        self.open, self.seen = [], set()

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)
        if tag in ("div", "ul", "details", "summary", "table", "pre", "span", "b", "code", "style"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_notebooks_show_escaped_and_well_formed_html(ran):
    failed, done = ran(study, alphas=[-1.0]), ran(study)
    for text in (
        run_html(failed),
        run_html(done),
        pipeline_html(study, study.graph),
        run_html(ran(regions, names=["a"], alphas=[0.5])),
    ):
        checker = _Checker()
        checker.feed(text)
        assert not checker.open
        assert "script" not in checker.seen
        assert "http" not in text
        assert len(text) < 20_000
    assert "&lt;b&gt;alpha&lt;/b&gt;" in run_html(failed)
    assert done._repr_html_() == run_html(done)


def test_a_pipeline_shows_its_graph_in_a_prompt():
    assert "← train, each.product(alphas, [2, 3])" in repr(study)
    assert "study" in study._repr_html_()


def test_a_pipeline_that_cannot_be_described_still_has_a_repr():
    @pipeline
    def broken():
        return 1 / 0

    assert repr(broken).startswith("<pipeline broken of")
    assert broken._repr_html_() is None
