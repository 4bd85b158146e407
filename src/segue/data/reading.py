"""From any source of playlists to `Playlists` and a `Catalog`.

``read`` finds the files of a source, recognises the format of each among `FORMATS`, and collects
their playlists. `find` does only the first two, for callers that announce what will be read.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, get_args

from segue.data.collect import Collector, Order
from segue.data.formats import FORMATS
from segue.data.in_memory import is_in_memory, part_in_memory
from segue.data.playlists import Catalog, Playlists
from segue.data.records import AnyPlaylist, Format, Reject, Rows, TableOptions
from segue.data.relations import update_digest
from segue.data.report import ReadReport, rejecting
from segue.data.sources import SourceFile, find_files
from segue.errors import ArtefactError, InputError

_CHUNK = 10_000  # Whole playlists collected at a time.


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

    Examples
    --------
    >>> segue.read([["a", "b"], ["b", "c"]])
    Collection(2 playlists, 4 pairs, 3 tracks, 0 artists)
    """

    playlists: Playlists
    catalog: Catalog
    report: ReadReport = field(default_factory=ReadReport)

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
    passed_over
        Files of no known format, or not of the chosen one.
    options
        For tables.
    columns
        For tables, a readable account of which column is read as which field; else empty.
    """

    name: str
    files: list[tuple[SourceFile, Format]]
    passed_over: int = 0
    options: TableOptions = field(default_factory=TableOptions)
    columns: str = ""

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
    ) -> Collection:
        """Read the source; options as for the function `read`."""
        if order not in get_args(Order):
            raise InputError(f"order is {order!r}, expected auto, known or unknown")
        collector, report, digest = Collector(), ReadReport(), hashlib.sha256()
        with _open_aside(skip_bad) as aside:
            reject = rejecting(aside, report, skip=skip_bad is not False)
            for file, format_ in self.files:
                done = 0
                for done_now in _collect(collector, file, format_, self.options, reject):
                    if advance is not None:
                        advance(done_now - done, len(collector.titles))
                    done = done_now
                if not file.in_memory:
                    digest.update(file.digest())
        playlists, catalog = collector.finish(order)
        if not playlists.tracks.num_pairs:
            bad = f"; the first of {report.skipped} bad records: {report.first_skipped}"
            bad = bad if report.skipped else ""
            raise InputError(f"{self.name}: holds no playlist with a track{bad}")
        if any(file.in_memory for file, _ in self.files):
            tracks = playlists.tracks
            update_digest(digest, playlists.ids, playlists.titles, catalog.track_ids)
            update_digest(digest, tracks.offsets, tracks.track_index)
        report.form = " and ".join(dict.fromkeys(format_.name for _, format_ in self.files))
        report.files, report.passed_over = len(self.files), self.passed_over
        report.columns = self.columns
        report.playlists, report.pairs = len(playlists), playlists.tracks.num_pairs
        report.repeated_tracks = collector.repeated_tracks
        report.disputed_tracks = len(collector.disputed)
        report.ordered_playlists = int(playlists.order_known.sum())
        if all(format_.gives == "rows" for _, format_ in self.files):
            report.rows = report.pairs + report.repeated_tracks + report.skipped
        report.fingerprint = digest.hexdigest()
        return Collection(playlists, catalog, report)


def read(
    source: Any,
    *,
    slices: tuple[int, int] | None = None,
    columns: Mapping[str, str | int] | None = None,
    artist_separator: str | None = None,
    order: Order = "auto",
    skip_bad: bool | str | os.PathLike[str] | IO[str] = False,
    playlist_ids: Sequence[str] | None = None,
    track_ids: Sequence[str] | None = None,
    advance: Callable[[int, int], None] | None = None,
) -> Collection:
    """Read playlists.

    Parameters
    ----------
    source, slices, columns, artist_separator, order, skip_bad, playlist_ids, track_ids
        As for `segue.read`.
    advance
        Called now and then with (bytes read since the last call, playlists read so far).

    Raises
    ------
    InputError
        Naming the file, the record and what was expected.
    """
    found = find(
        source,
        slices=slices,
        columns=columns,
        artist_separator=artist_separator,
        playlist_ids=playlist_ids,
        track_ids=track_ids,
    )
    return found.read(order=order, skip_bad=skip_bad, advance=advance)


def find(
    source: Any,
    *,
    slices: tuple[int, int] | None = None,
    columns: Mapping[str, str | int] | None = None,
    artist_separator: str | None = None,
    playlist_ids: Sequence[str] | None = None,
    track_ids: Sequence[str] | None = None,
) -> Source:
    """Find the files of a source and recognise their formats, without reading them.

    The parameters are those of `read`.

    Raises
    ------
    InputError
        If there is nothing at `source`, nothing in a known format, or a table lacks a column.
    """
    if is_in_memory(source):
        name, found, passed_over = (
            type(source).__name__,
            [part_in_memory(source, playlist_ids, track_ids)],
            0,
        )
    else:
        if playlist_ids is not None or track_ids is not None:
            raise InputError("playlist_ids and track_ids are for a matrix")
        name = str(source) if isinstance(source, str | os.PathLike) else "the source"
        files = find_files(source)
        found = list(_recognised(files))
        passed_over = len(files) - len(found)
        if not found:
            raise InputError(f"{name}: holds no playlists in a known format, expected {_known()}")
    given = {"slices": slices, "columns": columns, "artist_separator": artist_separator}
    for option in [option for option, value in given.items() if value]:
        unfit = next((format_ for _, format_ in found if option not in format_.options), None)
        if unfit is not None:
            fit = " and ".join(f.name for f in FORMATS if option in f.options)
            shown = f"--{option.replace('_', '-')}"
            raise InputError(f"{name}: holds {unfit.name}, but {shown} is for {fit}")
    if slices is not None:
        first, last = slices
        if not 0 <= first <= last < len(found):
            raise InputError(
                f"{name}: has slices 0 to {len(found) - 1}, but {first} to {last} were asked for"
            )
        found = found[first : last + 1]
    # A column may be given by its number.
    stated = {name: str(at) if isinstance(at, int) else at for name, at in (columns or {}).items()}
    options = TableOptions(stated, artist_separator)
    described = [format_.describe(file, options) for file, format_ in found if format_.describe]
    return Source(name, found, passed_over, options, described[0] if described else "")


def _recognised(files: list[SourceFile]) -> Iterator[tuple[SourceFile, Format]]:
    """The files to read, format by format; tables only if there are no files of whole playlists."""
    of_format: dict[str, list[SourceFile]] = {}
    for file in files:
        format_ = next((format_ for format_ in FORMATS if format_.recognises(file)), None)
        if format_ is not None:
            of_format.setdefault(format_.name, []).append(file)
    known = [format_ for format_ in FORMATS if format_.name in of_format]
    whole = [format_ for format_ in known if format_.gives == "playlists"]
    for format_ in whole or known:
        for file in format_.select(of_format[format_.name]):
            yield file, format_


def _known() -> str:
    *others, last = (format_.name for format_ in FORMATS)
    return f"{', '.join(others)} or {last}"


def _collect(
    collector: Collector,
    file: SourceFile,
    format_: Format,
    options: TableOptions,
    reject: Reject,
) -> Iterator[int]:
    """Add a file's playlists; yields the bytes read so far."""
    waiting: list[tuple[str, AnyPlaylist]] = []
    for part in format_.read(file, options, reject):
        if isinstance(part, Rows):
            collector.add_rows(part)
            yield part.bytes_read
            continue
        waiting.append(part)
        if len(waiting) == _CHUNK:
            collector.add_playlists(file.name, waiting, reject, ordered=format_.ordered)
            waiting.clear()
    if format_.gives == "playlists":
        collector.add_playlists(file.name, waiting, reject, ordered=format_.ordered)
    yield file.size


@contextmanager
def _open_aside(skip_bad: bool | str | os.PathLike[str] | IO[str]) -> Iterator[IO[str] | None]:
    """The text file to write bad records to, if any."""
    if isinstance(skip_bad, bool):
        yield None
    elif isinstance(skip_bad, str | os.PathLike):
        try:
            aside = Path(skip_bad).open("w", encoding="utf-8")  # noqa: SIM115 - closed below
        except OSError as error:
            reason = error.strerror or error
            raise ArtefactError(f"{skip_bad}: cannot be written ({reason})") from error
        with aside:
            yield aside
    else:
        yield skip_bad
