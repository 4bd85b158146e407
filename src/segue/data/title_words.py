"""The words of playlist titles as nodes: the relation playlist–titled–word."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pyarrow as pa

from segue.data.csr import offsets_of
from segue.data.playlists import Catalog, Playlists
from segue.data.relations import Nodes, Relation
from segue.data.text import fold, query_words

MIN_TITLES = 5

# Default names that players give to untitled playlists.
_PLACEHOLDER = re.compile(r"(?:(?:my|new|untitled|unnamed) )*(?:playlist|untitled)(?: \d+)?")
# One pictograph or flag, with everything joined to it: 👩‍🎤 is one word, and so is 🇸🇪.
_PICTURE = "[\u2190-\u2bff\u3030\u303d\U0001f000-\U0001f1e5\U0001f200-\U0001faff]"
_EMOJI = re.compile(f"[\U0001f1e6-\U0001f1ff]{{2}}|{_PICTURE}(?:\u200d{_PICTURE})*")
# Skin tones and text/emoji variants do not make a different word.
_VARIANTS = dict.fromkeys([0xFE0E, 0xFE0F, *range(0x1F3FB, 0x1F400)])


def title_words(title: str | None) -> list[str]:
    """The words of a title, each once: ``"Été 🔥🔥 (2019)"`` → ``ete``, ``2019``, ``🔥``.

    Without case, accents and punctuation; an emoji is a word of its own. In scripts without spaces
    between words, every two adjacent characters count as one. A placeholder such as ``"Playlist
    17"`` has no words.
    """
    if not title or _PLACEHOLDER.fullmatch(fold(title)):
        return []
    words = [word for word in query_words(title) if any(map(str.isalnum, word))]
    return [*words, *dict.fromkeys(_EMOJI.findall(title.translate(_VARIANTS)))]


def with_title_words(
    playlists: Playlists, catalog: Catalog, min_titles: int = MIN_TITLES
) -> tuple[Playlists, Catalog]:
    """Add the words of the titles to the playlists and the catalogue.

    Parameters
    ----------
    playlists, catalog
    min_titles
        Minimum number of playlist titles that must contain a word.

    Returns
    -------
    playlists
        With the relation playlist–titled–word.
    catalog
        With the words as nodes of kind ``word``, in the order of their first appearance.
    """
    titles = playlists.titles.dictionary_encode()
    of_title = [title_words(title) for title in titles.dictionary.to_pylist()]
    # The last one is for playlists without a title, whose index is null.
    lengths = np.array([*map(len, of_title), 0])
    row_of = {word: row for row, word in enumerate(dict.fromkeys(w for ws in of_title for w in ws))}
    words = np.array([row_of[word] for ws in of_title for word in ws], dtype=np.int32)
    names = pa.array(list(row_of), pa.string())
    of_distinct = Relation("titled", "playlist", "word", offsets_of(lengths), words, len(names))
    row = titles.indices.fill_null(len(of_title)).to_numpy(zero_copy_only=False)
    titled = of_distinct.rows(row)
    kept = np.flatnonzero(titled.target_degree >= min_titles)
    place = np.full(len(names), -1)
    place[kept] = np.arange(len(kept))
    nodes = Nodes(names, names).take(kept)
    relations = {**playlists.relations, "word": titled.with_targets(place, len(kept))}
    return replace(playlists, relations=relations), catalog.with_nodes("word", nodes)
