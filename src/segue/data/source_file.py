"""`SourceFile`: one file to read, on disk or in a zip."""

from __future__ import annotations

import codecs
import hashlib
import io
import re
import zipfile
import zlib
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from segue.console import printable
from segue.data.encodings import decoded, marked, not_text, table_encoding, unmarked_utf16
from segue.data.openers import Member, OnDisk
from segue.errors import InputError

_WHOLE = 8 << 20  # Bytes of a text up to which its encoding is guessed from all of it.
_CUT = re.compile(rb"[\xc2-\xf4][\x80-\xbf]{0,2}\Z")  # What may be half a character.
_HEAD = 64 << 10  # Bytes by which a format is recognised.
_CODECS = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\x28\xb5\x2f\xfd": "zstd"}
_COMPRESSED_ENDINGS = (".gz", ".bz2", ".zst")
# Errors raised by reading a damaged or truncated stream.
UNREADABLE: tuple[type[Exception], ...] = (
    OSError, EOFError, zipfile.BadZipFile, zlib.error, pa.ArrowException,
)  # fmt: skip


class UnreadableError(InputError):
    """A file that cannot be read."""


class SourceFile:
    """One file to read, on disk or in a zip.

    Parameters
    ----------
    name
        Its name in messages: its path; in a zip ``archive.zip/member``. Control characters in it
        become blanks.
    size
        In bytes.
    opener
        Opens its bytes.
    path
        Its path on disk, None in a zip.
    alone
        Whether it was given by itself: then a text file of any name may be a table.
    in_memory
        Whether it is an object in memory, with no bytes to read.
    root
        The folder or zip in which it was found, if it was not named itself.
    crc
        Of a file in a zip, the CRC-32 that is stored for it.

    Attributes
    ----------
    encoding : str or None
        The encoding that someone stated for it.
    guessed : str or None
        The encoding that it was read in, where that is a guess.
    """

    def __init__(
        self,
        name: str,
        size: int,
        opener: Callable[[], IO[bytes]],
        *,
        path: Path | None = None,
        alone: bool = False,
        in_memory: bool = False,
        root: str = "",
        crc: int | None = None,
    ) -> None:
        self.name, self.size, self.path, self.alone = printable(name), size, path, alone
        self.in_memory, self.root, self.crc = in_memory, root, crc
        self.encoding: str | None = None
        self.guessed: str | None = None
        self._opener = opener
        self._digest: bytes | None = None

    @property
    def on_disk(self) -> bool:
        """Whether another process can open it: a file, or one in a zip that is a file."""
        opener = self._opener
        while isinstance(opener, Member):
            opener = opener.archive.opener
        return isinstance(opener, OnDisk)

    def __getstate__(self) -> dict[str, Any]:
        """Without what is read on demand."""
        cached = ("head", "start", "table_encoding", "_beginning")
        return {name: value for name, value in vars(self).items() if name not in cached}

    @property
    def folder(self) -> Path | None:
        """The folder that it is in, None in a zip or in memory."""
        return None if self.path is None else self.path.parent

    @classmethod
    def of_memory(cls, name: str, size: int) -> SourceFile:
        """A stand-in for an object in memory, which only its own format can read."""

        def opener() -> IO[bytes]:
            raise OSError("it is in memory")

        return cls(name, size, opener, in_memory=True)

    @classmethod
    def unopened(cls, name: str, reason: str, *, root: str) -> SourceFile:
        """A stand-in for something found that cannot be opened."""

        def opener() -> IO[bytes]:
            raise OSError(reason)

        return cls(name, 0, opener, root=root)

    @property
    def stem(self) -> str:
        """The name of the file itself, without its extension: ``"road trip"``."""
        name = Path(self.name).name
        for ending in (*_COMPRESSED_ENDINGS, self.ending):
            if ending and name.lower().endswith(ending):
                name = name[: -len(ending)] or name
        return name

    @property
    def ending(self) -> str:
        """The file extension, without that of a compression: ``".csv"``."""
        name = Path(self.name.lower())
        ending = Path(name.stem).suffix if name.suffix in _COMPRESSED_ENDINGS else name.suffix
        return ending if ending[1:].isalnum() else ""

    @classmethod
    def of_stream(cls, stream: IO[Any]) -> SourceFile:
        """The rest of an open file, of text or bytes; its `name`, if it has one, counts."""
        try:
            content = stream.read()
        except (OSError, ValueError) as error:  # closed, for writing only, not of its encoding
            raise InputError(f"the open file cannot be read ({reason_of(error)})") from error
        if isinstance(content, str):
            content = content.encode("utf-8", "surrogatepass")
        name = getattr(stream, "name", None)
        name = name if isinstance(name, str) else "pasted text"
        return cls(name, len(content), lambda: io.BytesIO(content), alone=True)

    def open(self) -> IO[bytes]:
        """Its bytes as they are stored (InputError if it cannot be opened)."""
        try:
            return self._opener()
        except Exception as error:  # zipfile raises RuntimeError for a password, and others
            raise self.unreadable(error) from error

    def open_text(self) -> tuple[IO[bytes], Any]:
        """The stored bytes, whose `tell` gives the progress, and the decompressed bytes."""
        raw = self.open()
        try:
            start = raw.read(4)
            raw.seek(0)
        except Exception as error:
            raw.close()
            raise self.unreadable(error) from error
        codec = next((codec for magic, codec in _CODECS.items() if start.startswith(magic)), None)
        if codec is None:
            return raw, raw
        return raw, pa.CompressedInputStream(pa.PythonFile(raw, "r"), codec)

    def read(self) -> bytes:
        """All its bytes as they are stored (InputError if it cannot be read)."""
        with self.open() as file:
            try:
                content = file.read()
            except Exception as error:  # Each zip decompressor has its own errors.
                raise self.unreadable(error) from error
        self._digest = hashlib.sha256(content).digest()
        return content

    @cached_property
    def head(self) -> bytes:
        """Its first 64 KiB, decompressed, UTF-16 with a mark as UTF-8; empty if that fails."""
        return _as_utf8(self.stored_head)

    @property
    def stored_head(self) -> bytes:
        """The same as it is stored, but decompressed."""
        return self._beginning[0]

    @property
    def fault(self) -> str:
        """Why its beginning cannot be read; empty if it can."""
        return self._beginning[1]

    @cached_property
    def _beginning(self) -> tuple[bytes, str]:
        try:
            raw, content = self.open_text()
            with raw, content:
                return bytes(content.read(_HEAD)), ""
        except InputError as error:
            return b"", str(error).removeprefix(f"{self.name}: ")
        except Exception as error:  # each decompressor has its own
            return b"", str(self.unreadable(error)).removeprefix(f"{self.name}: ")

    @cached_property
    def start(self) -> str:
        """The text of its first 64 KiB, up to a character that is cut; empty if it is not text."""
        head = self.stored_head
        if b"\0" in head and self.encoding is None and marked(head) is unmarked_utf16(head) is None:
            return ""
        if len(head) == _HEAD:
            head = _CUT.sub(b"", head)
        try:
            return decoded(head, self.encoding)[0]
        except UnicodeError:  # of the encoding that was stated
            return decoded(head)[0]

    def content(self, most: int | None = None) -> bytes:
        """Its bytes, decompressed, `most` of them (InputError if they cannot be read)."""
        raw, stream = self.open_text()
        with raw, stream:
            try:
                return bytes(stream.read() if most is None else stream.read(most))
            except Exception as error:  # each decompressor has its own
                raise self.unreadable(error) from error

    def json(self) -> bytes:
        """All its bytes as JSON has them: UTF-8 without a mark (InputError if it is unreadable)."""
        return _as_utf8(self.read())

    def text(self) -> str:
        """All of its text, in the encoding that was stated, or else one that is likely.

        Raises
        ------
        InputError
            If it cannot be read, or is not in that encoding.
        """
        content = self.content()
        unmarked = self.encoding is None and marked(content) is unmarked_utf16(content) is None
        if unmarked and b"\0" in content[:_HEAD]:
            raise UnreadableError(f"{self.name}: is not text")
        try:
            text, self.guessed = decoded(content, self.encoding)
        except UnicodeError as error:
            raise self.not_in(self.encoding, error) from error
        return text

    def not_in(self, encoding: str | None, error: UnicodeError) -> InputError:
        """The error to raise if it is not in the encoding that was stated."""
        where = f" (byte {error.start})" if isinstance(error, UnicodeDecodeError) else ""
        return InputError(
            f"{self.name}: {not_text(str(encoding))}{where}; without --encoding it is guessed"
        )

    @cached_property
    def table_encoding(self) -> str:
        """The encoding of all of its text: a table is read block by block.

        A long one that is neither marked nor stated is taken for UTF-8, whatever is in it.
        """
        if (mark := marked(self.stored_head)) is not None or self.encoding is not None:
            return mark or str(self.encoding)
        if (utf16 := unmarked_utf16(self.head)) is not None:
            self.guessed = utf16
            return utf16
        try:
            content = self.content(_WHOLE + 1)
        except InputError:  # The reader says where it breaks off.
            return "utf-8"
        found = table_encoding(content) if len(content) <= _WHOLE else "utf-8"
        self.guessed = None if found == "utf-8" else found
        return found

    def digest(self) -> bytes:
        """SHA-256 of its bytes, regardless of name and location."""
        if self._digest is None:
            digest = hashlib.sha256()
            with self.open() as file:
                try:
                    while block := file.read(1 << 20):
                        digest.update(block)
                except Exception as error:
                    raise self.unreadable(error) from error
            self._digest = digest.digest()
        return self._digest

    def unreadable(self, error: Exception) -> UnreadableError:
        """The error to raise if it cannot be read."""
        return UnreadableError(f"{self.name}: cannot be read ({reason_of(error)})")


def _as_utf8(content: bytes) -> bytes:
    """Text in UTF-16 with its mark, or in UTF-8 with one, as UTF-8; else the same bytes."""
    mark = marked(content)
    if mark == "utf-16":
        return content.decode(mark, "replace").encode()
    return content.removeprefix(codecs.BOM_UTF8)


def reason_of(error: Exception) -> str:
    """What went wrong: the first line of the library's message."""
    said = getattr(error, "strerror", None) or str(error)
    return said.partition("\n")[0].rstrip(".") or type(error).__name__
