"""The forms that playlists come in: one small module each, listed here in the order of asking.

What a format is, `segue.data.records.Format` says.
"""

from __future__ import annotations

from segue.data.formats.arrow_tables import PARQUET
from segue.data.formats.mpd import MPD
from segue.data.formats.text_tables import TEXT
from segue.data.records import Format

FORMATS: tuple[Format, ...] = (PARQUET, MPD, TEXT)
