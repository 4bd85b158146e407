"""Generated playlists in any number: slices in the format of the Million Playlist Dataset.

Nobody made any of these playlists, and none of the music exists. They are drawn from a made-up
world (`segue.synthetic.world`) by made-up tastes (`segue.synthetic.tastes`), shaped like the
published figures of the Million Playlist Dataset, so that they are useful for measuring speed and
memory, and as a benchmark on which models differ as they do on real playlists.

A slice depends only on the seed and its first pid, not on how many slices there are or which
process makes it, and each process holds only the slice that it is working on.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from segue.data.formats.mpd import write_slice
from segue.errors import ArtefactError, InputError
from segue.files import atomic_file, remove_leftovers
from segue.synthetic.names import MadeUpNames
from segue.synthetic.sample import SLICE_SIZE
from segue.synthetic.tastes import Int64Array, Tastes, draw_playlists
from segue.synthetic.titles import draw_titles
from segue.synthetic.world import World

MAX_PLAYLISTS = 1_000_000
# Midnight at the beginning of 2012; the MPD spans 2010 to 2017.
_FIRST_DAY, _NUM_DAYS = 1_325_376_000, 2130


class _Track(msgspec.Struct, gc=False):
    pos: int
    artist_name: str
    track_uri: str
    artist_uri: str
    track_name: str
    album_uri: str
    duration_ms: int
    album_name: str


def generate(
    folder: str | Path,
    num_playlists: int,
    *,
    rng_seed: int = 0,
    processes: int = 1,
    advance: Callable[[int], None] | None = None,
) -> None:
    """Write generated playlists into a folder, as slices of 1,000: ``mpd.slice.0-999.json`` ….

    The same seed gives the same bytes, whatever the number of processes; a whole slice is the same
    in a small collection as in a large one. Each slice is written whole or not at all.

    Parameters
    ----------
    folder
        A new or empty one.
    num_playlists
        From 1 to 1,000,000, which hold about 2.2 million distinct tracks.
    rng_seed
        0 or more.
    processes
        Number of parallel processes; each needs about 0.7 GB.
    advance
        Called after each slice with the number of playlists in it.

    Raises
    ------
    InputError
        If an argument is out of range.
    ArtefactError
        If the folder is not empty or cannot be written, or a process was killed.

    Examples
    --------
    >>> segue.generate("generated", 100, rng_seed=1)
    >>> segue.read("generated").report.playlists
    100
    """
    for what, value, lowest, highest in (
        ("number of playlists", num_playlists, 1, MAX_PLAYLISTS),
        ("seed", rng_seed, 0, 2**63 - 1),
        ("number of processes", processes, 1, 1024),
    ):
        if not lowest <= value <= highest:
            raise InputError(f"the {what} is {value}, expected {lowest} to {highest}")
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        remove_leftovers(folder)
        if any(folder.iterdir()):
            raise ArtefactError(f"{folder}: is not empty, expected a new or empty folder")
    except OSError as error:
        raise ArtefactError(f"{folder}: cannot be written ({error.strerror or error})") from error
    parts = [
        (first, min(SLICE_SIZE, num_playlists - first))
        for first in range(0, num_playlists, SLICE_SIZE)
    ]
    report = advance or (lambda written: None)
    if min(processes, len(parts)) == 1:
        maker = SliceMaker(rng_seed)
        for first, count in parts:
            report(maker.write(folder, first, count))
    else:
        _side_by_side(folder, parts, rng_seed, min(processes, len(parts)), report)


def _side_by_side(
    folder: Path,
    parts: list[tuple[int, int]],
    rng_seed: int,
    processes: int,
    report: Callable[[int], None],
) -> None:
    # Spawned, not forked: the libraries in this process may have threads.
    pool = ProcessPoolExecutor(processes, get_context("spawn"), _start_worker, (rng_seed,))
    try:
        tasks = [pool.submit(_write_in_worker, folder, first, count) for first, count in parts]
        for task in as_completed(tasks):
            report(task.result())
    except BrokenProcessPool:
        raise ArtefactError(
            f"{folder}: a process was killed, perhaps out of memory; fewer processes need less"
        ) from None
    finally:
        # After an error or Ctrl-C each worker still finishes its current slice.
        pool.shutdown(cancel_futures=True)


_maker: SliceMaker | None = None


def _start_worker(rng_seed: int) -> None:
    global _maker
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started it.
    _maker = SliceMaker(rng_seed)


def _write_in_worker(folder: Path, first: int, count: int) -> int:
    if _maker is None:
        raise RuntimeError("the worker was not started")
    return _maker.write(folder, first, count)


@dataclass(frozen=True, eq=False)
class _Facts:
    """What is drawn for playlists besides their tracks, one row each."""

    title: list[str]
    modified_at: list[int]
    num_followers: list[int]
    num_edits: list[int]
    collaborative: list[bool]


class SliceMaker:
    """Makes the slices of a seed.

    Parameters
    ----------
    rng_seed
        Seed of the world, its names and the playlists.
    """

    def __init__(self, rng_seed: int) -> None:
        self.rng_seed = rng_seed
        self.world = World(rng_seed)
        self.names = MadeUpNames(rng_seed)

    def write(self, folder: Path, first: int, count: int) -> int:
        """Write one slice into `folder`; returns `count`."""
        playlists, last = self.playlists(first, count), first + count - 1
        with atomic_file(folder / f"mpd.slice.{first}-{last}.json") as temporary:
            write_slice(temporary, playlists, first, last)
        return count

    def playlists(self, first: int, count: int) -> list[dict[str, Any]]:
        """The playlists from `first` on, in MPD format; `tracks` are structs."""
        rng = np.random.default_rng([self.rng_seed, first])
        tastes, lengths, tracks = draw_playlists(self.world, count, rng)
        facts = self._facts(tastes, lengths, rng)
        distinct, which = np.unique(tracks, return_inverse=True)
        records = self._records(distinct)
        artist = self.world.track_artist[tracks].tolist()
        album = self.world.track_album[tracks].tolist()
        ends = np.cumsum(lengths).tolist()
        playlists, begin = [], 0
        for row, end in enumerate(ends):
            listed = [_Track(pos, *records[at]) for pos, at in enumerate(which[begin:end].tolist())]
            playlists.append(
                {
                    "name": facts.title[row],
                    "collaborative": "true" if facts.collaborative[row] else "false",
                    "pid": first + row,
                    "modified_at": facts.modified_at[row],
                    "num_tracks": end - begin,
                    "num_albums": len(set(album[begin:end])),
                    "num_artists": len(set(artist[begin:end])),
                    "num_followers": facts.num_followers[row],
                    "num_edits": facts.num_edits[row],
                    "duration_ms": sum(track.duration_ms for track in listed),
                    "tracks": listed,
                }
            )
            begin = end
        return playlists

    def _facts(self, tastes: Tastes, lengths: Int64Array, rng: np.random.Generator) -> _Facts:
        favourite = self.names.artists(tastes.favourite[:, 0])
        count = len(lengths)
        return _Facts(
            title=draw_titles(self.world, tastes, favourite, self.names.words[0], rng),
            modified_at=(_FIRST_DAY + 86_400 * rng.integers(_NUM_DAYS, size=count)).tolist(),
            num_followers=np.minimum(rng.zipf(2.5, count), 70_000).tolist(),
            num_edits=(1 + rng.geometric(np.minimum(1, 4 / lengths))).tolist(),
            collaborative=(rng.random(count) < 0.02).tolist(),
        )

    def _records(self, track: Int64Array) -> list[tuple[Any, ...]]:
        """The MPD fields of each track, except its position."""
        artist = self.world.track_artist[track].astype(np.int64)
        album = self.world.track_album[track].astype(np.int64)
        artists, of_artist = np.unique(artist, return_inverse=True)
        albums, first, of_album = np.unique(album, return_index=True, return_inverse=True)
        artist_name = self.names.artists(artists)
        album_name = self.names.albums(albums, artist[first])
        artist_uri = [f"segue:artist:{row}" for row in artists.tolist()]
        album_uri = [f"segue:album:{row}" for row in albums.tolist()]
        return [
            (
                artist_name[by],
                f"segue:track:{row}",
                artist_uri[by],
                name,
                album_uri[on],
                duration,
                album_name[on],
            )
            for row, by, on, name, duration in zip(
                track.tolist(),
                of_artist.tolist(),
                of_album.tolist(),
                self.names.tracks(track, artist),
                self.names.durations(track).tolist(),
                strict=True,
            )
        ]
