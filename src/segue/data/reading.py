"""From any source of playlists to `Playlists` and a `Catalog`.

``read`` finds the files of a source, recognises the format of each among `FORMATS`, and collects
their playlists. `find` does only the first two, for callers that announce what will be read.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from numbers import Real
from pathlib import Path
from typing import IO, Any, get_args

from segue.console import Progress, count, number, progress_of
from segue.data.collect import Collector, Order
from segue.data.formats import FORMATS
from segue.data.formats.name_tables import beside, find_names, read_names
from segue.data.in_memory import is_in_memory, part_in_memory
from segue.data.playlists import Catalog, Playlists
from segue.data.records import (
    LISTENING,
    LOW_ROW,
    AnyPlaylist,
    Format,
    Location,
    Reject,
    Rows,
    SetAside,
    TableOptions,
)
from segue.data.relations import update_digest
from segue.data.report import ReadReport, rejecting
from segue.data.sessions import Listening
from segue.data.sources import SourceFile, find_files
from segue.data.text import shorten
from segue.errors import ArtefactError, InputError

_CHUNK = 10_000  # Whole playlists collected at a time.
_NUM_NAMED = 5  # Ignored files that are named, first those that might have held playlists:
_LIKELY = (".zip", ".csv", ".tsv", ".json", ".parquet", ".txt", ".gz")


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
    ) -> Collection:
        """Read the source; options as for the function `read`.

        With `allow_empty` none of the playlists needs to hold a track: titles may do.
        """
        if order not in get_args(Order):
            raise InputError(f"order is {order!r}, expected auto, known or unknown")
        describe = None if self.names is None else read_names(self.names, self.options).of
        collector = Collector(self.options.listening, describe)
        report, digest = ReadReport(), hashlib.sha256()
        set_aside: Counter[str] = Counter()
        with _open_aside(skip_bad) as aside:
            reject = rejecting(aside, report, skip=skip_bad is not False)
            for file, format_ in self.files:
                done = 0
                for done_now in _collect(collector, file, format_, self.options, reject, set_aside):
                    if advance is not None:
                        advance(done_now - done, collector.num_playlists)
                    done = done_now
                if not file.in_memory:
                    digest.update(file.digest())
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
        report.form = _either([format_.name for _, format_ in self.files], "and")
        report.files = len(self.files)
        report.passed_over = len(self.passed_over) + len(self.left_out)
        report.columns = self.columns
        report.playlists, report.pairs = len(playlists), playlists.tracks.num_pairs
        report.repeated_tracks = collector.repeated_tracks
        report.disputed_tracks = len(collector.disputed)
        rows = collector.table_rows
        if rows.short:
            set_aside["short session"] += rows.short
        report.told_apart, report.set_aside = collector.told_apart, dict(set_aside)
        report.named = collector.num_described
        report.merged, report.order_unknown = rows.merged, collector.order_unknown
        report.ordered_playlists = int(playlists.order_known.sum())
        if all(format_.gives == "rows" for _, format_ in self.files):
            report.rows = rows.num_rows + report.skipped + set_aside[LOW_ROW]
        report.fingerprint = digest.hexdigest()
        return Collection(playlists, catalog, report, collector.locations)


def read(
    source: Any,
    *,
    slices: tuple[int, int] | None = None,
    columns: Mapping[str, str | int] | None = None,
    artist_separator: str | None = None,
    header: bool | None = None,
    encoding: str | None = None,
    at_least: Mapping[str, float] | None = None,
    names: str | os.PathLike[str] | None = None,
    session_gap: float | None = None,
    min_length: int | None = None,
    top: int | None = None,
    order: Order = "auto",
    skip_bad: bool | str | os.PathLike[str] | IO[str] = False,
    playlist_ids: Sequence[str] | None = None,
    track_ids: Sequence[str] | None = None,
    progress: bool | Progress = False,
) -> Collection:
    """Read playlists from files or from memory.

    A track that is repeated in a playlist counts once, at its first position. Where a playlist,
    track, artist or album is described twice, the first description counts. Ids are text; numbers
    are converted to text.

    Parameters
    ----------
    source
        One of

        - a path: a file, a folder, a zip, a glob pattern, or a list of these. Files may be lists of
          music players (M3U, PLS, XSPF, JSPF), what services export (Spotify's account data,
          Exportify), songs in plain text, slices of the Million Playlist Dataset, or tables (CSV
          and the like, Parquet) with one row per track of a playlist;
        - an open file of text or bytes with any of these, such as ``io.StringIO(pasted)``;
        - a table in memory: a pandas or polars DataFrame, an Arrow table, or anything else with
          ``__arrow_c_stream__``;
        - a list of playlists, or a dictionary from title to playlist; a playlist is a list of
          tracks, a track an id or ``(artist, title)``, where `artist` may be a list, or a
          dictionary with ``title``, ``artist``, ``id``, ``album``, ``isrc``, as far as known;
        - a sparse SciPy matrix [num_playlists, num_tracks]: nonzero entries are pairs.
    slices
        First and last slice to read, counted from 0 in numerical order, both included.
    columns
        For tables: field → the name of its column, or its number from 1; an empty ``"artist"`` says
        that no artists are known. Fields not given are found by column name;
        `segue.data.formats.columns.FIELDS` lists the names.
    artist_separator
        For tables: the separator between several artists in one text cell. Parquet and Arrow lists,
        and JSON lists (``["Queen", "David Bowie"]``), need none.
    header
        For text tables: whether the first line names the columns; by default it does if one of its
        cells is a name that is known or given.
    encoding
        For text tables: such as ``"latin-1"``; by default UTF-8, or UTF-16 where its mark stands.
    at_least
        For tables: column → the least value that counts, such as ``{"rating": 4}``; rows with less
        or with nothing are left out.
    names
        For tables: another table, with names for the ids of tracks, such as MovieLens' movies.csv.
    session_gap, min_length, top
        For listening histories, and tables with a column of times: a session ends where
        `session_gap` minutes pass from one listen to the next (30); those of fewer than
        `min_length` tracks are left out (2). With `top`, a listener's most played tracks are one
        list instead, so many at most.
    order
        Whether the order of tracks is meaningful. ``"auto"``: it is in what players and services
        write and in tables with a position column; elsewhere it is not if the ids of a playlist's
        tracks are sorted, since they were then stored as a set, or in a table of users and items.
    skip_bad
        By default the first bad record is an error. True skips and counts bad records, and of a
        playlist with a bad track only the track; a path or a text file also has them written there,
        one JSON object per line (``file``, ``record``, ``reason``, ``content``).
    playlist_ids, track_ids
        Of the rows and columns of a matrix; by default their numbers from 0.
    progress
        True reports on standard error what was read.

    Returns
    -------
    Collection
        With ``playlists``, ``catalog`` and a ``report`` of what was skipped and why.

    Raises
    ------
    InputError
        Naming the file, the record and what was expected.

    Examples
    --------
    >>> mine = segue.read({"road trip": [("Queen", "Don't Stop Me Now"), ("Abba", "Waterloo")]})
    >>> mine.report.playlists, mine.catalog.num_tracks
    (1, 2)
    """
    report = progress_of(progress)
    found = find(
        source,
        slices=slices,
        columns=columns,
        artist_separator=artist_separator,
        header=header,
        encoding=encoding,
        at_least=at_least,
        names=names,
        session_gap=session_gap,
        min_length=min_length,
        top=top,
        playlist_ids=playlist_ids,
        track_ids=track_ids,
    )
    if found.columns:
        report.say(f"Columns: {found.columns}")
    for sentence in found.advice:
        report.say(f"  {sentence}")
    with report.bar("Reading", found.size, "playlists") as bar:
        collection = found.read(
            order=order,
            skip_bad=skip_bad,
            advance=lambda size, done: bar.advance(size, done=done),
        )
    _say_read(found, collection.report, order, report)
    return collection


def find(
    source: Any,
    *,
    playlist_ids: Sequence[str] | None = None,
    track_ids: Sequence[str] | None = None,
    **given: Any,
) -> Source:
    """Find the files of a source and recognise their formats, without reading them.

    The parameters are those of `read`, `given` those for some formats only.

    Raises
    ------
    InputError
        If there is nothing at `source`, nothing in a known format, or a table lacks a column.
    """
    given = {option: value for option, value in given.items() if value not in (None, {}, "")}
    files: list[SourceFile] = []
    passed_over: list[str] = []
    left_out: list[str] = []
    if is_in_memory(source):
        name = type(source).__name__
        found = [part_in_memory(source, playlist_ids, track_ids)]
    else:
        if playlist_ids is not None or track_ids is not None:
            raise InputError("playlist_ids and track_ids are for a matrix")
        files = find_files(source)
        name = str(source) if isinstance(source, str | os.PathLike) else "the source"
        found, passed_over, left_out = _recognised(files, list(given))
        if not found:
            known = _either([format_.name for format_ in FORMATS], "or")
            raise InputError(f"{name}: holds no playlists in a known format, expected {known}")
    for option in given:
        unfit = next((format_ for _, format_ in found if option not in format_.options), None)
        if unfit is not None:
            fit = _either([f.name for f in FORMATS if option in f.options], "and")
            shown = "--no-header" if option == "header" else f"--{option.replace('_', '-')}"
            raise InputError(f"{name}: holds {unfit.name}, but {shown} is for {fit}")
    if "slices" in given:
        first, last = given["slices"]
        if not 0 <= first <= last < len(found):
            raise InputError(
                f"{name}: has slices 0 to {len(found) - 1}, but {first} to {last} were asked for"
            )
        found = found[first : last + 1]
    options = _table_options(given)
    names = find_names(options.names, options) if options.names else None
    if all(format_.gives == "rows" for _, format_ in found):
        found, beside_them, others = beside(files, found, options)
        names = names or beside_them
        passed_over = [other for other in passed_over if not names or other != names.name] + others
    described = [format_.describe(file, options) for file, format_ in found if format_.describe]
    shown = described[0] if described else ""
    file, format_ = found[0]
    advice = format_.advise(file, options) if format_.advise else []
    return Source(name, found, passed_over, left_out, options, shown, names, advice)


def _least(column: Any, value: Any) -> float:
    if not isinstance(value, Real):
        raise InputError(f"at_least[{column!r}] is {value!r}, expected a number")
    return float(value)


def _table_options(given: Mapping[str, Any]) -> TableOptions:
    listening = {name: given[name] for name in LISTENING if name in given}
    # A column may be given by its number.
    columns = {
        field: str(at) if isinstance(at, int) else at
        for field, at in given.get("columns", {}).items()
    }
    return TableOptions(
        columns,
        header=given.get("header"),
        at_least={str(at): _least(at, value) for at, value in given.get("at_least", {}).items()},
        names=str(given["names"]) if "names" in given else None,
        listening=Listening(**listening) if listening else None,
        **{name: given[name] for name in ("artist_separator", "encoding") if name in given},
    )


def _recognised(
    files: list[SourceFile], given: Sequence[str]
) -> tuple[list[tuple[SourceFile, Format]], list[str], list[str]]:
    """The files to read, format by format; the names of other files; those of tables left out.

    Tables are read only if there are no files of whole playlists. Formats that the options given
    are for come first: to say which column is the playlist makes a table of what may be something
    else.
    """
    formats = sorted(FORMATS, key=lambda format_: not format_.options.issuperset(given))
    of_format: dict[str, list[SourceFile]] = {}
    passed_over = []
    for file in files:
        format_ = next((format_ for format_ in formats if format_.recognises(file)), None)
        if format_ is None:
            passed_over.append(file.name)
        else:
            of_format.setdefault(format_.name, []).append(file)
    known = [format_ for format_ in FORMATS if format_.name in of_format]
    whole = [format_ for format_ in known if format_.gives == "playlists"]
    found = []
    for format_ in whole or known:
        chosen = format_.select(of_format[format_.name])
        found += [(file, format_) for file in chosen]
        passed_over += [file.name for file in of_format[format_.name] if file not in chosen]
    left_out = [
        file.name for format_ in known if whole and format_ not in whole
        for file in of_format[format_.name]
    ]  # fmt: skip
    return found, passed_over, left_out


def _either(names: Sequence[str], word: str) -> str:
    """``"a, b or c"``, each once."""
    *others, last = dict.fromkeys(names)
    return f"{', '.join(others)} {word} {last}" if others else last


def _collect(
    collector: Collector,
    file: SourceFile,
    format_: Format,
    options: TableOptions,
    reject: Reject,
    set_aside: Counter[str],
) -> Iterator[int]:
    """Add a file's playlists; yields the bytes read so far."""
    waiting: list[tuple[str, AnyPlaylist]] = []

    def add_waiting() -> None:
        collector.add_playlists(
            file.name,
            waiting,
            reject,
            ordered=format_.ordered,
            named=format_.named,
            certain=format_.certain,
        )
        waiting.clear()

    for part in format_.read(file, options, reject):
        if isinstance(part, Rows):
            collector.add_rows(part, file.name)
            yield part.bytes_read
        elif isinstance(part, SetAside):
            set_aside[part.what] += part.count
        else:
            waiting.append(part)
            if len(waiting) == _CHUNK:
                add_waiting()
    if format_.gives == "playlists":
        add_waiting()
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


def _say_read(source: Source, read: ReadReport, order: Order, report: Progress) -> None:
    """Report what was read and what was not."""
    if read.rows:
        report.say(f"Read {count(read.files, 'table')}, {count(read.rows, 'row')}:")
    else:
        report.say(f"Read {count(read.files, 'file')}, {read.form}:")
    report.say(f"  {count(read.playlists, 'playlist')} with {count(read.pairs, 'pair')}")
    if order == "auto":
        report.say(f"  order of tracks known in {count(read.ordered_playlists, 'playlist')}")
        for reason, playlists in read.order_unknown.items():
            report.say(f"  unknown in {number(playlists)}: {reason}")
    if read.merged:
        num = count(read.merged, "playlist")
        report.say(f"  {num} with rows in several places, read as one each")
    if read.set_aside:
        report.say(f"  set aside: {listed(read.set_aside)}")
    if read.told_apart:
        num = count(read.told_apart, "playlist")
        report.say(f"  {num} renamed, as in 'mix (2)': the name was taken")
    if source.names is not None:
        shown = Path(source.names.name).name
        report.say(f"  {count(read.named, 'track')} named by {shown}")
    if read.repeated_tracks:
        report.say(f"  {count(read.repeated_tracks, 'repeated track')} counted once")
    if source.left_out:
        num = count(len(source.left_out), "file")
        shown = _first(source.left_out)
        report.say(f"  {num} of rows or listens not read beside whole playlists: {shown}")
    if source.passed_over:
        num = count(len(source.passed_over), "other file")
        likely = sorted(source.passed_over, key=lambda name: not name.lower().endswith(_LIKELY))
        report.say(f"  {num} ignored: {_first(likely)}")
    if read.disputed_tracks:
        num = count(read.disputed_tracks, "track")
        report.say(f"  {num} with different artists, the first counts")
        track = dict(part.split(" = ") for part in read.columns.split(", ")).get("track")
        if track:
            report.say(f"  (if {track!r} holds names and no ids: --columns track_name={track})")


def listed(set_aside: Mapping[str, int]) -> str:
    """What was set aside, in words: ``"12 local files, 1 episode"``."""
    return ", ".join(count(number, what) for what, number in set_aside.items())


def _first(names: Sequence[str]) -> str:
    """The first few of some files, without their folders."""
    shown = [shorten(Path(name).name, 60) for name in names[:_NUM_NAMED]]
    return ", ".join(shown) + (" …" if len(names) > _NUM_NAMED else "")
