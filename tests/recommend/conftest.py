"""A bundle to recommend from."""

import numpy as np
import pytest

from segue.bundle import Bundle
from segue.graph.playlist_graph import PlaylistGraph
from segue.recommend.scorer import unit_rows


@pytest.fixture(scope="session")
def planted_bundle(planted_graph: PlaylistGraph) -> Bundle:
    """Random vectors and weights for the planted graph; nothing stands beside the vectors."""
    rng = np.random.default_rng(5)
    catalog = planted_graph.catalog
    tracks, artists = (
        unit_rows(rng.normal(size=(rows, 8)).astype(np.float32))
        for rows in (catalog.num_tracks, catalog.num_artists)
    )
    return Bundle(
        catalog=catalog,
        track_vectors=tracks,
        artist_vectors=artists,
        query_weight=rng.uniform(0.1, 2, catalog.num_tracks).astype(np.float32),
        popularity=planted_graph.track_degree,
        playlists=planted_graph.playlists,
        config={},
        metrics={},
        split={},
        graph_fingerprint="",
    )
