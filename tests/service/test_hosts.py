"""Names that the service answers to, and pages that may ask it."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from segue.service.app import create_app
from segue.service.gate import API
from segue.service.hosts import Hosts
from segue.service.serving import Serving

ASK = f"{API}/find?text=a"


def refusal(host: str | None, *names: str, local: str = "192.0.2.7", **headers: str) -> Any:
    lines = [] if host is None else [(b"host", host.encode("latin-1"))]
    lines += [(n.replace("_", "-").encode(), value.encode()) for n, value in headers.items()]
    return Hosts(names).refusal({"headers": lines, "server": (local, 8000)})


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LocalHost:8000",
        "localhost.",
        "music.localhost:1",
        "127.0.0.1:8000",
        "127.1.2.3",
        "[::1]:8000",
        "[::ffff:127.0.0.1]",
    ],
)
def test_this_machine_is_answered_by_its_own_names(host: str) -> None:
    assert refusal(host) is None


def test_the_address_that_was_asked_is_answered() -> None:
    """No other site has it, and probes know no name."""
    assert refusal("192.0.2.7:8000") is None
    assert refusal("192.0.2.7", local="::ffff:192.0.2.7") is None
    assert refusal("[2001:db8::1]:80", local="2001:db8::1") is None
    assert refusal("192.0.2.8:8000")[0] == 421


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8000",
        "localhost.evil.example",
        "notlocalhost",
        "127.0.0.1.evil.example",
        "0.0.0.0",
        "10.0.0.1",
        "2130706433",
        "*",
    ],
)
def test_other_names_are_refused(host: str) -> None:
    status, sentence = refusal(host)
    assert status == 421
    assert "--allow-host" in sentence


@pytest.mark.parametrize(
    "host",
    [
        None,
        "",
        "local host",
        "a@localhost",
        "localhost/x",
        "localhost:port",
        "[::1",
        "localhost:8000:1",
        "localhost\n",
    ],
)
def test_what_is_no_name_is_refused(host: str | None) -> None:
    assert refusal(host)[0] == 400


def test_two_hosts_are_refused() -> None:
    lines = [(b"host", b"localhost"), (b"host", b"localhost")]
    assert Hosts().refusal({"headers": lines, "server": None})[0] == 400  # type: ignore[index]


def test_names_can_be_allowed() -> None:
    assert refusal("music.example:443", "Music.example") is None
    assert refusal("music.example.evil.example", "music.example")[0] == 421
    assert refusal("10.0.0.1", "10.0.0.1") is None
    assert refusal("localhost", "music.example") is None
    assert refusal("evil.example", "*") is None
    assert refusal(None, "*") is None


def test_pages_of_other_sites_may_not_ask() -> None:
    here = "localhost:8000"
    assert refusal(here, origin="http://localhost:8000") is None
    assert refusal(here, sec_fetch_site="same-origin") is None
    assert refusal(here, sec_fetch_site="none") is None
    # Somebody follows a link.
    assert refusal(here, sec_fetch_site="cross-site", sec_fetch_mode="navigate") is None
    for headers in (
        {"origin": "http://evil.example"},
        {"origin": "http://localhost:3000"},
        {"origin": "null"},
        {"origin": "http://["},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "cross-site", "sec_fetch_mode": "no-cors"},
    ):
        assert refusal(here, **headers)[0] == 403, headers
    # A proxy may ask under another name than the page has.
    assert refusal(here, "music.example", origin="https://music.example") is None


def test_the_service_refuses_in_its_own_words(serving: Serving) -> None:
    with TestClient(create_app(serving, hosts=Hosts()), base_url="http://localhost") as client:
        assert client.get(ASK).status_code == 200
        assert client.get("/").status_code == 200
        for path in (ASK, f"{API}/health", "/", "/graph/dom.js"):
            refused = client.get(path, headers={"host": "evil.example"})
            assert refused.status_code == 421
            assert refused.json()["error"].startswith("This service does not answer under this")
            assert refused.headers["x-content-type-options"] == "nosniff"
        foreign = client.post(
            f"{API}/vibe", json={"title": "night"}, headers={"origin": "http://evil.example"}
        )
        assert foreign.status_code == 403
        assert "access-control-allow-origin" not in foreign.headers
        assert "evil" not in client.get(f"{API}/metrics").text


@pytest.mark.parametrize("headers", [{f"x-{n}": "" for n in range(300)}, {"x": "y" * 70_000}])
def test_heads_have_a_limit(serving: Serving, headers: dict[str, str]) -> None:
    with TestClient(create_app(serving)) as client:
        refused = client.get(ASK, headers=headers)
        assert refused.status_code == 431
        assert refused.json() == {"error": "The head of the request is larger than is read here."}
        assert client.get(ASK).status_code == 200
