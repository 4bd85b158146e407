"""`Collection`, what was read, and `Source`, the files that it is read from."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, get_args

from segue.console import count, number
from segue.data.collect import Collector
from segue.data.groups import (
    FileGroup,
    GroupRead,
    grouped,
    num_kept,
    read_groups,
    unreadable,
    whole_playlists,
)
from segue.data.order import Order
from segue.data.playlists import Catalog, Playlists
from segue.data.records import LOW_ROW, Format, Reject, Rows, SetAside, TableOptions
from segue.data.relations import update_digest
from segue.data.report import ReadReport, either, listed, rejecting
from segue.data.source_file import SourceFile, UnreadableError
from segue.data.track_columns import Location
from segue.engine import Engine
from segue.errors import ArtefactError, InputError


@dataclass(frozen=True, eq=False)
class Collection:
    """What was read.

    Attributes
    ----------
    playlists : Playlists
    catalog : Catalog
        Of the tracks in them.
    report : ReadReport
        What was found: counts, and how columns were interpreted.
    locations : dict of str to Location
        Where the tracks' files are, by track id, as far as lists of players say it.

    Examples
    --------
    >>> segue.read([["a", "b"], ["b", "c"]])
    Collection(2 playlists, 4 pairs, 3 tracks, 0 artists)
    """

    playlists: Playlists
    catalog: Catalog
    report: ReadReport = field(default_factory=ReadReport)
    locations: dict[str, Location] = field(default_factory=dict)

    def __repr__(self) -> str:
        """``Collection(1,000 playlists, 66,000 pairs, 34,000 tracks, 9,000 artists)``."""
        sizes = {
            "playlists": len(self.playlists),
            "pairs": self.playlists.tracks.num_pairs,
            "tracks": self.catalog.num_tracks,
            "artists": len(self.catalog.artists),
        }
        return f"Collection({', '.join(f'{size:,} {what}' for what, size in sizes.items())})"


@dataclass(frozen=True, eq=False)
class Source:
    """A source whose files have been found and recognised, ready to be read.

    Attributes
    ----------
    name
        Its name in messages.
    files : list of (SourceFile, Format)
        In reading order.
    passed_over : list of str
        Names of files of no known format, or not of the chosen one.
    left_out : list of str
        Names of tables beside files of whole playlists, which are read instead.
    histories : list of str
        Names of listening histories that are left out so.
    unreadable : dict of str to str
        Names of files that cannot be read, or are no tables of playlists, and why.
    options
        For tables.
    columns
        For tables, a readable account of which column is read as which field; else empty.
    names
        A table with names for the ids of tracks.
    advice
        For tables, sentences about columns that are not used.
    """

    name: str
    files: list[tuple[SourceFile, Format]]
    passed_over: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    histories: list[str] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)
    options: TableOptions = field(default_factory=TableOptions)
    columns: str = ""
    names: SourceFile | None = None
    advice: list[str] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Size in bytes, as `advance` counts them."""
        return sum(file.size for file, _ in self.files)

    def read(
        self,
        *,
        order: Order = "auto",
        skip_bad: bool | str | os.PathLike[str] | IO[str] = False,
        advance: Callable[[int, int], None] | None = None,
        allow_empty: bool = False,
        workers: int | None = 1,
        folder: Path | None = None,
        engine: Engine = "local",
        say: Callable[[str], None] = lambda message: None,
    ) -> Collection:
        """Read the source; options as for the function `read`.

        With `allow_empty` none of the playlists needs to hold a track: titles may do. `say` is told
        what was read before.
        """
        if order not in get_args(Order):
            raise InputError(f"order is {order!r}, expected auto, known or unknown")
        describe = None
        if self.names is not None:
            from segue.data.formats.name_tables import read_names  # with all readers of tables

            describe = read_names(self.names).of
        collector = Collector(self.options.listening, describe)
        report = ReadReport()
        with _open_aside(skip_bad) as aside:
            reject = rejecting(aside, report, skip=skip_bad is not False)
            reading = _Reading(collector, self.options, reject, advance, skip_bad is not False)
            reading.read(self.files, workers, folder, engine, say)
        digest, set_aside = reading.digest, reading.set_aside
        playlists, catalog = collector.finish(order)
        if not (len(playlists) if allow_empty else playlists.tracks.num_pairs):
            why = f"; set aside: {listed(set_aside)}" if set_aside else ""
            if report.skipped:
                first = "a bad record"
                if report.skipped > 1:
                    first = f"the first of {number(report.skipped)} bad records"
                why += f"; {first}: {report.first_skipped}"
            rows = collector.table_rows
            if rows.short:
                least = rows.listening.min_length
                remedy = "lower --min-length"
                if (rows.listening.top or least) < least:
                    remedy = "raise --top or " + remedy
                why += f"; {count(rows.short, 'list')} of fewer than {least} tracks: {remedy}"
            raise InputError(f"{self.name}: holds no playlist with a track{why}")
        if any(file.in_memory for file, _ in self.files):
            tracks = playlists.tracks
            update_digest(digest, playlists.ids, playlists.titles, catalog.track_ids)
            update_digest(digest, tracks.offsets, tracks.track_index)
        report.unreadable = self.unreadable
        report.guessed = {file.name: file.guessed for file, _ in self.files if file.guessed}
        report.form = either([format_.name for _, format_ in self.files], "and")
        report.files = len(self.files)
        report.passed_over = len(self.passed_over) + len(self.left_out) + len(self.histories)
        report.columns = self.columns
        report.playlists, report.pairs = len(playlists), playlists.tracks.num_pairs
        report.repeated_tracks = collector.repeated_tracks
        report.disputed_tracks = len(collector.disputed)
        rows = collector.table_rows
        if rows.short:
            set_aside["short session"] += rows.short
        report.told_apart, report.set_aside = collector.told_apart, dict(set_aside)
        report.named, report.known_by_id = collector.num_described, collector.known_by_id
        report.merged, report.order_unknown = rows.merged, collector.order_unknown
        report.ordered_playlists = int(playlists.order_known.sum())
        if all(format_.gives == "rows" for _, format_ in self.files):
            report.rows = rows.num_rows + report.skipped + set_aside[LOW_ROW]
        report.fingerprint = digest.hexdigest()
        return Collection(playlists, catalog, report, collector.locations)


class _Reading:
    """The reading of a source's files into a collector."""

    def __init__(
        self,
        collector: Collector,
        options: TableOptions,
        reject: Reject,
        advance: Callable[[int, int], None] | None,
        skip_bad: bool,
    ) -> None:
        self.collector, self.options, self.reject = collector, options, reject
        self.advance, self.skip_bad = advance, skip_bad
        self.digest = hashlib.sha256()
        self.set_aside: Counter[str] = Counter()

    def read(
        self,
        files: Sequence[tuple[SourceFile, Format]],
        workers: int | None,
        folder: Path | None,
        engine: Engine,
        say: Callable[[str], None],
    ) -> None:
        """Read the files in their order."""
        parts = grouped(files, self.options, skip_bad=self.skip_bad)
        groups = [part for part in parts if isinstance(part, FileGroup)]
        if kept := num_kept(groups, folder):
            say(f"Going on: {number(kept)} of {count(len(groups), 'group')} of files read before")
        coming = read_groups(groups, workers=workers, folder=folder, engine=engine)
        with closing(coming) as finished:
            for part in parts:
                if not isinstance(part, FileGroup):
                    self._file(*part)
                elif not self._group(part, next(finished)):
                    for file in part.files:
                        self._file(file, part.format)

    def _group(self, group: FileGroup, read: GroupRead) -> bool:
        """Add what was read of a group; False, and nothing is added, if a playlist came before."""
        if not self.collector.add_chunk(read.ids, read.chunk):
            return False
        for rejection in read.rejections:
            self.reject(*rejection[:4], track=rejection.track)
        self.set_aside += read.set_aside
        for digest in read.digests:
            self.digest.update(digest)
        for file in group.files:
            file.guessed = read.guessed.get(file.name)
        self._advance(group.size)
        return True

    def _file(self, file: SourceFile, format_: Format) -> None:
        """Read a file and add what is in it."""
        done = 0
        try:
            for now in self._bytes_read(file, format_):
                self._advance(now - done)
                done = now
        except UnreadableError as error:
            if not self.skip_bad:
                raise
            self.reject(*unreadable(file, error))
            return
        if not file.in_memory:
            self.digest.update(file.digest())

    def _bytes_read(self, file: SourceFile, format_: Format) -> Iterator[int]:
        """Add what is in a file; yields the bytes read so far."""
        if format_.gives == "rows":
            for part in format_.read(file, self.options, self.reject):
                if isinstance(part, Rows):
                    self.collector.add_rows(part, file)
                    yield part.bytes_read
                elif isinstance(part, SetAside):
                    self.set_aside[part.what] += part.count
        else:
            self.collector.add_playlists(
                file.name,
                whole_playlists(file, format_, self.options, self.reject, self.set_aside),
                self.reject,
                ordered=format_.ordered,
                named=format_.named,
                certain=format_.certain,
                columns=format_.columns,
            )
        yield file.size

    def _advance(self, size: int) -> None:
        if self.advance is not None:
            self.advance(size, self.collector.num_playlists)


@contextmanager
def _open_aside(skip_bad: bool | str | os.PathLike[str] | IO[str]) -> Iterator[IO[str] | None]:
    """The text file to write bad records to, if any."""
    if isinstance(skip_bad, bool):
        yield None
    elif isinstance(skip_bad, str | os.PathLike):
        try:
            with Path(skip_bad).open("w", encoding="utf-8") as aside:
                yield aside
        except OSError as error:  # a full disk, among others; a source's own are InputErrors
            reason = error.strerror or error
            raise ArtefactError(f"{skip_bad}: cannot be written ({reason})") from error
    else:
        yield skip_bad
