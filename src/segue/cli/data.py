"""`segue build` and `segue info`: from playlists to a graph, and what is in it."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from segue.cli.output import command, engine_options, print_json, print_table
from segue.cli.own_music import ENCODING
from segue.console import ConsoleProgress, count, number, say

if TYPE_CHECKING:
    from segue.data.playlists import Int64Array
    from segue.data.relations import Relation
    from segue.engine import Engine
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
            self.fail(f"{value!r} is not a range of slices, expected for example 0-49", param, ctx)
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first:
            self.fail(f"{value!r} ends before it begins", param, ctx)
        return first, last


class ColumnMap(click.ParamType[dict[str, str]]):
    """``playlist=userId,track=movieId``: which column holds which field."""

    name = "FIELD=COLUMN,…"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> dict[str, str]:
        """Parse, or fail with what was expected."""
        from segue.data.formats.header_names import FIELDS

        columns = {}
        for part in str(value).split(","):
            field, equals, column = part.partition("=")
            if not equals or field.strip() not in FIELDS:
                self.fail(
                    f"{part!r} is not FIELD=COLUMN, expected for example playlist=userId, "
                    f"the field one of {', '.join(FIELDS)}",
                    param,
                    ctx,
                )
            columns[field.strip()] = column.strip()
        return columns


class LeastValue(click.ParamType[tuple[str, float]]):
    """``rating=4``: a column and the least value that counts."""

    name = "COLUMN=VALUE"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, float]:
        """Parse, or fail with what was expected."""
        match = re.fullmatch(r"(.*\S)\s*=\s*([+-]?\d+(?:\.\d*)?)", str(value))
        if not match:
            self.fail(f"{value!r} is not COLUMN=VALUE, expected for example rating=4", param, ctx)
        return match[1], float(match[2])


_SOURCE_OPTIONS = (
    click.option("--slices", type=SliceRange(), help="Only these slices, counted from 0."),
    click.option(
        "--columns",
        type=ColumnMap(),
        help="Which column of a table is which field, if its name does not say.",
    ),
    click.option(
        "--artist-separator",
        metavar="TEXT",
        help="What separates several artists in one cell of a table, such as ';'.",
    ),
    click.option(
        "--no-header",
        "header",
        flag_value=False,
        type=bool,
        default=None,
        help="The first line of a text table is a row, and columns go by number.",
    ),
    ENCODING,
    click.option(
        "--at-least",
        type=LeastValue(),
        multiple=True,
        help="Leave out the rows of a table with less in a column, such as rating=4.",
    ),
    click.option(
        "--names",
        type=click.Path(),
        metavar="TABLE",
        help="A table with names for the ids of tracks, such as MovieLens' movies.csv.",
    ),
    click.option(
        "--session-gap",
        type=float,
        metavar="MINUTES",
        help="Cut listens into sessions where nothing is played for this long.  [default: 30]",
    ),
    click.option(
        "--min-length",
        type=int,
        metavar="N",
        help="Leave out sessions of fewer tracks.  [default: 2]",
    ),
    click.option(
        "--top",
        type=int,
        metavar="N",
        help="Turn listens into a list of each listener's N most played tracks.",
    ),
    click.option(
        "--with-history",
        is_flag=True,
        default=None,
        help="Read listening histories beside whole playlists, too, as in Spotify's zip.",
    ),
    click.option(
        "--order",
        type=click.Choice(["auto", "known", "unknown"]),
        default="auto",
        show_default=True,
        help="Whether the order of tracks is meaningful; auto: not if their ids ascend.",
    ),
)
_SOURCE_NAMES = (
    "slices", "columns", "artist_separator", "header", "encoding", "at_least", "names",
    "session_gap", "min_length", "top", "with_history", "order",
)  # fmt: skip


def source_options(function: _Function) -> _Function:
    """Give a command the options for reading playlists, as a dict `reading` for `segue.read`."""

    @wraps(function)
    def with_reading(**given: Any) -> Any:
        reading = {name: given.pop(name) for name in _SOURCE_NAMES}
        reading["at_least"] = dict(reading["at_least"]) or None
        stated = {name: value for name, value in reading.items() if value is not None}
        return function(**given, reading=stated)

    for option in reversed(_SOURCE_OPTIONS):
        with_reading = option(with_reading)
    return cast("_Function", with_reading)


@click.command(short_help="Playlists of any kind to a graph.")
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
    help="Remove playlists and tracks with fewer than K pairs, until none is left.",
)
@click.option(
    "--title-words/--no-title-words",
    default=None,
    help="Link playlists to the words of their titles.  [default: if five titles share one]",
)
@click.option("--skip-bad", is_flag=True, help="Skip bad records instead of stopping.")
@engine_options("Processes that read slices, of large sources.  [default: one per core]")
@click.option("--overwrite", is_flag=True, help="Replace an older graph.")
def build(
    source: str,
    out: Path,
    k_core: int,
    title_words: bool | None,
    skip_bad: bool,
    engine: Engine,
    workers: int | None,
    overwrite: bool,
    reading: dict[str, Any],
) -> None:
    """Build a graph from playlists.

    SOURCE is a file, a folder, a zip or a quoted pattern such as 'data/mpd.slice.*.json'. It holds
    playlists of music players (M3U, PLS, XSPF, JSPF), exports of services (Spotify's zip,
    Exportify's, an iTunes library), songs in plain text, slices of the Million Playlist Dataset, or
    tables with a row for each track of a playlist (.csv, .tsv, .inter, .dat, .data, possibly with
    .gz, .bz2 or .zst, or .parquet). docs/import.md has examples.

    A table needs columns for playlist, track and artist; album, title, position, track_name,
    artist_name and album_name are optional. Those without _name are ids; tracks with names but no
    ids are identified by name and artist. docs/data.md has examples.

    A listening history, such as one from ListenBrainz or Last.fm, is cut into sessions;
    --session-gap, --min-length and --top say how. They also work for a table with a column of
    times.

    What has been read of a source of 256 MiB or more is kept in the folder OUT.building until the
    graph is complete: after an interruption the same command continues from there.
    """
    from segue.machine import available_cores
    from segue.pipeline.build import build_to

    graph = build_to(
        source,
        out,
        k_core=k_core,
        title_words=title_words,
        skip_bad=skip_bad,
        engine=engine,
        # Ray knows how many cores there are.
        workers=workers if engine == "ray" else workers or available_cores(),
        overwrite=overwrite,
        progress=ConsoleProgress(),
        **reading,
    )
    summary = ", ".join(count(n, kind) for kind, n in graph.num_nodes.items())
    say(f"Graph: {summary}, {count(graph.playlists.tracks.num_pairs, 'pair')}")
    say(f"Written to {out}; `{command('info', out)}` shows what is in it")


@click.command(short_help="What is in a graph.")
@click.argument("graph", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON document instead of tables.")
@click.option(
    "--top",
    type=click.IntRange(min=0),
    default=10,
    show_default=True,
    help="How many popular tracks and artists.",
)
def info(graph: Path, as_json: bool, top: int) -> None:
    """Show what is in a graph: nodes and edges by type, degrees, the most popular tracks."""
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
    for name, entries in content.items():
        if name.startswith("top_"):
            kind, facts = name.removeprefix("top_").removesuffix("s"), ["id", "name"]
            if kind == "track" and content["nodes"]["artist"]:
                facts.append("artist")
            rows = [
                [*(str(entry[fact]) for fact in facts), number(entry["playlists"])]
                for entry in entries
            ]
            if content["nodes"][kind]:
                print_table(f"Most popular {kind}s", [*facts, "playlists"], rows)
    click.echo(f"Playlists whose order is known: {number(content['playlists_with_known_order'])}")
    if "vocabulary" in content:
        words = {name: number(n) for name, n in content["vocabulary"].items()}
        click.echo(
            f"Words of titles: {words['words']}, {words['rare_words']} rare and "
            f"{words['parts']} parts of others, in {words['titled_playlists']} playlists"
        )


def describe(graph: PlaylistGraph, top: int) -> dict[str, Any]:
    """What `segue info` shows, as plain values."""
    import numpy as np

    from segue.data.title_words import is_part, is_shown

    catalog, tracks = graph.catalog, graph.playlists.tracks
    degrees = {"tracks of a playlist": tracks.lengths, "playlists of a track": graph.popularity}
    playlists_of = {}
    for kind, relation in graph.relations.items():
        if kind == "album":  # there are many, and they say little here
            continue
        playlists_of[kind] = _playlists_of(graph, relation)
        if not relation.num_targets:
            continue
        a_node = f"an {kind}" if kind == "artist" else f"a {kind}"
        if not relation.is_single:
            degrees[f"{kind}s of a {relation.source}"] = relation.source_degree
        if relation.source == "track":
            degrees[f"tracks of {a_node}"] = relation.target_degree
        degrees[f"playlists of {a_node}"] = playlists_of[kind]
    vocabulary = {}
    if "word" in playlists_of:
        ids = catalog.nodes["word"].ids.to_pylist()
        # Rare words, and parts of words, are not for people.
        shown, part = (np.array([*map(of, ids)], dtype=bool) for of in (is_shown, is_part))
        playlists_of["word"] = np.where(shown, playlists_of["word"], -1)
        vocabulary["vocabulary"] = {
            "words": int(shown.sum()),
            "rare_words": int((~shown & ~part).sum()),
            "parts": int(part.sum()),
            "titled_playlists": int((graph.relations["word"].source_degree > 0).sum()),
        }
    quantiles = {"min": 0, "5%": 5, "25%": 25, "50%": 50, "75%": 75, "95%": 95, "max": 100}

    def percentiles(values: Any) -> dict[str, int]:
        # "lower": a degree that some node actually has.
        found = np.percentile(values, list(quantiles.values()), method="lower")
        return dict(zip(quantiles, found.astype(int).tolist(), strict=True))

    top_tracks = np.argsort(-graph.popularity, kind="stable")[:top].astype(np.int32)
    their_artists = catalog.artist_of(top_tracks).to_pylist()
    return {
        "fingerprint": graph.fingerprint,
        "options": graph.options,
        "nodes": graph.num_nodes,
        "edges": {" ".join(relation): n for relation, n in graph.num_edges.items()},
        "playlists_with_known_order": int(graph.playlists.order_known.sum()),
        **vocabulary,
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
        **{
            f"top_{kind}s": [
                {
                    "id": str(catalog.nodes[kind].ids[row]),
                    "name": str(catalog.nodes[kind].names[row]),
                    "playlists": int(counts[row]),
                }
                for row in np.argsort(-counts, kind="stable")[:top].tolist()
                if counts[row] >= 0
            ]
            for kind, counts in playlists_of.items()
        },
    }


def _playlists_of(graph: PlaylistGraph, relation: Relation) -> Int64Array:
    """Number of playlists of each target of a relation, each counted once."""
    import numpy as np
    from scipy.sparse import csr_array

    if relation.source == "playlist":
        return relation.target_degree
    tracks = graph.playlists.tracks
    ones = np.ones(tracks.num_pairs, dtype=np.float32)
    shape = (len(tracks), relation.num_sources)
    held = csr_array((ones, tracks.track_index, tracks.offsets), shape=shape) @ relation.matrix
    return np.bincount(held.indices, minlength=relation.num_targets)
