"""Does a failure of a store pass by itself, and how long is it waited for?"""

from __future__ import annotations

import errno
import random
import time
from collections.abc import Callable, Iterator
from typing import Any, Literal, TypeVar

__all__ = ["Patience", "kind_of", "status_of"]

T = TypeVar("T")
Kind = Literal["busy", "broken", "lasting"]

_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 15.0
_AT_FIRST_SECONDS = 8.0
_BUSY_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504, 509, 529})
_BUSY_CODES = frozenset({
    "BandwidthLimitExceeded", "InternalError", "PriorRequestNotComplete", "ProvisionedThroughputExceededException",
    "RequestLimitExceeded", "RequestThrottled", "RequestThrottledException", "RequestTimeout", "ServerBusy",
    "ServiceUnavailable", "SlowDown", "Throttling", "ThrottlingException", "TooManyRequestsException",
    "OperationTimedOut",
})  # fmt: skip
_BROKEN_ERRNO = frozenset({
    errno.ECONNRESET, errno.EPIPE, errno.ETIMEDOUT, errno.ECONNREFUSED, errno.ECONNABORTED, errno.EHOSTUNREACH,
    errno.ENETUNREACH, errno.ENOTCONN,
})  # fmt: skip
# What libraries raise when a connection is refused, broken off or silent; by name, so that none is imported for it.
_BROKEN_NAMES = frozenset({
    "ClientConnectionError", "ClientConnectorError", "ClientOSError", "ClientPayloadError", "ConnectTimeoutError",
    "ConnectionClosedError", "ConnectionTimeoutError", "EndpointConnectionError", "HTTPClientError", "IncompleteRead",
    "IncompleteReadError", "ReadTimeoutError", "ResponseStreamingError", "SSHException", "ServerDisconnectedError",
    "ServerTimeoutError", "ServiceRequestError", "ServiceResponseError", "SocketTimeoutError", "EOFError",
    "NoValidConnectionsError", "ChannelException", "gaierror",
})  # fmt: skip


class Patience:
    """Asks a store again, with growing pauses, while what it says passes by itself.

    One that answers that it is busy is waited for as long as was agreed. One that cannot be reached at all is so only
    after it has been reached once: before that it is more likely that its address is wrong.
    """

    def __init__(self, seconds: float, renew: Callable[[], None] = lambda: None) -> None:
        self._seconds = seconds
        self._renew = renew
        self._reached = False

    def ask(self, work: Callable[[], T]) -> T:
        """What the work answers, sooner or later.

        Raises:
            Exception: as the work raised it last, when it does not pass or has not passed in time.
        """
        began, pause = time.monotonic(), _FIRST_PAUSE
        while True:
            try:
                answer = work()
            except FileNotFoundError:
                self._reached = True
                raise
            except Exception as error:
                kind = kind_of(error)
                most = (
                    self._seconds
                    if kind == "busy" or self._reached
                    else min(_AT_FIRST_SECONDS, self._seconds)
                )
                if kind == "lasting" or time.monotonic() - began + pause > most:
                    raise
                if kind == "broken":
                    self._renew()
                # Many tasks that were refused at once do not come back at once.
                time.sleep(pause * random.uniform(0.7, 1.3))  # noqa: S311 - no secret
                pause = min(2 * pause, _LONGEST_PAUSE)
            else:
                self._reached = True
                return answer


def kind_of(error: BaseException) -> Kind:
    """Whether a store is busy, the way to it broken, or the failure there to stay."""
    for one in _chain(error):
        status, code = status_of(one)
        if status in _BUSY_STATUS or code in _BUSY_CODES:
            return "busy"
        if status is not None and 400 <= status < 500:
            return "lasting"
        if isinstance(one, (FileNotFoundError, PermissionError)):
            return "lasting"
        if isinstance(one, (ConnectionError, TimeoutError, EOFError)):
            return "broken"
        if isinstance(one, OSError) and one.errno in (errno.EBUSY, errno.EAGAIN):
            return "busy"
        if isinstance(one, OSError) and one.errno in _BROKEN_ERRNO:
            return "broken"
        if any(cls.__name__ in _BROKEN_NAMES for cls in type(one).__mro__):
            return "broken"
    return "lasting"


def status_of(error: BaseException) -> tuple[int | None, str | None]:
    """The HTTP status and the store's own code in an error, as far as it has them."""
    response: Any = getattr(error, "response", None)
    if isinstance(response, dict):  # botocore
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        return status if isinstance(status, int) else None, response.get("Error", {}).get("Code")
    code = getattr(error, "error_code", None)
    for name in ("status_code", "status", "code"):
        found = getattr(error, name, None)
        if isinstance(found, int) and 100 <= found < 600:
            return found, str(code) if code else None
        if isinstance(found, str) and found.isdecimal() and len(found) == 3:
            return int(found), None
    return None, str(code) if code else None


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    found: BaseException | None = error
    while found is not None and id(found) not in seen:
        seen.add(id(found))
        yield found
        found = found.__cause__ or found.__context__
