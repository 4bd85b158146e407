"""Fixtures that the tests of several rooms share."""

import os
import shutil
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import settings

from segue.bundle import Bundle
from segue.data.playlists import Catalog, Playlists, TrackLists
from segue.data.relations import Nodes, Relation
from segue.graph.playlist_graph import PlaylistGraph
from segue.scoring.centroid import unit_rows
from segue.scoring.features import FEATURES
from segue.scoring.trees import Trees

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

# A busy machine is no reason for a test to fail.
settings.register_profile("segue", deadline=None)
settings.load_profile("segue")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where SEGUE_BROWSER_REQUIRED is set, a skipped browser test has failed."""
    report = yield
    required = os.environ.get("SEGUE_BROWSER_REQUIRED") and item.get_closest_marker("browser")
    if required and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"a browser is required here, but the test is skipped: {report.longrepr}"
    return report


# Not of the session: while Playwright is started, no test of its thread can run an event loop.
@pytest.fixture(scope="module")
def chromium() -> Iterator["Browser"]:
    """The Chromium of this machine, driven by Playwright; for tests marked `browser`."""
    sync_api = pytest.importorskip("playwright.sync_api")
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        pytest.skip("there is no Chromium here (Debian: apt-get install chromium)")
    with (
        sync_api.sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=path) as browser,
    ):
        yield browser


@pytest.fixture
def page(chromium: "Browser") -> Iterator["Page"]:
    """An empty page of 1000 × 800; an error in it, as of its policy, fails the test."""
    with chromium.new_context(viewport={"width": 1000, "height": 800}) as context:
        page, failures = context.new_page(), []
        page.on("pageerror", lambda error: failures.append(str(error)))
        page.on("console", lambda m: failures.append(m.text) if m.type == "error" else None)
        yield page
        assert not failures


@pytest.fixture(scope="session")
def realdata() -> Path:
    """The folder with the real playlists, which are not part of the project."""
    folder = os.environ.get("SEGUE_REALDATA")
    if not folder:
        pytest.skip("SEGUE_REALDATA does not name the folder with the real playlists")
    if not Path(folder, "playlists-50k.zip").is_file():
        pytest.skip(f"SEGUE_REALDATA names {folder}, which holds no playlists-50k.zip")
    return Path(folder)


@pytest.fixture(scope="session")
def small_catalog() -> Catalog:
    """Six tracks of three artists on three albums; the last track is on no album."""
    return Catalog.of_columns(
        track_ids=pa.array([f"segue:track:{letter}" for letter in "abcdef"]),
        track_names=pa.array(["Alpha", "Beta", "Γάμμα", "Delta", "", "六"]),
        artist_ids=pa.array([f"segue:artist:{letter}" for letter in "xyz"]),
        artist_names=pa.array(["Xénia", "Yves", "Зоя"]),
        album_ids=pa.array([f"segue:album:{letter}" for letter in "pqr"]),
        album_names=pa.array(["Première", "Queue", ""]),
        main_artist=np.array([0, 0, 1, 1, 1, 2], dtype=np.int32),
        main_album=np.array([0, 0, 1, 1, 2, -1], dtype=np.int32),
    )


@pytest.fixture(scope="session")
def small_playlists() -> Playlists:
    """Four playlists over the tracks of `small_catalog`, the third of them empty."""
    return Playlists(
        ids=pa.array(["10", "11", "twelve", "13"]),
        titles=pa.array(["road trip", None, "夏 🎶", ""]),
        order_known=np.array([True, False, False, True]),
        tracks=TrackLists.from_lists([[2, 0, 5], [0, 1, 2, 3, 4], [], [3, 0]]),
    )


@pytest.fixture(scope="session")
def small_graph(small_playlists: Playlists, small_catalog: Catalog) -> PlaylistGraph:
    """Of 4 playlists, 6 tracks, 3 artists and 3 albums, with 10 pairs."""
    return PlaylistGraph(small_playlists, small_catalog, {"source": "by hand"})


@pytest.fixture(scope="session")
def second_stage_arrays() -> dict[str, np.ndarray]:
    """A second stage that orders tracks by chance, though by their features and nothing else."""
    rng = np.random.default_rng(8)
    num_trees, num_nodes = 30, 7  # Of three levels.
    inner = np.arange(num_nodes)
    child = np.where(inner < 3, 2 * inner + 1, -1 - 2 * (inner - 3)).astype(np.int32)
    shape = (num_trees, num_nodes)
    trees = Trees(
        num_features=np.array([len(FEATURES)]),
        offsets=np.arange(0, num_trees * num_nodes + 1, num_nodes),
        feature=rng.integers(0, len(FEATURES), num_trees * num_nodes).astype(np.int32),
        threshold=rng.normal(size=num_trees * num_nodes),
        missing_left=rng.integers(0, 2, num_trees * num_nodes).astype(np.uint8),
        left=np.broadcast_to(child, shape).ravel(),
        right=np.broadcast_to(np.where(inner < 3, child + 1, child - 1), shape).ravel(),
        leaf_value=rng.normal(size=num_trees * (num_nodes + 1)),
    )
    return trees.arrays()


@pytest.fixture(scope="session")
def make_planted_graph() -> Callable[..., PlaylistGraph]:
    """Draw a graph with planted communities; see `draw_planted_graph` for the arguments."""
    return draw_planted_graph


@pytest.fixture(scope="session")
def planted_graph() -> PlaylistGraph:
    """240 playlists in 4 communities of 40 tracks and 5 artists each.

    A playlist holds 8 to 20 tracks, about 85% of them from its own community. Of playlist p the
    community is ``p % 4``, of track t it is ``t // 40``, of artist a it is ``a // 5``.
    """
    return draw_planted_graph(np.random.default_rng(0))


def draw_planted_graph(
    rng: np.random.Generator,
    *,
    communities: int = 4,
    tracks_each: int = 40,
    artists_each: int = 5,
    num_playlists: int = 240,
    lengths: tuple[int, int] = (8, 20),
    loyalty: float = 0.85,
) -> PlaylistGraph:
    """Draw playlists that keep, up to ``1 - loyalty``, to one community of tracks."""
    num_tracks, num_artists = communities * tracks_each, communities * artists_each
    track = np.arange(num_tracks)
    artist = track // tracks_each * artists_each + track % artists_each
    # Two albums an artist; every tenth track is on none.
    album = np.where(track % 10 == 9, -1, artist * 2 + track // artists_each % 2)
    catalog = Catalog.of_columns(
        track_ids=pa.array([f"segue:track:{t}" for t in range(num_tracks)]),
        track_names=pa.array([f"Track {t}" for t in range(num_tracks)]),
        artist_ids=pa.array([f"segue:artist:{a}" for a in range(num_artists)]),
        artist_names=pa.array([f"Artist {a}" for a in range(num_artists)]),
        album_ids=pa.array([f"segue:album:{a}" for a in range(2 * num_artists)]),
        album_names=pa.array([f"Album {a}" for a in range(2 * num_artists)]),
        main_artist=artist.astype(np.int32),
        main_album=album.astype(np.int32),
    )
    lists = []
    for playlist in range(num_playlists):
        own = track // tracks_each == playlist % communities
        length = int(rng.integers(lengths[0], lengths[1] + 1))
        num_own = int(rng.binomial(length, loyalty))
        inside = rng.choice(track[own], num_own, replace=False)
        outside = rng.choice(track[~own], length - num_own, replace=False)
        lists.append(rng.permutation(np.append(inside, outside)).tolist())
    playlists = Playlists(
        ids=pa.array([str(p) for p in range(num_playlists)]),
        titles=pa.array([f"community {p % communities}" for p in range(num_playlists)]),
        order_known=np.arange(num_playlists) % 3 == 0,
        tracks=TrackLists.from_lists(lists),
    )
    return PlaylistGraph(playlists, catalog, {"source": "planted"})


@pytest.fixture(scope="session")
def bare_bundle() -> Callable[..., Bundle]:
    """Makes a bundle of a graph; see `make_bare_bundle` for the arguments."""
    return make_bare_bundle


def make_bare_bundle(graph: PlaylistGraph, rng: np.random.Generator, **fields: Any) -> Bundle:
    """A bundle of random unit vectors and equal weights; `fields` replace any of its fields."""
    catalog = graph.catalog
    tracks, artists = (
        unit_rows(rng.normal(size=(rows, 8)).astype(np.float32))
        for rows in (catalog.num_tracks, len(catalog.artists))
    )
    bundle = Bundle(
        catalog=catalog,
        vectors={"track": tracks, "artist": artists},
        query_weight=np.ones(catalog.num_tracks, dtype=np.float32),
        popularity=graph.popularity,
        playlists=graph.playlists,
        config={},
        metrics={},
        split={},
        graph_fingerprint="",
    )
    return replace(bundle, **fields)


@pytest.fixture(scope="session")
def planted_bundle(planted_graph: PlaylistGraph) -> Bundle:
    """Random vectors and weights for the planted graph; nothing stands beside the vectors."""
    return _with_random_weights(planted_graph, np.random.default_rng(5))


@pytest.fixture(scope="session")
def communities_bundle(planted_bundle: Bundle) -> Bundle:
    """Vectors that know the communities of the planted graph, up to some noise."""
    rng = np.random.default_rng(9)
    num_tracks = planted_bundle.catalog.num_tracks
    centres = unit_rows(rng.normal(size=(4, 8)).astype(np.float32))
    noise = rng.normal(size=(num_tracks, 8), scale=0.2).astype(np.float32)
    tracks = unit_rows(centres[np.arange(num_tracks) // 40] + noise)
    return replace(
        planted_bundle,
        vectors={**planted_bundle.vectors, "track": tracks},
        query_weight=np.ones(num_tracks, dtype=np.float32),
    )


@pytest.fixture(scope="session")
def small_bundle(small_graph: PlaylistGraph) -> Bundle:
    """Random vectors and weights for the small graph; nothing stands beside the vectors."""
    return _with_random_weights(small_graph, np.random.default_rng(6))


def _with_random_weights(graph: PlaylistGraph, rng: np.random.Generator) -> Bundle:
    bundle = make_bare_bundle(graph, rng)
    weights = rng.uniform(0.1, 2, graph.catalog.num_tracks).astype(np.float32)
    return replace(bundle, query_weight=weights)


@pytest.fixture(scope="session")
def with_words() -> Callable[..., PlaylistGraph]:
    """Makes a graph whose playlists have words (rows by playlist), and whose tracks artists."""

    def make(
        graph: PlaylistGraph, words: list[list[int]], artists: list[list[int]] | None = None
    ) -> PlaylistGraph:
        names = pa.array(
            [f"word {word}" for word in range(1 + max(max(row, default=0) for row in words))]
        )
        lists = TrackLists.from_lists(words)
        titled = Relation(
            "titled", "playlist", "word", lists.offsets, lists.track_index, len(names)
        )
        catalog = graph.catalog.with_nodes("word", Nodes(names, names))
        if artists is not None:
            by = TrackLists.from_lists(artists)
            several = (by.offsets, by.track_index, len(catalog.artists))
            catalog = catalog.with_relation(Relation("by", "track", "artist", *several))
        playlists = replace(graph.playlists, relations={"word": titled})
        return replace(graph, playlists=playlists, catalog=catalog)

    return make


@pytest.fixture(scope="session")
def tied_graph(
    planted_graph: PlaylistGraph, with_words: Callable[..., PlaylistGraph]
) -> PlaylistGraph:
    """The planted graph with words in titles, none to four of each, and some duets."""
    rng = np.random.default_rng(21)
    words = [rng.permutation(12)[: rng.integers(5)].tolist() for _ in planted_graph.playlists.ids]
    artists = [[by] for by in planted_graph.catalog.main_artist.tolist()]
    for track in range(0, 160, 5):
        artists[track].append((artists[track][0] + 7) % 20)
    artists[4] = []
    return with_words(planted_graph, words, artists)
