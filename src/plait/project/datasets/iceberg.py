"""How is an Iceberg table read and written? Its catalog commits in one step and keeps snapshots."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from plait.errors import CatalogError, did_you_mean
from plait.project.datasets.conversion import convert_table, installed_kind, need
from plait.project.datasets.protocol import Context, Written
from plait.project.datasets.storage import is_remote, masked_url


def dataset(
    context: Context,
    *,
    table: str,
    catalog: Mapping[str, Any] | str,
    credentials: Mapping[str, Any] | None = None,
    load_args: Mapping[str, Any] | None = None,
    save_args: Mapping[str, Any] | None = None,
) -> Iceberg:
    """A table of an Iceberg catalog.

    * ``table``: its name with its namespace, such as ``sales.orders``.
    * ``catalog``: the catalog's properties as PyIceberg takes them (``type``, ``uri``, ``warehouse``, …), or
      the name of one that PyIceberg's own configuration describes.
    * ``credentials``: further properties; those of an S3 store may be written as for every other type.
    * ``load_args``: arguments of ``Table.scan``: ``row_filter``, ``selected_fields``, ``limit`` and more.
    * ``save_args``: ``mode``: "overwrite" (as without it) or "append".
    """
    namespace, _, name = table.rpartition(".")
    if not namespace or not name:
        raise CatalogError(
            f"{context.name!r} names the table {table!r}, which has no namespace",
            where=context.where,
            hint="write namespace.table",
        )
    mode = (save_args or {}).get("mode", "overwrite")
    if mode not in {"overwrite", "append"}:
        raise CatalogError(
            f"{context.name!r} has an unknown save mode {mode!r}",
            where=context.where,
            hint=did_you_mean(str(mode), ("overwrite", "append")),
        )
    properties = {"name": catalog} if isinstance(catalog, str) else dict(catalog)
    return Iceberg(
        context, table, {**properties, **_properties(credentials or {})}, dict(load_args or {}), mode
    )


def _properties(credentials: Mapping[str, Any]) -> dict[str, Any]:
    """Credentials in the words of PyIceberg: those of fsspec's S3 clients are translated, others pass as they are."""
    names = {"key": "s3.access-key-id", "secret": "s3.secret-access-key", "token": "s3.session-token"}
    clients = {"endpoint_url": "s3.endpoint", "region_name": "s3.region"}
    found = {
        names.get(str(name), str(name)): value
        for name, value in credentials.items()
        if name != "client_kwargs"
    }
    if "s3.access-key-id" not in found and "token" in credentials:
        found["token"] = found.pop("s3.session-token")  # that of a REST catalog
    client = credentials.get("client_kwargs")
    if isinstance(client, Mapping):
        found |= {clients.get(str(name), str(name)): value for name, value in client.items()}
    return found


class Iceberg:
    """An Iceberg table. See ``dataset``."""

    def __init__(
        self, context: Context, table: str, properties: dict[str, Any], load_args: dict[str, Any], mode: str
    ) -> None:
        self.context = context
        self.table = table
        self.properties = properties
        self.load_args = load_args
        self.mode = mode
        self._opened: Any = None

    def load(self) -> Any:
        return self.load_as(None)

    def load_as(self, wanted: str | None) -> Any:
        table = self._found()
        if table is None:
            raise CatalogError(
                f"dataset {self.context.name!r} has no data: there is no table {self.table!r} in "
                f"{self._shown} "
                f"(environment {self.context.env!r})",
                where=self.context.where,
                hint=did_you_mean(self.table, self._tables()),
            )
        arguments = dict(self.load_args)
        if self.context.load_version is not None:
            arguments["snapshot_id"] = self._snapshot(table, self.context.load_version)
        return convert_table(
            table.scan(**arguments).to_arrow(),
            wanted or installed_kind("pandas", "polars", "pyarrow") or "pyarrow",
        )

    def save(self, value: Any) -> Written:
        arrow = convert_table(value, "pyarrow")
        catalog = self._catalog
        catalog.create_namespace_if_not_exists(self.table.rpartition(".")[0])
        table = catalog.create_table_if_not_exists(self.table, schema=arrow.schema)
        with table.transaction() as change:
            with change.update_schema() as schema:
                schema.union_by_name(arrow.schema)
                if self.mode == "overwrite":
                    for gone in set(table.schema().column_names) - set(arrow.column_names):
                        schema.delete_column(gone)
            if self.mode == "append" or table.current_snapshot() is None:
                change.append(arrow)
            else:
                change.overwrite(arrow)
        current = self._found()
        snapshot = current.current_snapshot() if current is not None else None
        version = str(snapshot.snapshot_id) if snapshot else None
        return Written(place=f"{self._shown} · {self.table}", content=self.fingerprint(), version=version)

    def exists(self) -> bool:
        return self._found() is not None

    def fingerprint(self) -> str | None:
        table = self._found()
        if table is None:
            return None
        snapshot = table.current_snapshot()
        number = self.context.load_version or (snapshot.snapshot_id if snapshot else None)
        return f"iceberg:{table.metadata.table_uuid}:{number}"

    def versions(self) -> list[str]:
        """The table's snapshots, newest first."""
        table = self._found()
        return [] if table is None else [str(entry.snapshot_id) for entry in reversed(table.history())]

    def _snapshot(self, table: Any, version: str) -> int:
        known = [str(entry.snapshot_id) for entry in table.history()]
        if str(version) not in known:
            raise CatalogError(
                f"dataset {self.context.name!r} has no version {version!r} (environment "
                f"{self.context.env!r})",
                where=self.context.where,
                hint=did_you_mean(str(version), known),
            )
        return int(version)

    @property
    def _catalog(self) -> Any:
        if self._opened is None:
            module = need("pyiceberg.catalog", "an Iceberg table", "pyiceberg[sql-sqlite,pyarrow]")
            properties = {key: self._rooted(value) for key, value in self.properties.items()}
            self._opened = module.load_catalog(properties.pop("name", "default"), **properties)
        return self._opened

    def _rooted(self, value: Any) -> Any:
        """Relative SQLite files and warehouses start at the project's root; the folder of a file is made."""
        if not isinstance(value, str):
            return value
        if (
            value.startswith("sqlite:///")
            and not value.startswith("sqlite:////")
            and value != "sqlite:///:memory:"
        ):
            file = self.context.root / value.removeprefix("sqlite:///")
            file.parent.mkdir(parents=True, exist_ok=True)
            return f"sqlite:///{file}"
        if value.startswith(("./", "data/")) and not is_remote(value):
            return Path(self.context.root, value).as_uri()
        return value

    @property
    def _shown(self) -> str:
        return masked_url(str(self.properties.get("uri") or self.properties.get("name") or "the catalog"))

    def _found(self) -> Any:
        exceptions = need("pyiceberg.exceptions", "an Iceberg table", "pyiceberg[sql-sqlite,pyarrow]")
        try:
            return self._catalog.load_table(self.table)
        except (exceptions.NoSuchTableError, exceptions.NoSuchNamespaceError):
            return None

    def _tables(self) -> list[str]:
        exceptions = need("pyiceberg.exceptions", "an Iceberg table", "pyiceberg[sql-sqlite,pyarrow]")
        try:
            return [".".join(name) for name in self._catalog.list_tables(self.table.rpartition(".")[0])]
        except exceptions.NoSuchNamespaceError:
            return []

    def release(self) -> None:
        self._opened = None
