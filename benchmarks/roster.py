"""Who takes part, with which versions, and how does each do each measure's work? All of it as data."""

from __future__ import annotations

from benchmarks.peer import BARE, PLAIT, Peer, Way
from benchmarks.venvs import CHECKOUT, installer_settings

PY = "python"

FLOOR = Peer(
    BARE,
    install=(),
    ways={
        "B1": (Way("bare", (PY, "-c", "pass")),),
        "B3": (
            Way("sqlite3, a transaction a row", (PY, "floor.py", "{n}"), 1_000),
            Way("sqlite3, a transaction a row", (PY, "floor.py", "{n}"), 10_000),
            Way("sqlite3, a transaction a row", (PY, "floor.py", "{n}"), 100_000, full=True),
        ),
    },
)

OURS = Peer(
    PLAIT,
    install=(".",),
    also=(
        "pandas",
        "pyarrow",
        "fastapi",
        "uvicorn",
        "psycopg[binary]",
        "playwright",
        "distributed",
        "ray",
        "pytest",
        "uv",
    ),
    env={"BENCH_CHECKOUT": str(CHECKOUT), **installer_settings()},  # B11 builds an image
    ways={
        "B1": (
            Way("import plait", (PY, "-c", "import plait")),
            Way("step, pipeline", (PY, "-c", "from plait import step, pipeline")),
        ),
        "B2": (
            Way("plait run", ("plait", "run", "one.py")),
            Way("plait run --executor inline", ("plait", "run", "one.py", "--executor", "inline")),
            Way("python, .run()", (PY, "one.py")),
        ),
        "B3": (
            Way("inline", (PY, "chain.py", "{n}"), 1_000),
            Way("inline", (PY, "chain.py", "{n}"), 10_000),
            Way("inline", (PY, "chain.py", "{n}"), 100_000, full=True),
        ),
        "B4": (Way("processes", (PY, "map.py", "{n}", "fresh"), 10_000),),
        "B5": (
            Way("map", (PY, "map.py", "{n}", "cached"), 10_000, before=((PY, "map.py", "{n}", "fresh"),)),
        ),
        "B5P": tuple(
            Way(
                kind,
                (PY, "plan.py", kind, "{n}", "plan"),
                10_000,
                before=((PY, "plan.py", kind, "{n}", "fill"),),
            )
            for kind in ("map", "chain")
        ),
        "B5K": (
            Way("typical step, warm", (PY, "keys.py", "typical", "{n}"), 1_000),
            Way("step with a dataclass, warm", (PY, "keys.py", "class", "{n}"), 1_000),
            Way("functions never looked at", (PY, "keys.py", "cold", "{n}"), 150),
        ),
        "B6": (
            Way("inline", (PY, "table.py", "inline")),
            Way("processes", (PY, "table.py", "processes")),
        ),
        "B7": (Way("processes", (PY, "map.py", "{n}", "fresh"), 100_000),),
        "B8": (
            Way("SQLite", (PY, "pages.py", "{n}", "sqlite"), 100_000, limit=1_200.0),
            Way("PostgreSQL", (PY, "pages.py", "{n}", "postgresql"), 100_000, limit=1_200.0),
            Way("a map, alone and with a page open", (PY, "watched.py", "{n}"), 10_000),
        ),
        "B9": (Way("plait", ()),),
        "B11": tuple(
            Way(
                name,
                (PY, "executors.py", name, "{n}"),
                n,
                note="no cluster at hand" if name == "kubernetes" else "",
            )
            for name, n in (
                ("inline", 5_000),
                ("threads", 5_000),
                ("processes", 5_000),
                ("dask", 1_000),
                ("ray", 1_000),
                ("ssh", 200),
                ("slurm", 20),
                ("docker", 10),
                ("kubernetes", 1),
            )
        ),
        "B10": tuple(
            Way(label, command, n, before=((PY, "make_catalog.py", "{n}"),))
            for label, command in (
                ("resolve and load all", (PY, "catalog.py", "{n}")),
                ("list the catalog", ("plait", "catalog", "list")),
                ("run a step that reads one", ("plait", "run", "--executor", "inline", "--no-cache")),
            )
            for n in (10, 1_000)
        ),
    },
)

KEDRO = Peer(
    "kedro",
    install=("kedro",),
    also=("kedro-datasets[pandas]", "pandas", "pyarrow"),
    env={"KEDRO_DISABLE_TELEMETRY": "1"},
    ways={
        "B1": (
            Way("node, pipeline", (PY, "-c", "from kedro.pipeline import node, pipeline"), records=False),
            Way("session", (PY, "-c", "from kedro.framework.session import KedroSession"), records=False),
        ),
        "B2": (
            Way("runner alone", (PY, "one.py"), records=False),
            Way("kedro run", ("kedro", "run"), before=((PY, "make_project.py"),), records=False),
        ),
        "B3": (
            Way("sequential", (PY, "chain.py", "{n}", "as it is"), 1_000, records=False),
            Way("sequential, log off", (PY, "chain.py", "{n}", "quiet"), 1_000, records=False),
        ),
        "B4": (Way("parallel", (PY, "map.py", "{n}"), 100, records=False),),
        "B6": (Way("Parquet files", (PY, "table.py"), records=False),),
        "B9": (Way("kedro", ()),),
        "B10": tuple(
            Way(label, command, n, before=((PY, "make_catalog.py", "{n}"),), records=False)
            for label, command in (
                ("resolve and load all", (PY, "catalog.py", "{n}")),
                ("list the catalog", ("kedro", "catalog", "describe-datasets")),
                ("run a step that reads one", ("kedro", "run")),
            )
            for n in (10, 1_000)
        ),
    },
)

METAFLOW = Peer(
    "metaflow",
    install=("metaflow",),
    also=("pandas", "pyarrow"),
    env={"METAFLOW_USER": "bench", "METAFLOW_DEFAULT_METADATA": "local"},
    ways={
        "B1": (Way("FlowSpec, step", (PY, "-c", "from metaflow import FlowSpec, step")),),
        "B2": (Way("run", (PY, "one.py", "run"), note="two steps: a flow has a start and an end"),),
        "B3": (Way("run", (PY, "chain.py", "run"), 20, before=((PY, "make_chain.py", "{n}"),)),),
        "B4": (
            Way(
                "foreach",
                (PY, "map.py", "run", "--n", "{n}", "--max-workers", "2", "--max-num-splits", "1000"),
                100,
            ),
        ),
        "B6": (Way("run", (PY, "table.py", "run")),),
        "B9": (Way("metaflow", ()),),
    },
)

ZENML = Peer(
    "zenml",
    install=("zenml[local]",),
    also=("pandas", "pyarrow"),
    env={"ZENML_ANALYTICS_OPT_IN": "false"},
    ways={
        "B1": (Way("step, pipeline", (PY, "-c", "from zenml import step, pipeline")),),
        "B2": (Way("python", (PY, "one.py")),),
        "B3": (Way("local", (PY, "chain.py", "{n}", "fresh"), 20),),
        "B5": (
            Way(
                "chain",
                (PY, "chain.py", "{n}", "cached"),
                20,
                before=((PY, "chain.py", "{n}", "first"),),
                note="has no local map",
            ),
        ),
        "B6": (Way("local", (PY, "table.py")),),
        "B9": (Way("zenml[local]", ()),),
    },
)

DAGSTER = Peer(
    "dagster",
    install=("dagster",),
    also=("pandas", "pyarrow"),
    ways={
        "B1": (Way("op, job", (PY, "-c", "from dagster import op, job")),),
        "B2": (Way("in process", (PY, "one.py")),),
        "B3": (Way("in process", (PY, "chain.py", "{n}"), 100),),
        "B4": (Way("dynamic, multiprocess", (PY, "map.py", "{n}"), 20),),
        "B6": (Way("pickle files", (PY, "table.py")),),
        "B9": (Way("dagster", ()),),
    },
)

DASK = Peer(
    "dask",
    install=("dask[distributed]",),
    ways={
        "B1": (Way("Client", (PY, "-c", "from dask.distributed import Client"), records=False),),
        "B2": (Way("cluster in process", (PY, "one.py"), records=False),),
        "B3": (
            Way("delayed, no cluster", (PY, "delayed.py", "{n}"), 1_000, records=False),
            Way("cluster in process", (PY, "chain.py", "{n}"), 1_000, records=False),
        ),
        "B4": (Way("client.map", (PY, "map.py", "{n}"), 10_000, records=False),),
        "B7": (Way("client.map", (PY, "map.py", "{n}"), 100_000, records=False),),
        "B9": (Way("dask[distributed]", ()),),
    },
)

PREFECT = Peer(
    "prefect",
    # prefect 3.8 does not start its own server with later versions of fastapi
    install=("prefect", "fastapi==0.150.*"),
    env={
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        # its own limit of 20 s is not enough for its server on a busy machine
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    },
    ways={
        "B1": (Way("flow, task", (PY, "-c", "from prefect import flow, task")),),
        "B2": (Way("python", (PY, "one.py")),),
        "B3": (Way("flow", (PY, "chain.py", "{n}"), 20),),
        "B4": (Way("process pool", (PY, "map.py", "{n}", "fresh"), 50),),
        "B5": (Way("map", (PY, "map.py", "{n}", "cached"), 50, before=((PY, "map.py", "{n}", "first"),)),),
        "B9": (Way("prefect", ()),),
    },
)

REDUN = Peer(
    "redun",
    install=("redun",),
    ways={
        "B1": (Way("task, Scheduler", (PY, "-c", "from redun import task, Scheduler")),),
        "B2": (Way("redun run", ("redun", "run", "one.py", "main")),),
        "B3": (Way("scheduler", (PY, "chain.py", "{n}"), 100),),
        "B4": (Way("process executor", (PY, "map.py", "{n}", "fresh"), 1_000),),
        "B5": (Way("map", (PY, "map.py", "{n}", "cached"), 1_000, before=((PY, "map.py", "{n}", "fresh"),)),),
        "B9": (Way("redun", ()),),
    },
)

RAY = Peer(
    "ray",
    install=("ray",),
    env={"RAY_USAGE_STATS_ENABLED": "0", "RAY_DISABLE_IMPORT_WARNING": "1"},
    ways={
        "B4": (Way("tasks", (PY, "map.py", "{n}"), 10_000, records=False),),
        "B7": (Way("tasks", (PY, "map.py", "{n}"), 100_000, records=False),),
    },
)

PEERS = (KEDRO, METAFLOW, ZENML, DAGSTER, DASK, PREFECT, REDUN, RAY)
