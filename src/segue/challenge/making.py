"""Making a challenge set from any source of playlists: held out whole, cut into the ten kinds."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from segue.challenge.challenge_set import ANSWERS, ARTISTS, SET, TRAINING, write_artists
from segue.challenge.draw import drawn, suitable
from segue.challenge.kinds import KINDS, Kind
from segue.console import Progress, progress_of
from segue.data.formats.mpd import MPD, write_slice
from segue.data.order import Order
from segue.data.playlists import BoolArray, Catalog, Int64Array, Playlists
from segue.data.reading import find
from segue.data.source_file import SourceFile
from segue.data.title_words import title_words
from segue.errors import InputError
from segue.files import atomic_artefact, refuse_existing
from segue.graph.playlist_graph import PlaylistGraph

# More would leave too little to learn from.
MOST_HELD_OUT = 0.2
_SLICE = 1000
_DESCRIPTION = "Held out by `segue challenge make`, in the form of the RecSys Challenge 2018."
# What a challenge set says of a track, in this order.
_TRACK_FIELDS = (
    "pos", "artist_name", "track_uri", "artist_uri", "track_name", "album_uri", "duration_ms",
    "album_name",
)  # fmt: skip


@dataclass(frozen=True)
class Made:
    """What `make` has held out.

    Attributes
    ----------
    per_kind : dict
        Playlists of each of the ten kinds, by name; 0 where none is suitable.
    num_training
        Playlists that are left for training.
    without_title, without_order
        Playlists of the source that have no title, and whose order is not known.
    """

    per_kind: dict[str, int]
    num_training: int
    without_title: int
    without_order: int


def make(
    source: Any,
    folder: str | Path,
    *,
    per_kind: int = 1000,
    any_length: bool = False,
    k_core: int = 0,
    rng_seed: int = 0,
    order: Order = "auto",
    skip_bad: bool = False,
    overwrite: bool = False,
    progress: bool | Progress = False,
    **reading: Any,
) -> Made:
    """Hold playlists out whole, and write them as a challenge set in the challenge's own form.

    As in the challenge, every track of a held-out playlist, shown or not, also stands in a playlist
    that is left for training, and each kind has playlists of its own lengths (see
    `segue.challenge.kinds.KINDS`). A track that a playlist holds twice counts once, and positions
    count distinct tracks. What the source does not have is not made up: a kind with title takes
    only playlists with one (a placeholder such as "Playlist 17" is none), and a kind with the first
    tracks only those whose order is known.

    Writes a folder with ``challenge_set.json``; ``answers.json``, the tracks to be found;
    ``artists.arrow``, the main artist of each track, for scoring; and ``training``, all other
    playlists as slices, which `segue build` reads.

    Parameters
    ----------
    source
        Whatever `segue.read` reads.
    folder
        A new or empty one, or with `overwrite` an older challenge.
    per_kind
        Playlists of each kind. A kind that too few playlists suit gets those.
    any_length
        Take playlists of any length that leaves a track to be found.
    k_core
        First remove playlists and tracks with fewer than this many pairs, until none is left, from
        what is held out and from what is left for training. In a small source most tracks stand in
        one playlist, which could not be held out.
    rng_seed
        Seed of the draw.
    order, skip_bad, reading
        As for `segue.read`, with its further options.
    overwrite, progress

    Raises
    ------
    InputError
        If the source cannot be read, no kind has a playlist, or too many would be held out.
    ArtefactError
        If the folder is in the way or cannot be written.

    Examples
    --------
    >>> from segue import challenge
    >>> made = challenge.make("playlists", "held-out", per_kind=2)
    >>> made.per_kind["title"]
    2
    """
    folder, report = Path(folder), progress_of(progress)
    if per_kind < 1:
        raise InputError(f"per_kind is {per_kind}, expected at least 1")
    refuse_existing(folder, "challenge", overwrite=overwrite)
    found = find(source, **reading)
    with report.bar("Reading", found.size, "playlists") as bar:
        collection = found.read(
            order=order,
            skip_bad=skip_bad,
            advance=lambda size, done: bar.advance(size, done=done),
        )
    graph = PlaylistGraph(collection.playlists, collection.catalog)
    if k_core > 1:
        graph = graph.k_core(k_core)
    playlists, catalog = graph.playlists, graph.catalog
    titled = _titled(playlists.titles)
    kind_of = drawn(
        playlists,
        catalog.num_tracks,
        [suitable(playlists, titled, kind, any_length=any_length) for kind in KINDS],
        per_kind,
        np.random.default_rng(rng_seed),
    )
    made = Made(
        {kind.name: int((kind_of == number).sum()) for number, kind in enumerate(KINDS)},
        int((kind_of < 0).sum()),
        int((~titled).sum()),
        int((~playlists.order_known).sum()),
    )
    _check_share(found.name, made, len(playlists))
    with atomic_artefact(folder, "challenge", overwrite=overwrite) as writer:
        (writer.folder / TRAINING).mkdir()
        cut = _Cutter(playlists, catalog, kind_of, np.random.default_rng([rng_seed, 1]))
        slices = [file for file, format_ in found.files if format_ is MPD]
        whole = len(slices) == len(found.files) and not collection.report.skipped
        with report.bar("Writing", len(playlists), "playlists") as bar:
            records = _records(slices, cut) if whole else _made_records(cut)
            _write_training(writer.folder / TRAINING, cut, records, bar.advance)
        date = datetime.now(timezone.utc).replace(tzinfo=None).isoformat(" ")
        head = {"date": date, "version": "v1", "description": _DESCRIPTION}
        in_order = np.argsort(kind_of[cut.held_out], kind="stable")
        for name, entries in ((SET, cut.asked), (ANSWERS, cut.answers)):
            ordered = [msgspec.Raw(entries[int(row)]) for row in cut.held_out[in_order]]
            content = {**head, "playlists": ordered}
            (writer.folder / name).write_bytes(msgspec.json.encode(content))
        write_artists(writer.folder / ARTISTS, catalog)
        writer.content.update(
            source=found.name,
            rng_seed=rng_seed,
            any_length=any_length,
            k_core=k_core,
            kinds=made.per_kind,
            training=made.num_training,
        )
    return made


class _Cutter:
    """Cuts held-out playlists: what is shown, and the answers.

    Attributes
    ----------
    held_out : int64 [num_held_out]
        Rows of the playlists that are held out.
    asked, answers : dict of bytes
        By row, entries of the two files, as far as they have been made.
    """

    def __init__(
        self,
        playlists: Playlists,
        catalog: Catalog,
        kind_of: NDArray[np.int8],
        rng: np.random.Generator,
    ) -> None:
        self.playlists, self.catalog, self._kind_of = playlists, catalog, kind_of
        self.pids = _pids(playlists.ids)
        self.held_out = np.flatnonzero(kind_of >= 0)
        self.asked: dict[int, bytes] = {}
        self.answers: dict[int, bytes] = {}
        lengths = playlists.tracks.lengths
        # Drawn here, so that they do not depend on the order of the files.
        self._random_places = {
            int(row): np.sort(
                rng.choice(lengths[row], KINDS[kind_of[row]].num_given, replace=False)
            ).tolist()
            for row in self.held_out
            if KINDS[kind_of[row]].at_random
        }

    def kind(self, row: int) -> Kind | None:
        """The kind that a playlist is cut into; None if it is for training."""
        number = int(self._kind_of[row])
        return None if number < 0 else KINDS[number]

    def track_ids(self, row: int) -> list[str]:
        """The ids of a playlist's tracks, in order."""
        ids: list[str] = self.catalog.track_ids.take(
            pa.array(self.playlists.tracks[row])
        ).to_pylist()
        return ids

    def cut(self, row: int, kind: Kind, record: dict[str, Any]) -> None:
        """Cut one playlist, given its full record."""
        ids, pid = self.track_ids(row), int(self.pids[row])
        details = {track["track_uri"]: track for track in reversed(_tracks_of(record))}
        if not details.keys() >= set(ids):  # ids that reading has put into another form
            details = {track["track_uri"]: track for track in _record(self, row)["tracks"]}
        tracks = [{**details[track_id], "pos": place} for place, track_id in enumerate(ids)]
        shown = self._random_places.get(row, list(range(kind.num_given)))
        among = set(shown)
        asked = {
            **({"name": self.playlists.titles[row].as_py()} if kind.titled else {}),
            "num_holdouts": len(tracks) - len(shown),
            "pid": pid,
            "num_tracks": len(tracks),
            "tracks": [
                {name: tracks[place][name] for name in _TRACK_FIELDS if name in tracks[place]}
                for place in shown
            ],
            "num_samples": len(shown),
        }
        by = self.catalog.main_artist[self.playlists.tracks[row]].tolist()
        artists = self.catalog.artists.ids
        hidden = [
            {
                "pos": place,
                "track_uri": ids[place],
                **({} if by[place] < 0 else {"artist_uri": artists[by[place]].as_py()}),
            }
            for place in range(len(tracks))
            if place not in among
        ]
        self.asked[row] = msgspec.json.encode(asked)
        self.answers[row] = msgspec.json.encode({"pid": pid, "tracks": hidden})


def _write_training(
    folder: Path,
    cut: _Cutter,
    records: Iterable[tuple[int, bytes]],
    advance: Callable[[int], None],
) -> None:
    """Write the playlists that are not held out as slices of up to 1,000, and cut the others."""
    waiting: list[msgspec.Raw] = []
    first, num_playlists = 0, len(cut.playlists)
    for row, record in records:
        if row >= first + _SLICE:
            _write_slice(folder, waiting, first, num_playlists)
            waiting, first = [], row - row % _SLICE
        kind = cut.kind(row)
        if kind is None:
            waiting.append(msgspec.Raw(record))
        else:
            cut.cut(row, kind, msgspec.json.decode(record))
        advance(1)
    _write_slice(folder, waiting, first, num_playlists)


def _write_slice(folder: Path, playlists: list[msgspec.Raw], first: int, num_all: int) -> None:
    if playlists:
        last = min(first + _SLICE, num_all) - 1
        write_slice(folder / f"mpd.slice.{first}-{last}.json", playlists, first, last)


def _records(slices: Iterable[SourceFile], cut: _Cutter) -> Iterator[tuple[int, bytes]]:
    """The row and the full record of each playlist of some slices, in the order of the rows.

    A playlist from which nothing was removed is passed through with all that its slice says.
    """
    index_of, lengths = cut.playlists.index_of, cut.playlists.tracks.lengths
    decode = msgspec.json.Decoder(_Slice).decode
    for file in slices:
        for raw in decode(file.read().removeprefix(BOM_UTF8)).playlists:
            head = msgspec.json.decode(raw, type=_Head)
            row = index_of.get(str(head.pid), -1)
            if row >= 0:
                whole = lengths[row] == len(head.tracks)
                yield row, bytes(raw) if whole else _without_others(bytes(raw), cut, row)


def _made_records(cut: _Cutter) -> Iterator[tuple[int, bytes]]:
    """The same for any other source: playlists put into the form of slices."""
    for row in range(len(cut.playlists)):
        yield row, msgspec.json.encode(_record(cut, row))


def _without_others(raw: bytes, cut: _Cutter, row: int) -> bytes:
    """A record with only the tracks that the playlist still has."""
    record = msgspec.json.decode(raw)
    kept = set(cut.track_ids(row))
    record["tracks"] = [track for track in _tracks_of(record) if track["track_uri"] in kept]
    record["num_tracks"] = len(record["tracks"])
    return msgspec.json.encode(record)


def _tracks_of(record: dict[str, Any]) -> list[dict[str, Any]]:
    """The tracks of a record that are some, by position."""
    tracks = [track for track in record["tracks"] if track and track.get("track_uri")]
    return sorted(tracks, key=lambda track: track.get("pos") or 0)


class _Slice(msgspec.Struct, gc=False):
    playlists: list[msgspec.Raw]


class _Head(msgspec.Struct, gc=False):
    pid: int | str
    tracks: list[msgspec.Raw]


def _record(cut: _Cutter, row: int) -> dict[str, Any]:
    """A playlist in the form of a slice."""
    playlists, catalog = cut.playlists, cut.catalog
    rows, ids = playlists.tracks[row], cut.track_ids(row)
    if not playlists.order_known[row] and cut.kind(row) is None:
        # Slices have no other way to say that an order means nothing than to be sorted by id.
        order = np.array(sorted(range(len(ids)), key=lambda place: (len(ids[place]), ids[place])))
        rows, ids = rows[order], [ids[place] for place in order]
    names = catalog.track_names.take(pa.array(rows)).to_pylist()
    record: dict[str, Any] = {"pid": int(cut.pids[row]), "num_tracks": len(ids)}
    title = playlists.titles[row].as_py()
    if title is not None:
        record["name"] = title
    record["tracks"] = tracks = []
    by = {"artist": (catalog.main_artist[rows], catalog.artists)}
    by["album"] = catalog.main_album[rows], catalog.albums
    for place, (track_id, name) in enumerate(zip(ids, names, strict=True)):
        track = {"pos": place, "track_uri": track_id, "track_name": name}
        # The form asks for an artist; an empty one is none.
        track |= {"artist_uri": "", "artist_name": ""}
        for kind, (targets, nodes) in by.items():
            if targets[place] >= 0:
                track[f"{kind}_uri"] = nodes.ids[int(targets[place])].as_py()
                track[f"{kind}_name"] = nodes.names[int(targets[place])].as_py()
        tracks.append(track)
    return record


def _titled(titles: pa.Array) -> BoolArray:
    """Which titles say something: bool [num_titles]."""
    distinct = titles.dictionary_encode()
    words = map(title_words, distinct.dictionary.to_pylist())
    says = np.array([*map(bool, words), False])
    codes = distinct.indices.fill_null(len(says) - 1).to_numpy(zero_copy_only=False)
    titled: BoolArray = says[codes]
    return titled


def _pids(ids: pa.Array) -> Int64Array:
    """The ids as whole numbers, as the challenge has them; the rows if some are not."""
    if pc.all(pc.match_substring_regex(ids, r"^(0|[1-9]\d{0,14})$")).as_py():
        pids: Int64Array = ids.cast(pa.int64()).to_numpy(zero_copy_only=False)
        return pids
    return np.arange(len(ids))


def _check_share(name: str, made: Made, num_playlists: int) -> None:
    """Raise InputError if no playlist, or too many, would be held out."""
    num_held_out = sum(made.per_kind.values())
    if not num_held_out:
        raise InputError(
            f"{name}: no playlist can be held out, as each kind needs playlists of its lengths "
            "whose tracks all stand in others, too (see --any-length and --k-core)"
        )
    most = int(MOST_HELD_OUT * num_playlists)
    if num_held_out > most:
        raise InputError(
            f"{name}: holding out {num_held_out} of {num_playlists} playlists leaves too little to "
            f"learn from, expected at most {most}: about {max(1, most // len(KINDS))} per kind"
        )
