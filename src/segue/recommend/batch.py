"""Lists for many playlists at once, to be written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from segue.data.playlists import Float32Array, Int32Array
from segue.engine import in_order
from segue.recommend.asked import AskedPlaylists
from segue.recommend.exported import Exported, TrackRecords, called, title_after
from segue.recommend.filters import Filters
from segue.recommend.ranking import NO_FILTERS
from segue.recommend.recommender import Recommender
from segue.scoring.query import Query

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
    elsewhere: Callable[[], Recommender] | None = None,
    workers: int | None = None,
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
    elsewhere
        Makes the recommender in other processes: the batches are then ranked by Ray, on as many
        machines as it has. None: here.
    workers
        Processes of Ray at most; None: one for each core.
    """
    records = TrackRecords(recommender.bundle.catalog)
    n = min(n, recommender.bundle.catalog.num_tracks)
    options = {"dial": dial, "diversity": diversity, "variety": variety, "filters": filters}
    batches = [
        slice(start, min(start + _BATCH_LISTS, len(asked.query)))
        for start in range(0, len(asked.query), _BATCH_LISTS)
    ]
    queries = map(asked.query.rows, batches)
    ranked: Iterator[tuple[Int32Array, Float32Array]]
    if elsewhere is None:
        ranked = map(_ranker(lambda: recommender, n, options), queries)
    else:
        ranked = in_order(partial(_ranker, elsewhere, n, options), [*queries], workers=workers)
    for rows, (track_index, score) in zip(batches, ranked, strict=True):
        start = rows.start
        for at in range(rows.stop - rows.start):
            found = track_index[at] >= 0
            yield Exported(
                title_after(called(asked.titles[start + at], asked.ids[start + at])),
                records.of_rows(track_index[at][found].tolist()),
                tuple(score[at][found].tolist()),
                asked.ids[start + at],
            )
        advance(rows.stop - rows.start)


def _ranker(
    make: Callable[[], Recommender], n: int, options: dict[str, Any]
) -> Callable[[Query], tuple[Int32Array, Float32Array]]:
    """Ranks for a batch, with a recommender that is made once."""
    return partial(make().rank, n=n, **options)
