"""From any source of playlists to `Playlists` and a `Catalog`.

``read`` finds the files of a source, recognises the format of each among `FORMATS`, and collects
their playlists. `find` does only the first two, for callers that announce what will be read.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Real
from pathlib import Path
from typing import IO, Any

from segue.console import Progress, progress_of
from segue.data.collection import Collection, Source
from segue.data.encodings import codec_of
from segue.data.formats import FORMATS
from segue.data.formats.find_columns import UnrelatedTableError
from segue.data.formats.name_tables import beside, find_names
from segue.data.in_memory import is_in_memory, part_in_memory
from segue.data.order import Order
from segue.data.records import ENCODED, LISTENING, Format, TableOptions
from segue.data.report import either
from segue.data.sessions import Listening
from segue.data.source_file import SourceFile
from segue.data.sources import find_files
from segue.data.summary import say_read
from segue.engine import Engine, check_engine, check_workers
from segue.errors import InputError


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
    with_history: bool = False,
    order: Order = "auto",
    skip_bad: bool | str | os.PathLike[str] | IO[str] = False,
    playlist_ids: Sequence[str] | None = None,
    track_ids: Sequence[str] | None = None,
    workers: int | None = None,
    folder: str | os.PathLike[str] | None = None,
    engine: Engine = "local",
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
        `segue.data.formats.header_names.FIELDS` lists the names.
    artist_separator
        For tables: the separator between several artists in one text cell. Parquet and Arrow lists,
        and JSON lists (``["Queen", "David Bowie"]``), need none.
    header
        For text tables: whether the first line names the columns; by default it does if one of its
        cells is a name that is known or given.
    encoding
        Of text that does not state it (M3U, PLS, plain lists, text tables), such as ``"cp1251"``.
        By default UTF-8, UTF-16 if it is marked, or else a guess, which is in the report.
    at_least
        For tables: column → the least value that counts, such as ``{"rating": 4}``; rows with less
        or with nothing are left out.
    names
        For tables: another table, with names for the ids of tracks, such as MovieLens' movies.csv.
    session_gap, min_length, top
        For listening histories, and tables with a column of times: a session ends where
        `session_gap` minutes pass from one listen to the next (30); those of fewer than
        `min_length` tracks are left out (2). With `top`, a listener's most played tracks are one
        list instead, at most this many.
    with_history
        Read listening histories beside whole playlists, too, as in the zip of Spotify's
        account data; by default they are left out there.
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
    workers
        Processes that read slices, of large sources (256 MiB and more); None: this one, or with
        Ray one for each core. A script that asks for several needs
        ``if __name__ == "__main__":``, as `multiprocessing` requires.
    folder
        Where what has been read of a large source is kept, so that the same call continues after an
        interruption; remove it when you have the result. None: nothing is kept.
    engine
        ``"ray"`` reads the slices of large sources on the machines of a Ray cluster, which all see
        `source` and `folder` under the same paths.
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
    check_workers(workers)
    check_engine(engine)
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
        with_history=with_history,
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
            workers=workers,
            folder=None if folder is None else Path(folder),
            engine=engine,
            say=report.say,
        )
    say_read(found, collection.report, order, report)
    return collection


def find(
    source: Any,
    *,
    playlist_ids: Sequence[str] | None = None,
    track_ids: Sequence[str] | None = None,
    with_history: bool = False,
    encoding: str | None = None,
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
    codec = None if encoding is None else codec_of(encoding)
    options = _table_options(given)
    if is_in_memory(source):
        name = type(source).__name__
        found = _Recognised([part_in_memory(source, playlist_ids, track_ids)])
        files = []
    else:
        if playlist_ids is not None or track_ids is not None:
            raise InputError("playlist_ids and track_ids are for a matrix")
        files = find_files(source)
        for file in files:
            file.encoding = codec
        name = str(source) if isinstance(source, str | os.PathLike) else "the source"
        found = _recognised(files, options, list(given), with_history=with_history)
        if not found.files:
            raise _nothing(name, found)
    if with_history and not any(f.is_history(file, options) for file, f in found.files):
        raise InputError(f"{name}: holds no listening history, but --with-history reads one")
    if codec is not None:
        given = {**given, "encoding": codec}
    _check_options(name, found, list(given), with_history=with_history)
    if "slices" in given:
        first, last = given["slices"]
        if not 0 <= first <= last < len(found.files):
            raise InputError(
                f"{name}: has slices 0 to {len(found.files) - 1}, but {first} to {last} were "
                "asked for"
            )
        found.files = found.files[first : last + 1]
    names = find_names(options.names, codec) if options.names else None
    if all(format_.gives == "rows" for _, format_ in found.files):
        found.files, beside_them, others = beside(files, found.files, options)
        names = names or beside_them
        kept = [other for other in found.passed_over if not names or other != names.name]
        found.passed_over = kept + others
    described = _described(found, options)
    file, format_ = found.files[0]
    return Source(
        name,
        found.files,
        found.passed_over,
        found.left_out,
        found.histories,
        found.unreadable,
        options,
        described[0] if described else "",
        names,
        format_.advise(file, options) if format_.advise else [],
    )


def _described(found: _Recognised, options: TableOptions) -> list[str]:
    """What the columns of tables are; those about something else, beside others, are left out.

    Raises
    ------
    InputError
        If one that was named has no playlists, or none has any.
    """
    described, kept = [], []
    first: InputError | None = None
    for file, format_ in found.files:
        if format_.describe is not None:
            try:
                described.append(format_.describe(file, options))
            except UnrelatedTableError as error:
                if not file.root:
                    raise
                first = first or error
                found.unreadable[file.name] = str(error).removeprefix(f"{file.name}: ")
                continue
        kept.append((file, format_))
    if first is not None and not kept:
        raise first
    found.files = kept
    return described


@dataclass
class _Recognised:
    """Files by what is to be done with them; see `Source`."""

    files: list[tuple[SourceFile, Format]] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    histories: list[str] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)


def _nothing(name: str, found: _Recognised) -> InputError:
    known = either([format_.name for format_ in FORMATS], "or")
    for file, reason in found.unreadable.items():
        return InputError(f"{name}: holds no playlists that can be read; {file}: {reason}")
    return InputError(f"{name}: holds no playlists in a known format, expected {known}")


def _check_options(
    name: str, found: _Recognised, given: Sequence[str], *, with_history: bool
) -> None:
    """Raise InputError for an option that has nothing to apply to."""
    for option in given:
        takers = [option in format_.options for _, format_ in found.files]
        # Of a mixture some know their encoding, and some are histories.
        some = option in ENCODED or (with_history and option in LISTENING)
        if all(takers) or (some and any(takers)):
            continue
        unfit = found.files[takers.index(False)][1]
        fit = either([f.name for f in FORMATS if option in f.options], "and")
        shown = "--no-header" if option == "header" else f"--{option.replace('_', '-')}"
        more = ""
        if found.histories and option in LISTENING:
            more = "; --with-history reads the listening history beside it"
        raise InputError(f"{name}: holds {unfit.name}, but {shown} is for {fit}{more}")


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
        **{name: given[name] for name in ("artist_separator",) if name in given},
    )


def _recognised(
    files: list[SourceFile], options: TableOptions, given: Sequence[str], *, with_history: bool
) -> _Recognised:
    """Recognise files, format by format.

    Tables are read only if there are no files of whole playlists, and histories beside these only
    if asked for. Formats that the options given are for come first: to say which column is the
    playlist makes a table of what may be something else.
    """
    formats = sorted(FORMATS, key=lambda format_: not format_.options.issuperset(given))
    of_format: dict[str, list[SourceFile]] = {}
    result = _Recognised()
    for file in files:
        format_ = next((format_ for format_ in formats if format_.recognises(file)), None)
        if format_ is not None:
            of_format.setdefault(format_.name, []).append(file)
        elif file.fault:
            result.unreadable[file.name] = file.fault
        else:
            result.passed_over.append(file.name)
    known = [format_ for format_ in FORMATS if format_.name in of_format]
    whole = [format_ for format_ in known if format_.gives == "playlists"]
    for format_ in whole or known:
        chosen = format_.select(of_format[format_.name])
        result.files += [(file, format_) for file in chosen]
        others = [file.name for file in of_format[format_.name] if file not in chosen]
        result.passed_over += others
    for format_ in known if whole else ():
        for file in of_format[format_.name] if format_ not in whole else ():
            heard = format_.is_history(file, options)
            if heard and with_history:
                result.files.append((file, format_))
            else:
                (result.histories if heard else result.left_out).append(file.name)
    return result
