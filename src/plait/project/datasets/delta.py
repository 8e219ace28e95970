"""How is a Delta Lake table read and written? It keeps its versions and commits in one step by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plait.errors import CatalogError
from plait.project.datasets.conversion import convert_table, installed_kind, kind_of_value, need
from plait.project.datasets.protocol import Context, Written
from plait.project.datasets.storage import Place, place_of

__all__ = ["Delta", "dataset", "store_options"]


def dataset(
    context: Context,
    *,
    filepath: str,
    load_args: Mapping[str, Any] | None = None,
    save_args: Mapping[str, Any] | None = None,
    credentials: Mapping[str, Any] | None = None,
    fs_args: Mapping[str, Any] | None = None,
) -> Delta:
    """A table at a path or URL.

    * ``load_args``: ``version`` (a number), ``columns`` and ``filters``.
    * ``save_args``: arguments of ``deltalake.write_deltalake``; ``mode`` is "overwrite" without it.
    """
    place = place_of(
        filepath,
        root=context.root,
        credentials=credentials,
        fs_args=fs_args,
        dataset=context.name,
        env=context.env,
        where=context.where,
    )
    return Delta(context, place, dict(load_args or {}), dict(save_args or {}))


class Delta:
    """A Delta table. See ``dataset``."""

    def __init__(
        self, context: Context, place: Place, load_args: dict[str, Any], save_args: dict[str, Any]
    ) -> None:
        self.context = context
        self.place = place
        self.load_args = load_args
        self.save_args = save_args

    def load(self) -> Any:
        return self.load_as(None)

    def load_as(self, wanted: str | None) -> Any:
        arguments = dict(self.load_args)
        version = (
            self.context.load_version
            if self.context.load_version is not None
            else arguments.pop("version", None)
        )
        arguments.pop("version", None)
        table = self._table(None if version is None else self._number(version))
        if table is None:
            raise self.place.missing()
        return convert_table(
            table.to_pyarrow_table(**arguments),
            wanted or installed_kind("pandas", "polars", "pyarrow") or "pyarrow",
        )

    def save(self, value: Any) -> Written:
        deltalake = need("deltalake", "a Delta table")
        table = convert_table(value, "polars" if kind_of_value(value) == "polars" else "pyarrow")
        if self.place.local is not None:
            self.place.local.parent.mkdir(parents=True, exist_ok=True)
        arguments = {"mode": "overwrite", **self.save_args}
        if (
            arguments["mode"] == "overwrite"
            and "schema_mode" not in arguments
            and "predicate" not in arguments
        ):
            arguments["schema_mode"] = "overwrite"
        deltalake.write_deltalake(self.place.url, table, storage_options=self._options(), **arguments)
        written = self._table(None)
        version = str(written.version()) if written is not None else None
        return Written(place=self.place.shown, content=self.fingerprint(), version=version)

    def exists(self) -> bool:
        return self._table(None) is not None

    def fingerprint(self) -> str | None:
        pinned = self.context.load_version
        table = self._table(None if pinned is None else self._number(pinned))
        return None if table is None else f"delta:{table.metadata().id}:{table.version()}"

    def versions(self) -> list[str]:
        """The table's own versions, newest first."""
        table = self._table(None)
        return [] if table is None else [str(entry["version"]) for entry in table.history()]

    def _number(self, version: Any) -> int:
        try:
            return int(version)
        except (TypeError, ValueError) as error:
            raise CatalogError(
                f"dataset {self.context.name!r} has no version {version!r}: a Delta table counts "
                "its versions",
                where=self.context.where,
                hint=f"there is: {', '.join(self.versions()[:8])}",
            ) from error

    def _table(self, version: int | None) -> Any:
        deltalake = need("deltalake", "a Delta table")
        options = self._options()
        if not deltalake.DeltaTable.is_deltatable(self.place.url, storage_options=options):
            return None
        try:
            return deltalake.DeltaTable(self.place.url, version=version, storage_options=options)
        except deltalake.exceptions.DeltaError as error:
            if version is None:
                raise
            raise CatalogError(
                f"dataset {self.context.name!r} has no version {version} (environment {self.context.env!r})",
                where=self.context.where,
                hint=f"there is: {', '.join(self.versions()[:8])}",
            ) from error

    def _options(self) -> dict[str, str] | None:
        return store_options(self.place.options) if not self.place.is_local else None


def store_options(options: Mapping[str, Any]) -> dict[str, str] | None:
    """The options of fsspec's clients in the words of the Rust object stores; those pass as they are."""
    names = {"key": "AWS_ACCESS_KEY_ID", "secret": "AWS_SECRET_ACCESS_KEY", "token": "AWS_SESSION_TOKEN",
             "endpoint_url": "AWS_ENDPOINT_URL", "account_name": "AZURE_STORAGE_ACCOUNT_NAME",
             "account_key": "AZURE_STORAGE_ACCOUNT_KEY", "sas_token": "AZURE_STORAGE_SAS_TOKEN"}  # fmt: skip
    found: dict[str, str] = {}
    for key, value in options.items():
        if isinstance(value, (str, int, float, bool)):
            found[names.get(key, key)] = str(value)
    client = options.get("client_kwargs")
    if isinstance(client, Mapping):
        for key, name in (("endpoint_url", "AWS_ENDPOINT_URL"), ("region_name", "AWS_REGION")):
            if client.get(key):
                found[name] = str(client[key])
    if found.get("AWS_ENDPOINT_URL", "").startswith("http://"):
        found.setdefault("AWS_ALLOW_HTTP", "true")
    return found or None
