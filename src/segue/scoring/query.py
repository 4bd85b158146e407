"""`Query`: the input of a ranking, for a batch of lists."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segue.data.playlists import BoolArray, Float32Array, Int64Array, TrackLists

# What a list is asked: which tracks fit it; which come next; or for tracks good for either. Without
# a known order the last two are the first.
FIT, NEXT, EITHER = 0, 1, 2


@dataclass(frozen=True, eq=False)
class Query:
    """The query of each of some lists: tracks, and optionally artists and words of a title.

    Attributes
    ----------
    tracks : TrackLists
        Rows of the catalogue.
    emphasis : float32 [num_pairs] or None
        Factor of each track's query weight, at least 0; None: 1.
    artists : TrackLists or None
        Rows of artists, one list for each list of tracks.
    asks : int8 [num_lists] or None
        `FIT`, `NEXT` or `EITHER`, which is what is made of the order of each list's tracks; None:
        all ask `FIT`.
    words : TrackLists or None
        Rows of words, one list for each list of tracks: those of its title.
    """

    tracks: TrackLists
    emphasis: Float32Array | None = None
    artists: TrackLists | None = None
    asks: NDArray[np.int8] | None = None
    words: TrackLists | None = None

    def __post_init__(self) -> None:
        """Raise ValueError if columns do not fit together."""
        if self.emphasis is not None and self.emphasis.shape != self.tracks.track_index.shape:
            raise ValueError("emphasis must hold one number per track of the query")
        for name in ("artists", "words"):
            lists = getattr(self, name)
            if lists is not None and len(lists) != len(self.tracks):
                raise ValueError(f"{name} and tracks differ in the number of lists")
        if self.asks is not None and self.asks.shape != (len(self.tracks),):
            raise ValueError("asks must hold one value per list")

    @classmethod
    def of(cls, query: TrackLists | Query) -> Query:
        """A query from tracks alone; a `Query` is returned unchanged."""
        return cls(query) if isinstance(query, TrackLists) else query

    def __len__(self) -> int:
        """Number of lists."""
        return len(self.tracks)

    def rows(self, rows: slice | Int64Array) -> Query:
        """Some of the lists; a slice has a step of 1."""
        emphasis, offsets = self.emphasis, self.tracks.offsets
        if emphasis is not None:
            if isinstance(rows, slice):
                start, stop, _ = rows.indices(len(self))
                emphasis = emphasis[offsets[start] : offsets[stop]]
            else:
                parts = [emphasis[offsets[row] : offsets[row + 1]] for row in rows.tolist()]
                emphasis = np.concatenate([emphasis[:0], *parts])
        return Query(
            self.tracks.rows(rows),
            emphasis,
            None if self.artists is None else self.artists.rows(rows),
            None if self.asks is None else self.asks[rows],
            None if self.words is None else self.words.rows(rows),
        )

    def asked(self, row: int) -> int:
        """What one list is asked."""
        return FIT if self.asks is None else int(self.asks[row])

    @property
    def relative_emphasis(self) -> Float32Array | None:
        """The emphasis divided by its mean in each list: float32 [num_pairs]; None if it is 1."""
        if self.emphasis is None:
            return None
        lengths = self.tracks.lengths
        total = np.bincount(self.tracks.list_index(), self.emphasis, minlength=len(lengths))
        mean = total / np.maximum(lengths, 1)
        mean[mean == 0] = 1  # nothing in the list counts
        relative: Float32Array = (self.emphasis / np.repeat(mean, lengths)).astype(np.float32)
        return relative

    @property
    def lengths(self) -> Int64Array:
        """Number of tracks and artists in each list, 1 for a title alone: int64 [num_lists]."""
        return self.lengths_without(0)

    def lengths_without(self, number: int) -> Int64Array:
        """`lengths` with that many tracks left out of each list that has them: int64."""
        lengths = self.tracks.lengths - number
        if self.artists is not None:
            lengths = lengths + self.artists.lengths
        if self.words is None:
            return lengths
        # A title does not change what a list of songs is taken for; alone it stands for one.
        titled: Int64Array = np.maximum(lengths, (self.words.lengths > 0).astype(np.int64))
        return titled

    def beside_title(self, without: int = 0) -> NDArray[np.float64]:
        """1 + n for n tracks and artists, with that many tracks left out: float64 [num_lists]."""
        length = self.tracks.lengths
        if self.artists is not None:
            length = length + self.artists.lengths
        beside: NDArray[np.float64] = np.maximum(1.0 + length - without, 1)
        return beside

    @property
    def empty(self) -> BoolArray:
        """Which lists are empty: bool [num_lists]."""
        empty: BoolArray = self.lengths == 0
        return empty


def title_shares(titles: TrackLists, is_part: BoolArray) -> Float32Array:
    """How much each word of some titles counts: 1, and all parts in a title together as one word.

    Parameters
    ----------
    titles
        Rows of words.
    is_part : bool [num_words]
        Which words are parts of rare words.

    Returns
    -------
    float32 [num_pairs]
    """
    part, row = is_part[titles.track_index], titles.list_index()
    count = np.bincount(row[part], minlength=len(titles))
    shares: Float32Array = np.where(part, 1 / np.maximum(count, 1)[row], 1).astype(np.float32)
    return shares
