"""Hard negatives: from the top of a playlist's own ranking, mixed with random ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from segue.data.playlists import Int64Array
from segue.errors import TrainingError
from segue.graph.negatives import RandomSampler, Sample
from segue.training.negatives import Scored
from segue.training.objectives import HardNegatives
from segue.training.pairs import SCORED_BYTES, pool_scores

# Scores of one pair from two products differ by rounding: by far less than this share of the
# largest possible product. Scores this close to the threshold always count as above it.
ROUNDING = 1e-5


@dataclass(frozen=True, eq=False)
class Ranking:
    """The top share of each playlist's ranking of the tracks that it does not hold.

    Attributes
    ----------
    query : float [num_playlists, dim], track : float [num_tracks, dim]
        The vectors that the ranking was made with.
    threshold : float [num_playlists]
        Tracks of the top share score at least this much.
    num_top : int64 [num_playlists]
        Their number.
    """

    query: Tensor
    track: Tensor
    threshold: Tensor
    num_top: Tensor

    @classmethod
    @torch.no_grad()
    def of(
        cls, query: Tensor, track: Tensor, share: float, random: RandomSampler, rows: Int64Array
    ) -> Ranking:
        """Rank all tracks for some playlists, in blocks.

        Parameters
        ----------
        query : float [num_playlists, dim], track : float [num_tracks, dim]
        share
            Share of the allowed tracks, rounded up to an integer number.
        random
            Knows which tracks are allowed.
        rows : int64 [num]
            The playlists to draw negatives for, each with at least one allowed track.

        Raises
        ------
        TrainingError
            If the vectors are not finite.
        """
        if not (query.isfinite().all() and track.isfinite().all()):
            raise TrainingError("the vectors are no longer numbers: try a lower learning rate")
        threshold = query.new_zeros(len(query))
        num_top = torch.zeros(len(query), dtype=torch.int64, device=query.device)
        wanted = np.ceil(share * random.num_allowed).astype(np.int64)
        slack = ROUNDING * torch.linalg.vector_norm(track, dim=1).max()
        block = max(1, SCORED_BYTES // (len(track) * query.element_size()))
        for start in range(0, len(rows), block):
            part = rows[start : start + block]
            at = torch.from_numpy(part).to(query.device)
            scores = (query[at] @ track.T).cpu().numpy()
            held = random.held.rows(part)
            scores[held.list_index(), held.track_index] = -np.inf
            places = len(track) - wanted[part]
            lowest = query.new_tensor(
                [np.partition(row, place)[place] for row, place in zip(scores, places, strict=True)]
            )
            lowest -= slack * torch.linalg.vector_norm(query[at], dim=1)
            threshold[at] = lowest
            in_top = scores >= lowest.cpu().numpy()[:, None]
            num_top[at] = torch.from_numpy(in_top.sum(axis=1)).to(query.device)
        return cls(query.detach(), track.detach(), threshold, num_top)


class HardSampler:
    """Draws uniformly from the top share of a playlist's ranking, or as `RandomSampler` does.

    The ranking is over the tracks that the playlist does not hold, by vectors that are kept for
    some epochs. Both the share and the proportion of hard negatives follow a schedule: see
    `segue.training.objectives.HardNegatives`.

    A random negative is redrawn until it scores above the playlist's threshold, which is exact and
    needs no list of each playlist's top share. With λ the proportion of hard negatives, A the
    number of allowed tracks and K the number of those in the top share, a track is drawn with
    probability

        q = (1 − λ)/A + λ · [in the top share]/K

    Parameters
    ----------
    random
        Draws the others.
    rows : int64 [num]
        The playlists for which negatives will be drawn.
    config
    """

    def __init__(self, random: RandomSampler, rows: Int64Array, config: HardNegatives) -> None:
        self.random, self.rows, self.config = random, rows, config
        self.mix = 0.0
        self.ranking: Ranking | None = None

    def share(self, epoch: int, epochs: int) -> float:
        """The share of the ranking that hard negatives come from in an epoch."""
        every = self.config.refresh_every
        return _between(self.config.share, epoch // every, -(-epochs // every))

    def begin(
        self, epoch: int, epochs: int, vectors: Callable[[], tuple[Tensor, Tensor]] | None
    ) -> None:
        """Begin an epoch.

        `vectors` gives those of all playlists and tracks, should it be time for a new ranking. It
        is None where an interrupted epoch is resumed: its ranking is there.
        """
        self.mix = _between(self.config.mix, epoch, epochs)
        if vectors is not None and not epoch % self.config.refresh_every:
            share = self.share(epoch, epochs)
            # The top share is everything: no ranking is needed.
            self.ranking = (
                Ranking.of(*vectors(), share, self.random, self.rows) if share < 1 else None
            )

    def sample(
        self, rows: Int64Array, size: int, scored: Scored, rng: np.random.Generator
    ) -> Sample:
        """See `segue.training.negatives.Sampler`."""
        ranking, random = self.ranking, self.random
        track = random.draw_sets(rows, size, rng)
        if ranking is None or not self.mix:
            return Sample(track, random.even_weight(rows, size))
        in_top = _in_top(ranking, rows, track)
        is_hard = rng.random(track.shape) < self.mix
        row, place = np.nonzero(is_hard & ~in_top)
        while len(row):
            again = random.draw(rows[row], rng)
            track[row, place] = again
            missed = ~_in_top(ranking, rows[row], again[:, None])[:, 0]
            row, place = row[missed], place[missed]
        q = (1 - self.mix) / random.num_allowed[rows, None] + (
            self.mix * (in_top | is_hard) / ranking.num_top.cpu().numpy()[rows, None]
        )
        return Sample(track, (1 / (size * q)).astype(np.float32))


def _between(ends: tuple[float, float], place: int, count: int) -> float:
    first, last = ends
    return first + (last - first) * place / max(1, count - 1)


def _in_top(
    ranking: Ranking, rows: Int64Array, track: np.ndarray[tuple[int, int], np.dtype[np.int32]]
) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Whether each of some tracks is in the top share of its playlist: bool [num, size]."""
    device = ranking.query.device
    at = torch.from_numpy(rows).to(device)
    scores = pool_scores(
        ranking.query, ranking.track, at, torch.from_numpy(track).to(device).long()
    )
    return (scores >= ranking.threshold[at, None]).cpu().numpy()
