"""Lists for many playlists at once, to be written."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from segue.recommend.asked import AskedPlaylists
from segue.recommend.exported import Exported, TrackRecords, called, title_after
from segue.recommend.filters import Filters
from segue.recommend.ranking import NO_FILTERS
from segue.recommend.recommender import Recommender

# Lists ranked at a time.
_BATCH_LISTS = 1024


def lists_for(
    recommender: Recommender,
    asked: AskedPlaylists,
    n: int,
    advance: Callable[[int], None],
    *,
    dial: float = 0.0,
    diversity: float = 0.0,
    variety: float = 0.0,
    filters: Filters = NO_FILTERS,
) -> Iterator[Exported]:
    """The `n` best tracks of each playlist, ranked in batches.

    Parameters
    ----------
    recommender
    asked
    n
    advance
        Told how many playlists each batch had.
    dial, diversity, variety, filters
        As for all verbs.
    """
    records = TrackRecords(recommender.bundle.catalog)
    n = min(n, recommender.bundle.catalog.num_tracks)
    for start in range(0, len(asked.query), _BATCH_LISTS):
        rows = slice(start, min(start + _BATCH_LISTS, len(asked.query)))
        track_index, score = recommender.rank(
            asked.query.rows(rows),
            n,
            dial=dial,
            diversity=diversity,
            variety=variety,
            filters=filters,
        )
        for at in range(rows.stop - rows.start):
            found = track_index[at] >= 0
            yield Exported(
                title_after(called(asked.titles[start + at], asked.ids[start + at])),
                records.of_rows(track_index[at][found].tolist()),
                tuple(score[at][found].tolist()),
                asked.ids[start + at],
            )
        advance(rows.stop - rows.start)
