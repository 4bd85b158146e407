"""`Split`: a training graph and what is held out of it for validation and test."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np

from segue.data.csr import stand_in
from segue.data.playlists import BoolArray, Int64Array, TrackLists
from segue.data.relations import update_digest
from segue.errors import InputError
from segue.graph.playlist_graph import PlaylistGraph

SplitKind = Literal["random", "last", "mixed", "playlists", "tracks"]
DEFAULT_NUM_GIVEN = 5


@dataclass(frozen=True)
class SplitRecipe:
    """How a split is drawn; with the graph it determines the split.

    Attributes
    ----------
    kind
        What is held out.

        ``"random"``: random tracks of each playlist.

        ``"last"``: the last tracks of each playlist whose order is known (validation gets those
        before the test tracks). Nothing from other playlists.

        ``"mixed"``: of some playlists whose order is known the last tracks, of as many others
        random ones: so both questions are measured, what comes next and what fits. The others are
        playlists whose order is not known as far as there are enough of them (those beyond stay
        whole), else ordered ones, too.

        ``"playlists"``: whole playlists. A recommender is given the first `num_given` tracks (in
        random order if the playlist's order is not known) and should find the rest.

        ``"tracks"``: whole tracks, removed from every playlist. They remain candidates and keep
        their artists and albums, by which alone they can be found.
    test_share, validation_share
        At least 0, with a sum below 1. Shares of each playlist's tracks, or for ``"playlists"`` and
        ``"tracks"`` of all playlists and all tracks.
    rng_seed
        Seed of the draw.
    num_given
        Only for ``"playlists"``, 5 by default; None for the others. It does not affect which
        playlists are held out, and hence not the training graph.

    Examples
    --------
    >>> segue.SplitRecipe("playlists", num_given=3).num_given
    3
    """

    kind: SplitKind = "random"
    test_share: float = 0.2
    validation_share: float = 0.1
    rng_seed: int = 0
    num_given: int | None = None

    def __post_init__(self) -> None:
        """Raise InputError for an invalid recipe."""
        kinds = get_args(SplitKind)
        if self.kind not in kinds:
            raise InputError(
                f"split kind {self.kind!r} is not known, expected one of: {', '.join(kinds)}"
            )
        shares = (self.test_share, self.validation_share)
        if not (min(shares) >= 0 and sum(shares) < 1):
            raise InputError(
                f"split shares {shares[0]} (test) and {shares[1]} (validation) must be at least "
                "0 and together less than 1"
            )
        if self.rng_seed < 0:
            raise InputError(f"split seed {self.rng_seed} must be at least 0")
        if self.kind != "playlists":
            if self.num_given is not None:
                raise InputError(
                    f"a number of given tracks ({self.num_given}) is only for a split of kind "
                    f"'playlists', not {self.kind!r}"
                )
        elif self.num_given is None:
            object.__setattr__(self, "num_given", DEFAULT_NUM_GIVEN)
        elif self.num_given < 1:
            raise InputError(f"number of given tracks is {self.num_given}, expected 1 or more")

    @property
    def in_order(self) -> bool:
        """Whether the last tracks of ordered playlists are held out."""
        return self.kind in ("last", "mixed")

    def to_json(self) -> dict[str, Any]:
        """As plain values, for a manifest; `num_given` only if there is one."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Queries with known answers, one per row.

    Attributes
    ----------
    query : TrackLists
        What a recommender sees of each playlist: pairs of the training graph, or the given tracks
        of a playlist that training never saw.
    known : TrackLists
        Tracks excluded from its recommendations; includes all of `query`.
    targets : TrackLists
        Tracks that it should find. No track is both known and a target.
    playlist_index : int64 [num_rows]
        Which playlist of the graph each row is about: for models that keep a vector of each
        playlist. All others see only the query.
    asks_next : bool [num_rows]
        Which question each row asks: what comes next, where the targets come after the query, or
        else what fits.

    Examples
    --------
    >>> some = split.test.rows(slice(0, 2))
    >>> len(some.query) == len(some.targets) == 2
    True
    """

    query: TrackLists
    known: TrackLists
    targets: TrackLists
    playlist_index: Int64Array
    asks_next: BoolArray

    def __post_init__(self) -> None:
        """Raise ValueError for overlaps and columns of different lengths."""
        lengths = len(self.query), len(self.known), len(self.targets), len(self.asks_next)
        if any(length != len(self.playlist_index) for length in lengths):
            raise ValueError("query, known, targets, playlist_index and asks_next differ in length")
        if self.query.overlaps(self.targets) or self.known.overlaps(self.targets):
            raise ValueError("a held-out track is also known: the split overlaps")

    def __repr__(self) -> str:
        """``HeldOut(1,000 rows, 12,000 targets)``."""
        return f"HeldOut({len(self.query):,} rows, {self.targets.num_pairs:,} targets)"

    @classmethod
    def of_new_playlists(
        cls, in_order: TrackLists, num_given: int, playlist_index: Int64Array
    ) -> HeldOut:
        """Queries for playlists that training never saw.

        Parameters
        ----------
        in_order
            All their tracks. The first `num_given` of each are its query, the rest (if any) its
            targets.
        num_given
        playlist_index
        """
        place = in_order.positions()
        query = in_order.keep(place < num_given)
        rest = in_order.keep(place >= num_given)
        # All the rest is to be found, not what comes next (docs/challenge.md has the figures).
        return cls(query, query, rest, playlist_index, np.zeros(len(in_order), dtype=bool))

    def rows(self, rows: Any) -> HeldOut:
        """Some of the rows: a slice or an int array."""
        return HeldOut(
            self.query.rows(rows),
            self.known.rows(rows),
            self.targets.rows(rows),
            self.playlist_index[rows],
            self.asks_next[rows],
        )

    def asking(self, question: Literal["fit", "next"]) -> HeldOut:
        """The rows with targets that ask one question."""
        asked = self.asks_next == (question == "next")
        return self.rows(np.flatnonzero(asked & (self.targets.lengths > 0)))


@dataclass(frozen=True, eq=False)
class Split:
    """A training graph and held-out pairs. Training may see only `train`.

    Attributes
    ----------
    train : PlaylistGraph
        The same nodes and structural edges, with the remaining interaction edges. If the graph has
        words of titles, a few playlists have no edges to theirs, so that validation can tell what
        titles say that training has not seen. A playlist that is held out whole has none, either.
    validation, test : HeldOut
        Queries come from training pairs; at test time validation pairs are known. If last tracks
        are held out, validation pairs are also part of the query at test time, as anyone who
        continues a playlist knows what comes right before. One row for each playlist of the graph,
        or for each held-out playlist if whole playlists are held out.
    recipe : SplitRecipe
    graph : PlaylistGraph
        The whole graph that was split; training never sees it.

    Examples
    --------
    >>> split.train.playlists.tracks.num_pairs < split.graph.playlists.tracks.num_pairs
    True
    """

    train: PlaylistGraph
    validation: HeldOut
    test: HeldOut
    recipe: SplitRecipe
    graph: PlaylistGraph

    def __post_init__(self) -> None:
        """Raise ValueError if something is held out and trained on, or held out twice."""
        train, num_tracks = self.train.playlists.tracks, self.train.catalog.num_tracks

        def pairs(lists: TrackLists, playlist_index: Int64Array) -> Int64Array:
            return np.repeat(playlist_index, lists.lengths) * num_tracks + lists.track_index

        # Of the two that are compared the smaller is sorted: they have tens of millions of pairs.
        trained = pairs(train, np.arange(len(train)))
        targets = {}
        for name, held_out in (("validation", self.validation), ("test", self.test)):
            targets[name] = np.sort(pairs(held_out.targets, held_out.playlist_index))
            if stand_in(targets[name], trained).any():
                raise ValueError(f"the split overlaps: {name} targets are trained on")
            if self.recipe.kind == "playlists":
                if train.lengths[held_out.playlist_index].any():
                    raise ValueError(f"the split overlaps: {name} playlists are trained on")
                continue
            shown = pairs(held_out.query, held_out.playlist_index)
            if name == "test" and self.recipe.in_order:
                shown = shown[~stand_in(targets["validation"], shown)]
            if not (np.array_equal(trained, shown) or stand_in(np.sort(trained), shown).all()):
                raise ValueError(f"{name} queries hold more than is trained on")
            if (
                self.recipe.kind == "tracks"
                and self.train.popularity[held_out.targets.track_index].any()
            ):
                raise ValueError(f"the split overlaps: {name} tracks are trained on")
        if stand_in(targets["validation"], targets["test"]).any():
            raise ValueError("the split overlaps: validation and test targets")

    def __repr__(self) -> str:
        """``Split(mixed, 46,000 training pairs, 7,000 for validation, 13,000 for test)``."""
        sizes = {
            "training pairs": self.train.playlists.tracks.num_pairs,
            "for validation": self.validation.targets.num_pairs,
            "for test": self.test.targets.num_pairs,
        }
        parts = [f"{size:,} {what}" for what, size in sizes.items()]
        return f"Split({', '.join([self.recipe.kind, *parts])})"

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over what is held out and the graph that was split."""
        digest = hashlib.sha256(self.graph.fingerprint.encode())
        for held_out in (self.validation, self.test):
            update_digest(digest, held_out.targets.offsets, held_out.targets.track_index)
            if self.recipe.kind == "playlists":
                update_digest(digest, held_out.playlist_index)
        return digest.hexdigest()

    def order_known(self, held_out: HeldOut) -> BoolArray:
        """Whether the order of each held-out row's tracks is known: bool [num_rows]."""
        return self.train.playlists.order_known[held_out.playlist_index]

    @property
    def unseen_titles(self) -> HeldOut:
        """The rows of validation with targets and with a title that training has not seen."""
        titled, trained = (of.playlists.relations["word"] for of in (self.graph, self.train))
        unseen = (titled.source_degree > 0) & (trained.source_degree == 0)
        rows = unseen[self.validation.playlist_index] & (self.validation.targets.lengths > 0)
        return self.validation.rows(np.flatnonzero(rows))

    def title_words(self, held_out: HeldOut) -> TrackLists | None:
        """The words of each held-out row's title, which are not held out; None without words."""
        titled = self.graph.playlists.relations.get("word")
        if titled is None:
            return None
        titled = titled.rows(held_out.playlist_index)
        return TrackLists(titled.offsets, titled.target_index)

    def given(self, num_given: int) -> Split:
        """The same split of whole playlists with another number of given tracks.

        The training graph is the same, so a model trained on this split can be used. A larger
        number gives all the tracks that a smaller one does, and more.

        Raises
        ------
        InputError
            If the split is of another kind, the number is below 1, or no playlist is longer.
        """
        recipe = replace(self.recipe, num_given=num_given)
        validation, test = (
            HeldOut.of_new_playlists(
                held_out.query.joined(held_out.targets), num_given, held_out.playlist_index
            )
            for held_out in (self.validation, self.test)
        )
        return checked(replace(self, validation=validation, test=test, recipe=recipe))


def checked(split: Split) -> Split:
    """The same split (InputError if nothing is held out, or nothing is left to train on)."""
    recipe = split.recipe
    if not split.train.playlists.tracks.num_pairs:
        raise InputError(f"a split of kind {recipe.kind!r} leaves nothing to train on")
    whole = {"playlists": "the playlists", "tracks": "the tracks"}
    for part, share, held_out in (
        ("test", recipe.test_share, split.test),
        ("validation", recipe.validation_share, split.validation),
    ):
        if share == 0 or held_out.targets.num_pairs:
            continue
        if recipe.kind == "playlists" and len(held_out.playlist_index):
            raise InputError(
                f"no playlist that is held out for {part} has more than {recipe.num_given} tracks, "
                f"so with {recipe.num_given} given nothing is left to find"
            )
        if not (split.graph.playlists.tracks.lengths >= 2).any():
            raise InputError(
                "no playlist has two tracks or more, so nothing can be held out, nor learned"
            )
        raise InputError(
            f"a share of {share} of {whole.get(recipe.kind, 'each playlist')} holds nothing out "
            f"for {part}; a larger share may, or train on everything and measure nothing: "
            "--no-test, in Python test=False"
        )
    return split
