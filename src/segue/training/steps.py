"""What a step of training draws, and the loss that follows from it.

There are two ways. `HiddenTracks` is the house's own: hide before you predict. `Triples` is the
published training of LightGCN and its kin, in which every target edge carries messages too.
Steps draw their randomness from (seed, purpose, epoch, step) and nothing else.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn

from segue.data.playlists import Int64Array, TrackLists
from segue.errors import InputError, TrainingError
from segue.models.encoder import MessageGraph
from segue.models.readout import CentroidReadout
from segue.models.sparse import SparseMatrix
from segue.training.config import TrainConfig
from segue.training.losses import bayesian_personalised_ranking, catalogue_softmax
from segue.training.negatives import RandomNegatives

# What a generator is for goes into its seed: NumPy pads seeds with zeros, so that (s,), (s, 0)
# and (s, 0, 0) would all be one stream.
FOR_VECTORS, FOR_ORDER, FOR_HIDING, FOR_TRIPLES = 1, 2, 3, 4


class HiddenTracks:
    """Batches of playlists; of each a share of its tracks is hidden, and exactly that is predicted.

    Parameters
    ----------
    tracks
        Of the training graph.
    message_graph
    config

    Raises
    ------
    TrainingError
        If no playlist has two tracks.
    """

    def __init__(self, tracks: TrackLists, message_graph: MessageGraph, config: TrainConfig):
        self.tracks, self.message_graph, self.config = tracks, message_graph, config
        # A playlist with one track has nothing to hide; it only carries messages.
        self.eligible = np.flatnonzero(tracks.lengths >= 2)
        if not len(self.eligible):
            raise TrainingError(
                "no playlist has two tracks or more, so there is nothing to predict"
            )
        self.num_steps = math.ceil(len(self.eligible) / config.batch_size)

    def loss(self, encoder: nn.Module, readout: CentroidReadout, epoch: int, step: int) -> Tensor:
        """The loss of one step: a scalar."""
        config, graph = self.config, self.message_graph
        device = graph.track_degree.device
        order = np.random.default_rng((config.rng_seed, FOR_ORDER, epoch)).permutation(
            self.eligible
        )
        rows = np.sort(order[step * config.batch_size : (step + 1) * config.batch_size])
        rng = np.random.default_rng((config.rng_seed, FOR_HIDING, epoch, step))
        hidden_pairs, visible, hidden = hide(self.tracks, rows, config, rng)
        # For encoders that draw, as dropout does: a step's own seed, like all randomness here.
        torch.manual_seed(int(rng.integers(2**63)))
        nodes = encoder(graph.hide(torch.from_numpy(hidden_pairs).to(device)))
        query = readout(_ones(visible, len(nodes.track), device), nodes.track, graph.track_degree)
        return catalogue_softmax(
            query,
            nn.functional.normalize(nodes.track),
            visible,
            hidden,
            temperature=config.temperature,
            playlist_weight=torch.from_numpy(hidden.lengths).to(query).sqrt(),
        )


class Triples:
    """Batches of triples (playlist, track that it holds, track that it does not hold).

    As the authors of LightGCN train: playlists are drawn uniformly, then one of their tracks, then
    a random negative; an epoch is as many triples as there are training pairs. Nothing is hidden.

    Parameters
    ----------
    tracks
        Of the training graph.
    message_graph
    config

    Raises
    ------
    TrainingError
        If every playlist is empty or holds the whole catalogue.
    """

    def __init__(self, tracks: TrackLists, message_graph: MessageGraph, config: TrainConfig):
        self.tracks, self.message_graph, self.config = tracks, message_graph, config
        self.negatives = RandomNegatives(tracks, message_graph.num_nodes["track"])
        self.eligible = np.flatnonzero((tracks.lengths > 0) & (self.negatives.num_allowed > 0))
        if not len(self.eligible):
            raise TrainingError("no playlist has both a track and one that it does not hold")
        self.num_steps = math.ceil(tracks.num_pairs / config.batch_size)

    def draw(self, epoch: int, step: int) -> tuple[Int64Array, Int64Array, Int64Array]:
        """Playlists, positives and negatives of one step: int64 [batch_size] each."""
        config = self.config
        rng = np.random.default_rng((config.rng_seed, FOR_TRIPLES, epoch, step))
        size = min(config.batch_size, self.tracks.num_pairs - step * config.batch_size)
        rows = rng.choice(self.eligible, size)
        place = self.tracks.offsets[rows] + rng.integers(self.tracks.lengths[rows])
        negative = self.negatives.draw(rows, rng)
        return rows, self.tracks.track_index[place].astype(np.int64), negative.astype(np.int64)

    def loss(self, encoder: nn.Module, readout: CentroidReadout, epoch: int, step: int) -> Tensor:
        """The loss of one step: a scalar. The readout is the encoder's own playlist vector."""
        graph = self.message_graph
        device = graph.track_degree.device
        rows, positive, negative = (
            torch.from_numpy(part).to(device) for part in self.draw(epoch, step)
        )
        nodes = encoder(graph)
        if nodes.playlist is None:
            raise InputError(
                f"the node readout needs playlist vectors, but {self.config.model} gives none"
            )
        ranking = bayesian_personalised_ranking(
            nodes.playlist[rows], nodes.track[positive], nodes.track[negative]
        )
        if not self.config.l2:
            return ranking
        track, playlist = encoder.get_parameter("track"), encoder.get_parameter("playlist")
        initial = (playlist[rows], track[positive], track[negative])
        squares = torch.stack([vectors.square().sum() for vectors in initial]).sum()
        return ranking + self.config.l2 / 2 * squares / len(rows)


def hide(
    tracks: TrackLists, rows: Int64Array, config: TrainConfig, rng: np.random.Generator
) -> tuple[Int64Array, TrackLists, TrackLists]:
    """Choose what a step hides of a batch: at least one track of each playlist, never all.

    Parameters
    ----------
    tracks
        Of the training graph.
    rows : int64 [batch_size]
        Ascending; each of two tracks or more.
    config
    rng

    Returns
    -------
    hidden_pairs : int64 [num_hidden]
        Positions among the training graph's pairs.
    visible, hidden : TrackLists
        What each playlist shows and what it should predict.
    """
    lengths = tracks.lengths[rows]
    share = rng.uniform(*config.hidden_share, size=len(rows))
    num_visible = lengths - np.round(share * lengths).astype(np.int64)
    few = np.floor(np.exp(rng.random(len(rows)) * np.log(lengths))).astype(np.int64)
    num_visible = np.where(rng.random(len(rows)) < config.few_share, few, num_visible)
    num_visible = np.clip(num_visible, 1, lengths - 1)

    pairs, batch = tracks.pair_index(rows), tracks.rows(rows)
    is_visible = batch.shuffled_place(rng) < np.repeat(num_visible, lengths)
    return pairs[~is_visible], batch.keep(is_visible), batch.keep(~is_visible)


def _ones(lists: TrackLists, num_tracks: int, device: torch.device) -> SparseMatrix:
    value = np.ones(lists.num_pairs, dtype=np.float32)
    return SparseMatrix.from_csr(lists.offsets, lists.track_index, value, num_tracks, device)
