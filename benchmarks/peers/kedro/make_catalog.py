"""Write a project with a catalog of N entries and a pipeline that reads one of them."""

import importlib.metadata
import sys

from catalog_files import catalog, data, write

n = int(sys.argv[1])
write(
    {
        "pyproject.toml": (
            '[tool.kedro]\npackage_name = "shop"\nproject_name = "shop"\n'
            f'kedro_init_version = "{importlib.metadata.version("kedro")}"\nsource_dir = "src"\n'
        ),
        "conf/base/catalog.yml": catalog(n, "pandas.CSVDataset"),
        "conf/base/parameters.yml": "",
        "conf/local/.gitkeep": "",
        "src/shop/__init__.py": "",
        "src/shop/settings.py": "",
        "src/shop/pipeline_registry.py": (
            "from kedro.pipeline import node, pipeline\n\n\n"
            "def count(rows):\n    return len(rows)\n\n\n"
            "def register_pipelines():\n"
            '    return {"__default__": pipeline([node(count, "entry_0", "x", name="count")])}\n'
        ),
        **data(n),
    }
)
