"""What a training step draws, and the batch for the loss of its objective.

There are two ways. `HiddenTrackSteps` is Segue's own: hide before you predict. `TripleSteps` is the
published training of LightGCN and similar models, in which every target edge carries messages, too.
For the randomness of steps see `segue.training.draws`.
"""

from __future__ import annotations

import math
from functools import partial
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from segue.data.playlists import Int64Array, TrackLists
from segue.data.title_words import parts_among
from segue.errors import InputError, TrainingError
from segue.graph.negatives import RandomSampler
from segue.graph.playlist_graph import PlaylistGraph
from segue.models.encoder import Encoder, MessageGraph, NodeVectors, check_vectors
from segue.models.readout import CentroidReadout
from segue.models.sparse import SparseMatrix
from segue.scoring.query import title_shares
from segue.training.batch import Batch, TripleBatch
from segue.training.config import TrainConfig
from segue.training.draws import (
    FOR_ENCODER,
    FOR_HIDING,
    FOR_NEGATIVES,
    FOR_ORDER,
    FOR_RANKING,
    FOR_TITLES,
    FOR_TRIPLES,
    generator,
    torch_draws,
)
from segue.training.hard_negatives import HardSampler
from segue.training.hiding import heard, hide, show_titles
from segue.training.negatives import HardestSampler, Sampler, Scored
from segue.training.objectives import (
    BPR,
    CatalogueSoftmax,
    HardestNegatives,
    HardNegatives,
    Negatives,
    Objective,
    PooledSoftmax,
    SampledSoftmax,
    Triples,
)
from segue.training.pool import PoolSampler
from segue.training.ranks import ALONE, Ranks

# Pool size per hardest negative: if many are kept, and for a single one.
POOL_OF_MANY, POOL_OF_ONE = 4, 16


def eligible_playlists(tracks: TrackLists, num_tracks: int, objective: Objective) -> Int64Array:
    """The playlists that an objective can be minimised on: int64, non-empty.

    Raises
    ------
    TrainingError
        If there is none, since they are too short, or hold every track.
    """
    if isinstance(objective, Triples):
        eligible = np.flatnonzero((tracks.lengths > 0) & (tracks.lengths < num_tracks))
        if not len(eligible):
            raise TrainingError("no playlist has both a track and one that it does not hold")
        return eligible
    # A playlist with one track has nothing to hide; it only carries messages.
    enough = tracks.lengths >= 2
    if objective.negatives is not None:
        enough &= tracks.lengths < num_tracks
    eligible = np.flatnonzero(enough)
    if not len(eligible):
        raise TrainingError(
            "no playlist has two tracks or more, so there is nothing to predict"
            if objective.negatives is None
            else "no playlist has two tracks and lacks one, so there is nothing to predict"
        )
    return eligible


class HiddenTrackSteps:
    """Batches of playlists; a share of each one's tracks is hidden, and exactly that is predicted.

    If the objective does not hide its targets, the same share is predicted, but messages pass along
    every edge. Where title words are among the relations, some playlists show their title, too, and
    some nothing else.

    Parameters
    ----------
    graph
        The training graph.
    message_graph
    config
    ranks
        Whose share of each batch is predicted. All draw the same, and hide the whole batch.

    Raises
    ------
    TrainingError
        If no playlist has two tracks, or, with negatives, if all that do hold every track.
    """

    def __init__(
        self,
        graph: PlaylistGraph,
        message_graph: MessageGraph,
        config: TrainConfig,
        ranks: Ranks = ALONE,
    ):
        tracks = graph.playlists.tracks
        self.tracks, self.message_graph, self.config = tracks, message_graph, config
        self.ranks = ranks
        self.titles: TrackLists | None = None
        if "word" in config.relations and config.readout == "centroid":
            titled = graph.playlists.relations["word"]
            self.titles = TrackLists(titled.offsets, titled.target_index)
            self.is_part = parts_among(graph.catalog.nodes["word"])
        self.objective = cast(
            CatalogueSoftmax | PooledSoftmax | SampledSoftmax | BPR, config.objective
        )
        num_tracks = message_graph.num_nodes["track"]
        negatives = self.objective.negatives
        self.eligible = eligible_playlists(tracks, num_tracks, self.objective)
        self.num_steps = math.ceil(len(self.eligible) / config.batch_size)
        pool = POOL_OF_MANY if isinstance(self.objective, SampledSoftmax) else POOL_OF_ONE
        self.sampler: Sampler | None = None
        if negatives is not None:
            self.sampler = sampler(negatives, tracks, num_tracks, self.eligible, pool)
        self.pools: PoolSampler | None = None
        if isinstance(self.objective, PooledSoftmax):
            self.pools = PoolSampler(
                graph.popularity, self.objective.pool_size, self.objective.popularity_power
            )
        self._order = np.empty(0, dtype=np.int64)

    def begin(
        self,
        encoder: Encoder,
        readout: CentroidReadout,
        epoch: int,
        epochs: int,
        *,
        resumed: bool = False,
    ) -> None:
        """Begin an epoch, or resume one that was interrupted."""
        rng = generator(self.config.rng_seed, FOR_ORDER, epoch)
        self._order = rng.permutation(self.eligible)
        if isinstance(self.sampler, HardSampler):
            vectors = partial(self._whole, encoder, readout, epoch)
            self.sampler.begin(epoch, epochs, None if resumed else vectors)

    def loss(self, encoder: Encoder, readout: CentroidReadout, epoch: int, step: int) -> Tensor:
        """The loss of one step: a scalar."""
        config, graph = self.config, self.message_graph
        device = graph.popularity.device
        rows = np.sort(self._order[step * config.batch_size : (step + 1) * config.batch_size])
        titles, alone = None, None
        few_share: float | NDArray[np.float64] = self.objective.few_share
        if self.titles is not None:
            rng = generator(config.rng_seed, FOR_TITLES, epoch, step)
            titles, alone = show_titles(
                self.titles.rows(rows), config.title_share, config.title_alone_share, rng
            )
            few_share = np.where(titles.lengths > 0, config.title_few_share, few_share)
        rng = generator(config.rng_seed, FOR_HIDING, epoch, step)
        hidden_pairs, visible, hidden = hide(
            self.tracks, rows, self.objective.hidden_share, few_share, rng, alone
        )
        hides = self.objective.hide_targets
        graph = heard(graph, encoder, config, epoch, step, hidden_pairs if hides else None)
        with torch_draws(device, config.rng_seed, FOR_ENCODER, epoch, step):
            nodes = encoder(graph)
        check_vectors(nodes, self.message_graph)
        query, track = self._unit(nodes, readout, rows, visible, titles)
        rng = generator(config.rng_seed, FOR_NEGATIVES, epoch, step)
        pool = None if self.pools is None else self.pools.draw(rng)
        batch = Batch(query, track, visible, hidden, rows, self.sampler, rng, pool)
        if self.ranks.count == 1:
            return self.objective.loss(batch)
        mine = batch.part(self.ranks.share(len(rows)))
        # The loss is a mean by these weights.
        weight = mine.playlist_weight.sum() / batch.playlist_weight.sum()
        return self.objective.loss(mine) * weight

    def _unit(
        self,
        nodes: NodeVectors,
        readout: CentroidReadout,
        rows: Int64Array,
        visible: TrackLists,
        titles: TrackLists | None,
    ) -> tuple[Tensor, Tensor]:
        """Unit vectors of some playlists, given what they show, and of all tracks."""
        graph = self.message_graph
        track = nn.functional.normalize(nodes["track"])
        if self.config.readout == "node":
            at = torch.from_numpy(rows).to(track.device)
            return nn.functional.normalize(_playlist_vectors(nodes, self.config)[at]), track
        ones = _ones(visible, len(track), track.device)
        shown = None
        if titles is not None:
            word = nodes["word"]
            shares = title_shares(titles, self.is_part)
            words = SparseMatrix.from_csr(
                titles.offsets, titles.track_index, shares, len(word), track.device
            )
            shown = words, word, graph.title_counts
        return readout(ones, nodes["track"], graph.popularity, shown), track

    @torch.no_grad()
    def _whole(
        self, encoder: Encoder, readout: CentroidReadout, epoch: int
    ) -> tuple[Tensor, Tensor]:
        """Unit vectors of all playlists and tracks, nothing hidden."""
        nodes = _evaluated(encoder, self.message_graph, self.config, epoch)
        return self._unit(nodes, readout, np.arange(len(self.tracks)), self.tracks, self.titles)


class TripleSteps:
    """Batches of triples (playlist, track that it holds, track that it does not hold).

    As the authors of LightGCN train: playlists are drawn uniformly, then one of their tracks, then
    a negative; an epoch has one triple for each training pair. Nothing is hidden.

    Parameters
    ----------
    graph
        The training graph.
    message_graph
    config
    ranks
        Whose share of each batch has a loss.

    Raises
    ------
    TrainingError
        If every playlist is empty or holds the whole catalogue.
    """

    def __init__(
        self,
        graph: PlaylistGraph,
        message_graph: MessageGraph,
        config: TrainConfig,
        ranks: Ranks = ALONE,
    ):
        tracks = graph.playlists.tracks
        self.tracks, self.message_graph, self.config = tracks, message_graph, config
        self.ranks = ranks
        self.objective = cast(Triples, config.objective)
        num_tracks = message_graph.num_nodes["track"]
        self.eligible = eligible_playlists(tracks, num_tracks, self.objective)
        self.num_steps = math.ceil(tracks.num_pairs / config.batch_size)
        self.sampler = sampler(
            self.objective.negatives, tracks, num_tracks, self.eligible, POOL_OF_ONE
        )

    def begin(
        self,
        encoder: Encoder,
        readout: CentroidReadout,
        epoch: int,
        epochs: int,
        *,
        resumed: bool = False,
    ) -> None:
        """Begin an epoch, or resume one that was interrupted."""
        if isinstance(self.sampler, HardSampler):
            vectors = partial(self._whole, encoder, epoch)
            self.sampler.begin(epoch, epochs, None if resumed else vectors)

    def draw(
        self, playlist: Tensor, track: Tensor, epoch: int, step: int
    ) -> tuple[Int64Array, Int64Array, Int64Array]:
        """Playlists, positives and negatives of one step: int64 [batch_size] each.

        Negatives may be chosen by the vectors of all playlists and tracks.
        """
        config = self.config
        rng = generator(config.rng_seed, FOR_TRIPLES, epoch, step)
        size = min(config.batch_size, self.tracks.num_pairs - step * config.batch_size)
        rows = rng.choice(self.eligible, size)
        place = self.tracks.offsets[rows] + rng.integers(self.tracks.lengths[rows])
        scored = Scored(playlist, track, torch.from_numpy(rows).to(track.device))
        negative = self.sampler.sample(rows, 1, scored, rng).track[:, 0]
        return rows, self.tracks.track_index[place].astype(np.int64), negative.astype(np.int64)

    def loss(self, encoder: Encoder, readout: CentroidReadout, epoch: int, step: int) -> Tensor:
        """The loss of one step: a scalar. The readout is the encoder's own playlist vector."""
        device = self.message_graph.popularity.device
        graph = heard(self.message_graph, encoder, self.config, epoch, step)
        with torch_draws(device, self.config.rng_seed, FOR_ENCODER, epoch, step):
            nodes = encoder(graph)
        playlist, track = _playlist_vectors(nodes, self.config), nodes["track"]
        drawn = self.draw(playlist.detach(), track.detach(), epoch, step)
        size = len(drawn[0])
        mine = self.ranks.share(size)
        if not len(mine):
            return torch.zeros_like(track).mul(track).sum() + 0 * playlist.sum()
        rows, positive, negative = (torch.from_numpy(part[mine]).to(device) for part in drawn)
        loss = self.objective.loss(
            TripleBatch(playlist, track, rows, positive, negative, encoder.initial_vectors())
        )
        return loss if len(mine) == size else loss * (len(mine) / size)

    @torch.no_grad()
    def _whole(self, encoder: Encoder, epoch: int) -> tuple[Tensor, Tensor]:
        """Vectors of all playlists and tracks."""
        nodes = _evaluated(encoder, self.message_graph, self.config, epoch)
        return _playlist_vectors(nodes, self.config), nodes["track"]


def steps_of(
    config: TrainConfig,
    graph: PlaylistGraph,
    message_graph: MessageGraph,
    ranks: Ranks = ALONE,
) -> HiddenTrackSteps | TripleSteps:
    """The steps for the objective of a configuration."""
    make = TripleSteps if isinstance(config.objective, Triples) else HiddenTrackSteps
    return make(graph, message_graph, config, ranks)


def sampler(
    negatives: Negatives, tracks: TrackLists, num_tracks: int, rows: Int64Array, pool_size: int
) -> Sampler:
    """The sampler of negatives for some playlists; `pool_size` applies if none is chosen."""
    random = RandomSampler(tracks, num_tracks)
    if isinstance(negatives, HardNegatives):
        return HardSampler(random, rows, negatives)
    if isinstance(negatives, HardestNegatives):
        return HardestSampler(random, negatives.pool_size or pool_size)
    return random


def _ones(lists: TrackLists, num_tracks: int, device: torch.device) -> SparseMatrix:
    value = np.ones(lists.num_pairs, dtype=np.float32)
    return SparseMatrix.from_csr(lists.offsets, lists.track_index, value, num_tracks, device)


def _playlist_vectors(nodes: NodeVectors, config: TrainConfig) -> Tensor:
    if "playlist" not in nodes:
        raise InputError(
            f"the node readout needs playlist vectors, but {config.model} gives none "
            "(its option playlist_vectors)"
        )
    return nodes["playlist"]


def _evaluated(
    encoder: Encoder, graph: MessageGraph, config: TrainConfig, epoch: int
) -> NodeVectors:
    """All vectors with nothing hidden, as in evaluation."""
    encoder.eval()
    with torch_draws(graph.popularity.device, config.rng_seed, FOR_RANKING, epoch):
        nodes: NodeVectors = encoder(graph)
    return nodes
