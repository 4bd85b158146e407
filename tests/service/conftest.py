"""Two bundles that differ in their vectors, and a client of a service on one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from fastapi.testclient import TestClient

from segue.bundle import Bundle
from segue.data.relations import Nodes
from segue.data.title_words import Vocabulary
from segue.graph.playlist_graph import PlaylistGraph
from segue.scoring.questions import Questions
from segue.scoring.variety import Variety
from segue.service import app as app_module
from segue.service.app import create_app
from segue.service.serving import Serving

DIM = 8


def bundle_of(graph: PlaylistGraph, rng_seed: int) -> Bundle:
    rng = np.random.default_rng(rng_seed)

    def unit(rows: int) -> np.ndarray:
        vectors = rng.standard_normal((rows, DIM), dtype=np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    words = Nodes(pa.array(["community", "night"]), pa.array(["community", "night"]))
    titled = Vocabulary(words).relation(graph.playlists.titles.to_pylist())
    return Bundle(
        catalog=graph.catalog.with_nodes("word", words),
        vectors={
            "track": unit(graph.catalog.num_tracks),
            "artist": unit(len(graph.catalog.artists)),
            "word": unit(2),
        },
        word_weight=np.ones(2, dtype=np.float32),
        title_growth=np.zeros(1, dtype=np.float32),
        query_weight=np.ones(graph.catalog.num_tracks, dtype=np.float32),
        popularity=graph.popularity.astype(np.int64),
        playlists=replace(graph.playlists, relations={"word": titled}),
        config={},
        metrics={},
        split={},
        graph_fingerprint="planted",
        questions=Questions(variety=Variety((1, 5), (0.4, 0.2))).to_json(),
    )


def save(bundle: Bundle, folder: Path) -> None:
    bundle.save(folder, overwrite=True)


@pytest.fixture(scope="session")
def save_bundle() -> Callable[[Bundle, Path], None]:
    """Write a bundle with its index of names, in the place of an older one."""
    return save


@pytest.fixture(scope="session")
def bundles(planted_graph: PlaylistGraph) -> tuple[Bundle, Bundle]:
    return bundle_of(planted_graph, 1), bundle_of(planted_graph, 2)


@pytest.fixture(scope="session")
def shipped(bundles: tuple[Bundle, Bundle], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first bundle on the disk; no test changes it."""
    folder = tmp_path_factory.mktemp("service") / "bundle"
    save(bundles[0], folder)
    return folder


@pytest.fixture
def folder(bundles: tuple[Bundle, Bundle], tmp_path: Path) -> Path:
    """The first bundle on the disk, to be replaced."""
    save(bundles[0], tmp_path / "bundle")
    return tmp_path / "bundle"


@pytest.fixture(scope="session")
def serving(shipped: Path) -> Serving:
    serving = Serving(shipped)
    serving.load()
    return serving


@pytest.fixture
def client(
    serving: Serving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TestClient]:
    static = tmp_path / "static"
    static.mkdir()
    (static / "index.html").write_text("<!doctype html><title>A page</title>")
    monkeypatch.setattr(app_module, "_PAGE", static)
    with TestClient(create_app(serving)) as client:
        yield client
