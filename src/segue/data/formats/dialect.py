"""How a text is split into cells, and its bytes in a form that Arrow's reader accepts."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any, Literal

import pyarrow as pa

from segue.data.formats.cells import SUBSTITUTE

# Replaces what is longer than one character, as CSV readers accept no such separator, and blanks.
_UNIT_SEPARATOR = "\x1f"
LINE = re.compile("\r\n|\r|\n")
_NOT_UTF8 = re.compile("[\udc80-\udcff]")
# Such a mark does not end a quoted field: nothing that may follow a field comes after it.
ESCAPED_QUOTE = re.compile(r'[^\\"]\\"[^\s"\\,;|\x1f]')
_ESCAPED = (
    "a quotation mark is escaped by a backslash, but none at the beginning of the file; "
    "expected it doubled, as there"
)


@dataclass(frozen=True)
class Dialect:
    """How a text is split into cells.

    Attributes
    ----------
    delimiter : str
        Between the cells of a row; a blank stands for one or more.
    quoted : bool
        Whether cells between tabs are quoted, too.
    escapes : bool
        Whether quotation marks within a cell are escaped by a backslash rather than doubled.
    spaced : bool
        Whether blanks follow each separator, and are part of no cell.
    encoding : str
    preamble : int
        Lines before the first row, or before the header.
    """

    delimiter: str
    quoted: bool = False
    escapes: bool = False
    spaced: bool = False
    encoding: str = "utf-8"
    preamble: int = 0

    @property
    def character(self) -> str:
        """The separator after `CleanText`: one character."""
        replaced = self.delimiter == " " or len(self.delimiter) > 1
        return _UNIT_SEPARATOR if replaced else self.delimiter

    @property
    def quotes(self) -> bool:
        """Whether cells may be quoted.

        With tabs, blanks and ``::`` they are literal: `"Heroes"` is a song title with its quotation
        marks, and an unclosed mark would swallow the rows after it. Where all of the first line is
        quoted, as R writes it, tabs are like commas.
        """
        return self.quoted or self.delimiter in (",", ";", "|")

    def separated(self, text: str) -> str:
        """Whole lines, or a part that ends in no separator, with `character` between the cells."""
        if self.delimiter == " ":
            return re.sub("(?<=[^\\s]) +(?=[^\\s])", _UNIT_SEPARATOR, text).replace(" ", "")
        if self.spaced:  # Not within a cell, where a quotation mark is doubled.
            return re.sub(
                f'{re.escape(self.delimiter)} +"(?!"[^{self.delimiter}\r\n])',
                f'{self.delimiter}"',
                text,
            )
        if len(self.delimiter) > 1:
            return text.replace(self.delimiter, _UNIT_SEPARATOR)
        return text

    def for_csv(self) -> dict[str, Any]:
        """Options for Python's reader."""
        quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if self.quotes else csv.QUOTE_NONE
        escape = "\\" if self.escapes else None
        return {"delimiter": self.character, "quoting": quoting, "escapechar": escape}

    def for_arrow(self) -> dict[str, Any]:
        """Options for Arrow's reader."""
        return {
            "delimiter": self.character,
            "quote_char": '"' if self.quotes else False,
            "newlines_in_values": self.quotes,
            "escape_char": "\\" if self.escapes else False,
        }


class CleanText(io.RawIOBase):
    """The bytes of a text in a form that Arrow's reader accepts.

    A byte that is not text becomes `SUBSTITUTE`: Arrow would fail the whole block without saying
    where. Separators that Arrow does not take become a unit separator.

    Attributes
    ----------
    substituted
        Whether there was such a byte so far.
    failure
        Why the text ends where it does, if it could not be read further. It is not raised: after an
        exception on a thread of its own Arrow's reader may wait for ever.
    """

    def __init__(self, content: Any, dialect: Dialect) -> None:
        self._content, self._dialect = content, dialect
        self._decode = decoder(dialect.encoding)
        self._held = ""
        self._lines_to_skip = dialect.preamble
        self.substituted = False
        self.failure: Exception | None = None

    def readable(self) -> bool:
        """Yes."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes, none at the end."""
        if self.failure is None:
            try:
                return self._read(size)
            except Exception as error:  # Each decompressor has its own errors.
                self.failure = error
        return b""

    def _read(self, size: int) -> bytes:
        while True:
            block = self._content.read(max(1, size - 4) if size > 0 else None)
            text = self._held + self._decode(block, final=not block)
            self._held = ""
            if self._lines_to_skip:
                text = self._without_preamble(text, ended=not block)
            if self._dialect.spaced or self._dialect.character == _UNIT_SEPARATOR:
                if block:
                    text = self._whole_cells(text)
                text = self._dialect.separated(text)
            if text or not block:
                break
        unexpected = self._dialect.quotes and not self._dialect.escapes
        if unexpected and '\\"' in text and ESCAPED_QUOTE.search(text):
            raise pa.ArrowInvalid(_ESCAPED)
        try:
            return text.encode()
        except UnicodeEncodeError:
            self.substituted = True
            return _NOT_UTF8.sub(SUBSTITUTE, text).encode()

    def _without_preamble(self, text: str, *, ended: bool) -> str:
        """The text after the lines to skip; if it ends before, it is held back."""
        ends = [line.end() for line in LINE.finditer(text)][: self._lines_to_skip]
        # A "\r" at the end of a block may be half of "\r\n".
        if len(ends) < self._lines_to_skip or (ends[-1] == len(text) and not ended):
            self._held = text
            return ""
        self._lines_to_skip = 0
        return text[ends[-1] :]

    def _whole_cells(self, text: str) -> str:
        """The text up to its last character that is in no separator; the rest is held back."""
        whole = text.rstrip(self._dialect.delimiter + ' "\r\n')
        # Blanks count where a line begins or ends, too.
        if self._dialect.delimiter == " ":
            whole = text[: max(text.rfind("\n"), text.rfind("\r")) + 1]
        self._held = text[len(whole) :]
        return whole


def decoder(encoding: str) -> Callable[..., str]:
    """Bytes → text, block by block; bytes that are no text become lone surrogates."""
    # An odd byte of UTF-16 cannot become one.
    errors = "replace" if encoding.startswith("utf-16") else "surrogateescape"
    return codecs.getincrementaldecoder(encoding)(errors).decode


def decoded(content: IO[bytes], encoding: str) -> io.TextIOWrapper:
    """The text, with its line ends; bytes that are no text become lone surrogates."""
    errors = "replace" if encoding.startswith("utf-16") else "surrogateescape"
    return io.TextIOWrapper(content, encoding, errors, newline="")


def is_text(text: str) -> bool:
    """Whether all its bytes were text."""
    return text.isascii() or not _NOT_UTF8.search(text)
