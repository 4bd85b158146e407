"""`segue build` and `segue info`: from playlists to a graph, and what is in it."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from segue.cli.output import command, print_json, print_table
from segue.console import count, number, progress_bar, say

if TYPE_CHECKING:
    from segue.data.collect import Order
    from segue.data.reading import Collection
    from segue.graph.playlist_graph import PlaylistGraph

_Function = TypeVar("_Function", bound=Callable[..., Any])


class SliceRange(click.ParamType[tuple[int, int]]):
    """``0-49`` or ``7``: first and last slice."""

    name = "FIRST-LAST"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        """Parse, or fail with what was expected."""
        match = re.fullmatch(r"(\d+)(?:-(\d+))?", str(value))
        if not match:
            self.fail(f"{value!r} is no range of slices, expected for example 0-49", param, ctx)
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first:
            self.fail(f"{value!r} ends before it begins", param, ctx)
        return first, last


class ColumnMap(click.ParamType[dict[str, str]]):
    """``playlist=userId,track=movieId``: which column is what."""

    name = "FIELD=COLUMN,…"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> dict[str, str]:
        """Parse, or fail with what was expected."""
        from segue.data.formats.columns import FIELDS

        columns = {}
        for part in str(value).split(","):
            field, equals, column = part.partition("=")
            if not equals or field.strip() not in FIELDS:
                self.fail(
                    f"{part!r} is no FIELD=COLUMN, expected for example playlist=userId, "
                    f"the field one of {', '.join(FIELDS)}",
                    param,
                    ctx,
                )
            columns[field.strip()] = column.strip()
        return columns


_SOURCE_OPTIONS = (
    click.option("--slices", type=SliceRange(), help="Only these slices, counted from 0."),
    click.option(
        "--columns",
        type=ColumnMap(),
        help="Which columns of a table are what, where their names do not say it.",
    ),
    click.option(
        "--artist-separator",
        metavar="TEXT",
        help="What stands between several artists in one cell of a table, such as ';'.",
    ),
    click.option(
        "--order",
        type=click.Choice(["auto", "known", "unknown"]),
        default="auto",
        show_default=True,
        help="Whether the order of tracks means something; auto: not where their ids ascend.",
    ),
)


def source_options(function: _Function) -> _Function:
    """Give a command the options that say how its playlists are read (see `read_source`)."""
    for option in reversed(_SOURCE_OPTIONS):
        function = option(function)
    return function


@click.command(short_help="Playlists, as slices or tables, to a graph.")
@click.argument("source")
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="The graph folder to write."
)
@source_options
@click.option(
    "--k-core",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Remove playlists and tracks with fewer than K pairs until none is left.",
)
@click.option("--skip-bad", is_flag=True, help="Set bad records aside instead of stopping.")
@click.option("--overwrite", is_flag=True, help="Replace an older graph.")
def build(
    source: str,
    out: Path,
    slices: tuple[int, int] | None,
    columns: dict[str, str] | None,
    artist_separator: str | None,
    k_core: int,
    order: Order,
    skip_bad: bool,
    overwrite: bool,
) -> None:
    """Build a graph from playlists.

    SOURCE holds playlists in the Million Playlist Dataset's form (a folder of slices, one slice,
    a zip with slices anywhere inside, or a quoted pattern such as 'data/mpd.slice.*.json'), or
    it is a table with a row for each track of a playlist (.csv, .tsv, .inter, .dat, .data,
    possibly with .gz, .bz2 or .zst, or .parquet; or a folder or pattern of them).

    A table needs columns for playlist, track and artist; album, title, position, track_name,
    artist_name and album_name are optional. Those without _name are ids; tracks that have names
    and no ids are told apart by their artists. docs/data.md has examples.
    """
    graph = build_graph(
        source,
        out,
        slices=slices,
        columns=columns,
        artist_separator=artist_separator,
        k=k_core,
        order=order,
        skip_bad=skip_bad,
        overwrite=overwrite,
    )
    summary = ", ".join(count(n, kind) for kind, n in graph.num_nodes.items())
    say(f"Graph: {summary}, {count(graph.playlists.tracks.num_pairs, 'pair')}")
    say(f"Written to {out}; `{command('info', out)}` shows what is in it")


def build_graph(
    source: str,
    out: Path,
    *,
    slices: tuple[int, int] | None = None,
    columns: dict[str, str] | None = None,
    artist_separator: str | None = None,
    k: int = 0,
    order: Order = "auto",
    skip_bad: bool = False,
    overwrite: bool = False,
) -> PlaylistGraph:
    """Read, cut to the k-core, save, and say what went and what stayed."""
    from segue.errors import InputError
    from segue.files import refuse_existing
    from segue.graph.playlist_graph import PlaylistGraph

    refuse_existing(out, "graph", overwrite=overwrite)
    with tempfile.TemporaryDirectory() as scratch:
        skipped = Path(scratch) / "skipped.jsonl"
        collection = read_source(
            source,
            slices=slices,
            columns=columns,
            artist_separator=artist_separator,
            order=order,
            skipped=skipped if skip_bad else None,
        )
        report = collection.report
        counts = {name: n for name, n in vars(report).items() if name != "fingerprint"}
        graph = PlaylistGraph(
            collection.playlists,
            collection.catalog,
            {
                "source": source,
                "slices": slices,
                "columns": columns,
                "artist_separator": artist_separator,
                "k_core": k,
                "order": order,
                "skip_bad": skip_bad,
                "read": counts,
                "input_fingerprint": report.fingerprint,
            },
        )
        if k:
            whole, graph = graph.num_nodes, graph.k_core(k)
            say(f"{k}-core:")
            for kind, before in whole.items():
                stayed = graph.num_nodes[kind]
                say(f"  {kind}s: {number(stayed)} stayed, {number(before - stayed)} went")
            if not graph.playlists.tracks.num_pairs:
                raise InputError(f"nothing is left of {source} in the {k}-core; try a smaller K")
        graph.save(out, overwrite=overwrite, extra=skipped if report.skipped else None)
        if report.skipped:
            say(f"{count(report.skipped, 'bad record')} set aside in {out}/skipped.jsonl")
    return graph


def read_source(
    source: str,
    *,
    slices: tuple[int, int] | None = None,
    columns: dict[str, str] | None = None,
    artist_separator: str | None = None,
    order: Order = "auto",
    skipped: Path | None = None,
) -> Collection:
    """Read playlists under a bar, and say what was read; see `segue.data.reading.read`.

    Bad records are written to `skipped`; without it the first one is an InputError.
    """
    from segue.data.reading import find

    found = find(source, slices=slices, columns=columns, artist_separator=artist_separator)
    if found.columns:
        say(f"Columns: {found.columns}")
    with progress_bar("Reading", found.size, "playlists") as bar:
        collection = found.read(
            order=order,
            skip_bad=skipped or False,
            advance=lambda size, done: bar.advance(size, done=done),
        )
    report = collection.report
    if report.rows:
        say(f"Read {count(report.files, 'table')}, {count(report.rows, 'row')}:")
    else:
        records = report.playlists + report.skipped
        say(f"Read {count(report.files, 'file')}, {count(records, 'record')}:")
    say(f"  {count(report.playlists, 'playlist')} with {count(report.pairs, 'pair')}")
    if order == "auto":
        say(f"  order of tracks known in {count(report.ordered_playlists, 'playlist')}")
    if report.passed_over:
        say(f"  {count(report.passed_over, 'other file')} passed over")
    if report.repeated_tracks:
        say(f"  {count(report.repeated_tracks, 'repeated track')} counted once")
    if report.disputed_tracks:
        say(f"  {count(report.disputed_tracks, 'track')} with different artists, the first counts")
        track = dict(part.split(" = ") for part in found.columns.split(", ")).get("track")
        if track:
            say(f"  (if {track!r} holds names and no ids: --columns track_name={track})")
    return collection


@click.command(short_help="What is in a graph.")
@click.argument("graph", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON document instead of tables.")
@click.option(
    "--top",
    type=click.IntRange(min=0),
    default=10,
    show_default=True,
    help="How many popular ones.",
)
def info(graph: Path, as_json: bool, top: int) -> None:
    """Show what is in a graph: nodes and edges by type, degrees, the most popular."""
    from segue.graph.playlist_graph import PlaylistGraph

    content = describe(PlaylistGraph.load(graph), top)
    if as_json:
        print_json(content)
        return
    print_table("Nodes", ["type", "count"], [[k, number(n)] for k, n in content["nodes"].items()])
    print_table(
        "Edges", ["relation", "count"], [[k, number(n)] for k, n in content["edges"].items()]
    )
    percentiles = list(next(iter(content["degrees"].values())))
    print_table(
        "Degrees, by percentile of the nodes",
        ["", *percentiles],
        [[k, *(number(n) for n in row.values())] for k, row in content["degrees"].items()],
    )
    artist = ["artist"] if content["nodes"]["artist"] else []
    for kind, facts in {"tracks": ["id", "name", *artist], "artists": ["id", "name"]}.items():
        rows = [
            [*(str(entry[fact]) for fact in facts), number(entry["playlists"])]
            for entry in content[f"top_{kind}"]
        ]
        if kind == "tracks" or artist:
            print_table(f"Most popular {kind}", [*facts, "playlists"], rows)
    click.echo(f"Playlists whose order is known: {number(content['playlists_with_known_order'])}")


def describe(graph: PlaylistGraph, top: int) -> dict[str, Any]:
    """What `segue info` shows, as plain values."""
    import numpy as np

    catalog, tracks = graph.catalog, graph.playlists.tracks
    known = catalog.main_artist >= 0
    by_artist = np.bincount(catalog.main_artist[known], minlength=len(catalog.artists))
    # A playlist counts once for an artist, however many of its tracks it holds.
    pairs = tracks.list_index() * len(catalog.artists) + catalog.main_artist[tracks.track_index]
    pairs = pairs[known[tracks.track_index]]
    artist_playlists = np.bincount(
        np.unique(pairs) % max(1, len(catalog.artists)), minlength=len(catalog.artists)
    )
    degrees = {
        "tracks of a playlist": tracks.lengths,
        "playlists of a track": graph.popularity,
    }
    if len(catalog.artists):
        degrees |= {"tracks of an artist": by_artist, "playlists of an artist": artist_playlists}
    quantiles = {"min": 0, "5%": 5, "25%": 25, "50%": 50, "75%": 75, "95%": 95, "max": 100}

    def percentiles(values: Any) -> dict[str, int]:
        # "lower": a degree that some node really has.
        found = np.percentile(values, list(quantiles.values()), method="lower")
        return dict(zip(quantiles, found.astype(int).tolist(), strict=True))

    top_tracks = np.argsort(-graph.popularity, kind="stable")[:top].astype(np.int32)
    their_artists = catalog.artist_of(top_tracks).to_pylist()
    top_artists = np.argsort(-artist_playlists, kind="stable")[:top]
    return {
        "fingerprint": graph.fingerprint,
        "options": graph.options,
        "nodes": graph.num_nodes,
        "edges": {" ".join(relation): n for relation, n in graph.num_edges.items()},
        "playlists_with_known_order": int(graph.playlists.order_known.sum()),
        "degrees": {name: percentiles(values) for name, values in degrees.items()},
        "top_tracks": [
            {
                "id": str(catalog.track_ids[row]),
                "name": str(catalog.track_names[row]),
                "artist": artist,
                "playlists": int(graph.popularity[row]),
            }
            for row, artist in zip(top_tracks.tolist(), their_artists, strict=True)
        ],
        "top_artists": [
            {
                "id": str(catalog.artists.ids[row]),
                "name": str(catalog.artists.names[row]),
                "playlists": int(artist_playlists[row]),
            }
            for row in top_artists.tolist()
        ],
    }
