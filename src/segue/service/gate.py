"""Middleware for every request: limits, counting, load shedding, headers."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Mapping, MutableMapping
from types import MappingProxyType
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from segue.console import printable
from segue.service.hosts import Hosts
from segue.service.metrics import Metrics

log = logging.getLogger("segue.service")
API = "/api/v1"
# Answered at once, whatever the load.
UNSHED = frozenset(f"{API}/{name}" for name in ("health", "ready", "version", "metrics"))
BUSY = "The service is busy; try again in a second."
HEAD_TOO_LARGE = "The head of the request is larger than is read here."
_BODY_SECONDS = 10.0
# Of the head of a request: bytes, which is also what the server's parser may gather, and lines.
MAX_HEAD = 64 << 10
MAX_HEADERS = 200
_POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
SAFE_HEADERS = [
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
]
_NO_STORE = (b"cache-control", b"no-store")
_NO_CACHE = (b"cache-control", b"no-cache")


class Slots:
    """Slots that requests take while they are processed or wait.

    Parameters
    ----------
    number

    Attributes
    ----------
    taken
    unanswered : set of (address, port)
        Connections with a request that was passed to the server, for load shedding before it.
    """

    def __init__(self, number: int) -> None:
        self.number, self.taken = number, 0
        self.unanswered: set[tuple[str, int]] = set()

    @property
    def full(self) -> bool:
        """Whether no slot is free."""
        return self.taken >= self.number


class Gate:
    """ASGI middleware around the whole application.

    A request takes one of the `slots` when its body is complete (a slow sender holds none) and
    gives it back when its response is. If none is free it is refused at once: refusals must be
    cheap, or the server would do nothing else.

    Parameters
    ----------
    app
    slots
    hosts
    max_body
        In bytes.
    metrics
    larger
        The same for the paths that may have more.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        slots: Slots,
        hosts: Hosts,
        max_body: int,
        metrics: Metrics,
        larger: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        self._app, self._metrics, self._hosts = app, metrics, hosts
        self._slots, self._max_body, self._larger = slots, max_body, larger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection event."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(self, scope, send)
        try:
            await self._pass(scope, receive, exchange)
        except Exception:
            log.exception("%s %s failed", scope["method"], printable(scope["path"]))
            if exchange.status:  # a partial response cannot be fixed
                raise
            await exchange.refuse(500, "An unexpected server error; the log has details.")
        finally:
            self.leave(exchange)
            self._metrics.observe(
                _route(scope), exchange.status, time.perf_counter() - exchange.came
            )

    async def _pass(self, scope: Scope, receive: Receive, exchange: _Exchange) -> None:
        size = sum(len(name) + len(value) for name, value in scope["headers"])
        if size > MAX_HEAD or len(scope["headers"]) > MAX_HEADERS:
            await exchange.refuse(431, HEAD_TOO_LARGE, close=True)
            return
        refusal = self._hosts.refusal(scope)
        if refusal is not None:
            await exchange.refuse(*refusal, close=True)
            return
        sheds = scope["path"].startswith(f"{API}/") and scope["path"] not in UNSHED
        if sheds and self._slots.full:
            await exchange.refuse(503, BUSY)
            return
        most = self._larger.get(scope["path"], self._max_body)
        try:
            body = await asyncio.wait_for(self._body(scope, receive, most), _BODY_SECONDS)
        except TooLargeError:
            sentence = f"The body is larger than {most} bytes, which is the limit."
            await exchange.refuse(413, sentence, close=True)
            return
        except asyncio.TimeoutError:
            sentence = f"The body did not arrive within {_BODY_SECONDS:g} seconds."
            await exchange.refuse(408, sentence, close=True)
            return
        if body is None:  # the client disconnected
            return
        if sheds:
            if self._slots.full:
                await exchange.refuse(503, BUSY)
                return
            self._slots.taken += 1
            exchange.holds = True
            self._metrics.in_flight.inc()
        told = False

        async def replay() -> Message:
            nonlocal told
            if told:
                return await receive()
            told = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, replay, exchange.send)

    async def _body(self, scope: Scope, receive: Receive, most: int) -> bytes | None:
        for name, value in scope["headers"]:
            if name == b"content-length" and value.isdigit() and int(value) > most:
                raise TooLargeError
        parts, size = [], 0
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return None
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > most:
                raise TooLargeError
            if not message.get("more_body", False):
                return b"".join(parts)

    def leave(self, exchange: _Exchange) -> None:
        """Release the slot, once."""
        if exchange.holds:
            exchange.holds = False
            self._slots.taken -= 1
            self._metrics.in_flight.dec()

    def answered(self, scope: Scope) -> None:
        """Record that a request's connection has its response."""
        self._slots.unanswered.discard(tuple(scope.get("client") or ()))


class TooLargeError(Exception):
    """A body is over the limit."""


class _Exchange:
    """One request on its way through the gate."""

    def __init__(self, gate: Gate, scope: Scope, send: Send) -> None:
        self._gate, self._scope, self._send = gate, scope, send
        self.holds = False
        self.status = 0  # none sent: the client disconnected
        self.came = time.perf_counter()

    async def send(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            api = self._scope["path"].startswith(f"{API}/")
            cache = _NO_STORE if api else _NO_CACHE
            message["headers"] = [*message.get("headers", ()), *SAFE_HEADERS, cache]
            # A slow reader holds no slot.
            self._gate.leave(self)
        elif not message.get("more_body", False):
            self._gate.answered(self._scope)  # before the client can have the whole response
        await self._send(message)

    async def refuse(self, status: int, sentence: str, *, close: bool = False) -> None:
        content = json.dumps({"error": sentence}).encode()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(content)).encode()),
        ]
        if status == 503:
            headers.append((b"retry-after", b"1"))
        if close:  # the rest of the body is not read
            headers.append((b"connection", b"close"))
        await self.send({"type": "http.response.start", "status": status, "headers": headers})
        await self.send({"type": "http.response.body", "body": content})


def _route(scope: Scope) -> str:
    """The declared route of a request: few names, however many paths are requested."""
    path = str(getattr(scope.get("route"), "path", ""))
    if not path:
        return "other"
    return path if path == "/" or path.startswith(API) else API + path
