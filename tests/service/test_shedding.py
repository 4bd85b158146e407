"""What is refused unread is refused as what is read, and nothing else is."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import httpx
import pytest
import uvicorn
from hypothesis import given
from hypothesis import strategies as st
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from segue.recommend.details import Details, Found
from segue.service import gate as gate_module
from segue.service import shedding as shedding_module
from segue.service.app import create_app
from segue.service.gate import API
from segue.service.limits import Limits
from segue.service.serving import Serving
from segue.service.shedding import plain_request, shedding

GET = b"GET /api/v1/find?text=a HTTP/1.1\r\nhost: x\r\n\r\n"
POST = b"POST /api/v1/vibe HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"


def test_a_plain_request_is_known_by_its_path() -> None:
    assert plain_request(GET) == (b"/api/v1/find", 0)
    assert plain_request(POST) == (b"/api/v1/vibe", 0)
    assert plain_request(POST[:-1]) == (b"/api/v1/vibe", 1)
    kept = POST.replace(b"Host", b"Connection: keep-alive\r\nHost")
    assert plain_request(kept) == (b"/api/v1/vibe", 0)


@given(st.sampled_from([GET, POST]), st.data())
def test_a_part_of_a_head_is_none(request: bytes, data: Any) -> None:
    cut = data.draw(st.integers(0, request.index(b"\r\n\r\n") + 3))
    assert plain_request(request[:cut]) is None


@pytest.mark.parametrize(
    "data",
    [
        GET + GET,
        POST + b"\r\n",
        GET.replace(b"host", b"Transfer-Encoding: chunked\r\nhost"),
        POST.replace(b"Host", b"content-length: 2\r\nHost"),
        POST.replace(b"Host", b"content-length: 0\r\nHost"),
        POST.replace(b"Host", b"Content-Length : 2\r\nHost"),
        POST.replace(b"Content-Length: 2", b"Content-Length: +2"),
        POST.replace(b"Content-Length: 2", b"Content-Length: 1"),
        POST.replace(b"Host", b"Expect: 100-continue\r\nHost"),
        GET.replace(b"host", b"Connection: close\r\nhost"),
        GET.replace(b"host", b"Upgrade: websocket\r\nhost"),
        GET.replace(b"/api/v1/find", b"/static/page.js"),
        GET.replace(b"HTTP/1.1", b"HTTP/1.0"),
        GET.replace(b"GET", b"PUT"),
    ],
)
def test_whatever_is_not_plain_is_left_to_the_server(data: bytes) -> None:
    assert plain_request(data) is None


class Server:
    """A server in this process, whose searches wait until they are let go."""

    def __init__(self, serving: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
        self.go, self.refused = threading.Event(), 0
        monkeypatch.setattr(Details, "search", self.search)
        app = create_app(serving, Limits(threads=1, max_requests=2))
        self.slots, self.arrivals = app.state.slots, 0
        protocol = shedding(self.slots, self.count, self.arrive)
        config = uvicorn.Config(app, http=protocol, log_level="error")
        self.server = uvicorn.Server(config)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.server.run, args=([self.listener],))
        self.thread.start()

    def search(self, *_: Any, **__: Any) -> Found:
        assert self.go.wait(30)
        return Found()

    def count(self) -> None:
        self.refused += 1

    def arrive(self) -> None:
        self.arrivals += 1

    def wait_for_some(self) -> None:
        """Until a part of a request has been read."""
        deadline = time.monotonic() + 30
        while not self.slots.unanswered:
            assert time.monotonic() < deadline
            time.sleep(0.01)


@pytest.fixture
def server(serving: Serving, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    server = Server(serving, monkeypatch)
    yield server
    server.go.set()
    server.server.should_exit = True
    server.thread.join(30)


def test_refusals_on_one_connection(server: Server) -> None:
    url = f"http://127.0.0.1:{server.port}"
    with httpx.Client(base_url=url, timeout=30) as client, ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(httpx.get, f"{url}{API}/find?text=a", timeout=30) for _ in range(2)]
        while not server.slots.full:
            time.sleep(0.01)
        for question in ({"json": {}}, {"content": b"x" * 1000}):
            refused = client.post(f"{API}/vibe", **question)
            assert refused.status_code == 503
            assert refused.json() == {"error": "The service is busy; try again in a second."}
            assert refused.headers["retry-after"] == "1"
            assert refused.headers["x-content-type-options"] == "nosniff"
        assert client.get(f"{API}/find?text=b").status_code == 503
        assert server.refused == 3, "though a client sends head and body one after the other"
        # The same connection goes on as if nothing had been.
        assert client.get(f"{API}/health").status_code == 200
        assert client.get("/graph/dom.js").status_code == 200
        assert client.get(f"{API}/tracks/x").status_code == 503
        server.go.set()
        assert [done.result().status_code for done in waiting] == [200, 200]
        assert client.get(f"{API}/tracks/x").status_code == 404


def test_it_arrives_when_it_connects_and_when_it_says_something(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.settimeout(30)
        connection.sendall(b"no request\r\n\r\n")
        assert connection.recv(1 << 16).startswith(b"HTTP/1.1 400")
    assert server.arrivals == 2


@pytest.mark.parametrize("next_one", [GET, b"GET /api/v1/health HTTP/1.1\r\nhost: x\r\n\r\n"])
def test_what_follows_a_refused_body_at_once_is_the_next_request(
    server: Server, next_one: bytes
) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.settimeout(30)
        server.slots.taken = 2
        connection.sendall(POST[:-1])
        assert connection.recv(1 << 16).startswith(b"HTTP/1.1 503")
        connection.sendall(b"}" + next_one)
        answer = connection.recv(1 << 16)
        assert answer.startswith(b"HTTP/1.1 503" if next_one is GET else b"HTTP/1.1 200")
        server.slots.taken = 0


def test_a_body_that_looks_like_a_request_is_none(server: Server) -> None:
    head = b"POST /api/v1/vibe HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(GET)
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.settimeout(30)
        connection.sendall(head)
        server.wait_for_some()
        server.slots.taken = 2
        connection.sendall(GET)
        said = b""
        while b'"}' not in said:
            said += connection.recv(1 << 16)
        server.slots.taken = 0
    assert (said.count(b"HTTP/1.1"), server.refused) == (1, 0)


def test_a_request_in_pieces_is_read(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.settimeout(30)
        server.slots.taken = 2
        connection.sendall(POST[:40])
        server.wait_for_some()
        connection.sendall(POST[40:])
        said = connection.recv(1 << 16)
        assert said.startswith(b"HTTP/1.1 503")
        assert server.refused == 0
        server.slots.taken = 0
        connection.sendall(b"GET /api/v1/health HTTP/1.1\r\nhost: x\r\n\r\n")
        while b'"ok"' not in said:
            said += connection.recv(1 << 16)


def test_a_client_that_resets_at_once_leaves_no_trace(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(50):
        client = socket.create_connection(("127.0.0.1", server.port))
        # RST instead of FIN.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
    assert httpx.get(f"http://127.0.0.1:{server.port}{API}/health").status_code == 200
    assert caplog.records == []
    assert server.slots.unanswered == set()


def ended(connection: socket.socket, within: float) -> bytes:
    """What comes until the server closes the connection, which it has to do in some seconds."""
    said = b""
    connection.settimeout(within)
    while piece := connection.recv(1 << 16):
        said += piece
    return said


def test_a_head_without_end_is_refused_while_it_arrives(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n")
        sent = 0
        with suppress(ConnectionError):
            while sent < 1 << 24:
                connection.sendall(b"x: " + b"y" * 4000 + b"\r\n")
                sent += 4005
        assert sent < 1 << 24, "it reads for ever"
        with suppress(ConnectionResetError):
            assert ended(connection, 10).startswith(b"HTTP/1.1 431")


def test_many_headers_are_not_even_read(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[bytes] = []
    parse = AutoHTTPProtocol.data_received
    monkeypatch.setattr(
        AutoHTTPProtocol,
        "data_received",
        lambda self, data: (read.append(data), parse(self, data))[1],
    )
    for number, status in ((199, b"200"), (5000, b"431")):
        read.clear()
        head = b"GET /api/v1/health HTTP/1.1\r\nhost: x\r\n" + b"x: y\r\n" * number
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.settimeout(30)
            connection.sendall(head + b"\r\n")
            assert connection.recv(1 << 16).startswith(b"HTTP/1.1 " + status)
        assert bool(read) == (status == b"200")


@pytest.mark.parametrize("at", [-5, -4, -3, -2, -1, 0, 1])
def test_lines_of_a_body_are_none_of_the_head(server: Server, at: int) -> None:
    """Wherever the head is cut as it is sent."""
    body = b"{}" + b"\n" * 1000
    head = POST.partition(b"\r\n\r\n")[0].replace(b": 2", b": %d" % len(body)) + b"\r\n\r\n"
    server.go.set()
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.settimeout(30)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(2):
            connection.sendall((head + body)[: len(head) + at])
            time.sleep(0.05)
            connection.sendall((head + body)[len(head) + at :])
            said = b""
            while not said.endswith(b"}"):
                said += connection.recv(1 << 16)
            assert said.startswith(b"HTTP/1.1 422")


def test_a_second_head_without_end_is_refused_too(server: Server) -> None:
    """While the first request is being answered."""
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(GET)
        while not server.slots.taken:
            time.sleep(0.01)
        sent = 0
        with suppress(ConnectionError):
            connection.sendall(b"GET / HTTP/1.1\r\n")
            while sent < 1 << 24:
                connection.sendall(b"x: " + b"y" * 4000 + b"\r\n")
                sent += 4005
        assert sent < 1 << 24, "it reads for ever"


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET /api/v1/health HTT",
        b"POST /api/v1/vibe HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{",
    ],
)
def test_what_does_not_arrive_is_not_waited_for(
    server: Server, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(shedding_module, "_PATIENCE", 0.3)
    monkeypatch.setattr(gate_module, "_BODY_SECONDS", 0.3)
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(sent)
        began = time.monotonic()
        said = ended(connection, 20)
        assert time.monotonic() - began < 15
    assert said.count(b"HTTP/1.1 ") == (b"POST" in sent)


def test_a_head_that_trickles_is_not_waited_for(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shedding_module, "_PATIENCE", 0.5)
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        began = time.monotonic()
        with suppress(ConnectionError):
            while time.monotonic() < began + 20:
                connection.send(b"G")
                time.sleep(0.05)
        assert time.monotonic() - began < 10


def test_a_client_that_takes_none_of_its_response_is_left(
    server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(shedding_module, "_PATIENCE", 0.5)
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", server.port))
        # More than the system's buffers hold.
        connection.sendall(b"GET /graph/graph_view.js HTTP/1.1\r\nhost: x\r\n\r\n" * 1000)
        while not server.server.server_state.connections:
            time.sleep(0.01)
        began = time.monotonic()
        while server.server.server_state.connections:
            assert time.monotonic() < began + 15, "for ever"
            time.sleep(0.05)
    assert caplog.records == []
    assert httpx.get(f"http://127.0.0.1:{server.port}{API}/health").status_code == 200


def test_the_end_waits_for_no_one_who_is_still_asking(server: Server) -> None:
    with (
        socket.create_connection(("127.0.0.1", server.port)) as idle,
        socket.create_connection(("127.0.0.1", server.port)) as half,
    ):
        half.sendall(POST[:-1])
        idle.sendall(b"GET /api/v1/health HTTP/1.1\r\nhost: x\r\n\r\n")
        assert idle.recv(100).startswith(b"HTTP/1.1 200")
        began = time.monotonic()
        server.server.should_exit = True
        server.thread.join(20)
        assert time.monotonic() - began < 5
