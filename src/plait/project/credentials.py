"""Which of the values among credentials are secret?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from plait.project.origin import Node
from plait.project.secrets import Secret

__all__ = ["NOT_SECRET", "SECRET_OPTION", "passwords_in", "sealed", "sealed_options"]

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


# Options of a stack's components that are secret by their names, whoever declares them.
SECRET_OPTION = re.compile(
    r"(^|_)(password|passphrase|passwd|secret|token|webhook|credential|credentials|api_key|access_key|account_key"
    r"|secret_key|private_key|connection_string|sas)$"
)
_PASSWORD = re.compile(r"://[^/@\s:]*:([^@\s]+)@")


def sealed_options(node: Node, key: Any) -> Node:
    """What a stack says, with each option that is secret by its name a ``Secret``."""
    value = node.value
    if type(value) is dict:
        # Whoever has the URL of a webhook can write there: it is a secret, however it is called.
        inside = {
            name: sealed_options(inner, key if key == "alerter" and name == "url" else name)
            for name, inner in value.items()
        }
        return Node(inside, node.origin)
    if type(value) is list:
        return Node([sealed_options(inner, key) for inner in value], node.origin)
    if type(value) is str and (SECRET_OPTION.search(str(key)) or (key == "alerter" and "://" in value)):
        return Node(Secret(value), node.origin)
    return node


def passwords_in(node: Node) -> Iterator[Secret]:
    """The passwords inside the URLs of a stack: the URL itself may be shown, they may not."""
    value = node.value
    if type(value) in (dict, list):
        for inner in value.values() if type(value) is dict else value:
            yield from passwords_in(inner)
    elif type(value) is str:
        yield from (Secret(found[1]) for found in _PASSWORD.finditer(value))
