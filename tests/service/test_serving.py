"""A newer bundle takes over without a request being dropped; a bad one does not."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from segue.bundle import Bundle
from segue.errors import ArtefactError
from segue.files import CHECKSUM, manifest_checksum, write_json
from segue.recommend.recommender import Recommender
from segue.service import app as app_module
from segue.service import serving as serving_module
from segue.service.app import create_app
from segue.service.gate import API
from segue.service.serving import Served, Serving
from segue.service.work import Work

QUESTION = {"playlist": "7", "n": 5}
Save = Callable[[Bundle, Path], None]


def until(true: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.01)


def answers_of(bundles: tuple[Bundle, Bundle]) -> list[Any]:
    answers = [Recommender(bundle).complete("7", 5).to_json() for bundle in bundles]
    assert answers[0] != answers[1]
    return answers


def test_a_swap_while_requests_run(
    bundles: tuple[Bundle, Bundle], folder: Path, save_bundle: Save, monkeypatch: Any
) -> None:
    monkeypatch.setattr(app_module, "_WATCH_SECONDS", 0.02)
    expected, seen, stop = answers_of(bundles), [], threading.Event()
    with TestClient(create_app(Serving(folder), watch=True)) as client:

        def ask() -> None:
            while not stop.is_set():
                response = client.post(f"{API}/complete", json=QUESTION)
                seen.append((response.status_code, response.json()))

        askers = [threading.Thread(target=ask) for _ in range(3)]
        for asker in askers:
            asker.start()
        fingerprint = client.get(f"{API}/version").json()["bundle"]["fingerprint"]
        for turn in (1, 0, 1):
            until(lambda: seen)
            save_bundle(bundles[turn], folder)
            until(lambda turn=turn: seen[-1][1] == expected[turn])
        stop.set()
        for asker in askers:
            asker.join()
        assert client.get(f"{API}/version").json()["bundle"]["fingerprint"] != fingerprint
        figures = client.get(f"{API}/metrics").text
        assert f'segue_bundle_info{{fingerprint="{fingerprint}"}} 0.0' in figures
    assert {status for status, _ in seen} == {200}
    assert all(answer in expected for _, answer in seen)


@pytest.mark.anyio
async def test_a_request_keeps_the_bundle_it_began_with(
    bundles: tuple[Bundle, Bundle], folder: Path, save_bundle: Save
) -> None:
    serving = Serving(folder)
    first = serving.load()

    def question(served: Served) -> Any:
        save_bundle(bundles[1], folder)
        assert serving.reload()
        # All of the older one still answers, its files are gone though.
        served.recommender.complete("7", 5, reasons=True)
        served.recommender.find("track", 3)
        return served.fingerprint

    response = await Work(serving, 1).answer(question)
    assert json.loads(response.body) == first.fingerprint
    assert serving.current is not None
    assert serving.current.fingerprint != first.fingerprint


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.parametrize("damage", ["bytes", "missing", "manifest", "another kind"])
def test_a_bad_bundle_leaves_the_old_one(
    bundles: tuple[Bundle, Bundle],
    folder: Path,
    save_bundle: Save,
    monkeypatch: Any,
    caplog: pytest.LogCaptureFixture,
    damage: str,
) -> None:
    monkeypatch.setattr(app_module, "_WATCH_SECONDS", 0.02)
    monkeypatch.setattr(serving_module, "_TRY_AGAIN", 0.1)
    tries, load = [], Serving.load

    def counted_load(self: Serving) -> Served:
        tries.append(None)
        return load(self)

    monkeypatch.setattr(Serving, "load", counted_load)
    expected = answers_of(bundles)
    with TestClient(create_app(Serving(folder), watch=True)) as client:
        good = client.get(f"{API}/version").json()["bundle"]
        bad = folder.with_name("bad")
        save_bundle(bundles[1], bad)
        vectors, manifest = bad / "vectors.safetensors", bad / "manifest.json"
        if damage == "bytes":
            vectors.write_bytes(vectors.read_bytes()[:-1] + b"x")
        elif damage == "missing":
            vectors.rename(folder.with_name("aside"))
        elif damage == "manifest":
            manifest.write_text("{")
        else:
            facts = json.loads(manifest.read_text()) | {"kind": "graph"}
            write_json(manifest, facts | {CHECKSUM: manifest_checksum(facts)})
        folder.rename(folder.with_name("older"))
        bad.rename(folder)

        def version() -> Any:
            return client.get(f"{API}/version").json()

        until(lambda: version()["failure"])
        sentence = {
            "bytes": "is not as it was written",
            "missing": "is missing from this bundle",
            "manifest": "is not the manifest of a Segue bundle",
            "another kind": "is a Segue graph, expected a bundle",
        }[damage]
        assert sentence in version()["failure"]
        assert version()["bundle"] == good
        assert "segue_bundle_failed 1.0" in client.get(f"{API}/metrics").text
        assert client.post(f"{API}/complete", json=QUESTION).json() == expected[0]
        before = len(tries)
        until(lambda: len(tries) >= before + 2)
        said = [record.message for record in caplog.records if sentence in record.message]
        assert len(said) == 1, "once, however often it is tried"
        assert said[0].endswith("the older bundle stays")
        # What was still on its way, as with a slow copy, arrives.
        if damage == "missing":
            folder.with_name("aside").rename(folder / "vectors.safetensors")
            until(lambda: version()["failure"] is None)
            assert client.post(f"{API}/complete", json=QUESTION).json() == expected[1]


def test_the_first_bundle_is_waited_for(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app_module, "_WATCH_SECONDS", 0.02)
    later = tmp_path / "later"
    with TestClient(create_app(Serving(later), watch=True)) as client:
        refused = client.get(f"{API}/ready")
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        sentence = "No bundle is served yet; try again in a few seconds."
        assert refused.json() == {"error": sentence}
        assert client.post(f"{API}/complete", json=QUESTION).status_code == 503
        assert client.get(f"{API}/health").status_code == 200
        assert client.get(f"{API}/version").json()["bundle"] is None
        shutil.copytree(folder, tmp_path / "half")
        (tmp_path / "half").rename(later)
        until(lambda: client.get(f"{API}/ready").status_code == 200)
        assert client.post(f"{API}/complete", json=QUESTION).status_code == 200


def test_a_link_that_is_turned_is_news(
    bundles: tuple[Bundle, Bundle], tmp_path: Path, save_bundle: Save
) -> None:
    for name, bundle in zip("ab", bundles, strict=True):
        save_bundle(bundle, tmp_path / name)
    link, fresh = tmp_path / "current", tmp_path / "fresh"
    link.symlink_to("a")
    serving = Serving(link)
    first = serving.load()
    assert not serving.has_news()
    fresh.symlink_to("b")
    fresh.rename(link)
    assert serving.has_news()
    assert serving.load().fingerprint != first.fingerprint


def test_a_folder_that_is_replaced_while_it_is_read_is_read_anew(
    bundles: tuple[Bundle, Bundle], folder: Path, save_bundle: Save, monkeypatch: Any
) -> None:
    load, turns = Recommender.load, []

    def load_slowly(path: Path, **options: Any) -> Recommender:
        if not turns:
            turns.append(1)
            recommender = load(path, **options)
            save_bundle(bundles[1], folder)
            return recommender
        return load(path, **options)

    monkeypatch.setattr(Recommender, "load", load_slowly)
    served = Serving(folder).load()
    expected = answers_of(bundles)
    assert served.recommender.complete("7", 5).to_json() == expected[1]


def test_no_bundle_at_all(tmp_path: Path) -> None:
    serving = Serving(tmp_path / "nothing")
    with pytest.raises(ArtefactError, match="there is no such folder"):
        serving.load()
    assert "there is no such folder" in str(serving.failure)
    assert not serving.reload()


def test_vectors_are_mapped_and_shared(serving: Serving, shipped: Path) -> None:
    assert serving.current is not None
    vectors = serving.current.recommender.bundle.track_vectors
    assert not vectors.flags.writeable
    assert not vectors.flags.owndata
    maps = Path("/proc/self/maps")
    if maps.exists():
        assert str(shipped / "vectors.safetensors") in maps.read_text()


EVERY_QUESTION: list[tuple[str, str, dict[str, Any]]] = [
    ("GET", "/find", {"params": {"text": "track 3"}}),
    ("POST", "/complete", {"json": {"playlist": "7", "reasons": True, "dial": 0.5}}),
    ("POST", "/complete", {"json": {"tracks": []}}),
    ("POST", "/recommend", {"json": {"playlists": [{"tracks": ["segue:track:3"]}]}}),
    (
        "POST",
        "/vibe",
        {
            "json": {
                "tracks": ["Track 3 - Artist 3"],
                "artists": ["Artist 9"],
                "reasons": True,
                "diversity": 0.5,
                "filters": {"exclude_artists": ["segue:artist:2"], "other_versions": False},
            }
        },
    ),
    ("POST", "/similar", {"json": {"track": "segue:track:3"}}),
    ("POST", "/similar", {"json": {"artist": "segue:artist:3"}}),
    ("POST", "/why", {"json": {"track": "segue:track:80", "playlist": "7"}}),
    ("POST", "/why", {"json": {"track": "segue:track:80", "artists": ["segue:artist:3"]}}),
    *(
        ("GET", "/subgraph", {"params": {"kind": kind, "id": an_id}})
        for kind, an_id in (
            ("track", "segue:track:3"),
            ("artist", "segue:artist:3"),
            ("playlist", "7"),
        )
    ),
    ("GET", "/tracks/segue:track:3", {}),
    ("GET", "/artists/segue:artist:3", {}),
    ("GET", "/playlists/7", {}),
]


def built(served: Served) -> set[tuple[str, str]]:
    """Every attribute that has a value, of every object of ours that is served."""
    found, seen, waiting = set(), set(), [served]
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, dict):
            waiting.extend(one.values())
        elif isinstance(one, list | tuple):
            waiting.extend(one)
        elif type(one).__module__.startswith("segue."):
            held = {name: getattr(one, name) for name in getattr(type(one), "__slots__", ())}
            held |= getattr(one, "__dict__", {})
            found |= {
                (type(one).__name__, name) for name, is_set in held.items() if is_set is not None
            }
            waiting.extend(held.values())
    return found


def test_no_request_waits_for_what_is_built_at_a_first_use(folder: Path) -> None:
    """Indices of ids, reverse edges and the like are there before a bundle is served."""
    serving = Serving(folder)
    served = serving.load()
    before = built(served)
    with TestClient(create_app(serving)) as client:
        assert before, "it looks into what is served"
        for method, path, options in EVERY_QUESTION:
            response = client.request(method, API + path, **options)
            assert response.status_code == 200, response.text
            assert built(served) - before == set(), f"built by {path}"
