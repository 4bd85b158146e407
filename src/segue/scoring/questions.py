"""The two questions that a list can ask, and how each is answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from segue.data.playlists import BoolArray, TrackLists
from segue.errors import ArtefactError, InputError
from segue.scoring.query import EITHER, FIT, NEXT, Query
from segue.scoring.recency import Recency
from segue.scoring.variety import Variety

Question = Literal["fit", "next", "either"]


def check_question(question: str) -> None:
    """Raise InputError unless it is one."""
    if question not in get_args(Question):
        raise InputError(f"question is {question!r}, expected {', '.join(get_args(Question))}")


def asks_of(question: Question, order_known: BoolArray) -> NDArray[np.int8]:
    """What lists ask, if all ask the same: int8 [num_lists].

    Where the order is not known, all that can be answered is what fits. InputError if the question
    is unknown.
    """
    check_question(question)
    code = {"fit": FIT, "next": NEXT, "either": EITHER}[question]
    return np.where(order_known, code, FIT).astype(np.int8)


def usual_question(order_known: BoolArray) -> Question:
    """What the playlists of a collection are asked when many are, unless something is said.

    Where the order of only some is known, it says something about these, so they are asked what
    comes next; the others can only be asked what fits. Where that of all is known, either.
    """
    return "next" if order_known.any() and not order_known.all() else "either"


@dataclass(frozen=True)
class Questions:
    """How lists are answered by what they ask. Chosen on validation, in training.

    What fits a list does not depend on its order, so all tracks count alike. What comes next
    depends most on the last ones. A list for either should disappoint nobody, whichever was meant.

    Attributes
    ----------
    next, either : Recency
        How much more the last tracks count in the first stage, by what is asked.
    num_trees : (int, int) or None
        How many trees of the second stage are used for what fits, and for what comes next; 0 keeps
        the order of the first stage, as lists for either always do. None: all.
    variety : Variety
        By how much tracks by the artists of a list are held back, whatever it asks.
    """

    next: Recency = Recency(8.0, 1.0)  # noqa: RUF009 - frozen
    either: Recency = Recency(2.0, 1.0)  # noqa: RUF009
    num_trees: tuple[int, int] | None = None
    variety: Variety = Variety()  # noqa: RUF009

    def __post_init__(self) -> None:
        """Raise ValueError for values out of range."""
        if min(self.num_trees or (0, 0)) < 0:
            raise ValueError(f"the numbers of trees are {self.num_trees}")

    def query(
        self, tracks: TrackLists, asks: NDArray[np.int8], words: TrackLists | None = None
    ) -> Query:
        """Queries of lists by what they ask.

        Parameters
        ----------
        tracks
        asks : int8 [num_lists]
            See `segue.scoring.query`.
        words
            Those of each list's title; None: no titles.
        """
        if not asks.any():
            return Query(tracks, asks=asks, words=words)
        emphasis = np.ones(tracks.num_pairs, dtype=np.float32)
        for code, recency in ((NEXT, self.next), (EITHER, self.either)):
            pairs = np.repeat(asks == code, tracks.lengths)
            if pairs.any():
                emphasis[pairs] = recency.emphasis(tracks)[pairs]
        return Query(tracks, emphasis, asks=asks, words=words)

    def to_json(self) -> dict[str, Any]:
        """As plain values, for a manifest."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Questions:
        """Inverse of `to_json`; what is missing, as in older bundles, has its default.

        Raises
        ------
        ArtefactError
            If the values are something else.
        """
        try:
            given = dict(values)
            for name in ("next", "either"):
                if name in given:
                    given[name] = Recency(**given[name])
            if given.get("num_trees") is not None:
                fit, following = given["num_trees"]
                given["num_trees"] = (int(fit), int(following))
            if "variety" in given:
                given["variety"] = Variety.from_json(given["variety"])
            return cls(**given)
        except (TypeError, ValueError, KeyError, OverflowError) as error:
            raise ArtefactError(
                f"how the bundle answers its questions cannot be read ({error})"
            ) from error
