"""Files that are never half-written: atomic files and folders, manifests, checksums.

An *artefact* is a folder with a ``manifest.json`` that says what kind it is and gives the size
and SHA-256 of every other file in it. Files and artefacts are written next to their destination
under a temporary name, and renamed once they are complete and on disk.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from segue.errors import ArtefactError

MANIFEST = "manifest.json"
FORMAT_VERSION = 2


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
def atomic_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path next to `path`; on success it becomes `path`.

    On any error the temporary file is removed and an existing `path` is left unchanged.

    Raises
    ------
    ArtefactError
        If the folder of `path` does not exist or cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    if not path.parent.is_dir():
        raise ArtefactError(f"{path}: cannot be written, there is no folder {path.parent}")
    try:
        yield temporary
        _sync_file(temporary)
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise ArtefactError(f"{path}: cannot be written ({error.strerror or error})") from error
    finally:
        temporary.unlink(missing_ok=True)


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


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


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
    try:
        found = json.loads((path / MANIFEST).read_text(encoding="utf-8"))["kind"]
    except (OSError, ValueError, KeyError, TypeError):
        raise ArtefactError(
            f"{path}: is not a folder that Segue made, so it is not replaced"
        ) from None
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
        folder = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent))
    except OSError as error:
        raise ArtefactError(f"{path}: cannot be written ({error.strerror or error})") from error
    try:
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
            (folder / name).chmod(0o644)  # some writers make files readable by their owner only
            _sync_file(folder / name)
        write_json(
            folder / MANIFEST,
            {"kind": kind, "format_version": FORMAT_VERSION, **writer.content, "files": files},
        )
        folder.chmod(0o755)  # so does mkdtemp
        refuse_existing(path, kind, overwrite=overwrite)
        replaced = None
        if path.exists():
            replaced = folder.with_suffix(".old")
            path.rename(replaced)
        try:
            folder.rename(path)
        except OSError:
            if replaced is not None:
                replaced.rename(path)
            raise
        sync_folder(path.parent)
        if replaced is not None:
            shutil.rmtree(replaced)
    except OSError as error:
        raise ArtefactError(f"{path}: cannot be written ({error.strerror or error})") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


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
        Also compare every file's SHA-256 (sizes are always compared).

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
        manifest = json.loads(path.read_text(encoding="utf-8"))
        found, version, files = manifest["kind"], manifest["format_version"], manifest["files"]
        listed = [(str(n), int(f["bytes"]), str(f["sha256"])) for n, f in files.items()]
    except FileNotFoundError:
        raise ArtefactError(f"{folder}: has no {MANIFEST}, expected a Segue {kind}") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError):
        raise ArtefactError(f"{path}: is not the manifest of a Segue {kind}") from None
    if found != kind:
        raise ArtefactError(f"{folder}: is a Segue {found}, expected a {kind}")
    if version != FORMAT_VERSION:
        raise ArtefactError(
            f"{folder}: is of format {version}, this version of Segue reads {FORMAT_VERSION}; "
            f"make the {kind} again, or use the version of Segue that wrote it"
        )
    for name, size, checksum in listed:
        file = folder / name
        if not file.is_file():
            raise ArtefactError(f"{file}: is missing from this {kind}")
        if file.stat().st_size != size or (verify and sha256_of(file) != checksum):
            raise ArtefactError(f"{file}: is not as it was written (its checksum differs)")
    return dict(manifest)
