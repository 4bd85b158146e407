"""A small bundle with names of every kind, and what its pictures show."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from segue.bundle import Bundle
from segue.data.playlists import Catalog, Playlists
from segue.graph.playlist_graph import PlaylistGraph
from segue.pictures import text as text_module
from segue.pictures.scene import Scene, SceneEdge, SceneNode
from segue.recommend.recommender import Recommender

ODD_NAMES = (
    "</script><script>document.title = 'taken'</script>",
    "<img src=x onerror=\"document.title='taken'\">",
    "宇多田ヒカル",
    "أم كلثوم",
    "A$AP & Ke$ha",
    "🎉🎉",
    "A title that is as long as a title gets where nobody said that it should come to an end",
    "line\nbreak\x00 and \u2028 more",
    "",
)


@pytest.fixture(scope="session")
def bundle(planted_graph: PlaylistGraph) -> Bundle:
    """The planted graph with odd names, and random vectors that lean to its communities."""
    rng = np.random.default_rng(0)

    def named(names: pa.Array) -> pa.Array:
        listed = names.to_pylist()
        listed[: 3 * len(ODD_NAMES) : 3] = ODD_NAMES
        return pa.array(listed, pa.string())

    old, playlists = planted_graph.catalog, planted_graph.playlists
    catalog = Catalog.of_columns(
        old.track_ids, named(old.track_names), old.artists.ids, old.artists.names,
        old.albums.ids, old.albums.names, old.main_artist, old.main_album,
    )  # fmt: skip
    community = np.eye(8)[np.arange(catalog.num_tracks) // 40] * 2
    vectors = community + rng.normal(size=(catalog.num_tracks, 8)) / 2
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    artists = rng.normal(size=(len(catalog.artists), 8))
    artists /= np.linalg.norm(artists, axis=1, keepdims=True)
    return Bundle(
        catalog=catalog,
        vectors={"track": vectors.astype(np.float32), "artist": artists.astype(np.float32)},
        query_weight=np.ones(catalog.num_tracks, dtype=np.float32),
        popularity=planted_graph.popularity,
        playlists=Playlists(
            playlists.ids, named(playlists.titles), playlists.order_known, playlists.tracks
        ),
        config={"model": "by hand"},
        metrics={},
        split={},
        graph_fingerprint="",
        history=[
            {"epoch": 1, "epochs": 2, "step": 4, "loss": 7.5, "recall@20": 0.1, "seconds": 1.0},
            {"epoch": 2, "epochs": 2, "step": 8, "loss": 6.5, "recall@20": 0.3, "seconds": 2.0},
        ],
    )


@pytest.fixture(scope="session")
def recommender(bundle: Bundle) -> Recommender:
    return Recommender(bundle)


@pytest.fixture(scope="session")
def scene_of() -> Callable[..., Scene]:
    """A scene of some tracks in a row, each joined to the next."""

    def make(*labels: str, layout: str = "force", title: str = "Title") -> Scene:
        nodes = tuple(
            SceneNode(f"track:{at}", "track", label, "detail", 5, role="" if at else "start")
            for at, label in enumerate(labels)
        )
        edges = tuple(SceneEdge(at, at + 1, "interaction") for at in range(len(labels) - 1))
        position = np.stack([np.linspace(0, 1, len(labels))] * 2, axis=1)
        return Scene(title, "A note", layout, nodes, edges, position)

    return make


@pytest.fixture
def dejavu_alone(monkeypatch):
    """As on a machine with no fonts but matplotlib's own."""
    monkeypatch.setattr(text_module, "font_families", lambda: ["DejaVu Sans"])
    for function in (text_module._glyphs, text_module._width):
        function.cache_clear()
    yield
    for function in (text_module._glyphs, text_module._width):
        function.cache_clear()
