"""Load shedding before a request is even read: with all slots taken there is no time for more.

Reading a request, finding its route and writing a response takes a Python server a good part of the
time of a small completion. At four times its capacity it would be busy only with refusals. So a
plain request for a route that may be refused is answered with prepared bytes, and the server's own
parser never sees it.

No existing library does that. uvicorn's ``limit_concurrency`` counts connections, including idle
ones, so that an open page takes a slot; it also refuses health checks, sends no ``Retry-After``,
and reads the whole request first. At four times the capacity, in three rounds on a busy two-core
machine, the goodput per second of server work, relative to that at capacity, was .81 with this
shedding (.94 on a quieter machine), .58 with the gate alone, and .09 with ``limit_concurrency``
(measured by `benchmarks/service_load.py`).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.auto import AutoHTTPProtocol

from segue.service.gate import (
    API,
    BUSY,
    HEAD_TOO_LARGE,
    MAX_HEAD,
    MAX_HEADERS,
    SAFE_HEADERS,
    UNSHED,
    Slots,
)


def _answer(status: bytes, sentence: str, *headers: bytes) -> bytes:
    """A whole response with an error."""
    body = b'{"error": "%s"}' % sentence.encode()
    lines = [
        b"HTTP/1.1 " + status,
        b"content-type: application/json",
        b"content-length: %d" % len(body),
        b"cache-control: no-store",
        *headers,
        *(name + b": " + value for name, value in SAFE_HEADERS),
        b"",
        body,
    ]
    return b"\r\n".join(lines)


_BUSY = _answer(b"503 Service Unavailable", BUSY, b"retry-after: 1")
_TOO_LARGE = _answer(b"431 Request Header Fields Too Large", HEAD_TOO_LARGE, b"connection: close")
# Time for the head of a request to arrive, and for a client to take some of its response.
_PATIENCE = 10.0
# Time for requests that are on their way when the service ends.
_LAST_CALL = 0.5
_HEAD_END = re.compile(rb"\n\r?\n")
_REQUEST = re.compile(rb"(?:GET|POST) (" + API.encode() + rb"/[^\s?#]*)\S* HTTP/1\.1\r\n")
# Headers that would make the length of the body, or the responder, depend on more than one header.
_UNUSUAL = re.compile(rb"\r\n(?:transfer-encoding|expect|upgrade|connection)\s*:", re.IGNORECASE)
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d{1,9}) *(?=\r\n)", re.IGNORECASE)
_KEEPS = re.compile(rb"\r\nconnection: *keep-alive *(?=\r\n)", re.IGNORECASE)


def plain_request(data: bytes) -> tuple[bytes, int] | None:
    """For a plain API request that begins here: its path, and the number of body bytes to come.

    None if these bytes are anything else, less than its head, or more than the request.
    """
    found = _REQUEST.match(data)
    end = data.find(b"\r\n\r\n")
    if found is None or end < 0:
        return None
    head = _KEEPS.sub(b"", data[: end + 2])
    lengths = _LENGTH.findall(head)
    if _UNUSUAL.search(head) or head.lower().count(b"content-length") != len(lengths):
        return None
    if len(lengths) > 1:
        return None
    missing = end + 4 + int(lengths[0] if lengths else 0) - len(data)
    return (found[1], missing) if missing >= 0 else None


def shedding(
    slots: Slots, count: Callable[[], None], arrive: Callable[[], None]
) -> type[asyncio.Protocol]:
    """The server's protocol, with load shedding.

    Parameters
    ----------
    slots
        The slots that requests take.
    count
        Called for each refusal.
    arrive
        Called whenever somebody connects or says something.
    """
    unshed = {path.encode() for path in UNSHED}

    class Shedding(AutoHTTPProtocol):  # type: ignore[misc, valid-type]
        # Bytes until the next request begins; None: unknown, so nothing is refused from here on.
        missing: int | None = 0
        refusing = False
        # Of a head that has not arrived completely: its bytes and lines so far, and the last bytes.
        head, lines, last = 0, 0, b""
        patience: asyncio.TimerHandle | None = None
        stalled: asyncio.TimerHandle | None = None
        # The request that is being answered; `cycle` is the latest one on this connection.
        answering: Any = None

        def connection_made(self, transport: Any) -> None:
            arrive()
            self.connection = transport
            # A client that has already disconnected has no address.
            host, port, *_ = transport.get_extra_info("peername") or ("", 0)
            self.peer = str(host), int(port)
            super().connection_made(transport)
            self._expect_head()

        def connection_lost(self, error: Exception | None) -> None:
            slots.unanswered.discard(self.peer)
            self._expect_nothing()
            if self.stalled is not None:
                self.stalled.cancel()
            if self.answering is not None:
                self.answering.disconnected = True  # else it would write into a closed connection
            super().connection_lost(error)

        def _start_asgi_task(self, cycle: Any, app: Any) -> None:
            self.answering = cycle
            super()._start_asgi_task(cycle, app)

        def data_received(self, data: bytes) -> None:
            arrive()
            if self.missing and self.refusing:
                # A client with its response may send the next request right after this body.
                rest = data[self.missing :]
                self.missing -= len(data) - len(rest)
                if not rest:
                    return
                data = rest
            elif self.missing:
                self.missing = self.missing - len(data) if len(data) <= self.missing else None
                self._pass_on(data)
                return
            self.refusing = False
            request = plain_request(data) if self.missing == 0 else None
            self.missing = None if request is None else request[1]
            if request is not None and slots.full and request[0] not in unshed and self._idle():
                self.refusing = True
                count()  # before the client can have the response
                self.connection.write(_BUSY)
                self._expect_nothing()
                self._expect_head()
                return
            slots.unanswered.add(self.peer)
            self._pass_on(data)

        def _pass_on(self, data: bytes) -> None:
            """Let the server read, and see to it that heads are neither endless nor late."""
            before = self.cycle
            if before is None or not before.more_body:
                self._count_head(data)
                if self.head > MAX_HEAD or self.lines > MAX_HEADERS + 2:  # and first, last
                    # Not even read: for some thousand headers the parser would take milliseconds.
                    self.connection.write(_TOO_LARGE)
                    self.connection.close()
                    return
            super().data_received(data)
            if self.cycle is not before:
                self.head, self.lines, self.last = 0, 0, b""
                self._expect_nothing()
            elif self.patience is None and (before is None or before.response_complete):
                self._expect_head()

        def _count_head(self, data: bytes) -> None:
            known = len(self.last)
            data = self.last + data
            found = _HEAD_END.search(data, 0, MAX_HEAD)
            end = len(data) if found is None else found.end()
            self.head += end - known
            self.lines += data.count(b"\n", known, end)
            self.last = data[-2:]

        def _expect_head(self) -> None:
            """Wait for the rest of a head, but not for ever: the connection is closed then."""
            self.patience = self.loop.call_later(_PATIENCE, self.connection.close)

        def _expect_nothing(self) -> None:
            if self.patience is not None:
                self.patience.cancel()
                self.patience = None

        def shutdown(self) -> None:
            """The service ends: what does not arrive soon is not waited for."""
            if self.cycle is None or self.cycle.response_complete or self.cycle.more_body:
                # A request, or its rest, may be on its way that was sent in time.
                # (The second timer: between two, the event loop reads what has arrived, however
                # late it is itself.)
                self.loop.call_later(_LAST_CALL, self.loop.call_later, 0.01, self._end)
            else:
                super().shutdown()

        def _end(self) -> None:
            if self.cycle is not None and self.cycle.more_body:
                self.connection.close()
            else:
                super().shutdown()

        def pause_writing(self) -> None:
            super().pause_writing()
            self._watch(self.connection.get_write_buffer_size())

        def resume_writing(self) -> None:
            super().resume_writing()
            if self.stalled is not None:
                self.stalled.cancel()

        def _watch(self, size: int) -> None:
            """Disconnect a client that takes none of its response: it holds memory."""

            def look() -> None:
                left = self.connection.get_write_buffer_size()
                if left < size:
                    self._watch(left)
                else:
                    self.connection.abort()

            self.stalled = self.loop.call_later(_PATIENCE, look)

        def _idle(self) -> bool:
            """Whether no response is pending, and all sent ones have been received."""
            waits = self.peer in slots.unanswered
            return not waits and not self.connection.get_write_buffer_size()

    return Shedding
