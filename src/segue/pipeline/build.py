"""From a source of playlists to a graph: `segue.read`, `segue.build` and `segue build`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from numbers import Integral
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any, get_args

from segue.console import Progress, count, number, progress_of
from segue.data.collect import Order
from segue.data.reading import Collection, find
from segue.data.title_words import MIN_TITLES, with_title_words
from segue.errors import InputError
from segue.files import refuse_existing
from segue.graph.playlist_graph import PlaylistGraph


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

        - a path: a file, a folder, a zip, a glob pattern, or a list of these. Files may be slices
          of the Million Playlist Dataset, or tables (CSV and the like, Parquet) with one row per
          track of a playlist;
        - a table in memory: a pandas or polars DataFrame, an Arrow table, or anything else with
          ``__arrow_c_stream__``;
        - a list of playlists, or a dictionary from title to playlist; a playlist is a list of
          tracks, a track an id or ``(artist, title)``, where `artist` may be a list;
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
    order
        Whether the order of tracks is meaningful. ``"auto"``: it is not if the ids of a playlist's
        tracks are sorted, since they were then stored as a set, or in a table of users and items
        without a position column.
    skip_bad
        By default the first bad record is an error. True skips and counts bad records; a path or a
        text file also has them written there, one JSON object per line (``file``, ``record``,
        ``reason``, ``content``).
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
    if order not in get_args(Order):
        raise InputError(f"order is {order!r}, expected {', '.join(get_args(Order))}")
    report = progress_of(progress)
    found = find(
        source,
        slices=slices,
        columns=columns,
        artist_separator=artist_separator,
        playlist_ids=playlist_ids,
        track_ids=track_ids,
    )
    if found.columns:
        report.say(f"Columns: {found.columns}")
    with report.bar("Reading", found.size, "playlists") as bar:
        collection = found.read(
            order=order,
            skip_bad=skip_bad,
            advance=lambda size, done: bar.advance(size, done=done),
        )
    _say_read(collection, order, report)
    return collection


def build(
    source: Any,
    *,
    k_core: int = 0,
    title_words: bool = False,
    progress: bool | Progress = False,
    **options: Any,
) -> PlaylistGraph:
    """Build a graph of playlists, tracks and artists.

    Parameters
    ----------
    source : Collection, or any source for `read`
    k_core
        Remove playlists and tracks with fewer pairs than this, until none is left; 0 keeps all.
        An artist stays as long as one of its tracks does.
    title_words
        Link playlists to the words of their titles (see `segue.data.title_words`).
    progress
        True reports on standard error what was read, kept and removed.
    options
        Options of `read`, if `source` has to be read.

    Raises
    ------
    InputError
        If something cannot be read, nothing is left in the k-core, or no word is in enough titles.

    Examples
    --------
    >>> graph = segue.build("playlists", k_core=3)
    >>> sorted(graph.num_nodes)
    ['album', 'artist', 'playlist', 'track']
    """
    if not isinstance(k_core, Integral) or k_core < 0:
        raise InputError(f"k_core is {k_core!r}, expected a whole number from 0")
    report = progress_of(progress)
    if isinstance(source, Collection):
        if options:
            raise InputError(f"{', '.join(options)}: options for a source that is read already")
        collection, name = source, "the collection"
    else:
        collection = read(source, progress=report, **options)
        # Printing playlists in memory would bury the message.
        named = isinstance(source, str | os.PathLike)
        name = str(source) if named else f"the {type(source).__name__}"
    counts = {fact: n for fact, n in vars(collection.report).items() if fact != "fingerprint"}
    graph = PlaylistGraph(
        collection.playlists,
        collection.catalog,
        {
            "source": name if isinstance(source, str | os.PathLike) else type(source).__name__,
            **{option: value for option, value in options.items() if _plain(value)},
            "k_core": k_core,
            "title_words": title_words,
            "read": counts,
            "input_fingerprint": collection.report.fingerprint,
        },
    )
    if k_core:
        whole, graph = graph.num_nodes, graph.k_core(k_core)
        report.say(f"{k_core}-core:")
        for kind, before in whole.items():
            stayed = graph.num_nodes[kind]
            report.say(f"  {kind}s: {number(stayed)} stayed, {number(before - stayed)} went")
        if not graph.playlists.tracks.num_pairs:
            raise InputError(f"nothing is left of {name} in the {k_core}-core; try a smaller k")
    if title_words:
        playlists, catalog = with_title_words(graph.playlists, graph.catalog)
        graph = replace(graph, playlists=playlists, catalog=catalog)
        if not graph.num_nodes["word"]:
            raise InputError(f"no word is in the titles of {MIN_TITLES} playlists of {name}")
    return graph


def build_to(
    source: str,
    out: Path,
    *,
    skip_bad: bool = False,
    overwrite: bool = False,
    progress: Progress,
    **options: Any,
) -> PlaylistGraph:
    """Like `build`, and write the graph to `out`; bad records go into its folder.

    Raises
    ------
    ArtefactError
        If `out` is in the way.
    """
    refuse_existing(out, "graph", overwrite=overwrite)
    with TemporaryDirectory() as scratch:
        aside = Path(scratch) / "skipped.jsonl"
        graph = build(source, skip_bad=aside if skip_bad else False, progress=progress, **options)
        num_skipped = graph.options["read"]["skipped"]
        graph.save(out, overwrite=overwrite, extra=aside if num_skipped else None)
    if num_skipped:
        progress.say(f"{count(num_skipped, 'bad record')} set aside in {out}/skipped.jsonl")
    return graph


def _say_read(collection: Collection, order: Order, report: Progress) -> None:
    """Report what was read and what was not."""
    read = collection.report
    if read.rows:
        report.say(f"Read {count(read.files, 'table')}, {count(read.rows, 'row')}:")
    else:
        records = read.playlists + read.skipped
        report.say(f"Read {count(read.files, 'file')}, {count(records, 'record')}:")
    report.say(f"  {count(read.playlists, 'playlist')} with {count(read.pairs, 'pair')}")
    if order == "auto":
        report.say(f"  order of tracks known in {count(read.ordered_playlists, 'playlist')}")
    if read.passed_over:
        report.say(f"  {count(read.passed_over, 'other file')} ignored")
    if read.repeated_tracks:
        report.say(f"  {count(read.repeated_tracks, 'repeated track')} counted once")
    if read.disputed_tracks:
        num = count(read.disputed_tracks, "track")
        report.say(f"  {num} with different artists, the first counts")
        track = dict(part.split(" = ") for part in read.columns.split(", ")).get("track")
        if track:
            report.say(f"  (if {track!r} holds names and no ids: --columns track_name={track})")


def _plain(value: Any) -> bool:
    """Whether a manifest can contain it."""
    if isinstance(value, Mapping):
        return all(map(_plain, value.values()))
    if isinstance(value, list | tuple):
        return all(map(_plain, value))
    return value is None or isinstance(value, str | int | float | bool)
