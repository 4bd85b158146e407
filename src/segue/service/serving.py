"""The bundle being served, and how a newer one replaces it."""

from __future__ import annotations

import gc
import hashlib
import logging
import threading
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import pyarrow as pa

from segue.errors import ArtefactError, SegueError
from segue.files import MANIFEST
from segue.graph.subgraph import Neighbours
from segue.pictures.compose import snowball
from segue.recommend.recommender import Recommender

log = logging.getLogger("segue.service")
# How many times to retry a folder that is replaced while it is read.
_TRIES = 3
# Seconds until a bundle that could not be loaded is retried even with the same manifest: its other
# files may have arrived later.
_TRY_AGAIN = 10.0


@dataclass(frozen=True, eq=False)
class Served:
    """One bundle, ready to answer.

    Attributes
    ----------
    recommender
    neighbours
        The graph of the playlists; None if the bundle was made without them.
    fingerprint
        SHA-256 of its manifest, which contains the checksum of every other file.
    loaded_at
        Time, in UTC.
    """

    recommender: Recommender
    neighbours: Neighbours | None
    fingerprint: str
    loaded_at: datetime


class Serving:
    """Holds the bundle that is served; a newer one is loaded next to it, checked, then swapped in.

    A request handler takes `current` once and keeps it to the end.

    Parameters
    ----------
    folder
        The bundle, or a link to it.
    second_stage
        As for `segue.recommend.recommender.Recommender`.

    Attributes
    ----------
    current : Served or None
        None until a bundle has been loaded.
    failure : str or None
        Why the latest attempt to load failed; None if it succeeded.
    """

    def __init__(self, folder: Path, *, second_stage: bool = True) -> None:
        self.folder, self._second_stage = folder, second_stage
        self.current: Served | None = None
        self.failure: str | None = None
        self._lock = threading.Lock()
        self._seen: tuple[int, int, int] | None = None
        self._tried = 0.0

    def load(self) -> Served:
        """Load the bundle now in the folder and serve it from the next request on.

        Raises
        ------
        SegueError
            If it is not a bundle, is damaged, or cannot be used here; the older one stays.
        """
        with self._lock:
            self._seen, self._tried = self._look(), time.monotonic()
            try:
                self.current = self._read()
            except SegueError as error:
                self.failure = str(error)
                raise
            self.failure = None
            return self.current

    def reload(self) -> bool:
        """The same for a running service: logs the outcome, raises nothing."""
        before = self.failure
        try:
            served = self.load()
        except SegueError as error:
            if str(error) != before:
                kept = "the older bundle stays" if self.current else "nothing is served"
                log.error("%s; %s", error, kept)
            return False
        except Exception:
            self.failure = f"{self.folder}: cannot be loaded; see the log"
            log.exception("%s; the older bundle stays", self.failure)
            return False
        log.info("Now serving %s, bundle %s", self.folder, served.fingerprint[:12])
        return True

    def has_news(self) -> bool:
        """Whether there is another bundle in the folder, or a failed one is due for a retry."""
        if self.failure is not None and time.monotonic() - self._tried > _TRY_AGAIN:
            return True
        seen = self._look()
        return seen is not None and seen != self._seen

    def _look(self) -> tuple[int, int, int] | None:
        try:
            facts = (self.folder / MANIFEST).stat()
        except OSError:
            return None
        return facts.st_ino, facts.st_mtime_ns, facts.st_size

    def _read(self) -> Served:
        for _ in range(_TRIES):
            fingerprint = self._fingerprint()
            try:
                served = self._served(fingerprint)
            except SegueError:
                if self._fingerprint() == fingerprint:
                    raise
            else:
                if self._fingerprint() == fingerprint:
                    return served
        raise ArtefactError(f"{self.folder}: keeps being replaced while it is read")

    def _fingerprint(self) -> str:
        try:
            return hashlib.sha256((self.folder / MANIFEST).read_bytes()).hexdigest()
        except OSError:
            return ""

    def _served(self, fingerprint: str) -> Served:
        # The real folder: a link may point elsewhere before all of its files are open.
        recommender = Recommender.load(self.folder.resolve(), second_stage=self._second_stage)
        warm_up(recommender)
        pa.default_memory_pool().release_unused()
        settle()
        return Served(
            recommender,
            recommender.neighbours,
            fingerprint,
            datetime.now(timezone.utc).replace(microsecond=0),
        )


def settle() -> None:
    """Free what is no longer needed, and keep the garbage collector from scanning the rest.

    That is millions of objects in a large bundle, and some 100,000 of the libraries alone, which
    would make requests wait.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def warm_up(recommender: Recommender) -> None:
    """Call every verb once, so that no request waits for what is opened or built on first use.

    By then the folder may be gone, too.
    """
    bundle, rows = recommender.bundle, recommender.rows
    catalog, playlists = bundle.catalog, bundle.playlists
    recommender.find("a", 1)
    if not catalog.num_tracks:
        return
    track = str(catalog.track_ids[0])
    recommender.match([track, "a - b"])
    recommender.complete(tracks=[track], n=1, dial=0.5, reasons=True)
    recommender.similar(track, 1)
    recommender.sort([track], into={"": [track]})
    recommender.tidy([track])
    recommender.details.track(track)
    if len(catalog.artists):
        artist = str(catalog.artists.ids[0])
        recommender.vibe(artists=[artist], n=1, reasons=True)
        recommender.similar(artist=artist, n=1)
        recommender.details.artist(artist, 1)
    if playlists is not None and len(playlists):
        recommender.why(track, str(playlists.ids[0]))
        recommender.details.playlist(str(playlists.ids[0]), 1)
        neighbours = recommender.neighbours
        snowball(bundle, ("track", rows.track(track)), waves=1, limit=3, neighbours=neighbours)
