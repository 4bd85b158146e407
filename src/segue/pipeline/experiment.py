"""From a graph to a measured bundle, and back from a bundle to its split."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from segue.bundle import Bundle, MeasuredVectors, Terms
from segue.data.playlists import Float32Array
from segue.errors import ArtefactError, InputError, MismatchError
from segue.evaluation.evaluate import Evaluation
from segue.evaluation.scorers import HeldOutScorer, Scorer
from segue.evaluation.validation import validate, validation_rows
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import HeldOut, Split, SplitRecipe, split_graph
from segue.pipeline.parts import FinishedParts
from segue.pipeline.system import SystemScorer
from segue.scoring.scorer import unit_rows
from segue.scoring.second_stage import lightgbm_library
from segue.training.checkpoint import CHECKPOINT
from segue.training.config import SystemConfig, TrainConfig
from segue.training.train import TrainResult, train
from segue.training.vectors import TrainedVectors

# As `on_step` and `on_epoch` of `segue.training.train.train`.
OnStep = Callable[[int, int, float], None]
OnEpoch = Callable[[dict[str, Any]], None]


@dataclass
class Watch:
    """What a caller may watch: how the vectors are trained, and the beginning of other stages.

    Both do nothing unless given. Stages are, in this order: ``"wide"``, ``"split"`` (the vectors),
    ``"second stage"``, ``"refit"`` (the vectors that ship), ``"refit wide"``.
    """

    training: Callable[[str], tuple[OnStep | None, OnEpoch | None]] = field(
        default=lambda stage: (None, None)
    )
    begins: Callable[[str], None] = field(default=lambda stage: None)


def train_and_measure(
    graph: PlaylistGraph,
    split: Split,
    config: TrainConfig,
    measure: Callable[[Scorer | HeldOutScorer], Evaluation],
    *,
    folder: Path,
    system: SystemConfig | None = None,
    keep_playlists: bool = True,
    refit: bool = True,
    resume: bool = False,
    device: str = "cpu",
    watch: Watch | None = None,
) -> Bundle:
    """Train on a split of `graph`, measure on its test part, and make a bundle of the result.

    The epoch is chosen on validation by the first stage as it ships: vectors, wide part, recency
    and popularity. The metrics come from the split. The vectors and the wide part that ship are
    then trained once more on all pairs, held out ones included, by the schedule and up to the
    epoch that validation chose. The second stage, which learns from validation, stays as it is.

    Parameters
    ----------
    graph
        The whole graph: the bundle's catalogue and playlists.
    split
        Of that graph.
    config
    measure
        Evaluates the trained system, as `segue.evaluation.evaluate.evaluate` does on the split's
        test part; what it gives goes into the bundle.
    folder, resume, device
        As for `segue.training.train.train`; the second training has a folder ``refit`` in it.
        Finished parts wait there, too, for a `resume`.
    system
        What stands beside the vectors; None: nothing.
    keep_playlists
        Put the playlists into the bundle.
    refit
        Without it, what was measured is what ships.
    watch

    Raises
    ------
    InputError, TrainingError, ArtefactError, MismatchError
        As `segue.training.train.train`; InputError for the node readout, too.
    ResourceError
        If a part of the system needs a library that is not installed, or too much memory.
    """
    if config.readout == "node":
        raise InputError(
            "the node readout is for studies: a bundle holds no vectors of playlists, so train "
            "and measure without one"
        )
    system, watch = system or SystemConfig(), watch or Watch()
    if system.second_stage is not None:
        lightgbm_library()
    parts = FinishedParts(folder)

    def trained(pairs: PlaylistGraph, stage: str, **options: Any) -> TrainResult:
        on_step, on_epoch = watch.training(stage)
        return train(pairs, device=device, on_step=on_step, on_epoch=on_epoch, **options)

    def fitted(pairs: PlaylistGraph, stage: str) -> Terms:
        if system.wide is None:
            return {}
        watch.begins(stage)
        return {"wide": parts.wide(pairs, system.wide).arrays()}

    beside = fitted(split.train, "wide")

    def measured_by(vectors: TrainedVectors) -> MeasuredVectors:
        popularity = split.train.popularity.astype(np.int64)
        return MeasuredVectors(vectors.track_vectors, vectors.query_weight, popularity, beside)

    def figures(vectors: TrainedVectors, held_out: HeldOut) -> dict[str, float]:
        """Those of the first stage that ships: the wide part, recency and popularity included."""
        scorer = SystemScorer.of_vectors(measured_by(vectors), None, split)
        return validate(scorer, held_out, split.train)

    has_validation = split.validation.targets.num_pairs > 0
    result = trained(
        split.train,
        "split",
        validation=validation_rows(split.validation) if has_validation else None,
        config=config,
        folder=folder,
        # The wide part has a say in which epoch is best.
        identity=json.dumps([split.fingerprint, system.to_json()["wide"]]),
        judge=figures,
        resume=resume,
    )
    measured = measured_by(result)
    second_stage = None
    if system.second_stage is not None:
        watch.begins("second stage")
        second_stage = parts.second_stage(split, measured, config, system)
    evaluation = measure(SystemScorer.of_vectors(measured, second_stage, split))
    shipped, terms, on = result, measured.terms, split.train
    if refit:
        again = folder / "refit"
        again.mkdir(exist_ok=True)
        on = graph
        shipped = trained(
            graph,
            "refit",
            validation=None,
            config=replace(config, epochs=len(result.history)),
            folder=again,
            identity=graph.fingerprint,
            stop_after=result.best_epoch,
            resume=resume and (again / CHECKPOINT).exists(),
        )
        terms = fitted(graph, "refit wide")
    vectors = shipped.structural_vectors
    return Bundle(
        catalog=graph.catalog,
        track_vectors=shipped.track_vectors,
        artist_vectors=(
            vectors["artist"] if "artist" in vectors else artist_means(graph, shipped.track_vectors)
        ),
        album_vectors=vectors.get("album"),
        query_weight=shipped.query_weight,
        popularity=on.popularity.astype(np.int64),
        playlists=graph.playlists if keep_playlists else None,
        measured=measured if refit else None,
        terms=terms,
        second_stage=second_stage,
        config={
            **config.to_json(),
            "epochs": len(result.history),
            "best_epoch": result.best_epoch,
            "system": system.to_json(),
            "refit": refit,
            "device": device,
            "threads": torch.get_num_threads(),
            "torch": torch.__version__,
            "seconds": round(result.seconds, 1),
            "refit_seconds": round(shipped.seconds, 1) if refit else None,
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
    sums = np.zeros((len(graph.catalog.artists), track_vectors.shape[1]), dtype=np.float32)
    known = graph.catalog.main_artist >= 0
    np.add.at(sums, graph.catalog.main_artist[known], track_vectors[known])
    return unit_rows(sums)


def split_of(bundle: Bundle, graph: PlaylistGraph) -> Split:
    """Draw a bundle's split again from its graph.

    Raises
    ------
    MismatchError
        If the bundle was trained on another graph or has been updated since, or the split does not
        come out the same.
    ArtefactError
        If the bundle states no recipe that is known.
    """
    if bundle.config.get("updates"):
        raise MismatchError(
            "the bundle has been updated with new music since it was measured, so it cannot be "
            "measured again; its manifest holds the figures from before, and the bundle that it "
            "was made from gives them"
        )
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
