"""How does a step get a SparkSession? By asking for one: ``def clean(spark: SparkSession, table): …``.

Each class is a type: its fields are the options of ``spark:`` in ``stack.yml``. A session is made once for a process,
and serves all steps that run there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from msgspec import Struct

from plait.errors import ConfError

if TYPE_CHECKING:
    from plait.project.project import Project

__all__ = ["Connect", "Session"]


class Session(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A session of this process, whose executors are where its master says.

    Attributes:
        master: ``local[4]``, ``spark://host:7077``, ``yarn``, ``k8s://…``; what spark-defaults.conf says if left out.
        app_name: what Spark shows it as.
        config: settings of Spark: ``{spark.executor.memory: 4g}``.
        hive: whether tables of Hive can be seen.
    """

    integration: ClassVar[str] = "spark"
    schemes: ClassVar[tuple[str, ...]] = ("spark", "k8s")

    url: str | None = None
    master: str | None = None
    app_name: str = "plait"
    config: dict[str, Any] = {}
    hive: bool = False

    def open(self, project: Project | None) -> Any:
        builder = _builder().appName(self.app_name)
        master = self.master or self.url
        if master is not None:
            builder = builder.master(master)
        builder = _configured(builder, self.config)
        if self.hive:
            builder = builder.enableHiveSupport()
        return _made(builder, master or "the master of spark-defaults.conf")


class Connect(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A session of a server that speaks Spark Connect.

    Attributes:
        url: ``sc://host:15002``.
        config: settings of the session.
    """

    integration: ClassVar[str] = "spark"
    schemes: ClassVar[tuple[str, ...]] = ("sc",)

    url: str
    config: dict[str, Any] = {}

    def open(self, project: Project | None) -> Any:
        return _made(_configured(_builder().remote(self.url), self.config), self.url)


def _builder() -> Any:
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise ConfError(
            "a step asks for a SparkSession, and pyspark is not installed",
            hint="plait integration install spark",
        ) from None
    return SparkSession.builder


def _configured(builder: Any, config: dict[str, Any]) -> Any:
    for name, value in config.items():
        builder = builder.config(name, str(value).lower() if isinstance(value, bool) else value)
    return builder


def _made(builder: Any, where: str) -> Any:
    try:
        return builder.getOrCreate()
    except Exception as error:
        said = str(error).strip().splitlines()
        raise ConfError(
            f"there is no Spark session at {where}: {said[0] if said else type(error).__name__}",
            hint="Spark needs Java (JAVA_HOME); the master and its settings are those of spark: in stack.yml",
        ) from error
