"""Titles in queries: their words, known or not, and what each adds to a score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from segue.bundle import Bundle
from segue.data.playlists import TrackLists
from segue.data.title_words import Vocabulary
from segue.errors import InputError
from segue.scoring.term import ScoreParts, Source


@dataclass(frozen=True)
class AskedTitle:
    """A title in a query.

    Attributes
    ----------
    rows : dict
        For each word the rows of the bundle's words that stand for it: its own, those of its parts,
        or none.
    by_parts : tuple of str
        The words that the bundle does not know as a whole, but parts of them.
    """

    rows: Mapping[str, Sequence[int]] = field(default_factory=dict)
    by_parts: tuple[str, ...] = ()

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The words that count."""
        return tuple(word for word, rows in self.rows.items() if len(rows))

    @property
    def unknown(self) -> tuple[str, ...]:
        """The words that the bundle does not know."""
        return tuple(word for word, rows in self.rows.items() if not len(rows))

    @property
    def query(self) -> TrackLists:
        """The rows of all words, as a query takes them: a single list."""
        return TrackLists.from_lists([list(self._word_of)])

    @cached_property
    def _word_of(self) -> dict[int, int]:
        """For each row the place of the word that it stands for; the first, if it is in several."""
        word_of: dict[int, int] = {}
        for place, word in enumerate(self.words):
            for row in self.rows[word]:
                word_of.setdefault(row, place)
        return word_of

    def by_word(self, parts: ScoreParts) -> ScoreParts:
        """The same parts of scores, with one source for each word: ``("word", place)``."""
        word_of = self._word_of
        if not word_of:
            return parts
        sources: list[Source] = [
            (kind, word_of[row]) if kind == "word" else (kind, row) for kind, row in parts.sources
        ]
        column = {source: place for place, source in enumerate(dict.fromkeys(sources))}
        joined = np.zeros((len(parts.parts), len(column)))
        for place, source in enumerate(sources):
            joined[:, column[source]] += parts.parts[:, place]
        return ScoreParts(tuple(column), joined)


NO_TITLE = AskedTitle()


class Titles:
    """Reads titles with the words that a bundle has learned.

    Parameters
    ----------
    bundle
    """

    def __init__(self, bundle: Bundle) -> None:
        self._vocabulary = None
        if bundle.word_weight is not None:
            self._vocabulary = Vocabulary(bundle.catalog.nodes["word"])

    @property
    def known(self) -> bool:
        """Whether the bundle has learned any words."""
        return self._vocabulary is not None

    def asked(self, title: Any) -> AskedTitle:
        """A title in a query; None: there is none.

        Raises
        ------
        InputError
            If the bundle has learned no words, or the title is not text.
        """
        if title is None:
            return NO_TITLE
        if not isinstance(title, str):
            raise InputError(f"{title!r} is not a title, expected text")
        if self._vocabulary is None:
            raise InputError(
                "this bundle has learned no words of titles, so nothing can be asked with a title; "
                "train one on a graph of playlists with titles, built with --title-words"
            )
        return self._asked(self._vocabulary, title)

    def own(self, title: str | None) -> AskedTitle:
        """The title of a playlist of the bundle; no words where the bundle has learned none."""
        return NO_TITLE if self._vocabulary is None else self._asked(self._vocabulary, title)

    def lists(self, titles: Sequence[str | None]) -> TrackLists | None:
        """The rows of the words of many titles; None where the bundle has learned none."""
        if self._vocabulary is None:
            return None
        titled = self._vocabulary.relation(titles)
        return TrackLists(titled.offsets, titled.target_index)

    @staticmethod
    def _asked(vocabulary: Vocabulary, title: str | None) -> AskedTitle:
        rows = vocabulary.rows_of(title)
        return AskedTitle(rows, tuple(w for w in rows if rows[w] and w not in vocabulary))
