"""Is everything that the pipeline asks for in the catalog and the parameters?"""

import inspect

import pytest
from plait import Project

from flights.pipelines.training import training


@pytest.mark.parametrize("env", ["base", "prod"])
def test_every_argument_is_a_dataset_or_a_parameter(env):
    project = Project.find(__file__, env)
    for name in inspect.signature(training.function).parameters:
        assert (name in project.catalog) != (name in project.params)


@pytest.mark.parametrize("env", ["base", "prod"])
def test_no_entry_of_the_catalog_is_wrong(env):
    assert Project.find(__file__, env).catalog.problems() == []
