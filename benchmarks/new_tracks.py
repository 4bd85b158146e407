"""New music without retraining: `segue update` beside waiting for a retraining.

    SEGUE_REALDATA=/path/to/folder python benchmarks/new_tracks.py OUT [--threads 1]

Takes the 10-core of playlists-50k.zip and the default split of benchmarks/real_playlists.py (in the
same OUT its graph and its bundles are used again), removes a random tenth of the tracks whole and
trains the default LightGCN without them: the old model. Then the training pairs of those tracks
arrive. Compared are an old model that knows nothing of them, `update` with the weights that it
fits, updates by one source alone or all in equal parts, and the model that was trained with them.

It goes on where it was stopped. Writes OUT/new_tracks.json, which holds no single playlist.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from segue.bundle import Bundle
from segue.data.playlists import BoolArray, Playlists, TrackLists
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import HeldOut, Split, SplitRecipe, split_graph
from segue.training.config import TrainConfig
from segue.training.train import CHECKPOINT, Progress, train
from segue.training.validation import validation_rows

NEW_SHARE, NEW_RNG_SEED = 0.1, 0


def draw_new_tracks(split: Split) -> BoolArray:
    """A tenth of the tracks that stand in a training playlist: bool [num_tracks]."""
    standing = np.flatnonzero(split.train.track_degree)
    rng = np.random.default_rng(NEW_RNG_SEED)
    new = np.zeros(split.train.catalog.num_tracks, dtype=bool)
    new[rng.choice(standing, round(len(standing) * NEW_SHARE), replace=False)] = True
    return new


def without(lists: TrackLists, new: BoolArray) -> TrackLists:
    """The lists in the catalogue that lacks the new tracks."""
    old_row = np.cumsum(~new, dtype=np.int32) - np.int32(1)
    kept = lists.keep(~new[lists.track_index])
    return TrackLists(kept.offsets, old_row[kept.track_index])


def old_model(out: Path, split: Split, new: BoolArray) -> Bundle:
    """The default LightGCN, trained on the training graph as if the new tracks had never been."""
    path = out / "bundle-old"
    if path.exists():
        return Bundle.load(path)
    playlists = split.train.playlists
    old = PlaylistGraph(
        playlists.with_tracks(without(playlists.tracks, new)),
        split.train.catalog.keep_tracks(~new),
    )
    train_pairs, held_out = old.playlists.tracks, split.validation
    validation = HeldOut(
        train_pairs, train_pairs, without(held_out.targets, new), held_out.playlist_index
    )
    folder = out / "bundle-old.training"
    folder.mkdir(exist_ok=True)
    config = TrainConfig()
    result = train(
        old,
        validation_rows(validation),
        config,
        folder=folder,
        identity=old.fingerprint,
        resume=(folder / CHECKPOINT).exists(),
        progress=Progress(
            epoch=lambda entry: print(
                f"epoch {entry['epoch']}/{entry['epochs']}: loss {entry['loss']:.4f}, "
                f"nDCG@20 {entry['ndcg@20']:.4f}, {entry['seconds']:.0f} s",
                flush=True,
            )
        ),
    )
    bundle = Bundle(
        catalog=old.catalog,
        track_vectors=result.track_vectors,
        artist_vectors=result.structural_vectors["artist"],
        query_weight=result.query_weight,
        popularity=old.track_degree.astype(np.int64),
        playlists=old.playlists,
        config={**config.to_json(), "epochs": len(result.history), "best_epoch": result.best_epoch},
        metrics={},
        split={},
        graph_fingerprint=old.fingerprint,
        history=result.history,
    )
    bundle.save(path)
    return bundle


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--threads", type=int)
    options = parser.parse_args()
    out: Path = options.out
    if options.threads:
        torch.set_num_threads(options.threads)
    graph = PlaylistGraph.load(out / "graph")
    split = split_graph(graph, SplitRecipe())
    new = draw_new_tracks(split)
    old_model(out, split, new)


if __name__ == "__main__":
    main()
