"""Write the smallest project that `kedro run` accepts: one node, no datasets."""

import importlib.metadata
from pathlib import Path

FILES = {
    "pyproject.toml": (
        '[tool.kedro]\npackage_name = "one"\nproject_name = "one"\n'
        f'kedro_init_version = "{importlib.metadata.version("kedro")}"\nsource_dir = "src"\n'
    ),
    "conf/base/catalog.yml": "",
    "conf/base/parameters.yml": "",
    "conf/local/.gitkeep": "",
    "src/one/__init__.py": "",
    "src/one/settings.py": "",
    "src/one/pipeline_registry.py": (
        "from kedro.pipeline import node, pipeline\n\n\n"
        "def zero():\n    return 0\n\n\n"
        "def register_pipelines():\n"
        '    return {"__default__": pipeline([node(zero, None, "x", name="zero")])}\n'
    ),
}
for name, text in FILES.items():
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
