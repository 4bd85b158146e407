"""The playlist formats: one small module each, listed in the order in which they are tried.

See `segue.data.records.Format`.
"""

from __future__ import annotations

from segue.data.formats.aotm import AOTM
from segue.data.formats.arrow_tables import PARQUET
from segue.data.formats.line_lists import LISTS
from segue.data.formats.listenbrainz import LISTENBRAINZ
from segue.data.formats.mpd import MPD
from segue.data.formats.text_tables import TEXT
from segue.data.records import Format

FORMATS: tuple[Format, ...] = (PARQUET, LISTENBRAINZ, AOTM, MPD, LISTS, TEXT)
