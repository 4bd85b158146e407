"""Full ranking of held-out tracks, in batches of playlists."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from segue.data.playlists import Float32Array
from segue.errors import InputError
from segue.evaluation.scorers import HeldOutScorer, Scorer
from segue.graph.negatives import RandomSampler
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import HeldOut
from segue.metrics import HeldOutRanks, Rankings, concatenate, rank_held_out
from segue.scoring.best import row_batches, top_tracks

# All models are measured against the same random negatives.
NEGATIVES_RNG_SEED = 20190901


def rank(
    scorer: Scorer | HeldOutScorer,
    held_out: HeldOut,
    train: PlaylistGraph,
    *,
    list_length: int = 300,
    advance: Callable[[int], None] | None = None,
) -> Rankings:
    """Rank every track for the playlists with held-out tracks.

    Only one batch of scores is in memory at a time. What is kept is small: the ranks of the
    held-out tracks, and 4 · `list_length` bytes per playlist for its list.

    Parameters
    ----------
    scorer
        A `Scorer` sees each row's query alone, a `HeldOutScorer` which playlist it is, too.
    held_out
        The validation or test part of a split.
    train
        The training graph, for popularity.
    list_length
        How many recommended tracks to keep; 0 makes no lists, which saves time.
    advance
        Called after each batch with the number of playlists done.
    """
    num_tracks = train.catalog.num_tracks
    held_out = held_out.rows(np.flatnonzero(held_out.targets.lengths > 0))
    targets = held_out.targets
    excluded = held_out.known.joined(targets)
    # A playlist that holds the whole catalogue has no negatives: the pooled AUC ignores it.
    has_negative = np.repeat(excluded.lengths < num_tracks, targets.lengths)
    negatives = np.zeros(targets.num_pairs, dtype=np.int32)
    negatives[has_negative] = RandomSampler(excluded, num_tracks).draw(
        targets.list_index()[has_negative], np.random.default_rng(NEGATIVES_RNG_SEED)
    )
    positive_scores, negative_scores = np.zeros((2, targets.num_pairs), dtype=np.float32)
    top_index = np.empty((len(targets), min(list_length, num_tracks)), dtype=np.int32)
    ranks = []
    for rows, part, scores, batch_ranks in ranked_batches(scorer, held_out, num_tracks):
        ranks.append(batch_ranks)
        row = part.targets.list_index()
        pairs = slice(targets.offsets[rows.start], targets.offsets[rows.stop])
        positive_scores[pairs] = scores[row, part.targets.track_index]
        negative_scores[pairs] = scores[row, negatives[pairs]]
        if list_length:
            top_index[rows], _ = top_tracks(scores, part.known, top_index.shape[1])
        if advance is not None:
            advance(len(part.query))
    return Rankings(
        held_out.playlist_index,
        concatenate(ranks),
        targets.track_index,
        top_index,
        train.popularity,
        positive_scores[has_negative],
        negative_scores[has_negative],
        targets.list_index()[has_negative],
        held_out.asks_next,
        held_out.query.offsets,
        held_out.query.track_index,
        train.catalog.main_artist,
    )


def ranked_batches(
    scorer: Scorer | HeldOutScorer, held_out: HeldOut, num_tracks: int
) -> Iterator[tuple[slice, HeldOut, Float32Array, HeldOutRanks]]:
    """Score and rank in batches of rows, to bound memory.

    Yields
    ------
    rows : slice
    part : HeldOut
        Those rows.
    scores : float32 [batch_size, num_tracks]
        A fresh array: the caller may write to it.
    ranks : HeldOutRanks
    """
    for rows in row_batches(len(held_out.query), num_tracks):
        part = held_out.rows(rows)
        if isinstance(scorer, HeldOutScorer):
            scores = scorer.held_out_scores(part)
        else:
            scores = scorer.scores(part.query)
        if not isinstance(scores, np.ndarray) or scores.shape != (len(part.query), num_tracks):
            shape = " by ".join(map(str, getattr(scores, "shape", ())))
            given = f"{type(scores).__name__} {shape}".rstrip()
            raise InputError(
                f"{type(scorer).__name__} gave {given} as scores, expected an array of "
                f"{len(part.query)} lists by {num_tracks} tracks"
            )
        ranks = rank_held_out(
            scores,
            part.known.offsets,
            part.known.track_index,
            part.targets.offsets,
            part.targets.track_index,
        )
        yield rows, part, scores, ranks
