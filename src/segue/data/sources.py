"""The files of a source: one file, a folder, a zip, a glob pattern, or a list of these."""

from __future__ import annotations

import glob
import os
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from segue.data.openers import Archive, Member, OnDisk
from segue.data.source_file import SourceFile, reason_of
from segue.errors import InputError

_NESTED, _NESTED_SIZE = 2, 512 << 20  # Zips in zips that are looked into: how deep, how large.
_MOST_ENTRIES = 100_000  # Of one zip.


def find_files(source: Any) -> list[SourceFile]:
    """List the files of a source, by name; in folders and zips at any depth.

    Zips in a folder or in a zip are looked into. What also lies unpacked in the folder counts once.
    Hidden files and macOS additions to a zip are ignored. A zip that cannot be opened is an error
    if it was named, and else a file with a `fault`.

    Raises
    ------
    InputError
        If there is nothing at `source`, or a zip cannot be opened.
    """
    if hasattr(source, "read"):
        file = SourceFile.of_stream(source)
        return list(_in_zip(file.name, file.open)) if zipfile.is_zipfile(file.open()) else [file]
    if not isinstance(source, str | os.PathLike):
        return [file for part in source for file in find_files(part)]
    path = Path(source)
    try:
        if path.is_dir():
            inside = sorted(file for file in path.rglob("*") if not file.is_dir())
            return _in_folder(
                [file for file in inside if not _hidden(file.relative_to(path))], path
            )
        if path.is_file():
            if path.suffix.lower() == ".zip" or zipfile.is_zipfile(path):
                return list(_in_zip(str(path), OnDisk(path)))
            return [_on_disk(path, alone=True)]
        # Not Path.glob: the pattern may be absolute.
        found = sorted(map(Path, glob.glob(str(source), recursive=True)))  # noqa: PTH207
    except (OSError, ValueError) as error:  # ValueError: a NUL in a path
        raise InputError(f"{source}: cannot be read ({reason_of(error)})") from error
    if not found:
        raise InputError(
            f"{source}: no such file or folder, expected a file, a folder, a zip, or a pattern "
            "such as 'data/*.csv'"
        )
    files = [file for file in found if not file.is_dir()]
    zips = {file: list(find_files(file)) for file in files if file.suffix.lower() == ".zip"}
    return [one for file in files for one in zips.get(file) or [_on_disk(file)]]


def _in_folder(paths: list[Path], root: Path) -> list[SourceFile]:
    """Files on disk, with those of the zips among them in their place."""
    on_disk = [_on_disk(path, root=str(root)) for path in paths]
    unpacked = {(path.name, file.size) for path, file in zip(paths, on_disk, strict=True)}
    files = []
    for path, file in zip(paths, on_disk, strict=True):
        if path.suffix.lower() == ".zip":
            members = _looked_into(file, OnDisk(path))
            files += [one for one in members if (Path(one.name).name, one.size) not in unpacked]
        else:
            files.append(file)
    return files


def _looked_into(
    file: SourceFile, opener: Callable[[], IO[bytes]], depth: int = 0
) -> list[SourceFile]:
    """The files of a zip that was found; if it is none, a stand-in that says so."""
    try:
        return list(_in_zip(file.name, opener, root=file.root, depth=depth))
    except Exception as error:
        reason = str(error).removeprefix(f"{file.name}: ")
        return [SourceFile.unopened(file.name, reason, root=file.root)]


def _hidden(file: Path) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in file.parts)


def _on_disk(path: Path, *, alone: bool = False, root: str = "") -> SourceFile:
    try:
        size = path.stat().st_size
    except OSError as error:
        if not root:
            raise InputError(f"{path}: cannot be read ({reason_of(error)})") from error
        return SourceFile.unopened(str(path), reason_of(error), root=root)
    return SourceFile(str(path), size, OnDisk(path), path=path, alone=alone, root=root)


def _in_zip(
    name: str, opener: Callable[[], IO[bytes]], *, root: str = "", depth: int = 0
) -> Iterator[SourceFile]:
    """The files of a zip, and of those in it."""
    archive = Archive(opener)
    try:
        entries = archive.zip().infolist()
    except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError):
        fault = "is not a zip, despite its name"
        with opener() as content:
            if content.read(2) == b"PK":
                fault = "begins as a zip, but is cut off or damaged; download or copy it again"
        raise InputError(f"{name}: {fault}") from None
    if len(entries) > _MOST_ENTRIES:
        archive.zip().close()
        raise InputError(
            f"{name}: holds {len(entries):,} files, expected at most {_MOST_ENTRIES:,}; unpack it"
        )

    root = root or name
    for entry in sorted(entries, key=lambda entry: entry.filename):
        if entry.is_dir() or _hidden(Path(entry.filename.lstrip("/"))):
            continue
        full = f"{name}/{entry.filename}"
        member = Member(archive, entry.filename)
        file = SourceFile(full, entry.file_size, member, root=root, crc=entry.CRC)
        if file.ending == ".zip" and depth < _NESTED and entry.file_size <= _NESTED_SIZE:
            yield from _looked_into(file, replace(member, whole=True), depth + 1)
        elif file.ending == ".zip":
            reason = "is a zip deep within others, or a large one; unpack it"
            yield SourceFile.unopened(full, reason, root=root)
        else:
            yield file
