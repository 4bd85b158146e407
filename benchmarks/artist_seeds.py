"""What an artist should stand for as a seed: its trained vector, or a centroid of its tracks.

    python benchmarks/artist_seeds.py BUNDLE GRAPH

Asks for each validation playlist of a bundle's split with nothing but the artist of most of its
tracks, and measures what of the held-out tracks is found.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from segue.bundle import Bundle
from segue.data.playlists import Float32Array, Int64Array
from segue.evaluation.experiment import split_of
from segue.graph.playlist_graph import PlaylistGraph
from segue.training.validation import NodeScorer, validate, validation_rows


@dataclass(frozen=True)
class Tracks:
    """The tracks of each artist, weighed."""

    vectors: Float32Array
    track_artist: Int64Array
    num_artists: int

    def centroids(self, weight: Float32Array) -> Float32Array:
        """Unit centroids: float32 [num_artists, dim]."""
        known = self.track_artist >= 0
        sums = np.zeros((self.num_artists, self.vectors.shape[1]))
        np.add.at(sums, self.track_artist[known], (weight[:, None] * self.vectors)[known])
        length = np.linalg.norm(sums, axis=1, keepdims=True)
        return (sums / np.where(length == 0, 1, length)).astype(np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("graph", type=Path)
    options = parser.parse_args()
    bundle = Bundle.load(options.bundle)
    split = split_of(bundle, PlaylistGraph.load(options.graph))
    held_out = validation_rows(split.validation)
    catalog = bundle.catalog
    by = [catalog.track_artist[held_out.query[row]] for row in range(len(held_out.query))]
    most = np.array([np.bincount(of[of >= 0], minlength=1).argmax() for of in by])
    # Each row asks with its artist's vector.
    held_out = type(held_out)(held_out.query, held_out.known, held_out.targets, most)
    tracks = Tracks(bundle.track_vectors, catalog.track_artist, catalog.num_artists)
    popularity = split.train.track_degree.astype(np.float32)
    for name, vectors in {
        "trained vector": bundle.artist_vectors,
        "centroid of its tracks": tracks.centroids(np.ones_like(popularity)),
        "by query weight": tracks.centroids(bundle.query_weight),
        "by √popularity": tracks.centroids(np.sqrt(popularity)),
        "by popularity": tracks.centroids(popularity),
    }.items():
        scorer = NodeScorer(vectors, bundle.track_vectors)
        values = validate(scorer, held_out, catalog.num_tracks)
        found = ", ".join(f"{metric} {value:.4f}" for metric, value in values.items())
        print(f"{name:24} {found}", flush=True)


if __name__ == "__main__":
    main()
