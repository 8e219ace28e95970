"""Who may ask, and from where? Looked at before anything else is done with a request."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlencode, urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from plait.server.problems import Problem, error_answer
from plait.server.settings import LOOPBACK, Settings

__all__ = ["COOKIE", "POLICY", "Guard", "allowed_hosts"]

COOKIE = "plait_token"
HEADER = b"x-plait"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline';"
    " img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; worker-src 'self'; frame-src 'self';"
    " manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_READING = frozenset({"GET", "HEAD"})
_OPEN = frozenset({"/api/v1/login"})
_LARGEST_BODY = 8 * 2**20


class Guard:
    """Checks the host, the origin, the token and the header of every request, and puts headers on every answer."""

    def __init__(self, app: ASGIApp, settings: Settings, version: str, api: str) -> None:
        self._app = app
        self._settings = settings
        self._hosts = allowed_hosts(settings)
        self._headers = [
            (b"x-plait-version", version.encode()),
            (b"x-plait-api", api.encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"no-referrer"),
            (b"cross-origin-opener-policy", b"same-origin"),
            (b"cross-origin-resource-policy", b"same-origin"),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        headers: dict[bytes, bytes] = dict(scope["headers"])
        refused = self._refusal(scope, headers)

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *self._headers]
                if b"content-security-policy" not in present:
                    message["headers"].append((b"content-security-policy", POLICY.encode()))
                if b"cache-control" not in present:
                    message["headers"].append((b"cache-control", b"no-store"))
            await send(message)

        if refused is not None:
            await error_answer(*refused)(scope, receive, guarded)
            return
        if self._settings.token and scope["path"] == "/" and b"token=" in scope["query_string"]:
            await self._keep_token(scope, receive, guarded)
            return
        await self._app(scope, receive, guarded)

    def _refusal(self, scope: Scope, headers: Mapping[bytes, bytes]) -> tuple[int, Problem] | None:
        host = headers.get(b"host", b"").decode("latin-1")
        if _name(host) not in self._hosts:
            return 403, Problem(
                "forbidden",
                f"this server is not called {host!r}",
                "start it with --allow-host NAME if it may be called so",
            )
        reading = scope["method"] in _READING
        origin = headers.get(b"origin", b"").decode("latin-1")
        site = headers.get(b"sec-fetch-site", b"").decode("latin-1")
        foreign = site not in ("", "same-origin", "none")
        if (origin and not self._own_origin(origin, host)) or (
            foreign and (not reading or scope["path"].startswith("/api/"))
        ):
            return 403, Problem("forbidden", f"a page of {origin or 'another place'} may not ask this server")
        if scope["path"] in _OPEN or not scope["path"].startswith("/api/"):
            return None
        if self._settings.token and not self._has_token(headers):
            return 401, Problem(
                "unauthorized",
                "this server asks for its token",
                "it was printed where plait ui was started; open the address that was printed with it",
            )
        if not reading:
            if headers.get(HEADER) is None:
                return 403, Problem(
                    "forbidden", "a request that changes something needs the header X-Plait: 1"
                )
            if self._settings.read_only:
                return 403, Problem("read_only", "this server was started with --read-only")
            length = headers.get(b"content-length", b"0")
            if not length.isdigit() or int(length) > _LARGEST_BODY:
                return 413, Problem("too_large", "the body of the request is too large")
        return None

    def _own_origin(self, origin: str, host: str) -> bool:
        parts = urlsplit(origin)
        return parts.scheme in ("http", "https") and parts.netloc == host

    def _has_token(self, headers: Mapping[bytes, bytes]) -> bool:
        token = self._settings.token or ""
        kind, _, said = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
        if kind.lower() == "bearer" and hmac.compare_digest(said.strip().encode(), token.encode()):
            return True
        cookies: SimpleCookie = SimpleCookie()
        try:
            cookies.load(headers.get(b"cookie", b"").decode("latin-1"))
        except CookieError:
            return False
        held = cookies.get(COOKIE)
        return held is not None and hmac.compare_digest(held.value.encode(), token.encode())

    async def _keep_token(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Puts the token of an address into a cookie, so that it stays in no history and no log."""
        from starlette.responses import RedirectResponse

        asked = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        said = (asked.pop("token", None) or [""])[0]
        rest = urlencode(asked, doseq=True)
        answer = RedirectResponse("/" + (f"?{rest}" if rest else ""), 303)
        if hmac.compare_digest(said.encode(), (self._settings.token or "").encode()):
            keep_token(answer, said)
        await answer(scope, receive, send)


def keep_token(answer: object, token: str) -> None:
    """Set the cookie of somebody who has brought the token."""
    answer.set_cookie(COOKIE, token, httponly=True, samesite="strict", path="/")  # type: ignore[attr-defined]


def allowed_hosts(settings: Settings) -> frozenset[str]:
    """The names that a request may call the server by: a page elsewhere cannot reach it by a name of its own."""
    names = {*LOOPBACK, *settings.hosts}
    if settings.host not in LOOPBACK:
        import socket

        names |= {settings.host, socket.gethostname(), socket.getfqdn()}
        if settings.host in ("0.0.0.0", "::"):  # noqa: S104 - whoever asked for it has a token
            names |= _own_addresses()
    return frozenset(name.lower() for name in names if name)


def _own_addresses() -> set[str]:
    import psutil

    return {
        address.address.partition("%")[0]
        for addresses in psutil.net_if_addrs().values()
        for address in addresses
        if address.family.name in ("AF_INET", "AF_INET6")
    }


def _name(host: str) -> str:
    """The name in ``name:port`` and ``[::1]:port``."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""
