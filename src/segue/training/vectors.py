"""The vectors read out of a model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from segue.data.playlists import Float32Array
from segue.errors import TrainingError
from segue.evaluation.scorers import NodeScorer
from segue.models.encoder import Encoder, MessageGraph
from segue.models.readout import CentroidReadout
from segue.scoring.centroid import Centroid
from segue.scoring.first_stage import FirstStage
from segue.training.config import TrainConfig
from segue.training.draws import FOR_READING, torch_draws
from segue.training.objectives import Triples


@dataclass(frozen=True, eq=False)
class TrainedVectors:
    """The vectors of a model, read out with nothing hidden.

    Attributes
    ----------
    track_vectors : float32 [num_tracks, dim]
        Unit length, except after training on triples, where they are the encoder's own.
    query_weight : float32 [num_tracks]
        For the centroid; meaningless with the node readout.
    structural_vectors : dict of float32 [num_nodes, dim], unit
        By node kind.
    playlist_vectors : float32 [num_playlists, dim] or None
        The encoder's own, only with the node readout.
    word_weight : float32 [num_words] or None
        Of title words in a query; None if they have no part in training.
    title_growth : float32 [1] or None
        As in `segue.scoring.centroid.Words`.
    """

    track_vectors: Float32Array
    query_weight: Float32Array
    structural_vectors: dict[str, Float32Array]
    playlist_vectors: Float32Array | None
    word_weight: Float32Array | None
    title_growth: Float32Array | None

    @property
    def scorer(self) -> FirstStage | NodeScorer:
        """A scorer that uses these vectors."""
        if self.playlist_vectors is not None:
            return NodeScorer(self.playlist_vectors, self.track_vectors)
        return FirstStage(Centroid(self.track_vectors, self.query_weight))


@torch.no_grad()
def read_out(
    encoder: Encoder,
    readout: CentroidReadout,
    message_graph: MessageGraph,
    config: TrainConfig,
    epoch: int,
) -> TrainedVectors:
    """The vectors of a model after an epoch.

    Raises
    ------
    TrainingError
        If they are no longer finite.
    """
    encoder.eval()
    with torch_draws(message_graph.popularity.device, config.rng_seed, FOR_READING, epoch):
        nodes = encoder(message_graph)
    # The vectors are those that training scored with.
    as_scored = nn.Identity() if isinstance(config.objective, Triples) else nn.functional.normalize
    word_weight = title_growth = None
    if "word" in message_graph.structural:
        frequency = message_graph.title_counts
        word_weight = readout.word_weight(nodes["word"], frequency).cpu().numpy()
        if readout.title_growth is not None:
            title_growth = readout.title_growth.detach().reshape(1).cpu().numpy()
    vectors = TrainedVectors(
        as_scored(nodes["track"]).cpu().numpy(),
        readout.query_weight(nodes["track"], message_graph.popularity).cpu().numpy(),
        {
            kind: nn.functional.normalize(nodes[kind]).cpu().numpy()
            for kind in message_graph.structural
        },
        as_scored(nodes["playlist"]).cpu().numpy() if config.readout == "node" else None,
        word_weight,
        title_growth,
    )
    if not (np.isfinite(vectors.track_vectors).all() and np.isfinite(vectors.query_weight).all()):
        raise TrainingError("the vectors are no longer numbers: try a lower learning rate")
    return vectors
