"""From a source of playlists to a graph: `segue.build` and `segue build`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from numbers import Integral
from pathlib import Path
from typing import Any

from segue.console import Progress, count, number, progress_of
from segue.data.collection import Collection
from segue.data.groups import GroupStore
from segue.data.reading import read
from segue.data.title_words import MIN_TITLES, is_shown, with_title_words
from segue.errors import InputError
from segue.files import refuse_existing, scratch_folder
from segue.graph.playlist_graph import PlaylistGraph

# Options of `read` that change nothing in what is read.
_NO_MATTER = ("workers", "folder", "engine")


def build(
    source: Any,
    *,
    k_core: int = 0,
    title_words: bool | None = None,
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
        Link playlists to the words of their titles (see `segue.data.title_words`); by default where
        words are in the titles of five playlists or more.
    progress
        True reports on standard error what was read, kept and removed.
    options
        Options of `read`, if `source` has to be read.

    Raises
    ------
    InputError
        If something cannot be read, nothing is left in the k-core, or `title_words` is True and no
        word is in enough titles.

    Examples
    --------
    >>> graph = segue.build("playlists", k_core=3)
    >>> sorted(graph.num_nodes)
    ['album', 'artist', 'playlist', 'track', 'word']
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
            **{
                option: value
                for option, value in options.items()
                if option not in _NO_MATTER and _plain(value)
            },
            "k_core": k_core,
            "title_words": False,
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
    return graph if title_words is False else _with_words(graph, name, title_words is True)


def _with_words(graph: PlaylistGraph, name: str, required: bool) -> PlaylistGraph:
    """The graph with the words of titles; as it is if there are none, unless they are required."""
    playlists, catalog = with_title_words(graph.playlists, graph.catalog)
    if any(map(is_shown, catalog.nodes["word"].ids.to_pylist())):
        options = graph.options | {"title_words": True}
        return replace(graph, playlists=playlists, catalog=catalog, options=options)
    if required:
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

    What has been read of a large source is in ``OUT.building`` until the graph is complete.

    Raises
    ------
    ArtefactError
        If `out` is in the way.
    """
    refuse_existing(out, "graph", overwrite=overwrite)
    folder = building_folder(out)
    try:
        with scratch_folder("segue-build") if skip_bad else nullcontext() as scratch:
            aside = None if scratch is None else scratch / "skipped.jsonl"
            graph = build(
                source, skip_bad=aside or False, folder=folder, progress=progress, **options
            )
            num_skipped = graph.options["read"]["skipped"]
            graph.save(out, overwrite=overwrite, extra=aside if num_skipped else None)
    except KeyboardInterrupt:
        if folder.is_dir():
            progress.say(f"Stopped; the same command goes on from what is in {folder}")
        raise
    GroupStore(folder).remove()
    if num_skipped:
        progress.say(f"{count(num_skipped, 'bad record')} set aside in {out}/skipped.jsonl")
    return graph


def building_folder(out: Path) -> Path:
    """Where what has been read for a graph at `out` is kept while it is built."""
    out = out.resolve()  # "." has no name
    return out.with_name(f"{out.name}.building")


def _plain(value: Any) -> bool:
    """Whether a manifest can contain it."""
    if isinstance(value, Mapping):
        return all(map(_plain, value.values()))
    if isinstance(value, list | tuple):
        return all(map(_plain, value))
    return value is None or isinstance(value, str | int | float | bool)
