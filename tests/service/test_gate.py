"""More than can be done is refused at once; large and slow bodies hold nothing up."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient

from segue.recommend.details import Details, Found
from segue.service import gate as gate_module
from segue.service.app import create_app
from segue.service.gate import API, Gate, Slots
from segue.service.hosts import ANY, Hosts
from segue.service.limits import Limits
from segue.service.metrics import Metrics
from segue.service.serving import Serving


class Held:
    """Searches that wait until they are let go."""

    def __init__(self) -> None:
        self.go, self.at_work = threading.Event(), threading.Semaphore(0)

    def search(self, *_: Any, **__: Any) -> Found:
        self.at_work.release()
        assert self.go.wait(20)
        return Found()


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    held = Held()
    monkeypatch.setattr(Details, "search", held.search)
    yield held
    held.go.set()


def test_what_is_too_much_is_refused_at_once(serving: Serving, held: Held) -> None:
    app = create_app(serving, Limits(threads=1, max_requests=3))
    with TestClient(app) as client, ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(client.get, f"{API}/find?text=a") for _ in range(3)]
        held.at_work.acquire(timeout=20)
        while "segue_requests_in_flight 3.0" not in client.get(f"{API}/metrics").text:
            time.sleep(0.01)
        for _ in range(5):
            refused = client.get(f"{API}/find?text=a")
            assert refused.status_code == 503
            assert refused.headers["retry-after"] == "1"
            assert refused.json() == {"error": "The service is busy; try again in a second."}
            assert "content-security-policy" in refused.headers
        for path in (f"{API}/health", f"{API}/ready", f"{API}/version", "/graph/dom.js"):
            assert client.get(path).status_code == 200
        held.go.set()
        assert [done.result().status_code for done in waiting] == [200] * 3
        assert client.get(f"{API}/find?text=a").status_code == 200
        assert "segue_requests_in_flight 0.0" in client.get(f"{API}/metrics").text


def test_errors_give_their_places_back(serving: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Details, "track", lambda *_: 1 / 0)
    with TestClient(create_app(serving, Limits(threads=1, max_requests=1))) as client:
        for _ in range(3):
            assert client.get(f"{API}/artists/nobody").status_code == 404
            assert client.get(f"{API}/find").status_code == 422
            assert client.get(f"{API}/nowhere").status_code == 404
            failed = client.get(f"{API}/tracks/x")
            assert failed.status_code == 500
            sentence = "An unexpected server error; the log has details."
            assert failed.json() == {"error": sentence}
            assert failed.headers["x-content-type-options"] == "nosniff"


def test_the_log_says_what_the_answer_does_not(
    serving: Serving, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Details, "track", lambda *_: 1 / 0)
    with TestClient(create_app(serving)) as client:
        client.get(f"{API}/tracks/x")
    assert "GET /api/v1/tracks/x failed" in caplog.text
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("chunked", [False, True])
def test_a_large_body_is_refused(serving: Serving, chunked: bool) -> None:
    with TestClient(create_app(serving, Limits(max_body=1000))) as client:
        content: Any = b" " * 1001
        if chunked:  # its length is not known before it has come
            content = iter([b" " * 400] * 3)
        headers = {"content-type": "application/json"}
        refused = client.post(f"{API}/complete", content=content, headers=headers)
        assert refused.status_code == 413
        assert refused.json() == {
            "error": "The body is larger than 1000 bytes, which is the limit."
        }
        fits = b'{"tracks": []}'.ljust(1000)
        assert client.post(f"{API}/complete", content=fits, headers=headers).status_code == 200


def gate_of(app: Any) -> Gate:
    return Gate(app, slots=Slots(1), hosts=Hosts([ANY]), max_body=100, metrics=Metrics())


def scope_of(path: str) -> dict[str, Any]:
    return {"type": "http", "method": "POST", "path": path, "headers": []}


def test_a_slow_sender_holds_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate_module, "_BODY_SECONDS", 0.2)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert (await receive())["body"] == b"{}"
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def ask(gate: Gate, receive: Any) -> int:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        await gate(scope_of(f"{API}/complete"), receive, send)
        return int(sent[0]["status"])

    async def never() -> Any:
        await asyncio.sleep(60)

    async def at_once() -> Any:
        return {"type": "http.request", "body": b"{}", "more_body": False}

    async def both() -> list[int]:
        gate = gate_of(app)
        slow = [asyncio.create_task(ask(gate, never)) for _ in range(5)]
        await asyncio.sleep(0.05)
        return [await ask(gate, at_once), *await asyncio.gather(*slow)]

    assert asyncio.run(both()) == [200, 408, 408, 408, 408, 408]


def test_a_slow_reader_holds_no_place() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"long"})

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def ask() -> list[int]:
        gate, reading, statuses = gate_of(app), asyncio.Event(), []

        async def slowly(message: Any) -> None:
            statuses.append(message.get("status"))
            await reading.wait()

        async def quickly(message: Any) -> None:
            statuses.append(message.get("status"))

        slow = asyncio.create_task(gate(scope_of(f"{API}/complete"), receive, slowly))
        await asyncio.sleep(0.05)
        await gate(scope_of(f"{API}/complete"), receive, quickly)
        reading.set()
        await slow
        return statuses

    assert 503 not in asyncio.run(ask())
