"""The inputs of the loss of a step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from segue.data.playlists import Int32Array, Int64Array, TrackLists
from segue.graph.negatives import Sample
from segue.training.negatives import Sampler, Scored
from segue.training.pool import Pool


@dataclass(frozen=True, eq=False)
class Batch:
    """Playlists that predict tracks.

    Attributes
    ----------
    query : float [batch_size, dim], unit
    track : float [num_tracks, dim], unit
    visible, hidden : TrackLists
        The tracks that each playlist shows, and those that it should predict.
    playlist : int64 [batch_size]
        Rows of the playlists in the training graph.
    sampler : Sampler or None
        Draws negatives, if the objective has them.
    rng
        For drawing them.
    pool : Pool or None
        Tracks that all playlists are compared with, if the objective has them.
    part_of : (Batch, int64 [batch_size]) or None
        The batch that this is part of, and which of its playlists these are.
    """

    query: Tensor
    track: Tensor
    visible: TrackLists
    hidden: TrackLists
    playlist: Int64Array
    sampler: Sampler | None
    rng: np.random.Generator
    pool: Pool | None = None
    part_of: tuple[Batch, Int64Array] | None = None

    def part(self, at: Int64Array) -> Batch:
        """Some of the playlists, with the negatives that they have in the whole batch."""
        return replace(
            self,
            query=self.query[torch.from_numpy(at).to(self.query.device)],
            visible=self.visible.rows(at),
            hidden=self.hidden.rows(at),
            playlist=self.playlist[at],
            part_of=(self, at),
        )

    @property
    def playlist_weight(self) -> Tensor:
        """The square root of the number of tracks to predict per playlist: float [batch_size]."""
        return torch.from_numpy(self.hidden.lengths).to(self.query).sqrt()

    def negatives_of_playlists(self, size: int) -> Sample:
        """Some negatives for each playlist: [batch_size, size]."""
        if self.part_of is not None:
            whole, at = self.part_of
            every = whole.negatives_of_playlists(size)
            return Sample(every.track[at], every.weight[at])
        return self._sample(np.arange(len(self.playlist)), size)

    def negatives_of_hidden(self) -> Int32Array:
        """One negative for each hidden track: int32 [num_hidden]."""
        if self.part_of is not None:
            whole, at = self.part_of
            return whole.negatives_of_hidden()[whole.hidden.pair_index(at)]
        negative: Int32Array = self._sample(self.hidden.list_index(), 1).track[:, 0]
        return negative

    def _sample(self, at: Int64Array, size: int) -> Sample:
        if self.sampler is None:
            raise ValueError("the objective has no negatives")
        scored = Scored(
            self.query.detach(), self.track.detach(), torch.from_numpy(at).to(self.query.device)
        )
        return self.sampler.sample(self.playlist[at], size, scored, self.rng)


@dataclass(frozen=True, eq=False)
class TripleBatch:
    """Triples of a playlist, a track that it holds, and one that it does not hold.

    Attributes
    ----------
    playlist : float [num_playlists, dim], track : float [num_tracks, dim]
        The encoder's own vectors.
    rows, positive, negative : int64 [batch_size]
        Rows of `playlist`, `track` and `track`.
    initial : mapping
        The encoder's initial vectors by node kind.
    """

    playlist: Tensor
    track: Tensor
    rows: Tensor
    positive: Tensor
    negative: Tensor
    initial: Mapping[str, Tensor]
