"""The files of a source: one file, a folder, a zip, a glob pattern, or a list of these."""

from __future__ import annotations

import glob
import hashlib
import io
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from segue.errors import InputError

_HEAD = 64 << 10  # Bytes by which a format is recognised.
_CODECS = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\x28\xb5\x2f\xfd": "zstd"}
_COMPRESSED_ENDINGS = (".gz", ".bz2", ".zst")
# Errors raised by reading a damaged or truncated stream.
UNREADABLE: tuple[type[Exception], ...] = (
    OSError, EOFError, zipfile.BadZipFile, zlib.error, pa.ArrowException,
)  # fmt: skip


class SourceFile:
    """One file to read, on disk or in a zip.

    Parameters
    ----------
    name
        Its name in messages: its path; in a zip ``archive.zip/member``.
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
    ) -> None:
        self.name, self.size, self.path, self.alone = name, size, path, alone
        self.in_memory = in_memory
        self._opener = opener
        self._digest: bytes | None = None

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
        """Its first 64 KiB, decompressed; empty if that fails."""
        try:
            raw, content = self.open_text()
            with raw, content:
                return bytes(content.read(_HEAD))
        except Exception:  # Reading the whole file reports what is wrong.
            return b""

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

    def unreadable(self, error: Exception) -> InputError:
        """The error to raise if it cannot be read."""
        return InputError(f"{self.name}: cannot be read ({reason_of(error)})")


def find_files(source: Any) -> list[SourceFile]:
    """List the files of a source, by name; in folders and zips at any depth.

    Zips in a folder are looked into, but not zips in zips. What also lies unpacked in the folder
    counts once. Hidden files and macOS additions to a zip are ignored.

    Raises
    ------
    InputError
        If there is nothing at `source`, or a zip cannot be opened.
    """
    if hasattr(source, "read"):
        file = SourceFile.of_stream(source)
        return list(_in_zip(Path(file.name), file)) if zipfile.is_zipfile(file.open()) else [file]
    if not isinstance(source, str | os.PathLike):
        return [file for part in source for file in find_files(part)]
    path = Path(source)
    if path.is_dir():
        inside = sorted(file for file in path.rglob("*") if not file.is_dir())
        return _in_folder([file for file in inside if not _hidden(file.relative_to(path))])
    if path.is_file():
        if path.suffix.lower() == ".zip" or zipfile.is_zipfile(path):
            return list(_in_zip(path))
        return [_on_disk(path, alone=True)]
    # Not Path.glob: the pattern may be absolute.
    found = sorted(map(Path, glob.glob(str(source), recursive=True)))  # noqa: PTH207
    if not found:
        raise InputError(
            f"{source}: no such file or folder, expected a file, a folder, a zip, or a pattern "
            "such as 'data/*.csv'"
        )
    return [_on_disk(file) for file in found if not file.is_dir()]


def _in_folder(paths: list[Path]) -> list[SourceFile]:
    """Files on disk, with those of the zips among them in their place."""
    on_disk = [_on_disk(path) for path in paths]
    unpacked = {(path.name, file.size) for path, file in zip(paths, on_disk, strict=True)}
    files = []
    for path, file in zip(paths, on_disk, strict=True):
        if path.suffix.lower() == ".zip" and zipfile.is_zipfile(path):
            members = list(_in_zip(path))
            files += [one for one in members if (Path(one.name).name, one.size) not in unpacked]
        else:
            files.append(file)
    return files


def _hidden(file: Path) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in file.parts)


def _on_disk(path: Path, *, alone: bool = False) -> SourceFile:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({reason_of(error)})") from error
    return SourceFile(str(path), size, lambda: path.open("rb"), path=path, alone=alone)


def _in_zip(path: Path, file: SourceFile | None = None) -> Iterator[SourceFile]:
    """The files of a zip on disk, or in `file`."""
    try:
        archive = zipfile.ZipFile(path if file is None else file.open())
    except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError):
        fault = "is not a zip, despite its name"
        if (_on_disk(path) if file is None else file).head.startswith(b"PK"):
            fault = "begins as a zip, but is cut off or damaged; download or copy it again"
        raise InputError(f"{path}: {fault}") from None

    def opener(name: str) -> Callable[[], IO[bytes]]:
        return lambda: archive.open(name)

    for entry in sorted(archive.infolist(), key=lambda entry: entry.filename):
        if not entry.is_dir() and not _hidden(Path(entry.filename.lstrip("/"))):
            yield SourceFile(f"{path}/{entry.filename}", entry.file_size, opener(entry.filename))


def reason_of(error: Exception) -> str:
    """What went wrong: the first line of the library's message."""
    said = getattr(error, "strerror", None) or str(error)
    return said.partition("\n")[0].rstrip(".") or type(error).__name__
