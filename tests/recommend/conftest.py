"""Bundles to recommend from."""

import numpy as np
import pytest

from segue.bundle import Bundle
from segue.graph.playlist_graph import PlaylistGraph
from segue.scoring.scorer import unit_rows


@pytest.fixture(scope="session")
def planted_bundle(planted_graph: PlaylistGraph) -> Bundle:
    """Random vectors and weights for the planted graph; nothing stands beside the vectors."""
    return _random_bundle(planted_graph, np.random.default_rng(5))


@pytest.fixture(scope="session")
def small_bundle(small_graph: PlaylistGraph) -> Bundle:
    """Random vectors and weights for the small graph; nothing stands beside the vectors."""
    return _random_bundle(small_graph, np.random.default_rng(6))


def _random_bundle(graph: PlaylistGraph, rng: np.random.Generator) -> Bundle:
    catalog = graph.catalog
    tracks, artists = (
        unit_rows(rng.normal(size=(rows, 8)).astype(np.float32))
        for rows in (catalog.num_tracks, catalog.num_artists)
    )
    return Bundle(
        catalog=catalog,
        track_vectors=tracks,
        artist_vectors=artists,
        query_weight=rng.uniform(0.1, 2, catalog.num_tracks).astype(np.float32),
        popularity=graph.track_degree,
        playlists=graph.playlists,
        config={},
        metrics={},
        split={},
        graph_fingerprint="",
    )
