"""Tracks with several artists in lists, filters and reasons."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from segue.bundle import Bundle
from segue.data.relations import Relation
from segue.recommend.filters import Filters
from segue.recommend.recommender import Recommender


@pytest.fixture
def bundle(planted_bundle: Bundle) -> Bundle:
    """Every seventh track is by its own artist and the one eleven on, track 8 by nobody."""
    catalog = planted_bundle.catalog
    lists = [[artist] for artist in catalog.main_artist.tolist()]
    for track in range(0, 160, 7):
        lists[track].append((lists[track][0] + 11) % 20)
    lists[8] = []
    offsets = np.cumsum([0, *map(len, lists)])
    target_index = np.array([artist for row in lists for artist in row], dtype=np.int32)
    by = Relation("by", "track", "artist", offsets, target_index, 20)
    return replace(planted_bundle, catalog=catalog.with_relation(by))


@pytest.fixture
def recommender(bundle: Bundle) -> Recommender:
    return Recommender(bundle)


def rows(found) -> list[int]:
    return [int(track.track_id.rpartition(":")[2]) for track in found.tracks]


def test_an_excluded_artist_excludes_its_duets(recommender, bundle):
    by = bundle.catalog.relations["artist"]
    guest = int(by[7][1])
    without = Filters(exclude_artists=[f"segue:artist:{guest}"])
    listed = rows(recommender.vibe(["segue:track:1"], n=200, filters=without))
    theirs = set(by.sources_of(np.array([guest])).tolist())
    assert any(by.main[track] != guest for track in theirs), "some are by another artist first"
    assert set(listed) == set(range(160)) - theirs - {1}
    only = Filters(only_artists=[f"segue:artist:{guest}"])
    assert set(rows(recommender.vibe(["segue:track:1"], n=200, filters=only))) == theirs - {1}


def test_a_duet_counts_for_its_main_artist(recommender, bundle):
    listed = rows(recommender.vibe(["segue:track:1"], n=200, filters=Filters(max_per_artist=2)))
    main = bundle.catalog.main_artist[listed]
    assert max(Counter(main[main >= 0].tolist()).values()) == 2


def test_reasons_name_each_song_in_common_once(recommender, bundle):
    """Track 0 is by two artists: asked with a song by each, one by another, and the second."""
    by = bundle.catalog.relations["artist"]
    first, second = by[0].tolist()
    alone = [track for track in range(160) if len(by[track]) == 1]
    solo = [next(t for t in alone if by[t][0] == artist) for artist in (first, second)]
    other = next(t for t in alone if by[t][0] not in (first, second))
    seeds = [f"segue:track:{track}" for track in [*solo, other]]
    why = recommender.why("segue:track:0", tracks=seeds, artists=[f"segue:artist:{second}"])
    names = bundle.catalog.track_names
    assert why.same_artist == (
        names[solo[0]].as_py(),
        names[solo[1]].as_py(),
        bundle.catalog.artists.names[second].as_py(),
    )
    both = bundle.catalog.artists.names
    assert why.artist_name == f"{both[first]}, {both[second]}"


def test_an_artist_has_the_duets_among_its_tracks(recommender, bundle):
    by = bundle.catalog.relations["artist"]
    guest = int(by[7][1])
    details = recommender.details.artist(f"segue:artist:{guest}")
    found = {int(track.id.rpartition(":")[2]) for track in details.tracks}
    assert found == set(by.sources_of(np.array([guest])).tolist())
    assert details.num_tracks == len(found)
    duet = next(track for track in details.tracks if track.id == "segue:track:7")
    assert duet.artist_id == f"segue:artist:{by.main[7]}"


def test_a_track_is_found_by_each_of_its_artists(recommender, bundle):
    names, catalog = recommender.names, bundle.catalog
    for artist in catalog.relations["artist"][7].tolist():
        by = catalog.artists.names[artist].as_py()
        assert names.find(f"{catalog.track_names[7]} - {by}") == 7
