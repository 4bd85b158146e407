"""Titles that fit a list: words, and short titles that several playlists have, by the vectors."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from segue.bundle import Bundle
from segue.console import table_text
from segue.data.playlists import Float32Array, Int64Array
from segue.data.text import is_unspaced
from segue.data.title_words import MIN_TITLES, is_shown, title_words
from segue.errors import InputError
from segue.recommend.reasons import plain
from segue.scoring.centroid import Centroid, unit_rows
from segue.scoring.query import Query

# How much the logarithm of a title's frequency adds to its cosine: chosen on the validation part of
# real playlists (`benchmarks/titles.py`).
_FREQUENCY = 0.1
# A longer title is somebody's own.
_MOST_WORDS = 4


@dataclass(frozen=True)
class SuggestedTitle:
    """A title that fits a list.

    Attributes
    ----------
    rank
        From 1.
    title
    score
        The cosine of its words with the list, plus a little for how often playlists have it.
    """

    rank: int
    title: str
    score: float


@dataclass(frozen=True)
class SuggestedTitles:
    """Titles that fit a list, the best first; prints as a table.

    Attributes
    ----------
    heading
        A readable heading.
    titles : tuple of SuggestedTitle

    Examples
    --------
    >>> [found.rank for found in recommender.title(tracks=["Bohemian Rhapsody"], n=2).titles]
    [1, 2]
    """

    heading: str
    titles: tuple[SuggestedTitle, ...]

    def __str__(self) -> str:
        """The titles as a table."""
        rows = [[str(each.rank), each.title, f"{each.score:.3f}"] for each in self.titles]
        return table_text(self.heading, ["", "title", "score"], rows)

    def __repr__(self) -> str:
        """``SuggestedTitles('Titles for this list', 5 titles)``."""
        return f"SuggestedTitles({self.heading!r}, {len(self.titles)} titles)"

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        content: dict[str, Any] = plain(self)
        return content


class TitleSuggester:
    """Finds titles for lists.

    The candidates are titles of up to four words that at least five playlists of the bundle have,
    and single words that some playlist is called; if there are none of these, or no playlists, all
    words. Rare words and parts of them are never among them.

    Parameters
    ----------
    bundle
    centroid
    """

    def __init__(self, bundle: Bundle, centroid: Centroid) -> None:
        self._bundle, self._centroid = bundle, centroid

    def titles(self, heading: str, query: Query, n: int) -> SuggestedTitles:
        """The `n` titles that fit a list best (a query of one list; its title is left out).

        Raises
        ------
        InputError
            If the bundle has learned no words, or the list is empty.
        """
        if self._centroid.words is None:
            raise InputError(
                "this bundle has learned no words of titles, so it can suggest none; train one on "
                "a graph of playlists with titles, built with --title-words"
            )
        if not query.tracks.num_pairs:
            raise InputError("a list without a known track has no title, expected at least one")
        texts, vectors, bonus = self._candidates
        list_vector = self._centroid.prepare(Query(query.tracks, query.emphasis))[0]
        score = vectors @ list_vector + bonus
        best = np.argsort(-score, kind="stable")[:n].tolist()
        return SuggestedTitles(
            heading,
            tuple(
                SuggestedTitle(rank, texts[row], float(score[row]))
                for rank, row in enumerate(best, start=1)
            ),
        )

    @cached_property
    def _candidates(self) -> tuple[list[str], Float32Array, Float32Array]:
        """Their texts, unit vectors and what their frequency adds to the score."""
        words = self._centroid.words
        if words is None:
            raise ValueError("no words")
        from scipy.sparse import csr_array

        nodes = self._bundle.catalog.nodes["word"]
        counts = self._counts
        rows = [[nodes.index_of[word] for word in title] for title in counts]
        lengths = np.array([*map(len, rows)], dtype=np.int64)
        flat = np.array([row for of_one in rows for row in of_one], dtype=np.int64)
        offsets: Int64Array = np.append(0, np.cumsum(lengths))
        shape = (len(rows), len(nodes))
        sums = csr_array((words.weight[flat], flat, offsets), shape=shape) @ words.vectors
        bonus = np.float32(_FREQUENCY) * np.log1p(np.array([*counts.values()], dtype=np.float32))
        return [self._spelt(title) for title in counts], unit_rows(sums), bonus

    @cached_property
    def _counts(self) -> dict[tuple[str, ...], int]:
        """How many playlists have each candidate, as a title or as a word of it."""
        ids = self._bundle.catalog.nodes["word"].ids.to_pylist()
        known = {*filter(is_shown, ids)}
        playlists, counts = self._bundle.playlists, Counter[tuple[str, ...]]()
        for title, number in self._distinct:
            words = tuple(title_words(title))
            if words and known.issuperset(words) and len(words) <= _MOST_WORDS:
                counts[words] += number
        degree = dict.fromkeys(ids, 0)
        if playlists is not None:
            degree = dict(zip(ids, playlists.relations["word"].target_degree.tolist(), strict=True))
        single = [word for word in known if (word,) in counts] or [
            word for word in ids if word in known and not is_unspaced(word)
        ]
        several = {w: n for w, n in counts.items() if len(w) > 1 and n >= MIN_TITLES}
        return {(word,): degree[word] for word in sorted(single)} | several

    @property
    def _distinct(self) -> Iterable[tuple[str, int]]:
        """The different titles of the bundle's playlists, with their numbers."""
        if self._bundle.playlists is None:
            return
        for pair in self._bundle.playlists.titles.value_counts():
            title = pair["values"].as_py()
            if title:
                yield title, pair["counts"].as_py()

    @cached_property
    def _spellings(self) -> dict[tuple[str, ...], str]:
        """The most frequent spelling of each title, without regard to case."""
        found: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
        for title, number in self._distinct:
            found[tuple(title_words(title))][" ".join(title.lower().split())] += number
        return {words: spelt.most_common(1)[0][0] for words, spelt in found.items()}

    def _spelt(self, words: tuple[str, ...]) -> str:
        """Words as people write them: ``("ete",)`` → ``"été"``."""
        return self._spellings.get(words, " ".join(words))
