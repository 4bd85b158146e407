"""What a title and an artist's name say: the song, its version, and who plays it.

Services spell one song in many ways: ``"Help! - Remastered 2009"``, ``"Help (Live)"``,
``"Beatles"`` for ``"The Beatles"``. Here such names become *keys* that are equal for equal songs:
lower-case letters and digits of ASCII without spaces. Other scripts are transliterated, letter by
letter (by AnyAscii, whose reading of Chinese characters is Mandarin).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal
from unicodedata import category

from anyascii import anyascii

from segue.data.text import fold

Kind = Literal["plain", "same", "live", "other"]

_YEAR_TEXT = r"(?:19|20)\d\d"
# Words that say nothing of the recording: the same song, from another edition.
_SAME_WORDS = (
    rf"re-?master(?:ed|izado|isé|izada)?|{_YEAR_TEXT} (?:stereo |mono )?mix|"
    r"(?:album|single|lp|ep|radio|full|short|main|original|video|movie|film|soundtrack|mono|stereo|"
    r"uk|us|explicit|clean|7\"|7''|7-? ?inch)(?: (?:album|single|radio))? (?:version|edit|mix)|"
    r"mono|stereo|explicit|clean|deluxe|bonus|anniversary|original|radio|single|album|edition|"
    r"digital|digitally|track|soundtrack"
)
# Words of videos and files: no version at all.
_VIDEO_WORDS = (
    r"official|music video|lyrics? video|lyrics?|audio|video ?clip|video|clip|hd|hq|uhd|4k|full hd|"
    r"letras?|paroles|officiel|oficial|ufficiale|offiziell(?:es)?|visuali[sz]er|\d{3} ?kbps"
)
_VIDEO = re.compile(rf"\W*(?:(?:{_VIDEO_WORDS})\W*)+", re.IGNORECASE)
_SAME = re.compile(rf"(?<![\w'’])(?:{_SAME_WORDS}|{_VIDEO_WORDS})(?![\w'’])", re.IGNORECASE)
_LIVE = re.compile(
    r"^(?:live|ao vivo|en vivo|en directo|in concert)\b|\blive (?:at|in|from|on|version|session)\b|"
    r"\b(?:live|ao vivo|en vivo|en directo|en concert|in concert|unplugged|sessions?)$",
    re.IGNORECASE,
)
# Another recording: only the same words mean the same one.
_OTHER_WORDS = (
    r"remix|rmx|mix|edit|version|rework|acoustic|demo|instrumental|karaoke|extended|dub|bootleg|"
    r"mashup|a ?cappella|orchestral|symphonic|reprise|interlude|skit|outtake|rehearsal|reimagined|"
    r"re-?recorded|sped up|slowed|nightcore|stripped|commentary"
)
_OTHER = re.compile(
    rf"^(?:{_OTHER_WORDS})\b|\b(?:{_OTHER_WORDS}|intro|outro|cover|tribute|piano|take)$|"
    r"\btake \d+$|^(?:cover of|tribute to|in the style of|originally performed by)\b",
    re.IGNORECASE,
)
_FROM = re.compile(r"^(?:main |love )?(?:(?:theme |taken |music )?from|as heard)\b", re.IGNORECASE)
_QUALITY = re.compile(r"(?:\s+[|~–—-])?\s+(?:full )?(?:hd|hq|uhd|4k|1080p|720p)\s*$", re.IGNORECASE)
# What sites put after the names of artists: channels, and numbers that tell namesakes apart.
_OF_SITES = re.compile(r"(?<=\w)\s*VEVO$|\s+-\s+Topic$|(?<=\w) \(\d{1,2}\)$|(?<=\w)\*$")
# Words that people write as digits and letters.
_SOUNDS = {
    "zero": "0", "one": "1", "two": "2", "to": "2", "too": "2", "three": "3", "four": "4",
    "for": "4", "five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9", "ten": "10",
    "you": "u", "are": "r", "and": "n",
}  # fmt: skip
_FEW = 1  # Words of an edition that may stand beside those above.
_YEAR = re.compile(rf"(?<!\d){_YEAR_TEXT}(?!\d)")
_BRACKETS = re.compile(r"[(\[{<（【]([^()\[\]{}<>（）【】]*)[)\]}>）】]")
_DASH = re.compile(r"\s+[-–—~|]\s+")
_FEATURING = re.compile(r"(?:feat|ft|featuring|prod|with|w/|duet with)\b", re.IGNORECASE)
_UNBRACKETED = re.compile(r"\s+(?:feat\.?|ft\.?|featuring)\s+\S.*$", re.IGNORECASE)
_REMASTERED = re.compile(
    rf"(?<=\S)\s+(?:{_YEAR_TEXT}\s+(?:digital\s+)?re-?master(?:ed)?|"
    rf"(?:digitally\s+)?re-?master(?:ed)?(?:\s+{_YEAR_TEXT})?)(?:\s+version)?\s*$",
    re.IGNORECASE,
)
# Between the names of several artists.
_SEVERAL = re.compile(
    r"\s*[,;]\s+|;|\s+(?:&|\+|and|und|et|y|e|x|×|vs\.?|versus|with|feat\.?|ft\.?|featuring|/|·|•)\s+|"
    r"\s*\(\s*(?:feat\.?|ft\.?|featuring|with)\s+|(?<=\w{3})/(?=\w{3})",
    re.IGNORECASE,
)
_GROUPS = {"band", "experience", "trio", "quartet", "quintet", "sextet", "orchestra", "ensemble"}
_ARTICLE_LAST = re.compile(r"^(.+),\s*(?:the)$", re.IGNORECASE)
_NUMBERS = {
    "i": "1", "ii": "2", "iii": "3", "iv": "4", "v": "5", "vi": "6", "vii": "7", "viii": "8",
    "ix": "9", "x": "10", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5",
}  # fmt: skip


@dataclass(frozen=True)
class Version:
    """Which version of a song a title names.

    Attributes
    ----------
    kind
        ``"plain"``; ``"same"``, the same recording from another edition (a remaster, a radio
        edit); ``"live"``; or ``"other"`` (a remix, a demo).
    words : frozenset of str
        The words that tell it from other versions; of an edition, the film that it is from.
    """

    kind: Kind = "plain"
    words: frozenset[str] = frozenset()


PLAIN = Version()


@dataclass(frozen=True)
class Title:
    """A title taken apart.

    Attributes
    ----------
    song : str
        Key of the title without its version.
    bare : str
        The same without what is in brackets, as in ``"Single Ladies (Put a Ring on It)"``; equal
        to `song` where there is nothing in brackets.
    version : Version
    words : tuple of str
        The words of `song`.
    subtitle : str
        What is in brackets, as it stands.
    """

    song: str
    bare: str
    version: Version = PLAIN
    words: tuple[str, ...] = ()
    subtitle: str = ""


def key_of(name: str) -> str:
    """Letters and digits of a name, comparable: ``"Guns N’ Roses"`` → ``"gunsandroses"``."""
    return "".join(_words(name))


def _words(name: str) -> list[str]:
    """Comparable words of a name: ASCII letters and digits, or the folded name if it has none."""
    if "&" in name:
        name = name.replace("&", " and ")
    if "$" in name or "!" in name:  # A$AP, P!nk
        name = re.sub(r"(?<=\w)!(?=\w)", "i", re.sub(r"(?<=\w)\$|\$(?=\w)", "s", name))
    if "in'" in name or "in’" in name:  # Stayin'
        name = re.sub(r"(?<=\w\win)['’](?!\w)", "g", name)
    folded = fold(name)
    if not folded.isascii():
        folded = _ascii(folded) or folded
    words = folded.split()
    if "n" in words[1:-1]:
        words[1:-1] = ["and" if word == "n" else word for word in words[1:-1]]
    for at, word in enumerate(words):
        if word in ("pt", "part") and at + 1 < len(words):
            words[at], words[at + 1] = "part", _NUMBERS.get(words[at + 1], words[at + 1])
    return words


@lru_cache(100_000)
def _ascii(folded: str) -> str:
    """Transliterated, letter by letter; symbols stay out, and so do the spaces between words."""
    kept = (c for c in folded if c.isalnum() or c == " " or category(c).startswith("M"))
    letters = "".join(kept)
    return " ".join(fold(anyascii(letters)).split()) if letters.strip() else ""


def title_of(title: str) -> Title:
    """Take a title apart; one that consists of nothing but a version is that song's name."""
    # Most titles have no punctuation, so no version.
    plain = title.isascii() and title.replace(" ", "").isalnum()
    if plain and not _REMASTERED.search(title) and not _UNBRACKETED.search(title):
        return _whole(title)
    return _taken_apart(title)


@lru_cache(10_000)
def _taken_apart(title: str) -> Title:
    said: list[str] = []
    subtitles: list[str] = []
    of_video: list[str] = []

    def bracket(match: re.Match[str]) -> str:
        inside = match[1].strip()
        if _FEATURING.match(inside):
            return " "
        if _VIDEO.fullmatch(inside):
            of_video.append(inside)
            return " "
        if _says_version(inside):
            said.append(inside)
            return " "
        subtitles.append(match[0])
        return f" {match[0]} "

    song = _BRACKETS.sub(bracket, title)
    if said or of_video:
        # Brackets within brackets, and what stands after them.
        song = _QUALITY.sub("", _BRACKETS.sub(bracket, song))
    song = _UNBRACKETED.sub("", song)
    head, *tails = _DASH.split(song)
    kept = [head]
    for tail in tails:
        if _FEATURING.match(tail.strip()) or _VIDEO.fullmatch(tail):
            continue
        if _says_version(tail):
            said.append(tail)
        elif tail.strip():
            kept.append(tail)
    song = " - ".join(kept)
    cut = _REMASTERED.sub("", song)
    if cut != song:
        said.append(song[len(cut) :])
        song = cut
    if not any(c.isalnum() for c in song):
        return _whole(title)
    words, bare = _words(song), song
    for subtitle in subtitles:
        bare = bare.replace(subtitle, " ")
    key = _without_article(words)
    bare_key = _without_article(_words(bare)) if any(c.isalnum() for c in bare) else key
    return Title(key, bare_key, version_of(said), tuple(words), " ".join(subtitles))


def sound_of(words: Sequence[str]) -> str:
    """A key that is equal for "2 Become 1" and "Two Become One"."""
    return "".join(_SOUNDS.get(word, word) for word in words)


def _whole(title: str) -> Title:
    words = _words(title)
    key = _without_article(words)
    return Title(key, key, PLAIN, tuple(words))


def _says_version(text: str) -> bool:
    text = text.strip()
    if _FROM.match(text) or _LIVE.search(text) or _OTHER.search(_YEAR.sub("", text).strip()):
        return True
    rest, num_found = _SAME.subn(" ", text)
    few = len(_version_words(rest)) <= _FEW
    return bool(_YEAR.fullmatch(text)) or (num_found > 0 and (few or "remaster" in text.lower()))


def version_of(said: Sequence[str]) -> Version:
    """The version that some words name: ``["Live", "2011 Remaster"]`` → live."""
    kinds: set[Kind] = set()
    words: set[str] = set()
    for text in said:
        rest = _YEAR.sub(" ", _SAME.sub(" ", text)).strip()
        found = _version_words(rest)
        if _FROM.match(text.strip()):
            kinds.add("same")
        elif _LIVE.search(rest):
            kinds.add("live")
        elif _OTHER.search(rest) and found:
            kinds.add("other")
        else:
            kinds.add("same")
            found = set()
        words |= found
    kind: Kind = next((kind for kind in _STRONGEST if kind in kinds), "plain")
    return Version(kind, frozenset(words))


_STRONGEST: tuple[Kind, ...] = ("other", "live", "same")
_SAY_NOTHING = {
    "version", "recording", "at", "the", "in", "from", "on", "a", "of", "theme", "and", "main",
    "motion", "picture", "music", "heard", "as", "taken", "love", "series", "movie", "film", "by",
}  # fmt: skip


def _version_words(text: str) -> set[str]:
    """The words of a version that tell it from others."""
    same = {"mix": "remix", "rmx": "remix", "unplugged": "live", "session": "sessions"}
    return {same.get(word, word) for word in fold(text).split()} - _SAY_NOTHING


def _without_article(words: list[str]) -> str:
    """One key of some words, without a leading "the"."""
    return "".join(words[1:] if len(words) > 1 and words[0] == "the" else words)


@lru_cache(100_000)
def artist_keys(name: str) -> tuple[str, ...]:
    """Keys of an artist's name: the whole, then shorter forms that people use.

    These are the first of several names joined in it, and the name without "Band" and the like:
    ``"Prince & The Revolution"`` → ``("princeandtherevolution", "prince")``.
    """
    name = _OF_SITES.sub("", name)
    turned = _ARTICLE_LAST.match(name)
    if turned:
        name = turned[1]
    whole, first = (
        _words(part)
        for part in (re.sub(r"\s\+\s", " & ", name), _SEVERAL.split(name, maxsplit=1)[0])
    )
    keys = [whole, first]
    if len(whole) > 2 and whole[-1] in _GROUPS:
        keys.append(whole[:-1])
    return tuple(key for key in dict.fromkeys(map(_without_article, keys)) if key)


def all_artist_keys(names: tuple[str, ...]) -> frozenset[str]:
    """Keys of everyone whom some artists' names name."""
    keys = {key for name in names for key in artist_keys(name)}
    for name in names:
        keys.update(_without_article(_words(part)) for part in _SEVERAL.split(name) if part)
    return frozenset(keys)
