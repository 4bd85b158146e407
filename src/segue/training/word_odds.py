"""Fitting the odds of tracks under the words of titles."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from segue.data.csr import offsets_of
from segue.data.playlists import Float32Array, Int32Array, Int64Array, TrackLists
from segue.data.title_words import parts_among
from segue.scoring.word_odds import WordOdds
from segue.training.options import at_least
from segue.training.term import TermConfig

Float64Array = NDArray[np.float64]

if TYPE_CHECKING:
    from segue.graph.playlist_graph import PlaylistGraph

# Strengths of the priors that are tried; the last is as good as no evidence.
_STRENGTHS = np.array([10.0, 30, 100, 300, 1000, 3000, 1e4, 3e4, 1e5, 1e9])
# Odds below this, as logarithms, are not worth storing.
_SMALLEST = 0.01
# A word of fewer playlists says nothing: leaving one out would leave none.
_FEWEST_PLAYLISTS = 2
# Odds until validation has chosen otherwise, and where it cannot (docs/titles.md).
USUAL_ODDS = (0.05, -0.5)


@dataclass(frozen=True)
class WordOddsConfig(TermConfig):
    """How the odds of words are fitted.

    Attributes
    ----------
    max_tracks
        Number of tracks that may have odds under each word, the most likely ones.
    max_lists
        Number of playlists of a word by which the strengths of its priors are chosen.

    Examples
    --------
    >>> segue.WordOddsConfig(max_tracks=100).max_tracks
    100
    """

    label: ClassVar[str] = "odds of words"
    needs: ClassVar[frozenset[str]] = frozenset({"word"})

    max_tracks: int = 1000
    max_lists: int = 60

    def __post_init__(self) -> None:
        """Refuse values outside their range (InputError)."""
        for name, least in (("max_tracks", 1), ("max_lists", _FEWEST_PLAYLISTS)):
            at_least(name, getattr(self, name), least)

    def purpose(self, graph: PlaylistGraph) -> str:
        """See `TermConfig`."""
        return "the odds of tracks under the words of titles"

    def memory(self, graph: PlaylistGraph) -> int:
        """See `TermConfig`."""
        titled = graph.playlists.relations.get("word")
        if titled is None:
            return 0
        # A word at a time, the one of most pairs at worst; the odds by word, and joined.
        pairs = int(
            (titled.matrix.T @ graph.playlists.tracks.lengths.astype(np.float64)).max(initial=0)
        )
        return 100 * pairs + 2 * self.stored_bytes(graph)

    def stored_bytes(self, graph: PlaylistGraph) -> int:
        """See `TermConfig`."""
        titled = graph.playlists.relations.get("word")
        if titled is None:
            return 0
        kept = min(self.max_tracks, graph.catalog.num_tracks)
        return 8 * titled.num_targets * (kept + 1)

    def fit(self, graph: PlaylistGraph, begun: Path | None = None) -> WordOdds:
        """How likely a track is in a playlist of a word, smoothed twice.

            p(a | x) = (n_xa + α p(a)) / (n_x + α)
            p(u | x) = (n_xu + μ p(u) · p(a | x) / p(a)) / (n_x + μ)

        with n_xu the playlists of the word x that hold track u, n_xa and n_x the sums of these over
        the tracks of its artist a and over all tracks, p(u) the share of all pairs that are of the
        track, p(a) that of the artist: a posterior mean under a Dirichlet prior, whose mean is
        popularity moved towards the artists that the word's playlists hold (C. Zhai and J.
        Lafferty: "A Study of Smoothing Methods for Language Models Applied to Information
        Retrieval", ACM TOIS 2004).

        The strengths α and μ are each word's own: those under which its playlists are most likely
        if each is left out in turn. So "songs", whose playlists have nothing in common, has no
        odds, and the name of a band has high ones.

        Parameters
        ----------
        graph
            The training graph, with words.

        Raises
        ------
        ResourceError
            If it does not fit into memory.
        """
        self.require(graph)
        titled = graph.playlists.relations["word"]
        titles = TrackLists(titled.offsets, titled.target_index)
        is_part = parts_among(graph.catalog.nodes["word"])
        lists = graph.playlists.tracks
        # Playlists by word; those without tracks tell nothing, and parts of words too little.
        row = titles.list_index()
        tells = (lists.lengths[row] > 0) & ~is_part[titles.track_index]
        order = np.argsort(titles.track_index[tells], kind="stable")
        playlists = row[tells][order]
        ends = offsets_of(np.bincount(titles.track_index[tells], minlength=titled.num_targets))
        prior = _Prior.of(graph)
        found: list[tuple[Int32Array, Float32Array]] = []
        for start, end in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True):
            if end - start < _FEWEST_PLAYLISTS:
                found.append((np.zeros(0, np.int32), np.zeros(0, np.float32)))
            else:
                held = lists.rows(playlists[start:end])
                found.append(_odds(held, prior, self.max_tracks, self.max_lists))
        matrix = csr_array(
            (
                np.concatenate([odds for _, odds in found]),
                np.concatenate([tracks for tracks, _ in found]),
                offsets_of(np.array([len(odds) for _, odds in found])),
            ),
            shape=(titled.num_targets, graph.catalog.num_tracks),
        )
        return WordOdds.from_matrix(matrix, *USUAL_ODDS)


@dataclass(frozen=True, eq=False)
class _Prior:
    """What is known of tracks without any word.

    Attributes
    ----------
    share : float64 [num_tracks]
        p(u).
    artist : int64 [num_tracks]
        The main artist of each; one row beyond the artists where none is known.
    artist_share : float64 [num_artists + 1]
        p(a).
    offsets : int64 [num_artists + 2], by_artist : int64 [num_tracks]
        The tracks of each artist.
    """

    share: Float64Array
    artist: Int64Array
    artist_share: Float64Array
    offsets: Int64Array
    by_artist: Int64Array

    @classmethod
    def of(cls, graph: PlaylistGraph) -> _Prior:
        share = graph.popularity.astype(np.float64) + 0.5
        share /= share.sum()
        num_artists, artist = len(graph.catalog.artists), graph.catalog.main_artist.astype(np.int64)
        artist = np.where(artist < 0, num_artists, artist)
        return cls(
            share,
            artist,
            np.bincount(artist, share, minlength=num_artists + 1).astype(np.float64),
            offsets_of(np.bincount(artist, minlength=num_artists + 1)),
            np.argsort(artist, kind="stable"),
        )


def _odds(
    lists: TrackLists, prior: _Prior, max_tracks: int, max_lists: int
) -> tuple[Int32Array, Float32Array]:
    """O of one word, from its playlists: the tracks that have any, ascending, and their odds."""
    total = lists.num_pairs
    tracks, place, count = np.unique(lists.track_index, return_inverse=True, return_counts=True)
    artists, by, artist_count = _counted(prior.artist[tracks], count)
    # What each pair of some of the playlists would be without its playlist.
    spaced = np.unique(np.linspace(0, len(lists) - 1, min(max_lists, len(lists))).astype(np.int64))
    pair = np.isin(lists.list_index(), spaced)
    track, row = place[pair], lists.list_index()[pair]
    _, pair_of, of_list = np.unique(
        row * len(artists) + by[track], return_inverse=True, return_counts=True
    )
    weight = 1 / lists.lengths[row]  # each playlist counts as much as any other
    others = total - lists.lengths[row]
    artist_others = artist_count[by[track]] - of_list[pair_of]
    artist_share = prior.artist_share[artists]
    # Where no artist is known nothing is known of it.
    named = artists < len(prior.artist_share) - 1
    alpha = _likeliest(artist_others, others, artist_share[by[track]], weight * named[by[track]])
    lifted = (artist_others + alpha * artist_share[by[track]]) / (
        (others + alpha) * artist_share[by[track]]
    )
    share = prior.share[tracks[track]] * np.where(named[by[track]], lifted, 1)
    mu = _likeliest(count[track] - 1, others, share, weight)
    if min(alpha, mu) == _STRENGTHS[-1]:
        return np.zeros(0, np.int32), np.zeros(0, np.float32)
    # All tracks of the artists, held by any of the playlists or not.
    every = np.concatenate(
        [prior.by_artist[prior.offsets[a] : prior.offsets[a + 1]] for a in artists[named]]
        + [tracks[~named[by]]]
    )
    every.sort()
    of_artist = np.searchsorted(artists, prior.artist[every])
    raised = np.log1p(artist_count / (alpha * artist_share)) * named
    odds = raised[of_artist]
    # Constants of the word are left out of the odds, so a prior mean is up to one as well.
    level = np.where(named, alpha / (total + alpha), 1)[of_artist]
    held = np.searchsorted(every, tracks)
    odds[held] += np.log1p(count / (mu * (prior.share[every] * np.exp(odds) * level)[held]))
    every, odds = every[odds > _SMALLEST], odds[odds > _SMALLEST]
    if len(every) > max_tracks:
        likely = odds + np.log(prior.share[every])
        kept = np.sort(np.argpartition(-likely, max_tracks - 1)[:max_tracks])
        every, odds = every[kept], odds[kept]
    return every.astype(np.int32), odds.astype(np.float32)


def _counted(values: Int64Array, count: Int64Array) -> tuple[Int64Array, Int64Array, Float64Array]:
    """The different values, which of them each is, and the sum of the counts of each."""
    different, place = np.unique(values, return_inverse=True)
    return different, place, np.bincount(place, count).astype(np.float64)


def _likeliest(
    count: NDArray[np.generic], total: Int64Array, share: Float64Array, weight: Float64Array
) -> float:
    """The strength of a prior under which the pairs left out are most likely.

    Each has a count and a share in the prior, and of its playlist the others of the word have
    `total` pairs.
    """
    by_strength = [
        weight @ (np.log(count / (strength * share) + 1) - np.log(total / strength + 1))
        for strength in _STRENGTHS
    ]
    # The strongest, where several are level: it trusts the word least.
    best = len(_STRENGTHS) - 1 - int(np.argmax(by_strength[::-1]))
    return float(_STRENGTHS[best])
