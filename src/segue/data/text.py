"""Text normalised for comparison: words without case and accents, songs without versions."""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache

_MAX_WORDS = 16  # Words of a query that count; further ones are ignored.
_ACCENTED_SCRIPTS = {"LATIN", "GREEK", "CYRILLIC", "ARABIC", "HEBREW"}
_APOSTROPHES = "'’ʼ`´"
_ASCII_FOLD = {ord(c): "" if c in _APOSTROPHES else " " for c in map(chr, range(128))} | {
    ord(c): c for c in string.ascii_letters + string.digits
}
# Scripts without spaces between words: Thai to Burmese, Khmer, kana, Bopomofo, Han.
_UNSPACED = re.compile(
    "[\u0e00-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u312f\u31a0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+"
)
_SPOTIFY = re.compile(
    r"(?:https?://)?(?:open|play)\.spotify\.com/(?:intl-[\w-]+/)?(?:embed/)?(?:user/[^/]+/)?"
    r"(?P<link>[a-z]+)/(?P<linked>[0-9A-Za-z]+)/?(?:[?#].*)?"
    r"|spotify:(?:user:[^:]+:)?(?P<uri>[a-z]+):(?P<named>[0-9A-Za-z]+)(?:[?#].*)?"
    # No word is spelt so: a digit, or a capital after a small letter.
    r"|(?P<bare>(?=[A-Za-z]*(?:\d|[a-z][A-Z]))[0-9A-Za-z]{22})"
)


def fold(text: str) -> str:
    """Text without case, accents and punctuation: ``"Beyoncé – Don't!"`` → ``"beyonce dont"``.

    Letters of every script are kept, with the marks that are part of them (vowel signs, voicing);
    marks that are accents or optional vowels are dropped. Text that is only punctuation is just
    trimmed and lower-cased.
    """
    if text.isascii():  # same result as below, many times faster
        return " ".join(text.translate(_ASCII_FOLD).lower().split()) or text.strip().lower()
    kept, drops_marks = [], False
    # Casefold twice: decomposition may yield upper case again (the mathematical capital 𝞐 is an Α).
    for _ in range(2):
        text = unicodedata.normalize("NFKD", text.casefold())
    for character in text:
        is_mark, is_letter, accented = _nature(character)
        if is_mark:
            kept.append("" if drops_marks else character)
        elif is_letter:
            drops_marks = accented
            kept.append(character)
        else:
            kept.append("" if character in _APOSTROPHES else " ")
    plain = unicodedata.normalize("NFC", "".join(kept))
    return " ".join(plain.split()) or text.strip().casefold()


@lru_cache(10_000)
def _nature(character: str) -> tuple[bool, bool, bool]:
    """Whether it is a mark, a letter or digit, and in a script whose marks are accents."""
    script = unicodedata.name(character, "").partition(" ")[0]
    is_mark = unicodedata.category(character).startswith("M")
    return is_mark, character.isalnum(), script in _ACCENTED_SCRIPTS


def spotify_uri(text: str, kind: str = "track") -> str | None:
    """The Spotify URI that a link, a URI or a bare id means, or None if it is none of `kind`.

    ``https://open.spotify.com/intl-de/track/4u7EnebtmKWzUH433cf5Qv?si=1``,
    ``spotify:track:4u7EnebtmKWzUH433cf5Qv`` and ``4u7EnebtmKWzUH433cf5Qv`` all mean
    ``spotify:track:4u7EnebtmKWzUH433cf5Qv``.
    """
    match = _SPOTIFY.fullmatch(text.strip())
    if match is None or kind != (match["link"] or match["uri"] or kind):
        return None
    return f"spotify:{kind}:{match['linked'] or match['named'] or match['bare']}"


def is_unspaced(text: str) -> bool:
    """Whether text is all in scripts without spaces between words."""
    return _UNSPACED.fullmatch(text) is not None


def shorten(text: str, length: int = 300) -> str:
    """Text for a message; if it is too long to read at a glance, its middle is left out."""
    if len(text) <= length:
        return text
    return f"{text[: length - 50]} … {text[-47:]}"


def words_of(name: str) -> list[str]:
    """The words that a name is found by, each once.

    Those of the folded name, plus words joined by punctuation as one: ``"AC/DC"`` is found by
    ``ac``, ``dc`` and ``acdc``. In scripts without spaces between words, every two adjacent
    characters count as a word: ``"宇多田"`` → ``宇多``, ``多田``, ``田``.
    """
    words = fold(name).split()
    if len(words) > 1:
        parts = (fold(part) for part in name.split() if not part.isalnum())
        words += [part.replace(" ", "") for part in parts if " " in part]
    return list(dict.fromkeys(_pieces(words, ends=True)))


def query_words(text: str) -> list[str]:
    """The words that a query asks for, split as in `words_of`; each may be a prefix."""
    return list(dict.fromkeys(_pieces(fold(text).split(), ends=False)))[:_MAX_WORDS]


def _pieces(words: Iterable[str], *, ends: bool) -> Iterator[str]:
    """Words, with unspaced text cut into character pairs; plus the last character if `ends`."""
    for word in words:
        if word.isascii() and word.isalnum():
            yield word
            continue
        # SQLite's queries end at a control character; only names without letters contain any.
        word = "".join(filter(str.isprintable, word))
        start = 0
        for run in _UNSPACED.finditer(word):
            if run.start() > start:
                yield word[start : run.start()]
            text, start = run[0], run.end()
            yield from (text[i : i + 2] for i in range(len(text) - 1))
            if ends or len(text) == 1:
                yield text[-1]
        if start < len(word):
            yield word[start:]
