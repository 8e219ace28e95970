"""From the conf of N entries to N datasets, and all of them loaded."""

import logging
import sys
import time

from kedro.config import OmegaConfigLoader
from kedro.io import DataCatalog
from stopwatch import expect, stopwatch, tell

logging.disable(logging.INFO)
n = int(sys.argv[1])
with stopwatch():
    began = time.perf_counter()
    conf = OmegaConfigLoader(conf_source="conf", base_env="base", default_run_env="local")
    catalog = DataCatalog.from_config(conf["catalog"])
    datasets = [catalog.get(f"entry_{at}") for at in range(n)]
    resolved = time.perf_counter()
    rows = sum(len(catalog.load(f"entry_{at}")) for at in range(n))
    loaded = time.perf_counter()
tell(resolve=resolved - began, load=loaded - resolved)
expect((len(datasets), rows), (n, 2 * n))
