"""What a step hides, which titles it shows, and whose messages it passes."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from segue.data.playlists import BoolArray, Int64Array, TrackLists
from segue.models.encoder import Encoder, MessageGraph
from segue.training.config import TrainConfig
from segue.training.draws import FOR_MESSAGES, generator


def hide(
    tracks: TrackLists,
    rows: Int64Array,
    hidden_share: tuple[float, float],
    few_share: float | NDArray[np.float64],
    rng: np.random.Generator,
    alone: BoolArray | None = None,
) -> tuple[Int64Array, TrackLists, TrackLists]:
    """Choose what a step hides of a batch: at least one track of each playlist, never all.

    All tracks only of playlists that show their title alone.

    Parameters
    ----------
    tracks
        Of the training graph.
    rows : int64 [batch_size]
        Ascending; each with two tracks or more.
    hidden_share, few_share
        As for `segue.training.objectives.CatalogueSoftmax`; `few_share` may be one per playlist.
    rng
    alone : bool [batch_size] or None
        Which playlists show their title alone; None: no one.

    Returns
    -------
    hidden_pairs : int64 [num_hidden]
        Positions among the training graph's pairs.
    visible, hidden : TrackLists
        The tracks that each playlist shows, and those that it should predict.
    """
    lengths = tracks.lengths[rows]
    share = rng.uniform(*hidden_share, size=len(rows))
    num_visible = lengths - np.round(share * lengths).astype(np.int64)
    few = np.floor(np.exp(rng.random(len(rows)) * np.log(lengths))).astype(np.int64)
    num_visible = np.where(rng.random(len(rows)) < few_share, few, num_visible)
    num_visible = np.clip(num_visible, 1, lengths - 1)
    if alone is not None:
        num_visible[alone] = 0

    pairs, batch = tracks.pair_index(rows), tracks.rows(rows)
    is_visible = batch.shuffled_positions(rng) < np.repeat(num_visible, lengths)
    return pairs[~is_visible], batch.keep(is_visible), batch.keep(~is_visible)


def show_titles(
    titles: TrackLists, share: float, alone_share: float, rng: np.random.Generator
) -> tuple[TrackLists, BoolArray]:
    """Choose which playlists of a batch show their title.

    Parameters
    ----------
    titles
        The words of each title.
    share, alone_share
        `title_share` and `title_alone_share` of `segue.training.config.TrainConfig`.
    rng

    Returns
    -------
    shown : TrackLists
        The same lists, empty where a title is not shown.
    alone : bool [batch_size]
        Which playlists show nothing else; each has a word.
    """
    drawn = rng.random((2, len(titles)))
    shows = (titles.lengths > 0) & (drawn[0] < share)
    return titles.keep(np.repeat(shows, titles.lengths)), shows & (drawn[1] < alone_share)


def heard(
    graph: MessageGraph,
    encoder: Encoder,
    config: TrainConfig,
    epoch: int,
    step: int,
    hidden: Int64Array | None = None,
) -> MessageGraph:
    """The graph whose messages a step passes: of some playlists if not of all, some edges hidden.

    `hidden` has positions among the training graph's pairs, int64 [num_hidden].
    """
    device = graph.popularity.device
    pairs = None if hidden is None else torch.from_numpy(hidden).to(device)
    share = config.message_share
    if share == 1:
        return graph if pairs is None else graph.hide(pairs)
    rng = generator(config.rng_seed, FOR_MESSAGES, epoch, step)
    chosen = rng.random(graph.num_nodes["playlist"], dtype=np.float32) < share
    return graph.of_playlists(
        torch.from_numpy(chosen).to(device),
        share,
        keep_nodes="playlist" in encoder.initial_vectors(),
        hidden=pairs,
    )
