"""Large sources of whole playlists: read by several processes, and resumed.

Files are read in *groups*. A group needs nothing of the others, so that any process can read it,
and what was read of it can be kept in a file until all is done. Such a file is named after the
files of its group and states what they contained; it is used only while they contain the same.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import threading
from collections import Counter, deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.ipc

import segue
from segue.data.chunks import Chunk, ChunkMaker
from segue.data.records import AnyPlaylist, Format, Reject, Rows, SetAside, TableOptions
from segue.data.report import Rejection, recording
from segue.data.source_file import SourceFile, UnreadableError
from segue.data.track_columns import Location, TrackColumns
from segue.engine import Engine, in_order
from segue.errors import ArtefactError, ResourceError
from segue.files import atomic_file, remove_leftovers
from segue.memory import available_memory

# Bytes of a group's files: few, as what an interruption costs is the groups in progress, but not
# too few, as every group describes its tracks again.
GROUP_SIZE = 128 << 20
# Bytes of a source that are worth other processes, and files of what was read.
WORTH = 256 << 20
# Of what an idle process has loaded, and of a group, by the bytes of its largest file.
_PROCESS_MEMORY, _MEMORY_PER_BYTE = 400 << 20, 6
_FORM, _ENDING = 1, ".group"  # of the files
_DIGEST_SIZE = hashlib.sha256().digest_size


@dataclass(frozen=True, eq=False)
class FileGroup:
    """Consecutive files of one format, to be read together.

    Attributes
    ----------
    files
        At least one.
    format
        Of whole playlists, whose ids are more than names.
    options
    skip_bad
        Whether a bad record is noted instead of an error.
    """

    files: Sequence[SourceFile]
    format: Format
    options: TableOptions
    skip_bad: bool

    @property
    def size(self) -> int:
        """Bytes of its files."""
        return sum(file.size for file in self.files)

    def read(self) -> GroupRead:
        """Read its files (InputError for the first bad record, unless they are skipped)."""
        maker = ChunkMaker()
        rejections: list[Rejection] = []
        reject = recording(rejections, skip=self.skip_bad)
        set_aside: Counter[str] = Counter()
        digests, guessed = [], {}
        for file in self.files:
            try:
                maker.add(
                    file.name,
                    whole_playlists(file, self.format, self.options, reject, set_aside),
                    reject,
                    ordered=self.format.ordered,
                    certain=self.format.certain,
                    columns=self.format.columns,
                )
            except UnreadableError as error:
                if not self.skip_bad:
                    raise
                reject(*unreadable(file, error))
            else:
                digests.append(file.digest())
                if file.guessed:
                    guessed[file.name] = file.guessed
        return GroupRead(list(maker.index), maker.finish(), rejections, set_aside, digests, guessed)


def whole_playlists(
    file: SourceFile,
    format_: Format,
    options: TableOptions,
    reject: Reject,
    set_aside: Counter[str],
) -> Iterator[tuple[str, AnyPlaylist]]:
    """The playlists of a file; what is set aside is counted."""
    for part in format_.read(file, options, reject):
        if isinstance(part, SetAside):
            set_aside[part.what] += part.count
        elif not isinstance(part, Rows):
            yield part


def unreadable(file: SourceFile, error: UnreadableError) -> tuple[str, str, str, None]:
    """What a `Reject` is told of a file that cannot be read."""
    return file.name, "whole file", str(error).removeprefix(f"{file.name}: "), None


@dataclass
class GroupRead:
    """What was read of a group.

    Attributes
    ----------
    ids
        Of the playlists.
    chunk
        The playlists.
    rejections, set_aside
        Bad records, and what was left out, by kind.
    digests
        SHA-256 of each file that could be read.
    guessed
        Encodings that were guessed, by file.
    """

    ids: list[str]
    chunk: Chunk
    rejections: list[Rejection]
    set_aside: Counter[str]
    digests: list[bytes]
    guessed: dict[str, str]

    def packed(self, **facts: Any) -> bytes:
        """As bytes, with further facts."""
        chunk, tracks = self.chunk, self.chunk.tracks
        columns = {
            "playlist": pa.array(self.ids, pa.string()),
            "title": chunk.titles,
            "length": pa.array(chunk.lengths),
            "track_index": pa.array(chunk.track_index),
            "unordered": pa.array(chunk.unordered),
            "certain": pa.array(chunk.certain),
            **tracks.columns,
        }
        facts |= {
            "repeated_tracks": chunk.repeated_tracks,
            "aliases": [[row, *those] for row, those in tracks.aliases.items()],
            "locations": [[row, *location] for row, location in tracks.locations.items()],
            "rejections": self.rejections,
            "set_aside": self.set_aside,
            "digests": [digest.hex() for digest in self.digests],
            "guessed": self.guessed,
        }
        # Columns of different lengths: each is a list in a table of one row.
        batch = pa.RecordBatch.from_arrays(
            [
                pa.LargeListArray.from_arrays(pa.array([0, len(column)], pa.int64()), column)
                for column in columns.values()
            ],
            schema=pa.schema(
                [(name, pa.large_list(column.type)) for name, column in columns.items()],
                {"facts": json.dumps(facts)},
            ),
        )
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, batch.schema) as writer:
            writer.write_batch(batch)
        return bytes(sink.getvalue())

    @classmethod
    def unpacked(cls, content: bytes) -> tuple[GroupRead, dict[str, Any]]:
        """Inverse of `packed`: what was read, and all facts."""
        with pa.ipc.open_stream(content) as reader:
            batch = reader.read_next_batch()
        facts = json.loads(batch.schema.metadata[b"facts"])
        columns = {name: batch.column(name).values for name in batch.schema.names}
        tracks = TrackColumns(
            **{name: columns[name] for name in TrackColumns.NAMES},
            aliases={row: those for row, *those in facts["aliases"]},
            locations={row: Location(*it) for row, *it in facts["locations"]},
        )
        chunk = Chunk(
            columns["title"],
            np.asarray(columns["length"]),
            np.asarray(columns["track_index"]),
            tracks,
            np.asarray(columns["unordered"]),
            np.asarray(columns["certain"]),
            facts["repeated_tracks"],
        )
        read = cls(
            columns["playlist"].to_pylist(),
            chunk,
            [Rejection(*each) for each in facts["rejections"]],
            Counter(facts["set_aside"]),
            [bytes.fromhex(digest) for digest in facts["digests"]],
            facts["guessed"],
        )
        return read, facts


@dataclass(frozen=True)
class GroupStore:
    """Keeps what was read of each group in a file.

    Attributes
    ----------
    folder
        Made when there is something to keep.
    """

    folder: Path

    def path(self, group: FileGroup) -> Path:
        """Where it is kept: the name says what was to be read, and how."""
        files = [(file.name, file.size, file.encoding) for file in group.files]
        facts = [_FORM, segue.__version__, group.format.name, group.skip_bad, files]
        name = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]
        return self.folder / f"{name}{_ENDING}"

    def save(self, group: FileGroup, read: GroupRead) -> None:
        """Keep what was read (ArtefactError if it cannot be written)."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = error.strerror or error
            raise ArtefactError(f"{self.folder}: cannot be written ({reason})") from error
        content = read.packed(contents=[_content(file) for file in group.files])
        with atomic_file(self.path(group)) as temporary, temporary.open("wb") as file:
            file.write(hashlib.sha256(content).digest())
            file.write(content)

    def load(self, group: FileGroup, *, check: bool = True) -> GroupRead | None:
        """What was read of a group; None unless it is there, and whole.

        With `check` also unless the files of the group contain the same as when they were read.
        """
        try:
            stored = self.path(group).read_bytes()
        except OSError:
            return None
        content = stored[_DIGEST_SIZE:]
        if hashlib.sha256(content).digest() != stored[:_DIGEST_SIZE]:
            return None
        read, facts = GroupRead.unpacked(content)
        if check and facts["contents"] != [_content(file) for file in group.files]:
            return None
        return read

    def remove(self) -> None:
        """Remove all files, and the folder if nothing else is in it."""
        for path in self.folder.glob(f"*{_ENDING}"):
            path.unlink(missing_ok=True)
        # A process that was killed may have been writing one.
        remove_leftovers(self.folder)
        with suppress(OSError):
            self.folder.rmdir()


def _content(file: SourceFile) -> str:
    """What identifies the content of a file; of one in a zip, what the zip states."""
    if file.crc is not None:
        return f"crc32:{file.crc:08x}"
    try:
        return f"sha256:{file.digest().hex()}"
    except UnreadableError:
        return "unreadable"


def grouped(
    files: Sequence[tuple[SourceFile, Format]], options: TableOptions, *, skip_bad: bool
) -> list[FileGroup | tuple[SourceFile, Format]]:
    """The files in groups, as far as these are worth it; others one by one."""
    parts: list[FileGroup | tuple[SourceFile, Format]] = []
    fit = [
        format_.gives == "playlists" and not format_.named and file.on_disk
        for file, format_ in files
    ]
    if sum(file.size for (file, _), fits in zip(files, fit, strict=True) if fits) < WORTH:
        return list(files)
    group: list[SourceFile] = []

    def end(format_: Format) -> None:
        if group:
            parts.append(FileGroup(tuple(group), format_, options, skip_bad))
            group.clear()

    before = files[0][1]
    for (file, format_), fits in zip(files, fit, strict=True):
        full = sum(other.size for other in group) + file.size > GROUP_SIZE
        if not fits or format_ is not before or full:
            end(before)
        if fits:
            group.append(file)
        else:
            parts.append((file, format_))
        before = format_
    end(before)
    return parts


def read_groups(
    groups: Sequence[FileGroup],
    *,
    workers: int | None,
    folder: Path | None,
    engine: Engine = "local",
) -> Generator[GroupRead, None, None]:
    """Read groups, and give them back in their order.

    Parameters
    ----------
    groups
    workers
        Processes; fewer start where memory or groups are too few. None: this one, or with Ray one
        for each core.
    folder
        Where finished groups are kept; those that are there already are not read again.
    engine
        What the processes belong to.

    Raises
    ------
    ResourceError
        If a process was killed, or with Ray if it gives up.
    """
    store = None if folder is None else GroupStore(folder)
    if engine == "ray" and groups:
        reading = partial(partial, _read_elsewhere, store=store)
        memory = _memory_of_worker(groups)
        found = in_order(reading, groups, workers=workers, memory=memory)
        with closing(found):
            for group, packed in zip(groups, found, strict=True):
                yield _from_elsewhere(group, packed, store)
        return
    workers = min(workers or 1, len(groups), _most_workers(groups))
    if workers < 2:
        for group in groups:
            yield _read_and_kept(group, store)
        return
    # Spawned, not forked: the libraries in this process may have threads.
    pool = ProcessPoolExecutor(workers, get_context("spawn"), _start_worker)
    waiting: deque[Future[bytes | None]] = deque()
    coming = iter(groups)
    try:
        for group in groups:
            # One more than are being read, so that no process has to wait.
            while len(waiting) <= workers and (following := next(coming, None)) is not None:
                waiting.append(pool.submit(_read_elsewhere, following, store))
            yield _from_elsewhere(group, waiting.popleft().result(), store)
    except BrokenProcessPool:
        kept = "" if store is None else "; the same command goes on from what had been read"
        raise ResourceError(
            "a process that was reading was killed, perhaps out of memory; fewer --workers need "
            f"less{kept}"
        ) from None
    finally:
        # After an error or Ctrl-C each process still finishes its group.
        pool.shutdown(cancel_futures=True)


def num_kept(groups: Sequence[FileGroup], folder: Path | None) -> int:
    """How many of the groups are kept in a folder, judged by their names."""
    if folder is None or not folder.is_dir():
        return 0
    return sum(GroupStore(folder).path(group).exists() for group in groups)


def _most_workers(groups: Sequence[FileGroup]) -> int:
    available = available_memory()
    if available is None:
        return len(groups)
    return available // _memory_of_worker(groups)


def _memory_of_worker(groups: Sequence[FileGroup]) -> int:
    largest = max((file.size for group in groups for file in group.files), default=0)
    return _PROCESS_MEMORY + _MEMORY_PER_BYTE * max(largest, GROUP_SIZE // 2)


def _read_and_kept(group: FileGroup, store: GroupStore | None) -> GroupRead:
    if store is None:
        return group.read()
    read = store.load(group)
    if read is None:
        read = group.read()
        store.save(group, read)
    return read


def _start_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started it.

    def end_with_parent() -> None:
        parent = parent_process()
        if parent is not None:
            parent.join()
            os._exit(1)

    # A process that was killed cannot end those that wait for its work.
    threading.Thread(target=end_with_parent, daemon=True).start()


def _read_elsewhere(group: FileGroup, store: GroupStore | None) -> bytes | None:
    """What was read of a group, as bytes; None if it is kept in a file."""
    read = _read_and_kept(group, store)
    return read.packed() if store is None else None


def _from_elsewhere(group: FileGroup, packed: bytes | None, store: GroupStore | None) -> GroupRead:
    """What another process has read of a group."""
    if packed is not None:
        return GroupRead.unpacked(packed)[0]
    read = None if store is None else store.load(group, check=False)
    return read or _read_and_kept(group, store)
