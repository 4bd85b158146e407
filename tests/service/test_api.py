"""Every endpoint answers what the engine answers, and every error is one sentence in JSON."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pyarrow as pa
import pytest
from fastapi.testclient import TestClient

import segue
from segue.bundle import Bundle
from segue.data.relations import Nodes
from segue.pictures.compose import snowball
from segue.recommend.filters import Filters
from segue.recommend.recommender import Recommender
from segue.service.app import create_app
from segue.service.gate import API
from segue.service.serving import Serving

TRACKS = [f"segue:track:{row}" for row in (3, 41)]


@pytest.fixture
def recommender(serving: Serving) -> Recommender:
    assert serving.current is not None
    return serving.current.recommender


def post(client: TestClient, path: str, question: Any) -> Any:
    response = client.post(API + path, json=question)
    assert response.status_code == 200, response.text
    return response.json()


def test_complete_a_playlist_of_the_bundle(client, recommender):
    found = post(client, "/complete", {"playlist": "7", "n": 5, "reasons": True})
    assert found == recommender.complete("7", 5, reasons=True).to_json()
    assert len(found["tracks"]) == 5
    assert any(track["playlists"] for track in found["tracks"])


def test_complete_with_every_option(client, recommender):
    question = {
        "tracks": TRACKS, "ordered": True, "n": 6, "dial": -0.5, "diversity": 0.25, "variety": 0.5,
        "filters": {
            "exclude_tracks": ["segue:track:5"], "exclude_artists": ["segue:artist:2"],
            "only_tracks": None, "only_artists": [f"segue:artist:{a}" for a in range(12)],
            "max_per_artist": 1, "max_per_album": 1, "other_versions": False,
        },
    }  # fmt: skip
    filters = Filters(
        exclude_tracks=["segue:track:5"],
        exclude_artists=["segue:artist:2"],
        only_artists=[f"segue:artist:{a}" for a in range(12)],
        max_per_artist=1,
        max_per_album=1,
        other_versions=False,
    )
    expected = recommender.complete(
        tracks=TRACKS, n=6, ordered=True, dial=-0.5, diversity=0.25, variety=0.5, filters=filters
    )
    assert post(client, "/complete", question) == expected.to_json()
    names = [track["artist_name"] for track in expected.to_json()["tracks"]]
    assert len(set(names)) == len(names) == 6


@pytest.mark.parametrize("question", ["fit", "next", "either"])
def test_each_question(client, recommender, question):
    """Of a playlist whose order is known, of songs, and in reasons."""
    ask = {"question": question}
    found = post(client, "/complete", {"playlist": "3", **ask})
    assert found == recommender.complete("3", question=question).to_json()
    assert post(client, "/vibe", {"tracks": TRACKS, **ask}) == (
        recommender.vibe(TRACKS, question=question).to_json()
    )
    assert post(client, "/why", {"track": "segue:track:5", "playlist": "3", **ask}) == (
        recommender.why("segue:track:5", "3", question=question).to_json()
    )
    answers = post(
        client, "/recommend", {"playlists": [{"playlist": "3"}], "n": 10, "variety": 1, **ask}
    )
    assert answers["answers"] == [found]
    response = client.post(API + "/complete", json={"playlist": "3", "question": "both"})
    assert response.status_code == 422


def test_the_order_of_given_tracks_counts_only_if_it_is_said_to(client):
    answers = [
        post(client, "/complete", {"tracks": tracks, "ordered": ordered, "n": 3})["tracks"]
        for tracks in (TRACKS, TRACKS[::-1])
        for ordered in (False, True)
    ]
    scores = [[round(track["score"], 5) for track in answer] for answer in answers]
    assert scores[0] == scores[2]
    assert scores[1] != scores[3]


def test_an_empty_playlist_gets_the_most_popular_tracks(client):
    assert post(client, "/complete", {"tracks": []})["by_popularity"] is True


def test_a_batch_is_answered_one_by_one(client):
    playlists = [{"playlist": "7"}, {"playlist": "nope"}, {"tracks": TRACKS, "ordered": True}]
    options = {
        "n": 3,
        "dial": 0.5,
        "variety": 0.5,
        "reasons": True,
        "filters": {"max_per_artist": 1},
    }
    answers = post(client, "/recommend", {"playlists": playlists, **options})["answers"]
    assert answers[0] == post(client, "/complete", playlists[0] | options)
    assert answers[1]["error"].startswith("'nope' is not a playlist of this bundle")
    assert answers[2] == post(client, "/complete", playlists[2] | options)


def test_lists_are_as_long_as_elsewhere_unless_said(client):
    """10, and 500 for several playlists at once: the bundle has 160 tracks.

    Several at once are by the score alone.
    """
    assert len(post(client, "/complete", {"playlist": "7"})["tracks"]) == 10
    assert len(post(client, "/similar", {"artist": "segue:artist:4"})["artists"]) == 10
    (answer,) = post(client, "/recommend", {"playlists": [{"tracks": TRACKS}]})["answers"]
    assert len(answer["tracks"]) == 158
    one = post(client, "/complete", {"tracks": TRACKS, "n": 500, "variety": 0})
    assert answer == one != post(client, "/complete", {"tracks": TRACKS, "n": 500})


def test_a_whole_number_is_an_id(client):
    assert post(client, "/complete", {"playlist": 7}) == post(
        client, "/complete", {"playlist": "7"}
    )
    response = client.post(f"{API}/complete", json={"tracks": [5]})
    assert response.status_code == 404
    assert response.json()["error"].startswith("'5' matches no track in this bundle")


def test_match(client, recommender):
    songs = ["artist 4 - TRACK 8", {"artists": ["Nobody"], "title": "Nothing"}, 5]
    matched = post(client, "/match", {"songs": songs})
    asked = [songs[0], (["Nobody"], "Nothing"), "5"]
    assert matched == recommender.match(asked).to_json()
    assert matched["missing"] >= 1


def test_match_a_pasted_file(client):
    text = "playlist,track,track_name,artist_name\nmine,x,Track 8,Nobody\nmine,segue:track:3,a,b\n"
    matched = post(client, "/match", {"text": text})
    assert [song["status"] for song in matched["songs"]][1] == "found"
    assert matched["songs"][1]["track"]["id"] == "segue:track:3"


def test_vibe(client, recommender):
    question = {"tracks": TRACKS, "artists": ["segue:artist:9"], "n": 4, "dial": 1}
    expected = recommender.vibe(TRACKS, 4, artists=["segue:artist:9"], dial=1.0)
    assert post(client, "/vibe", question) == expected.to_json()


def test_similar(client, recommender):
    tracks = post(client, "/similar", {"track": TRACKS[0], "n": 3})
    assert tracks == recommender.similar(TRACKS[0], 3).to_json()
    artists = post(client, "/similar", {"artist": "segue:artist:4", "n": 3})
    assert artists == recommender.similar(artist="segue:artist:4", n=3).to_json()
    assert [artist["rank"] for artist in artists["artists"]] == [1, 2, 3]


def test_sort(client, recommender):
    into = {"mine": TRACKS, "other": ["segue:track:80", "segue:track:81"]}
    question = {"tracks": ["segue:track:4", "segue:track:41", "unheard"], "into": into, "n": 2}
    found = post(client, "/sort", question)
    assert found == recommender.sort(question["tracks"], into=into, n=2).to_json()
    assert found["missing"] == ["unheard"]
    of_bundle = post(client, "/sort", {"tracks": TRACKS, "into": ["3", 7]})
    assert of_bundle == recommender.sort(TRACKS, into=[3, 7]).to_json()


def test_tidy(client, recommender):
    tracks = [*TRACKS, TRACKS[0], "unheard"]
    found = post(client, "/tidy", {"tracks": tracks, "parts": 2})
    assert found == recommender.tidy(tracks, parts=2).to_json()
    assert [twice["place"] for twice in found["duplicates"]] == [3]
    assert post(client, "/tidy", {"playlist": 7}) == recommender.tidy(playlist="7").to_json()


def test_reasons_sum_to_the_score(client, recommender):
    for options in ({"dial": 0.5}, {"variety": 0}, {"variety": 0.5}):
        listed = post(client, "/complete", {"playlist": "7", "n": 40, **options})["tracks"][-1]
        why = post(client, "/why", {"track": listed["track_id"], "playlist": "7", **options})
        assert why["score"] == pytest.approx(listed["score"], abs=1e-6)
        assert sum(term["part"] for term in why["terms"]) == pytest.approx(why["score"])
    why = post(client, "/why", {"track": "segue:track:80", "tracks": TRACKS})
    assert why == recommender.why("segue:track:80", tracks=TRACKS).to_json()


@pytest.mark.parametrize(
    ("kind", "an_id"), [("track", TRACKS[0]), ("artist", "segue:artist:1"), ("playlist", "7")]
)
def test_a_picture_is_that_of_segue_draw(client, recommender, kind, an_id):
    response = client.get(f"{API}/subgraph", params={"kind": kind, "id": an_id, "limit": 4})
    scene = response.json()
    row = {"track": 3, "artist": 1, "playlist": 7}[kind]
    assert scene == snowball(recommender.bundle, (kind, row), waves=2, limit=4).to_json()
    start = next(node for node in scene["nodes"] if node["role"] == "start")
    assert (start["type"], start["id"]) == (kind, an_id)
    # What is walked on to is asked for by its id.
    ids = {node["type"]: node["id"] for node in scene["nodes"]}
    for beyond, its_id in ids.items():
        found = client.get(f"{API}/subgraph", params={"kind": beyond, "id": its_id})
        assert found.status_code == 200


def test_search(client, recommender):
    kinds = ["track", "artist"]
    found = client.get(f"{API}/find", params={"text": "track 3", "n": 2, "kind": kinds}).json()
    names = recommender.names.index.search("track", "track 3", 2)
    assert [track["name"] for track in found["tracks"]] == [f"Track {row}" for row in names]
    assert found["tracks"][0] == {
        "id": "segue:track:3", "name": "Track 3", "artist_id": "segue:artist:3",
        "artist_name": "Artist 3", "album_id": "segue:album:6", "album_name": "Album 6",
        "num_playlists": int(recommender.bundle.popularity[3]),
    }  # fmt: skip
    assert found["artists"] == found["playlists"] == []
    kinds = ["artist", "playlist"]
    found = client.get(f"{API}/find", params={"text": "art", "kind": kinds, "n": 3}).json()
    assert found["tracks"] == found["playlists"] == []
    assert [set(artist) for artist in found["artists"]] == [{"id", "name", "num_tracks"}] * 3
    found = client.get(f"{API}/find", params={"text": "community 2", "kind": "playlist"}).json()
    assert len(found["playlists"]) == 10
    assert {playlist["title"] for playlist in found["playlists"]} == {"community 2"}
    longest = max(len(recommender.playlists.tracks[row]) for row in range(2, 240, 4))
    assert found["playlists"][0]["num_tracks"] == longest
    assert not found["similar"]
    found = client.get(f"{API}/find", params={"text": "trakc 3", "fuzzy": "true"}).json()
    assert found["similar"]
    assert found["tracks"][0]["name"] == "Track 3"


def test_who_is_near(client, recommender):
    params = {"kind": "artist", "id": "segue:artist:3", "artists": 5, "tracks": 4}
    nodes = client.get(f"{API}/nearby", params=params).json()["nodes"]
    kinds = [node["type"] for node in nodes]
    assert kinds == ["artist"] * 6 + ["track"] * 4
    assert nodes[0]["id"] == "segue:artist:3"
    best = recommender.similar(artist="segue:artist:3", n=5).artists
    assert [node["id"] for node in nodes[1:6]] == [artist.artist_id for artist in best]


def test_details(client, recommender):
    track = client.get(f"{API}/tracks/segue:track:3").json()
    assert (track["name"], track["artist_id"]) == ("Track 3", "segue:artist:3")
    artist = client.get(f"{API}/artists/segue:artist:3").json()
    assert artist["num_tracks"] == len(artist["tracks"]) == 8
    counts = [track["num_playlists"] for track in artist["tracks"]]
    assert counts == sorted(counts, reverse=True)
    assert {track["artist_id"] for track in artist["tracks"]} == {"segue:artist:3"}
    playlist = client.get(f"{API}/playlists/7").json()
    rows = recommender.playlists.tracks[7]
    assert [track["id"] for track in playlist.pop("tracks")] == [f"segue:track:{r}" for r in rows]
    assert playlist == {
        "id": "7", "title": "community 3", "num_tracks": len(rows), "order_known": False
    }  # fmt: skip


def test_an_id_may_hold_anything(
    bundles: tuple[Bundle, Bundle], save_bundle: Callable[..., None], tmp_path: Path
) -> None:
    odd = ["http://a/b?c=d#e", "ü 六", "..", "a/../b", " x "]
    catalog = bundles[0].catalog
    ids = odd + catalog.track_ids.to_pylist()[len(odd) :]
    catalog = catalog.with_nodes("track", Nodes(pa.array(ids), catalog.track_names))
    save_bundle(replace(bundles[0], catalog=catalog), tmp_path / "b")
    with TestClient(create_app(Serving(tmp_path / "b"))) as client:
        for an_id in odd:
            if an_id != "..":  # which a client takes for a folder
                track = client.get(f"{API}/tracks/{quote(an_id, safe='')}")
                assert track.json().get("id") == an_id, track.text
            assert post(client, "/complete", {"tracks": [an_id], "n": 1})["query"] == [an_id]


def test_how_the_service_fares(client, serving):
    assert client.get(f"{API}/health").json() == {"status": "ok"}
    assert client.get(f"{API}/ready").json() == {"status": "ready"}
    version = client.get(f"{API}/version").json()
    assert (version["version"], version["failure"]) == (segue.__version__, None)
    assert len(version["bundle"].pop("fingerprint")) == 64
    assert version["bundle"].pop("loaded_at") == serving.current.loaded_at.isoformat()
    assert version["bundle"] == {
        "num_tracks": 160, "num_artists": 20, "num_playlists": 240, "has_playlists": True,
        "has_titles": True,
    }  # fmt: skip


def test_metrics(client, serving):
    for _ in range(3):
        client.get(f"{API}/tracks/segue:track:3")
    client.get(f"{API}/tracks/nothing")
    text = client.get(f"{API}/metrics").text
    route = 'route="/api/v1/tracks/{track_id:path}"'
    assert f'segue_requests_total{{{route},status="200"}} 3.0' in text
    assert f'segue_requests_total{{{route},status="404"}} 1.0' in text
    assert f"segue_request_seconds_count{{{route}}} 4.0" in text
    assert "segue_requests_in_flight 0.0" in text
    assert f'segue_bundle_info{{fingerprint="{serving.current.fingerprint}"}} 1.0' in text


@pytest.mark.parametrize(
    ("path", "question", "status", "sentence"),
    [
        ("/complete", {"playlist": "no"}, 404, "'no' is not a playlist of this bundle, expected"),
        ("/match", {}, 422, "Exactly one of songs and text must be given."),
        ("/match", {"songs": [], "text": "a"}, 422, "songs: "),
        ("/match", {"text": " \n"}, 400, "pasted text: "),
        ("/complete", {"tracks": ["x"]}, 404, "'x' matches no track in this bundle"),
        ("/complete", {}, 422, "Exactly one of playlist and tracks must be given."),
        ("/complete", {"playlist": "7", "tracks": []}, 422, "Exactly one of playlist and"),
        ("/complete", {"playlist": "7", "n": 0}, 422, "n is 0: input should be greater than"),
        ("/complete", {"playlist": "7", "n": 501}, 422, "n is 501: input should be less than"),
        ("/complete", {"playlist": "7", "n": "5"}, 422, "n: input should be a valid integer."),
        ("/complete", {"playlist": "7", "dial": 2}, 422, "dial is 2: input should be less"),
        ("/complete", {"playlist": True}, 422, "playlist: input should be a valid string."),
        ("/complete", {"tracks": ["a"] * 501}, 422, "tracks: list should have at most 500 items"),
        ("/complete", {"tracks": [""]}, 422, "tracks.0: string should have at least 1 character."),
        ("/complete", {"playlist": "7", "m": 1}, 422, "m: extra inputs are not permitted"),
        ("/complete", {"playlist": "7", "n": 0, "dial": 2}, 422, "n is 0: "),
        (
            "/complete",
            {"playlist": "7", "filters": {"max_per_artist": 0}},
            422,
            "filters.max_per_artist is 0: input should be greater than or equal to 1.",
        ),
        (
            "/complete",
            {"playlist": "7", "filters": {"exclude_artists": ["who"]}},
            404,
            "'who' matches no artist in this bundle",
        ),
        ("/recommend", {"playlists": []}, 422, "playlists: list should have at least 1 item"),
        (
            "/recommend",
            {"playlists": [{"playlist": "7"}] * 65},
            422,
            "playlists: list should have at most 64 items",
        ),
        ("/recommend", {"playlists": [{}]}, 422, "playlists.0: exactly one of playlist and"),
        ("/vibe", {}, 422, "At least one of tracks, artists and title must be given."),
        ("/vibe", {"tracks": ["Track 999"]}, 404, "'Track 999' matches no track in this bundle"),
        ("/similar", {"track": "a", "artist": "b"}, 422, "Exactly one of track and artist must be"),
        ("/why", {"track": "segue:track:1"}, 422, "Either playlist or at least one of"),
        ("/why", {"tracks": ["a"]}, 422, "track: field required."),
        ("/sort", {"tracks": ["a"], "into": ["no"]}, 404, "'no' is not a playlist of this bundle"),
        ("/sort", {"tracks": ["a"], "into": {}}, 422, "into"),
        ("/tidy", {}, 422, "Exactly one of playlist and tracks must be given."),
        ("/tidy", {"tracks": ["a"] * 1001}, 422, "tracks: list should have at most 1000 items"),
        ("/tidy", {"playlist": "7", "parts": 0}, 422, "parts is 0: input should be greater"),
    ],
)
def test_bad_questions(client, path, question, status, sentence):
    response = client.post(API + path, json=question)
    assert response.status_code == status, response.text
    assert response.json()["error"].startswith(sentence), response.text


@pytest.mark.parametrize(
    ("method", "path", "status", "sentence"),
    [
        ("GET", "/tracks/nothing", 404, "'nothing' is not the id of a track of this bundle"),
        ("GET", "/artists/nobody", 404, "'nobody' is not the id of an artist of this bundle"),
        ("GET", "/playlists/none", 404, "'none' is not a playlist of this bundle"),
        ("GET", "/nowhere", 404, "There is nothing at /api/v1/nowhere."),
        ("DELETE", "/find", 405, "DELETE is not allowed at /api/v1/find."),
        ("GET", "/find", 422, "text: field required."),
        ("GET", "/find?text=a&n=x", 422, "n: input should be a valid integer"),
        ("GET", "/find?text=a&kind=song", 422, "kind.0: input should be 'artist', 'track' or"),
        ("GET", f"/find?text={'a' * 201}", 422, "text: string should have at most 200 characters."),
        ("GET", "/nearby?kind=artist&id=x", 404, "'x' is not the id of an artist of this bundle"),
        ("GET", "/nearby?kind=playlist&id=5", 422, "kind: input should be 'track' or 'artist'"),
        ("GET", "/subgraph?kind=track&id=x", 404, "'x' is not the id of a track of this bundle"),
        ("GET", "/subgraph?kind=track&id=x&waves=9", 422, "waves is 9: input should be less"),
    ],
)
def test_bad_requests(client, method, path, status, sentence):
    response = client.request(method, API + path)
    assert response.status_code == status, response.text
    assert response.json()["error"].startswith(sentence), response.text


@pytest.mark.parametrize(
    ("body", "status", "sentence"),
    [
        (b'{"playlist":', 422, "The body is not valid JSON: expecting value."),
        (b"", 422, "The body must be a JSON object, sent as application/json."),
        (b"[1]", 422, "The body must be a JSON object, sent as application/json."),
        (b'"\xff"', 400, "The body cannot be read as JSON."),
        (b"[" * 100_000, 400, "The body cannot be read as JSON."),
        (b'{"tracks": ["\\ud800"]}', 422, "tracks.0: "),
        (b'{"playlist": "7", "\\ud800": 1}', 422, ""),
        (b'{"playlist": "7", "dial": NaN}', 422, "dial"),
    ],
)
def test_bad_bodies(client, body, status, sentence):
    response = client.post(
        f"{API}/complete", content=body, headers={"content-type": "application/json"}
    )
    assert response.status_code == status, response.text
    assert response.json()["error"].startswith(sentence), response.text


def test_a_name_of_several_tracks_names_them(
    bundles: tuple[Bundle, Bundle], save_bundle: Callable[..., None], tmp_path: Path
) -> None:
    catalog = bundles[0].catalog
    names = ["Same", "Same", *catalog.track_names.to_pylist()[2:]]
    catalog = catalog.with_nodes("track", Nodes(catalog.track_ids, pa.array(names)))
    save_bundle(replace(bundles[0], catalog=catalog), tmp_path / "b")
    with TestClient(create_app(Serving(tmp_path / "b"))) as client:
        response = client.post(f"{API}/similar", json={"track": "Same"})
        assert response.status_code == 404
        assert response.json()["error"].startswith("'Same' is the name of 2 tracks")
        assert len(response.json()["candidates"]) == 2


def test_a_bundle_without_playlists(
    bundles: tuple[Bundle, Bundle], save_bundle: Callable[..., None], tmp_path: Path
) -> None:
    save_bundle(replace(bundles[0], playlists=None), tmp_path / "b")
    with TestClient(create_app(Serving(tmp_path / "b"))) as client:
        facts = client.get(f"{API}/version").json()["bundle"]
        assert (facts["has_playlists"], facts["num_playlists"]) == (False, 0)
        found = post(client, "/complete", {"tracks": TRACKS, "n": 2, "reasons": True})
        assert [track["playlists"] for track in found["tracks"]] == [None, None]
        search = {"text": "track", "kind": ["track", "artist"]}
        assert client.get(f"{API}/find", params=search).json()["tracks"]
        for response in (
            client.post(f"{API}/complete", json={"playlist": "7"}),
            client.get(f"{API}/playlists/7"),
            client.get(f"{API}/subgraph", params={"kind": "track", "id": TRACKS[0]}),
            client.get(f"{API}/find", params={"text": "a", "kind": "playlist"}),
        ):
            assert response.status_code == 400
            assert "this bundle was made without playlists" in response.json()["error"]


def test_the_page_and_what_it_loads(client):
    assert client.get("/").text.startswith("<!doctype html>")
    assert client.get("/static/index.html").status_code == 200
    assert "GraphView" in client.get("/graph/graph_view.js").text
    for path in ("/static/../app.py", "/static/%2e%2e/app.py", "/graph/..%2fscene.py", "/nowhere"):
        response = client.get(path)
        assert response.status_code == 404, path
        assert set(response.json()) == {"error"}


@pytest.mark.parametrize("path", ["/", "/graph/graph_view.js", f"{API}/health", "/nowhere"])
def test_headers_that_keep_a_page_safe(client, path):
    headers = client.get(path).headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == ("no-store" if path.startswith(API) else "no-cache")


def test_scores_in_json_are_numbers(client):
    """What msgspec writes for a score that is not finite is null."""
    found = post(client, "/complete", {"playlist": "7", "n": 500})
    assert len(found["tracks"]) < 500
    assert np.isfinite([track["score"] for track in found["tracks"]]).all()


def test_halves_of_characters_are_answered(client: TestClient) -> None:
    """JSON can ask with them; an answer that repeats them has a question mark there."""
    body = b'{"tracks": ["segue:track:1"], "into": {"\\udfff": ["segue:track:2"]}}'
    answer = client.post(f"{API}/sort", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 200
    assert answer.json()["playlists"][0]["title"] == "?"


@pytest.mark.parametrize("path", ["tracks", "artists", "playlists"])
def test_a_path_without_its_id_is_not_there(client: TestClient, path: str) -> None:
    assert client.get(f"{API}/{path}", follow_redirects=False).status_code == 404
