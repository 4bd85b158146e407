"""Refusal before a request is even read: where all slots are taken, that is all there is time for.

Reading a request, finding its route and writing an answer takes a server in Python a good part of
the time that a small completion takes. Under four times the load that it can bear it would be busy
with refusals alone. So a plain request for a route that may be refused is answered with bytes that
are ready, and the server's own parser never sees it.

Nothing ready-made does that. uvicorn's ``limit_concurrency`` counts connections, idle ones too, so
that a page kept open takes a slot; it refuses health checks as well, without ``Retry-After``, and
reads the whole request first. Offered four times what it can bear, three rounds in turn on a busy
two-core machine, the goodput of a second of the server's work was, as a share of that at the limit,
.81 with these refusals (.94 on a quieter one), .58 with the gate alone, .09 with
``limit_concurrency`` (`benchmarks/service_load.py` measures it).
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
# What would make the length of a body, or who answers, a matter of more than one header.
_UNUSUAL = re.compile(rb"\r\n(?:transfer-encoding|expect|upgrade|connection)\s*:", re.IGNORECASE)
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d{1,9}) *(?=\r\n)", re.IGNORECASE)
_KEEPS = re.compile(rb"\r\nconnection: *keep-alive *(?=\r\n)", re.IGNORECASE)


def plain_request(data: bytes) -> tuple[bytes, int] | None:
    """Of a plain request to the API that begins here: its path, and bytes of its body to come.

    None where these bytes are anything else, less than its head, or more than the request.
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
    """The server's protocol, with such refusals.

    Parameters
    ----------
    slots
        Those that requests take.
    count
        Called at each refusal.
    """
    unshed = {path.encode() for path in UNSHED}

    class Shedding(AutoHTTPProtocol):  # type: ignore[misc, valid-type]
        # Bytes until the next request begins; None: not known any more, and so none is refused.
        missing: int | None = 0
        refusing = False

        def connection_made(self, transport: Any) -> None:
            self.connection = transport
            # A client that is gone again has no address.
            host, port, *_ = transport.get_extra_info("peername") or ("", 0)
            self.peer = str(host), int(port)
            super().connection_made(transport)

        def connection_lost(self, error: Exception | None) -> None:
            slots.unanswered.discard(self.peer)
            super().connection_lost(error)

        def data_received(self, data: bytes) -> None:
            if self.missing and self.refusing:
                # Who has the answer already may send the next request right after this body.
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
                count()  # before anybody can have the answer
                self.connection.write(_ANSWER)
                return
            slots.unanswered.add(self.peer)
            super().data_received(data)

        def _idle(self) -> bool:
            """Whether no answer is under way, and those that were given have been taken."""
            waits = self.peer in slots.unanswered
            return not waits and not self.connection.get_write_buffer_size()

    return Shedding
