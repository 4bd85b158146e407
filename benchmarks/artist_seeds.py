"""How to represent an artist as a seed: by its trained vector, or a centroid of its tracks.

    python benchmarks/artist_seeds.py BUNDLE GRAPH

For each validation playlist of a bundle's split, queries with only the artist of most of its
tracks, and measures how many held-out tracks are found.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from segue.bundle import Bundle
from segue.data.playlists import Float32Array
from segue.evaluation.scorers import NodeScorer
from segue.evaluation.validation import validate, validation_rows
from segue.graph.playlist_graph import PlaylistGraph
from segue.pipeline.evaluate import split_of
from segue.scoring.centroid import unit_rows


def centroids(bundle: Bundle, weight: Float32Array) -> Float32Array:
    """Weighted centroids of the artists' tracks: unit float32 [num_artists, dim]."""
    track_artist = bundle.catalog.main_artist
    known = track_artist >= 0
    sums = np.zeros((len(bundle.catalog.artists), bundle.track_vectors.shape[1]))
    np.add.at(sums, track_artist[known], (weight[:, None] * bundle.track_vectors)[known])
    return unit_rows(sums).astype(np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("graph", type=Path)
    options = parser.parse_args()
    bundle = Bundle.load(options.bundle)
    split = split_of(bundle, PlaylistGraph.load(options.graph))
    held_out = validation_rows(split.validation)
    catalog = bundle.catalog
    by = [catalog.main_artist[held_out.query[row]] for row in range(len(held_out.query))]
    most = np.array([np.bincount(of[of >= 0], minlength=1).argmax() for of in by])
    # Each row queries with its artist's vector.
    held_out = replace(held_out, playlist_index=most)
    popularity = split.train.popularity.astype(np.float32)
    for name, vectors in {
        "trained vector": bundle.vectors["artist"],
        "centroid of its tracks": centroids(bundle, np.ones_like(popularity)),
        "by query weight": centroids(bundle, bundle.query_weight),
        "by √popularity": centroids(bundle, np.sqrt(popularity)),
        "by popularity": centroids(bundle, popularity),
    }.items():
        scorer = NodeScorer(vectors, bundle.track_vectors)
        values = validate(scorer, held_out, split.train)
        found = ", ".join(f"{metric} {value:.4f}" for metric, value in values.items())
        print(f"{name:24} {found}", flush=True)


if __name__ == "__main__":
    main()
