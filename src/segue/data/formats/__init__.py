"""The playlist formats: one small module each, listed in the order in which they are tried.

See `segue.data.records.Format`.
"""

from __future__ import annotations

from segue.data.formats.aotm import AOTM
from segue.data.formats.arrow_tables import PARQUET
from segue.data.formats.itunes import ITUNES
from segue.data.formats.json_lists import JSON_LISTS
from segue.data.formats.json_tables import JSON_TABLES
from segue.data.formats.jspf import JSPF
from segue.data.formats.line_lists import LISTS
from segue.data.formats.listenbrainz import LISTENBRAINZ
from segue.data.formats.m3u import M3U, PLS
from segue.data.formats.mpd import MPD
from segue.data.formats.own import OWN
from segue.data.formats.playlist_tables import PLAYLIST_TABLES
from segue.data.formats.song_lists import SONG_LISTS
from segue.data.formats.spotify_account import SPOTIFY_LIBRARY, SPOTIFY_PLAYLISTS
from segue.data.formats.spotify_api import SPOTIFY_API
from segue.data.formats.spotify_streams import SPOTIFY_STREAMS
from segue.data.formats.text_tables import TEXT
from segue.data.formats.xspf import XSPF
from segue.data.records import Format

FORMATS: tuple[Format, ...] = (
    PARQUET,
    LISTENBRAINZ,
    AOTM,
    SPOTIFY_PLAYLISTS,
    SPOTIFY_LIBRARY,
    SPOTIFY_STREAMS,
    JSON_TABLES,
    OWN,
    JSPF,
    SPOTIFY_API,
    JSON_LISTS,
    MPD,  # any JSON that is given by itself
    M3U,
    PLS,
    XSPF,
    ITUNES,
    PLAYLIST_TABLES,
    LISTS,
    SONG_LISTS,
    TEXT,  # any text that is given by itself
)
