"""From a graph to a measured bundle, and back from a bundle to its split."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from segue.bundle import Bundle
from segue.data.playlists import Float32Array
from segue.errors import ArtefactError, InputError, MismatchError
from segue.evaluation.evaluate import Evaluation
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import Split, SplitRecipe, split_graph
from segue.recommend.scorer import CentroidScorer, Scorer
from segue.training.config import TrainConfig
from segue.training.train import Progress, train


def train_and_measure(
    graph: PlaylistGraph,
    split: Split,
    config: TrainConfig,
    measure: Callable[[Scorer], Evaluation],
    *,
    folder: Path,
    keep_playlists: bool = True,
    resume: bool = False,
    device: str = "cpu",
    progress: Progress | None = None,
) -> Bundle:
    """Train on a split of `graph`, measure on its test part, and make a bundle of the result.

    Parameters
    ----------
    graph
        The whole graph: the bundle's catalogue and playlists.
    split
        Of that graph.
    config
    measure
        Evaluates the trained scorer, as `segue.evaluation.evaluate.evaluate` does on the split's
        test part; what it gives goes into the bundle.
    folder, resume, device, progress
        As for `segue.training.train.train`.
    keep_playlists
        Put the playlists into the bundle.

    Raises
    ------
    InputError, TrainingError, ArtefactError, MismatchError
        As `segue.training.train.train`.
    """
    result = train(
        split.train,
        split.validation if split.validation.targets.num_pairs else None,
        config,
        folder=folder,
        identity=split.fingerprint,
        resume=resume,
        device=device,
        progress=progress,
    )
    evaluation = measure(CentroidScorer(result.track_vectors, result.query_weight))
    vectors = result.structural_vectors
    return Bundle(
        catalog=graph.catalog,
        track_vectors=result.track_vectors,
        artist_vectors=(
            vectors["artist"] if "artist" in vectors else artist_means(graph, result.track_vectors)
        ),
        album_vectors=vectors.get("album"),
        query_weight=result.query_weight,
        popularity=split.train.track_degree.astype(np.int64),
        playlists=graph.playlists if keep_playlists else None,
        config={
            **config.to_json(),
            "epochs": len(result.history),
            "best_epoch": result.best_epoch,
            "device": device,
            "threads": torch.get_num_threads(),
            "torch": torch.__version__,
            "seconds": round(result.seconds, 1),
        },
        metrics={"test": evaluation.to_json()},
        split={"recipe": split.recipe.to_json(), "fingerprint": split.fingerprint},
        graph_fingerprint=graph.fingerprint,
        history=result.history,
    )


def artist_means(graph: PlaylistGraph, track_vectors: Float32Array) -> Float32Array:
    """Each artist as the centroid of its tracks, for a model in which artists carry no messages.

    Returns
    -------
    float32 [num_artists, dim]
        Of unit length, 0 where the tracks cancel out.
    """
    sums = np.zeros((graph.catalog.num_artists, track_vectors.shape[1]), dtype=np.float32)
    np.add.at(sums, graph.catalog.track_artist, track_vectors)
    length: Float32Array = np.linalg.norm(sums, axis=1, keepdims=True)
    length[length == 0] = 1
    return sums / length


def split_of(bundle: Bundle, graph: PlaylistGraph) -> Split:
    """Draw a bundle's split again from its graph.

    Raises
    ------
    MismatchError
        If the bundle was trained on another graph, or the split does not come out the same.
    ArtefactError
        If the bundle states no recipe that is known.
    """
    if bundle.graph_fingerprint != graph.fingerprint:
        raise MismatchError(
            "the bundle was trained on another graph than this one, so its held-out tracks are "
            "not known"
        )
    try:
        recipe = SplitRecipe(**bundle.split["recipe"])
    except (KeyError, TypeError, InputError) as error:
        raise ArtefactError(
            f"the recipe of the bundle's split is not known: {bundle.split.get('recipe')}"
        ) from error
    split = split_graph(graph, recipe)
    if split.fingerprint != bundle.split.get("fingerprint"):
        raise MismatchError(
            "the bundle's split does not come out the same here (another version of NumPy may "
            "draw otherwise), so it cannot be measured"
        )
    return split
