"""The words of playlist titles as nodes: the relation playlist–titled–word.

A word in few titles says little by itself, so it is replaced by its parts, sequences of
three and four characters: ``"workoutz"`` shares most of them with ``"workouts"``. The words and
parts that stand in enough titles are the vocabulary, and so are rare words that stand in more than
one: these are known, too, but never shown to people who have not typed them. It is fixed when a
graph is built; titles that come later are read with it, by `Vocabulary`.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np
import pyarrow as pa

from segue.data.csr import offsets_of
from segue.data.playlists import BoolArray, Catalog, Playlists
from segue.data.relations import Nodes, Relation
from segue.data.text import fold, is_unspaced, query_words

MIN_TITLES = 5
# What a word of one title says would give away whose playlist that is.
MIN_RARE_TITLES = 2
CONTINUED = ", continued"  # How Segue names a list that continues another; not a word of its title.

# How players call playlists that nobody has named, without numbers.
_PLACEHOLDERS = frozenset(
    map(
        fold,
        (
            *("playlist", "my playlist", "new playlist", "my new playlist", "untitled", "unnamed"),
            *("untitled playlist", "unnamed playlist", "new untitled playlist"),
            *("meine playlist", "neue playlist", "wiedergabeliste", "neue wiedergabeliste"),
            *("ma playlist", "nouvelle playlist", "liste de lecture", "nouvelle liste de lecture"),
            *("mi playlist", "mi lista", "nueva playlist", "nueva lista", "sin título"),
            *("lista de reproducción", "mi lista de reproducción", "nueva lista de reproducción"),
            *("minha playlist", "nova playlist", "lista de reprodução", "sem título"),
            *("la mia playlist", "nuova playlist", "senza titolo", "sans titre", "ohne titel"),
            *("mijn playlist", "mijn afspeellijst", "nieuwe afspeellijst", "afspeellijst"),
            *("min spellista", "ny spellista", "spellista", "min spilleliste", "ny spilleliste"),
            *("spilleliste", "soittolista", "soittolistani", "oma soittolista", "uusi soittolista"),
            *("playlista", "moja playlista", "nowa playlista"),
            *("çalma listesi", "çalma listem", "yeni çalma listesi"),
            *("плейлист", "мой плейлист", "новый плейлист", "без названия"),
            *("プレイリスト", "マイプレイリスト", "新しいプレイリスト", "新規プレイリスト", "無題"),
            *("歌单", "我的歌单", "新建歌单", "播放列表", "我的播放列表", "新建播放列表"),
            *("播放清單", "我的播放清單", "新播放清單"),
            *("플레이리스트", "내 플레이리스트", "새 플레이리스트", "재생목록", "새 재생목록"),
        ),
    )
)
# Numbers of placeholders, folded: "17", "nr 2", "no1" (№1), "n o 4" (n.º 4).
_NUMBERING = re.compile(r"(?: ?(?:nr|n ?o|n|number|numero)? ?\d+)+$")
# One pictograph or flag, with everything joined to it: 👩‍🎤 is one word, and so is 🇸🇪.
_PICTURE = "[\u2190-\u2bff\u3030\u303d\U0001f000-\U0001f1e5\U0001f200-\U0001faff]"
_EMOJI = re.compile(f"[\U0001f1e6-\U0001f1ff]{{2}}|{_PICTURE}(?:\u200d{_PICTURE})*")
# Skin tones and text/emoji variants do not make a different word.
_VARIANTS = dict.fromkeys([0xFE0E, 0xFE0F, *range(0x1F3FB, 0x1F400)])
# Begins the id of a part or a rare word; no word contains it. A rare word has both its ends marked,
# which no part has.
_PART = "~"
_PART_LENGTHS = (3, 4)
# How alike two words must be to be taken for the same: the share of their parts that both have.
_LIKE = 2 / 3
_LETTERS = re.compile(r"[^\W\d_]+")


def title_words(title: str | None) -> list[str]:
    """The words of a title, each once: ``"Été 🔥🔥 (2019)"`` → ``ete``, ``2019``, ``🔥``.

    Without case, accents and punctuation; an emoji is a word of its own. In scripts without spaces
    between words, every two adjacent characters count as one. A placeholder such as ``"Playlist
    17"`` has no words.
    """
    while title and title.endswith(CONTINUED):
        title = title.removesuffix(CONTINUED)
    if not title or is_placeholder(title):
        return []
    words = [word for word in query_words(title) if any(map(str.isalnum, word))]
    return [*words, *dict.fromkeys(_EMOJI.findall(title.translate(_VARIANTS)))]


def is_placeholder(title: str) -> bool:
    """Whether a player made up the title, as in ``"Playlist 17"`` or ``"Nouvelle playlist"``."""
    return _NUMBERING.sub("", fold(title)).strip() in _PLACEHOLDERS


def parts_of(word: str) -> list[str]:
    """The ids of a word's parts, each once: ``"gyms"`` → ``~<gy``, ``~gym``, ``~yms`` and so on.

    Its ends are marked. Numbers and emoji have no parts; those of two characters of an unspaced
    script are the characters.
    """
    if is_unspaced(word):
        return [_PART + character for character in dict.fromkeys(word)]
    parts: dict[str, None] = {}
    for letters in _LETTERS.findall(word):
        marked = f"<{letters}>"
        for length in _PART_LENGTHS:
            ends = range(length, len(marked) + 1)
            # The word as a whole is not one of its parts.
            parts |= {marked[end - length : end]: None for end in ends if length < len(marked)}
    return [_PART + part for part in parts]


def is_part(word_id: str) -> bool:
    """Whether the id of a word node is that of a part of rare words; people should not see it."""
    return word_id.startswith(_PART) and not is_rare(word_id)


def is_rare(word_id: str) -> bool:
    """Whether the id of a word node is that of a rare word; people should not see it, either."""
    return word_id.startswith(f"{_PART}<") and word_id.endswith(">")


def rare_id(word: str) -> str:
    """The id of a word in few titles."""
    return f"{_PART}<{word}>"


def is_shown(word_id: str) -> bool:
    """Whether people may see a word: whether enough titles have it."""
    return not word_id.startswith(_PART)


def parts_among(words: Nodes) -> BoolArray:
    """Which word nodes are parts of rare words: bool [num_words]."""
    return np.array([*map(is_part, words.ids.to_pylist())], dtype=bool)


class Vocabulary:
    """Reads titles with the words of a catalogue.

    Parameters
    ----------
    words : Nodes
        Those of kind ``word``.
    """

    def __init__(self, words: Nodes) -> None:
        self._row_of = words.index_of

    def __contains__(self, word: str) -> bool:
        """Whether a word is known as a whole."""
        return word in self._row_of or rare_id(word) in self._row_of

    def rows_of(self, title: str | None) -> dict[str, list[int]]:
        """For each word of a title its row, or if it has none the rows of its parts.

        If these are not known, either, the row of the word that shares most parts with it, at least
        two thirds of the parts of both: that of "workout" for "workoutt". Empty for a word of which
        nothing is known.
        """
        return {word: self._rows_of_word(word) for word in title_words(title)}

    def relation(self, titles: Sequence[str | None]) -> Relation:
        """The relation playlist–titled–word of playlists with these titles."""
        rows = [
            list(dict.fromkeys(row for rows in self.rows_of(title).values() for row in rows))
            for title in titles
        ]
        lengths = np.array([*map(len, rows)], dtype=np.int64)
        flat = np.array([row for of_one in rows for row in of_one], dtype=np.int32)
        return Relation("titled", "playlist", "word", offsets_of(lengths), flat, len(self._row_of))

    def _rows_of_word(self, word: str) -> list[int]:
        for known in (word, rare_id(word)):
            if known in self._row_of:
                return [self._row_of[known]]
        parts = parts_of(word)
        return [self._row_of[part] for part in parts if part in self._row_of] or self._like(parts)

    def _like(self, parts: list[str]) -> list[int]:
        """The row of the known word that is most like a word with these parts, if one is."""
        shared = Counter(row for part in parts for row in self._words_with.get(part, ()))
        likeness = {
            row: 2 * number / (len(parts) + self._num_parts[row]) for row, number in shared.items()
        }
        best = max(likeness, key=lambda row: (likeness[row], -row), default=-1)
        return [best] if best >= 0 and likeness[best] >= _LIKE else []

    @cached_property
    def _num_parts(self) -> dict[int, int]:
        return {r: len(parts_of(word)) for word, r in self._row_of.items() if is_shown(word)}

    @cached_property
    def _words_with(self) -> dict[str, list[int]]:
        """The rows of the words that have a part."""
        found: dict[str, list[int]] = defaultdict(list)
        for word, row in self._row_of.items():
            for part in parts_of(word) if is_shown(word) else []:
                found[part].append(row)
        return found


def with_title_words(
    playlists: Playlists, catalog: Catalog, min_titles: int = MIN_TITLES
) -> tuple[Playlists, Catalog]:
    """Add the words of the titles to the playlists and the catalogue.

    Parameters
    ----------
    playlists, catalog
    min_titles
        Minimum number of playlist titles that must contain a word that people may see. Of others
        those in two titles or more are rare words, and one in a single title is replaced by its
        parts, of which as many titles as of a word must contain each.

    Returns
    -------
    playlists
        With the relation playlist–titled–word.
    catalog
        With nodes of kind ``word``: the words, the rare words, then the parts, each in the order
        of their first appearance.
    """
    titles = playlists.titles.dictionary_encode()
    distinct = titles.dictionary.to_pylist()
    # The last one is for playlists without a title, whose index is null.
    row = titles.indices.fill_null(len(distinct)).to_numpy(zero_copy_only=False)
    times = np.bincount(row, minlength=len(distinct) + 1).tolist()[:-1]
    of_title = [title_words(title) for title in distinct]
    known = _frequent(of_title, times, min(MIN_RARE_TITLES, min_titles))
    parts = [
        dict.fromkeys(part for word in ws if word not in known for part in parts_of(word))
        for ws in of_title
    ]
    ids = pa.array(
        [
            *(word for word, number in known.items() if number >= min_titles),
            *(rare_id(word) for word, number in known.items() if number < min_titles),
            *_frequent(parts, times, min_titles),
        ],
        pa.string(),
    )
    nodes = Nodes(ids, ids)
    titled = Vocabulary(nodes).relation([*distinct, None]).rows(row)
    relations = {**playlists.relations, "word": titled}
    return replace(playlists, relations=relations), catalog.with_nodes("word", nodes)


def _frequent(of_title: Sequence[Iterable[str]], times: list[int], least: int) -> dict[str, int]:
    """What is in enough titles, with their number; each title occurs a number of times."""
    counts: Counter[str] = Counter()
    for words, number in zip(of_title, times, strict=True):
        for word in words:
            counts[word] += number
    return {word: number for word, number in counts.items() if number >= least}
