"""The encoding of a text: as stated, as its mark says, UTF-8, or else a guess.

Old players save lists in the encoding of the system that they ran on, and say nowhere which that
is. Read as another one, the bytes become letters that no word has: two accented letters side by
side, a capital after a small letter, letters of two scripts in a word, symbols within it. The guess
is the encoding with the fewest of these.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable
from itertools import pairwise

from segue.errors import InputError

_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_HIGH = re.compile(rb"[\x80-\xff]")
_MULTIBYTE = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
)
_LOOKED_AT = 1 << 16  # Bytes of lines that are no UTF-8.
_LINES_A_FAULT = 200
_WORD = re.compile(r"[^\W\d_]+")
# Of equals the first is taken. Others have to be stated.
_SINGLE = ("cp1252", "cp1251", "cp1250", "cp1253", "koi8-r", "cp866", "mac-roman")
_WESTERN = frozenset("àáâãäåæçèéêëìíîïðñòóôõöøùúûüýþßÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖØÙÚÛÜÝÞ")
_RUSSIAN = frozenset("оеаинтсрвлкОЕАИНТСРВЛК")
_FREQUENT = {
    "cp1251": _RUSSIAN,
    "koi8-r": _RUSSIAN,
    "cp866": _RUSSIAN,
    "cp1253": frozenset("αοιετσςνηάόίέήύώΑΟΙΕΤΣΝΗ"),
}
_QUOTES, _SIGNS = frozenset("‘’“”„–—"), frozenset("\xa0‚«»‹›…•·°´№™®©×")
# Italian has these at the end of a word only, French has none but "où".
_ODD = re.compile(r"[ìù](?=\w)")
# First bytes of the characters in use; the standards list rare ones after them.
_COMMON = {
    "cp932": (0x88, 0x97),
    "euc-jp": (0xB0, 0xCF),
    "cp949": (0xB0, 0xC8),
    "gb18030": (0xB0, 0xD7),
    "big5": (0xA4, 0xC6),
}


def codec_of(name: str) -> str:
    """An encoding as Python calls it (InputError if it knows none of this name)."""
    try:
        found = codecs.lookup(name)
        if "é".encode(found.name, "replace").decode(found.name) is not None:
            return found.name
    except (LookupError, UnicodeError, TypeError, ValueError):
        pass
    raise InputError(
        f"encoding is {name!r}, expected one that Python knows, such as latin-1 or cp1251"
    )


def not_text(encoding: str) -> str:
    """The message about a part that is not text in an encoding."""
    if encoding == "utf-8":
        return "is not UTF-8 text; another encoding has to be stated, such as --encoding latin-1"
    return f"is not {encoding} text, expected the encoding it was saved in"


def marked(content: bytes) -> str | None:
    """The encoding that a mark at the beginning of a text states."""
    return next((name for mark, name in _MARKS.items() if content.startswith(mark)), None)


def unmarked_utf16(content: bytes) -> str | None:
    """UTF-16 without a mark: every other byte of Latin text in it is zero."""
    start = content[:1000]
    if start.count(0) * 4 < len(start):
        return None
    for name, zeros, others in (
        ("utf-16-le", start[1::2], start[::2]),
        ("utf-16-be", start[::2], start[1::2]),
    ):
        if zeros and zeros.count(0) * 2 > len(zeros) and not others.count(0):
            return name
    return None


def guessed(lines: Iterable[bytes]) -> str:
    """The likeliest encoding of lines that are not UTF-8."""
    kept, size = [], 0
    for line in lines:
        if _HIGH.search(line):
            kept.append(line)
            size += len(line)
        if size > _LOOKED_AT:
            break
    content = b"\n".join(kept)
    scores = {name: _score(content, name) for name in (*_SINGLE, *_COMMON)}
    return max(scores, key=lambda name: scores[name])


def table_encoding(content: bytes) -> str:
    """The one encoding of a text without a mark: UTF-8, unless most of it is something else.

    A few odd bytes in a long text of ASCII are faults of it.
    """
    faults = len(_HIGH.findall(_MULTIBYTE.sub(b"", content)))
    few = faults * _LINES_A_FAULT < content.count(b"\n")
    if few or faults <= len(_MULTIBYTE.findall(content)):
        return "utf-8"
    return guessed(content.split(b"\n"))


def decoded(content: bytes, encoding: str | None = None) -> tuple[str, str | None]:
    """Text of bytes, and its encoding where that was guessed.

    Parameters
    ----------
    content
    encoding
        As stated. A mark counts before it. None: UTF-8 line by line, as old programs write a path
        in another encoding than the title before it; what is none is guessed.

    Raises
    ------
    UnicodeError
        If it is not in the encoding stated.
    """
    mark = marked(content)
    if mark is not None:
        return content.decode(mark, "replace"), None
    if encoding is not None:
        return content.decode(encoding), None
    if b"\0" in content[:1000] and (utf16 := unmarked_utf16(content)):
        return content.decode(utf16, "replace"), utf16
    try:
        return content.decode(), None
    except UnicodeDecodeError:
        pass
    lines = content.split(b"\n")
    others = [line for line in lines if not _is_utf8(line)]
    guess = guessed(others)
    texts = (line.decode() if _is_utf8(line) else line.decode(guess, "replace") for line in lines)
    return "\n".join(texts), guess


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _score(content: bytes, encoding: str) -> float:
    """How much some bytes look like words in an encoding, per byte above ASCII."""
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        return -10.0
    if encoding in _COMMON:
        return _score_double(text, encoding)
    num_high = len(_HIGH.findall(content))
    score = 0.0
    for c in text:
        if c.isascii():
            continue
        if c.isalpha():
            score += _worth(c, encoding)
        elif c in _QUOTES:
            score += 1.0
        elif c in "¡¿":
            score += 0.7
        else:
            score += 0.2 if c in _SIGNS else -1.0
    for word in _WORD.findall(text):
        if not word.isascii():
            score -= _faults(word, encoding)
    return score / max(1, num_high)


def _worth(letter: str, encoding: str) -> float:
    """How likely a letter is in texts of an encoding."""
    if encoding in ("cp1252", "mac-roman"):
        return 1.0 if letter in _WESTERN else 0.6
    # Central European differs from Western in a few letters only.
    return 1.0 if letter in _FREQUENT.get(encoding, ()) else 0.8


def _faults(word: str, encoding: str) -> float:
    """What no word has."""
    faults = 0.0
    latin = encoding in ("cp1252", "cp1250", "mac-roman")
    if not latin and any(c.isascii() for c in word):
        faults += 2.0
    for before, c in pairwise(word):
        faults += before.islower() and c.isupper()
        if not c.isascii() and c.isupper():
            faults += 0.05
        if encoding in ("cp1252", "mac-roman") and "ß" not in (before, c):
            faults += 0.5 * (not (before.isascii() or c.isascii()))
    if encoding == "cp1252":
        faults += len(_ODD.findall(word))
    return faults


def _score_double(text: str, encoding: str) -> float:
    """Of characters of two bytes each."""
    score, above = 0.0, [at for at, c in enumerate(text) if not c.isascii()]
    first, last = _COMMON[encoding]
    for at in above:
        c = text[at]
        code = c.encode(encoding)
        common = first <= code[0] <= last
        if "\u3040" <= c <= "\u30ff":
            score += 0.5 if encoding == "gb18030" else 1.0
        elif "\uac00" <= c <= "\ud7a3":
            score += 1.0 if common and code[1] > 0xA0 else -1.0
        elif "\u4e00" <= c <= "\u9fff":
            score += 0.9 if common and encoding != "cp949" else -1.0
        elif not ("\u3000" <= c <= "\u303f" or "\uff00" <= c <= "\uff60"):
            score -= 1.0  # Kana of one byte, too: any byte may look so.
        for beside in (text[at - 1 : at], text[at + 1 : at + 2]):
            score -= 1.0 * (beside.isascii() and beside.isalpha() and c.isalpha())
    return score / max(1, len(above))
