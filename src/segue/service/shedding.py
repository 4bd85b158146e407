"""Refusal before a request is even read: where all places are taken, that is all there is time for.

Reading a request, finding its route and writing an answer takes a server in Python a good part of
the time that a small completion takes. Under four times the load that it can bear it would be busy
with refusals alone. So a whole request that comes in one piece, for a route that may be refused, is
answered with bytes that are ready, and the server's own parser never sees it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.auto import AutoHTTPProtocol

from segue.service.gate import API, BUSY, SAFE_HEADERS, UNSHED, Places

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


def whole_request(data: bytes) -> bytes | None:
    """The path of a plain request to the API that these bytes are, no more and no less, or None."""
    found = _REQUEST.match(data)
    end = data.find(b"\r\n\r\n")
    if found is None or end < 0:
        return None
    head = _KEEPS.sub(b"", data[: end + 2])
    lengths = _LENGTH.findall(head)
    if _UNUSUAL.search(head) or len(lengths) != head.lower().count(b"content-length"):
        return None
    length = int(lengths[0]) if len(lengths) == 1 else 0
    return found[1] if len(lengths) < 2 and len(data) == end + 4 + length else None


def shedding(places: Places, count: Callable[[], None]) -> type[asyncio.Protocol]:
    """The server's protocol, with such refusals.

    Parameters
    ----------
    places
        Those that requests take.
    count
        Called at each refusal.
    """
    unshed = {path.encode() for path in UNSHED}

    class Shedding(AutoHTTPProtocol):  # type: ignore[misc, valid-type]
        # Whether the next byte begins a request, as far as is known.
        between = True

        def data_received(self, data: bytes) -> None:
            if self.between:
                path = whole_request(data)
                self.between = path is not None
                cycle: Any = self.cycle
                idle = cycle is None or cycle.response_complete
                # Who does not read its answers gets no more of them from here.
                idle = idle and not self.flow.write_paused
                if path is not None and idle and places.full and path not in unshed:
                    self.transport.write(_ANSWER)
                    count()
                    return
            super().data_received(data)

    return Shedding
