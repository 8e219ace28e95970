"""Write a project with a catalog of N entries and a pipeline that reads one of them."""

import sys

from catalog_files import catalog, data, write

n = int(sys.argv[1])
write(
    {
        "pyproject.toml": '[tool.plait]\npackage = "shop"\n',
        "conf/base/catalog.yml": catalog(n, "csv"),
        "conf/local/.gitkeep": "",
        "src/shop/__init__.py": "",
        "src/shop/pipelines/__init__.py": "",
        "src/shop/pipelines/count.py": (
            "from plait import pipeline, step\n\n\n"
            "@step\ndef count(entry_0) -> int:\n    return len(entry_0)\n\n\n"
            "@pipeline\ndef counting(entry_0):\n    return count(entry_0)\n"
        ),
        **data(n),
    }
)
