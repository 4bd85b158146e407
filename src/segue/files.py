"""Files that are never half-written: atomic files and folders, manifests, checksums.

An *artefact* is a folder with a ``manifest.json`` that says what kind it is and what made it, gives
the size and SHA-256 of every other file in it, and has a checksum of its own. Files and artefacts
are written next to their destination under a temporary name, and renamed once they are complete and
on disk. A temporary name says which process is writing, so that what a killed process leaves behind
is removed by the next one that writes into the same folder.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import platform
import re
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Any, NoReturn

from segue.errors import ArtefactError, ResourceError
from segue.machine import versions

MANIFEST = "manifest.json"
FORMAT_VERSION = 3
# The key of the manifest's own checksum.
CHECKSUM = "checksum"

# Process ids are of one machine (or container); folders may be shared by several.
_MACHINE = hashlib.sha256(platform.node().encode()).hexdigest()[:8]
_LEFTOVER = re.compile(
    r"\.(?P<name>.*)\.segue-(?P<machine>[0-9a-f]{8})-(?P<process>\d+)-[0-9a-f]{8}\.(?P<what>tmp|old)",
    re.DOTALL,
)
# What another machine is writing cannot be told from what it left behind, but nothing is written
# for so long, in seconds.
_ABANDONED = 86_400.0
_NAME_LENGTH = 40  # Of a temporary name: file systems have a limit.
_being_written: set[Path] = set()
_tidied: set[Path] = set()


def sync_folder(folder: Path) -> None:
    """Flush a folder's directory entries to disk, so that a rename in it survives a crash."""
    if os.name == "nt":  # Windows cannot open a folder; its renames are journalled.
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_file(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


@contextmanager
def _temporary(path: Path) -> Iterator[Path]:
    """A name next to `path` for what will replace it; whatever has that name at the end is removed.

    First, what killed processes left in the same folder is removed.
    """
    folder = path.parent.resolve()
    remove_leftovers(folder)
    writer = f"segue-{_MACHINE}-{os.getpid()}-{secrets.token_hex(4)}"
    temporary = folder / f".{path.name[:_NAME_LENGTH]}.{writer}.tmp"
    _being_written.add(temporary)
    try:
        yield temporary
    finally:
        _remove(temporary)
        _being_written.discard(temporary)


@contextmanager
def scratch_folder(name: str) -> Iterator[Path]:
    """An empty folder among the system's temporary files, which is removed at the end.

    If this process is killed, the next one that wants such a folder removes it.

    Raises
    ------
    ResourceError
        If there is nowhere to put temporary files.
    """
    try:
        place = Path(tempfile.gettempdir()) / name
    except OSError as error:  # it has tried to write everywhere
        raise ResourceError(
            "no folder for temporary files can be written; TMPDIR names another"
        ) from error
    with _temporary(place) as folder:
        try:
            folder.mkdir(mode=0o700)
        except OSError as error:
            raise ResourceError(
                f"{place.parent}: cannot hold temporary files ({error.strerror or error}); "
                "TMPDIR names another folder"
            ) from error
        yield folder


def _remove(path: Path) -> None:
    """Remove a file or a whole folder if it is there, as far as that is possible."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):  # a read-only file system refuses even where there is nothing
            path.unlink(missing_ok=True)


def remove_leftovers(folder: Path) -> None:
    """Remove what killed processes were writing into a folder, once in the life of this process.

    A folder that one of them had moved out of the way, and not yet replaced, is moved back.
    """
    if folder in _tidied:
        return
    _tidied.add(folder)
    try:
        with os.scandir(folder) as entries:
            leftovers = [found for entry in entries if (found := _LEFTOVER.fullmatch(entry.name))]
    except OSError:
        return
    for found in leftovers:
        name = found[0]
        if _may_be_writing(found, folder / name):
            continue
        if found["what"] == "old" and not (folder / found["name"]).exists():
            with suppress(OSError):
                (folder / name).rename(folder / found["name"])
        else:
            _remove(folder / name)


def _may_be_writing(name: re.Match[str], path: Path) -> bool:
    """Whether the process in a temporary name may still be at work."""
    process = int(name["process"])
    if name["machine"] == _MACHINE and os.name != "nt":  # there, signal 0 is not a query
        if process == os.getpid():  # containers give every process the same number
            return path in _being_written
        try:
            os.kill(process, 0)
        except (ProcessLookupError, OverflowError):
            return False
        except OSError:
            pass
        return not _is_zombie(process)
    try:
        return time.time() - path.stat().st_mtime < _ABANDONED
    except OSError:
        return True


def _is_zombie(process: int) -> bool:
    """Whether a process has ended but is still listed, as for ever in a container without an init.

    False where the system does not say.
    """
    try:
        _, _, rest = Path(f"/proc/{process}/stat").read_text().rpartition(") ")
    except OSError:
        return False
    return rest.startswith(("Z", "X"))


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path next to `path`; on success it becomes `path`.

    On any error the temporary file is removed and an existing `path` is left unchanged.

    Raises
    ------
    ArtefactError
        If the folder of `path` does not exist or cannot be written.
    """
    if not path.parent.is_dir():
        raise ArtefactError(f"{path}: cannot be written, there is no folder {path.parent}")
    try:
        with _temporary(path) as temporary:
            yield temporary
            _sync_file(temporary)
            temporary.replace(path)
            sync_folder(path.parent)
    except OSError as error:
        raise ArtefactError(f"{path}: cannot be written ({error.strerror or error})") from error


def write_json(path: Path, content: Any) -> None:
    """Write `content` as indented JSON, atomically."""
    with atomic_file(path) as temporary:
        temporary.write_text(
            json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n",
            encoding="utf-8",
        )


def write_json_lines(path: Path, entries: Iterable[Any]) -> None:
    """Write one JSON object per line, atomically."""
    with atomic_file(path) as temporary:
        temporary.write_text(
            "".join(json.dumps(entry) + "\n" for entry in entries), encoding="utf-8"
        )


def parsed_json(content: bytes | str, path: Path) -> Any:
    """Plain values from JSON in UTF-8, however it was mangled.

    Raises
    ------
    ArtefactError
        If it is not JSON, is nested too deeply, or has numbers or text that JSON cannot hold.
    """

    def refuse(constant: str) -> NoReturn:
        raise ValueError(f"{constant} is not a number")

    try:
        text = content if isinstance(content, str) else content.decode("utf-8")
        found = json.loads(text, parse_constant=refuse)
        # Infinite numbers (1e999) and halves of characters can be parsed, but not be written.
        json.dumps(found, allow_nan=False, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise ArtefactError(f"{path}: cannot be read as JSON ({error})") from None
    return found


def manifest_checksum(manifest: dict[str, Any]) -> str:
    """SHA-256 over all that a manifest states, but for its own checksum, however it is spaced."""
    stated = {key: value for key, value in manifest.items() if key != CHECKSUM}
    canonical = json.dumps(stated, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode("utf-8")).hexdigest()


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def stated_kind(folder: Path) -> str | None:
    """The kind that a folder's manifest states, unchecked; None if it has no manifest of ours."""
    try:
        kind: str | None = parsed_json((folder / MANIFEST).read_bytes(), folder / MANIFEST)["kind"]
    except (OSError, ArtefactError, KeyError, TypeError):
        return None
    return kind


def refuse_existing(path: Path, kind: str, *, overwrite: bool) -> None:
    """Raise if something is already where an artefact should be written.

    With `overwrite`, an empty folder and an older artefact of the same kind may be replaced,
    nothing else: a mistyped ``--out`` never removes a folder that Segue did not make, nor a
    graph where a bundle was meant.

    Raises
    ------
    ArtefactError
        If `path` is in the way.
    """
    for parent in path.absolute().parents:
        if parent.exists() and not parent.is_dir():
            raise ArtefactError(f"{path}: cannot be written, {parent} is a file")
    if not path.exists() or (path.is_dir() and not any(path.iterdir())):
        return
    found = stated_kind(path)
    if found is None:
        raise ArtefactError(f"{path}: is not a folder that Segue made, so it is not replaced")
    if found != kind:
        raise ArtefactError(f"{path}: is a Segue {found}, so no {kind} replaces it")
    if not overwrite:
        raise ArtefactError(f"{path}: exists already; --overwrite replaces it")


def refuse_file(path: Path, *, overwrite: bool) -> None:
    """Raise ArtefactError if something is already where a file should be written."""
    if path.is_dir():
        raise ArtefactError(f"{path}: is a folder, expected a file to write")
    if path.exists() and not overwrite:
        raise ArtefactError(f"{path}: exists already; --overwrite replaces it")


@contextmanager
def atomic_artefact(path: Path, kind: str, *, overwrite: bool = False) -> Iterator[ArtefactWriter]:
    """Write a whole artefact folder, or nothing.

    Yields an `ArtefactWriter`: put files under ``writer.folder`` and facts into ``writer.content``;
    the manifest, with every file's size and checksum, is added at the end.

    Raises
    ------
    ArtefactError
        If `path` is in the way (see `refuse_existing`) or cannot be written.
    """
    path = path.resolve()  # "." has no name to derive a temporary one from
    refuse_existing(path, kind, overwrite=overwrite)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _temporary(path) as folder:
            folder.mkdir(mode=0o700)
            writer = ArtefactWriter(folder)
            yield writer
            files = {
                file.relative_to(folder).as_posix(): {
                    "bytes": file.stat().st_size,
                    "sha256": sha256_of(file),
                }
                for file in sorted(folder.rglob("*"))
                if file.is_file()
            }
            for name in files:
                (folder / name).chmod(0o644)  # some writers let only their owner read them
                _sync_file(folder / name)
            manifest = {
                "kind": kind,
                "format_version": FORMAT_VERSION,
                "made_with": versions(),
                **writer.content,
                "files": files,
            }
            write_json(folder / MANIFEST, manifest | {CHECKSUM: manifest_checksum(manifest)})
            folder.chmod(0o755)
            refuse_existing(path, kind, overwrite=overwrite)
            _replace_folder(folder, path)
            sync_folder(path.parent)
    except OSError as error:
        raise ArtefactError(f"{path}: cannot be written ({error.strerror or error})") from error


def _replace_folder(folder: Path, path: Path) -> None:
    """Give a folder the name `path`; what was there has the name of `folder` then, or is removed.

    At every moment there is a whole folder of that name, where the system can exchange two.
    """
    if not path.exists():
        folder.rename(path)
    elif not _exchange(folder, path):
        writer = folder.name.removeprefix(f".{path.name[:_NAME_LENGTH]}.").removesuffix(".tmp")
        replaced = path.with_name(f".{path.name}.{writer}.old")
        path.rename(replaced)
        try:
            folder.rename(path)
        except OSError:
            replaced.rename(path)
            raise
        _remove(replaced)


def _exchange(one: Path, other: Path) -> bool:
    """Exchange the names of two folders in one step; False where the system cannot."""
    if sys.platform != "linux":
        return False
    import ctypes

    here, exchange = -100, 2  # AT_FDCWD and RENAME_EXCHANGE: renameat2(2)
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError):  # glibc has it since 2.28
        return False
    if renameat2(here, os.fsencode(one), here, os.fsencode(other), exchange) == 0:
        return True
    number = ctypes.get_errno()
    if number in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):  # as file systems on a network
        return False
    raise OSError(number, os.strerror(number), str(other))


class ArtefactWriter:
    """Where an artefact's files go, and the facts that its manifest will state."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.content: dict[str, Any] = {}


def read_manifest(folder: Path, kind: str, *, verify: bool = True) -> dict[str, Any]:
    """Read the manifest of an artefact and check what it states.

    Parameters
    ----------
    folder
        The artefact.
    kind
        ``"graph"`` or ``"bundle"``.
    verify
        Also compare every file's SHA-256. Sizes and the manifest's own checksum are always
        compared.

    Raises
    ------
    ArtefactError
        If the artefact does not exist or is of another kind or version, or a file in it is missing
        or has changed since it was written.
    """
    path = folder / MANIFEST
    if not folder.is_dir():
        raise ArtefactError(f"{folder}: there is no such folder, expected a Segue {kind}")
    try:
        manifest = parsed_json(path.read_bytes(), path)
        found, version, files = manifest["kind"], manifest["format_version"], manifest["files"]
        listed = [(name, file["bytes"], file["sha256"]) for name, file in files.items()]
    except FileNotFoundError:
        raise ArtefactError(f"{folder}: has no {MANIFEST}, expected a Segue {kind}") from None
    except (OSError, ArtefactError, KeyError, TypeError, AttributeError):
        raise ArtefactError(f"{path}: is not the manifest of a Segue {kind}") from None
    signed = CHECKSUM in manifest or version == FORMAT_VERSION
    if signed and manifest_checksum(manifest) != manifest.get(CHECKSUM):
        raise ArtefactError(f"{path}: is not as it was written (its checksum differs)")
    if found != kind:
        raise ArtefactError(f"{folder}: is a Segue {found}, expected a {kind}")
    if version != FORMAT_VERSION:
        raise ArtefactError(
            f"{folder}: is of format {version}, this version of Segue reads {FORMAT_VERSION}; "
            f"make the {kind} again, or use the version of Segue that wrote it"
        )
    for name, size, checksum in listed:
        if not _is_inside(name):
            raise ArtefactError(f"{path}: names a file outside its folder, {name!r}")
        file = folder / name
        if not file.is_file():
            raise ArtefactError(f"{file}: is missing from this {kind}")
        if file.stat().st_size != size or (verify and sha256_of(file) != checksum):
            raise ArtefactError(f"{file}: is not as it was written (its checksum differs)")
    return dict(manifest)


def _is_inside(name: str) -> bool:
    """Whether a name leads to a file below the folder that it is relative to."""
    parts = PurePosixPath(name).parts
    return bool(parts) and not set(name) & set("\\:\0") and not {"..", "/"} & set(parts)
