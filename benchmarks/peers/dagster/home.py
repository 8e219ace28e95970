"""A home of its own in this folder, so that runs are recorded there, and without telemetry."""

import os
from pathlib import Path


def own_home():
    home = Path("dagster_home").resolve()
    home.mkdir(exist_ok=True)
    (home / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    os.environ["DAGSTER_HOME"] = str(home)
