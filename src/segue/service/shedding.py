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

from segue.service.gate import API, BUSY, SAFE_HEADERS, UNSHED, Slots

_BODY = b'{"error": "%s"}' % BUSY.encode()
_ANSWER = b"\r\n".join(
    [
        b"HTTP/1.1 503 Service Unavailable",
        b"content-type: application/json",
        b"content-length: %d" % len(_BODY),
        b"retry-after: 1",
        b"cache-control: no-store",
        *(name + b": " + value for name, value in SAFE_HEADERS),
        b"",
        _BODY,
    ]
)
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


def shedding(slots: Slots, count: Callable[[], None]) -> type[asyncio.Protocol]:
    """The server's protocol, with load shedding.

    Parameters
    ----------
    slots
        The slots that requests take.
    count
        Called for each refusal.
    """
    unshed = {path.encode() for path in UNSHED}

    class Shedding(AutoHTTPProtocol):  # type: ignore[misc, valid-type]
        # Bytes until the next request begins; None: unknown, so nothing is refused from here on.
        missing: int | None = 0
        refusing = False

        def connection_made(self, transport: Any) -> None:
            self.connection = transport
            # A client that has already disconnected has no address.
            host, port, *_ = transport.get_extra_info("peername") or ("", 0)
            self.peer = str(host), int(port)
            super().connection_made(transport)

        def connection_lost(self, error: Exception | None) -> None:
            slots.unanswered.discard(self.peer)
            super().connection_lost(error)

        def data_received(self, data: bytes) -> None:
            if self.missing and self.refusing:
                # A client with its response may send the next request right after this body.
                rest = data[self.missing :]
                self.missing -= len(data) - len(rest)
                if not rest:
                    return
                data = rest
            elif self.missing:
                self.missing = self.missing - len(data) if len(data) <= self.missing else None
                super().data_received(data)
                return
            self.refusing = False
            request = plain_request(data) if self.missing == 0 else None
            self.missing = None if request is None else request[1]
            if request is not None and slots.full and request[0] not in unshed and self._idle():
                self.refusing = True
                count()  # before the client can have the response
                self.connection.write(_ANSWER)
                return
            slots.unanswered.add(self.peer)
            super().data_received(data)

        def _idle(self) -> bool:
            """Whether no response is pending, and all sent ones have been received."""
            waits = self.peer in slots.unanswered
            return not waits and not self.connection.get_write_buffer_size()

    return Shedding
