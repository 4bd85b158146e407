"""Where slices are: in a folder, under a pattern, in a zip, or one by itself."""

from __future__ import annotations

import glob
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from segue.errors import InputError

_SLICE_NAME = re.compile(r"^mpd\.slice\.(\d+)-(\d+)\.json$")


@dataclass(frozen=True)
class SliceFile:
    """One slice: where it is, its size in bytes, and how to get its bytes."""

    name: str
    size: int
    read: Callable[[], bytes]


def find_slices(source: str | Path, slices: tuple[int, int] | None = None) -> list[SliceFile]:
    """List the slices of a folder, a glob pattern, one slice or a zip, in numerical order.

    In a folder or zip they may stand at any depth; other files are passed over. Files named
    ``mpd.slice.*`` are taken if there are any, else every ``.json``.

    Parameters
    ----------
    source
        A path or glob pattern.
    slices
        First and last slice to keep, counted from 0 in numerical order, both included.

    Raises
    ------
    InputError
        If there is nothing of the kind at `source`, or fewer slices than asked for.
    """
    path = Path(source)
    if path.is_dir():
        inside = [file for file in path.rglob("*.json") if not _hidden(file.relative_to(path))]
        found = [_on_disk(file) for file in inside]
    elif path.is_file() and path.suffix.lower() == ".json":
        found = [_on_disk(path)]
    elif path.is_file():
        found = _in_zip(path)
    else:
        # Not Path.glob: the pattern may be absolute, and begins where it says.
        matches = glob.glob(str(source), recursive=True)  # noqa: PTH207
        found = [_on_disk(Path(file)) for file in matches if file.endswith(".json")]
        if not found:
            raise InputError(
                f"{source}: no such file or folder, expected a folder of slices, a slice, a zip "
                "of slices, or a pattern such as 'data/mpd.slice.*.json'"
            )
    named = [file for file in found if _SLICE_NAME.match(Path(file.name).name)]
    found = sorted(named or found, key=_slice_order)
    if not found:
        raise InputError(f"{source}: holds no slices, expected files mpd.slice.<first>-<last>.json")
    if slices is not None:
        first, last = slices
        if not 0 <= first <= last < len(found):
            raise InputError(
                f"{source}: has slices 0 to {len(found) - 1}, but {first} to {last} were asked for"
            )
        found = found[first : last + 1]
    return found


def _slice_order(file: SliceFile) -> tuple[int, str]:
    match = _SLICE_NAME.match(Path(file.name).name)
    return (int(match[1]) if match else 0, file.name)


def _hidden(file: Path) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in file.parts)


def _on_disk(path: Path) -> SliceFile:
    try:
        return SliceFile(str(path), path.stat().st_size, path.read_bytes)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error


def _in_zip(path: Path) -> list[SliceFile]:
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError):
        raise InputError(
            f"{path}: is not a zip, expected a zip of slices, a folder or a .json slice"
        ) from None

    def reader(name: str) -> Callable[[], bytes]:
        def read() -> bytes:
            try:
                return archive.read(name)
            except (zipfile.BadZipFile, OSError, EOFError, RuntimeError, ValueError) as error:
                raise InputError(f"{path}: {name} cannot be unpacked ({error})") from error
            except Exception as error:  # zlib.error and others of the decompressors
                raise InputError(f"{path}: {name} is damaged ({error})") from error

        return read

    return [
        SliceFile(f"{path}/{entry.filename}", entry.file_size, reader(entry.filename))
        for entry in archive.infolist()
        if entry.filename.endswith(".json") and not _hidden(Path(entry.filename.lstrip("/")))
    ]
