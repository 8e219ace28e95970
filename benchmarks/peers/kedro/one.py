"""One node, by the runner alone: no session, no project, no records."""

from kedro.io import DataCatalog
from kedro.pipeline import node, pipeline
from kedro.runner import SequentialRunner
from stopwatch import expect
from work import zero

result = SequentialRunner().run(pipeline([node(zero, None, "x")]), DataCatalog())
expect(result["x"].load(), 0)
