"""A service on a bundle with hostile names, and the page on it."""

from __future__ import annotations

import socket
import threading
import time

import numpy as np
import pyarrow as pa
import pytest
from on_page import HOSTILE, NAMES, ODD_ID, songs

from segue.bundle import Bundle
from segue.data.playlists import Catalog, Playlists
from segue.data.relations import Nodes
from segue.data.title_words import Vocabulary


@pytest.fixture(scope="module")
def bundle(planted_graph) -> Bundle:
    """The planted graph, its names and ids made hostile, with vectors of its communities.

    It has learned two words of titles: *night* is the first community, *drive* the second.
    """
    rng = np.random.default_rng(0)
    old, playlists = planted_graph.catalog, planted_graph.playlists
    names, ids = old.track_names.to_pylist(), old.track_ids.to_pylist()
    artists, titles = old.artists.names.to_pylist(), playlists.titles.to_pylist()
    for row, name in NAMES.items():
        names[row] = name
    ids[0] = "spotify:track:4uLU6hMCjMI75M1A2tKUQC"
    ids[7] = ODD_ID
    artists[0] = "Artist <b>bold</b>"
    titles[::7] = [HOSTILE] * len(titles[::7])
    catalog = Catalog.of_columns(
        pa.array(ids), pa.array(names), old.artists.ids, pa.array(artists),
        old.albums.ids, old.albums.names, old.main_artist, old.main_album,
    )  # fmt: skip
    tracks = np.eye(8)[np.arange(catalog.num_tracks) // 40] * 2 + rng.normal(size=(160, 8)) / 2
    words = pa.array(["night", "drive"])
    artist_vectors = np.eye(8)[np.arange(len(catalog.artists)) // 5] + rng.normal(size=(20, 8)) / 4
    return Bundle(
        catalog=catalog.with_nodes("word", Nodes(words, words)),
        vectors={
            "track": unit(tracks),
            "artist": unit(artist_vectors),
            "word": np.eye(2, 8, dtype=np.float32),
        },
        word_weight=np.ones(2, dtype=np.float32),
        title_growth=np.zeros(1, dtype=np.float32),
        query_weight=np.ones(catalog.num_tracks, dtype=np.float32),
        popularity=planted_graph.popularity,
        playlists=Playlists(
            playlists.ids,
            pa.array(titles, pa.string()),
            playlists.order_known,
            playlists.tracks,
            {"word": Vocabulary(Nodes(words, words)).relation(titles)},
        ),
        config={"model": "by hand"},
        metrics={},
        split={},
        graph_fingerprint="",
    )


def unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def service(bundle, tmp_path_factory):
    """Address of a running service."""
    uvicorn = pytest.importorskip("uvicorn")
    from segue.service.app import create_app
    from segue.service.serving import Serving

    folder = tmp_path_factory.mktemp("page") / "bundle"
    bundle.save(folder)
    serving = Serving(folder)
    serving.load()
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app(serving), log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    server.should_exit = True
    thread.join()


@pytest.fixture
def opened(page, service):
    """The page with its first songs; no request has left the host when the test ends."""
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    policy = page.goto(service).headers["content-security-policy"]
    assert policy.startswith("default-src 'self';")
    assert "unsafe" not in policy
    songs(page).first.wait_for()
    yield page
    assert len(asked) > 10
    assert {url for url in asked if not url.startswith((service, f"blob:{service}"))} == set()


@pytest.fixture
def troubled(chromium, service):
    """A page whose console may tell of failed requests."""
    with chromium.new_context(viewport={"width": 1000, "height": 800}) as context:
        page, failures = context.new_page(), []
        page.on("pageerror", lambda error: failures.append(str(error)))
        yield page
        assert not failures
