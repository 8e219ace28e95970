"""Which of the values among credentials are secret?"""

from __future__ import annotations

from typing import Any

from plait.project.origin import Node
from plait.project.secrets import Secret

__all__ = ["NOT_SECRET", "sealed"]

# Settings that stand beside a secret and are none; every other text or number among credentials is masked.
NOT_SECRET = frozenset({
    "account_name", "anon", "api_version", "database", "dbname", "dialect", "driver", "drivername",
    "endpoint", "endpoint_url", "host", "hostname", "port", "project", "protocol", "region", "region_name",
    "schema", "scheme", "service", "storage_account", "type", "url_style", "use_ssl", "user", "username",
    "verify", "version", "warehouse",
})  # fmt: skip


def sealed(node: Node, key: Any) -> Node:
    """Credentials with each value a ``Secret``, except where its key says that it is none."""
    value = node.value
    if type(value) is dict:
        return Node({name: sealed(inner, name) for name, inner in value.items()}, node.origin)
    if type(value) is list:
        return Node([sealed(inner, key) for inner in value], node.origin)
    if type(value) is str and not (key in NOT_SECRET and "@" not in value):
        return Node(Secret(value), node.origin)
    if type(value) is int and key not in NOT_SECRET:
        return Node(Secret(str(value)), node.origin, str(value))
    return node
