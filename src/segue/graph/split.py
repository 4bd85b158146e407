"""`Split`: a training graph and what is held out of it for validation and test."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from segue.data.playlists import Int64Array, TrackLists, update_digest
from segue.errors import InputError
from segue.graph.playlist_graph import PlaylistGraph


@dataclass(frozen=True)
class SplitRecipe:
    """How a split is drawn; with the graph it determines the split.

    Attributes
    ----------
    kind
        ``"random"``: of each playlist, tracks at random.
    test_share, validation_share
        Share of each playlist's tracks that is held out, from 0 up to a sum under 1.
    rng_seed
        For the draw.
    """

    kind: Literal["random"] = "random"
    test_share: float = 0.2
    validation_share: float = 0.1
    rng_seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what is no recipe (InputError)."""
        if self.kind != "random":
            raise InputError(f"split kind {self.kind!r} is not known, expected 'random'")
        shares = (self.test_share, self.validation_share)
        if not (min(shares) >= 0 and sum(shares) < 1):
            raise InputError(
                f"split shares {shares[0]} (test) and {shares[1]} (validation) must be at least "
                "0 and together less than 1"
            )
        if self.rng_seed < 0:
            raise InputError(f"split seed {self.rng_seed} must be at least 0")

    def to_json(self) -> dict[str, Any]:
        """As plain values, for a manifest."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Questions with known answers, one per row.

    Attributes
    ----------
    query : TrackLists
        What a recommender is shown of each playlist: pairs of the training graph, or the tracks
        given of a playlist that training never saw.
    known : TrackLists
        What is excluded from its list of recommendations; holds all of `query`.
    targets : TrackLists
        What it should find. No track is both known and a target.
    playlist_index : int64 [num_rows]
        Which playlist of the graph each row is about: for models that keep a vector of each
        playlist. All others see the query alone.
    """

    query: TrackLists
    known: TrackLists
    targets: TrackLists
    playlist_index: Int64Array

    def __post_init__(self) -> None:
        """Refuse overlaps and columns of different lengths (ValueError)."""
        if not (
            len(self.query) == len(self.known) == len(self.targets) == len(self.playlist_index)
        ):
            raise ValueError("query, known, targets and playlist_index differ in length")
        if self.query.overlaps(self.targets) or self.known.overlaps(self.targets):
            raise ValueError("a held-out track is also known: the split overlaps")

    def rows(self, rows: Any) -> HeldOut:
        """Some of the rows: a slice or an int array."""
        return HeldOut(
            self.query.rows(rows),
            self.known.rows(rows),
            self.targets.rows(rows),
            self.playlist_index[rows],
        )


@dataclass(frozen=True, eq=False)
class Split:
    """A training graph and held-out pairs. Nothing but `train` may be seen by training.

    Attributes
    ----------
    train : PlaylistGraph
        The same nodes and structural edges, the interaction edges that are left.
    validation, test : HeldOut
        Queries come from training pairs; at test time validation pairs are known.
    recipe : SplitRecipe
    graph_fingerprint : str
        Of the whole graph.
    """

    train: PlaylistGraph
    validation: HeldOut
    test: HeldOut
    recipe: SplitRecipe
    graph_fingerprint: str

    def __post_init__(self) -> None:
        """Refuse pairs that are held out and trained on, or held out twice (ValueError)."""
        train, held_out = self.train.playlists.tracks, self.validation.targets
        for name, one, other in (
            ("validation", train, self.validation.targets),
            ("test", train, self.test.targets),
            ("validation and test", held_out, self.test.targets),
        ):
            if one.overlaps(other):
                raise ValueError(f"the split overlaps: {name} targets")

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over the held-out pairs and the graph they were taken from."""
        digest = hashlib.sha256(self.graph_fingerprint.encode())
        for held_out in (self.validation, self.test):
            update_digest(digest, held_out.targets.offsets, held_out.targets.track_index)
        return digest.hexdigest()


def split_graph(graph: PlaylistGraph, recipe: SplitRecipe) -> Split:
    """Split a graph's interaction edges.

    Of a playlist of n tracks, round(n · test_share) go to test and round(n · validation_share)
    to validation, halves rounded up; one track at least stays for training. A playlist that is
    too short to give any is not held out: it is counted in an evaluation, never scored.
    """
    tracks = graph.playlists.tracks
    rng = np.random.default_rng(recipe.rng_seed)
    place = tracks.shuffled_place(rng)
    free = np.maximum(tracks.lengths - 1, 0)
    num_test = np.minimum(_rounded(tracks.lengths * recipe.test_share), free)
    num_validation = np.minimum(_rounded(tracks.lengths * recipe.validation_share), free - num_test)
    end_test = np.repeat(num_test, tracks.lengths)
    end_validation = np.repeat(num_test + num_validation, tracks.lengths)
    train = tracks.keep(place >= end_validation)
    validation = tracks.keep((place >= end_test) & (place < end_validation))
    every = np.arange(len(tracks))
    return Split(
        train=graph.with_tracks(train),
        validation=HeldOut(train, train, validation, every),
        test=HeldOut(train, train.joined(validation), tracks.keep(place < end_test), every),
        recipe=recipe,
        graph_fingerprint=graph.fingerprint,
    )


def _rounded(values: NDArray[np.floating[Any]]) -> Int64Array:
    """To the nearest integer, halves up; a product such as 90 · 0.35 is taken as the half it is."""
    whole: Int64Array = np.floor(np.round(values, 9) + 0.5).astype(np.int64)
    return whole
