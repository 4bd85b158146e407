"""The forms in which lists of tracks are written: one small module each.

Each is read again by `segue.read`, and so by `segue build` and the service, in full. What a form
has no place for (several artists, ids, the album) is added where players pass over it; only a list
of links holds nothing but ids.
"""

from __future__ import annotations

from segue.recommend.exported import Writer
from segue.recommend.writers.jspf import JSPF
from segue.recommend.writers.m3u import M3U8
from segue.recommend.writers.mpd import MPD
from segue.recommend.writers.own import JSON
from segue.recommend.writers.tables import CSV, PARQUET
from segue.recommend.writers.uris import URIS
from segue.recommend.writers.xspf import XSPF

WRITERS: dict[str, Writer] = {
    writer.name: writer for writer in (M3U8, XSPF, JSPF, CSV, JSON, MPD, URIS, PARQUET)
}
