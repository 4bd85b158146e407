"""What a list shows and what is said of its tracks one by one is the same, whatever was asked."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_array

from segue.recommend.filters import Filters
from segue.recommend.reasons import Explainer
from segue.recommend.recommender import Recommender
from segue.scoring.questions import Questions
from segue.scoring.term import ScoreParts
from segue.scoring.variety import Variety
from segue.scoring.wide import WidePart

NUM_TRACKS = 160
FILTERS = {
    "nothing": Filters(),
    "exclude tracks": Filters(exclude_tracks=[f"segue:track:{t}" for t in range(0, 160, 9)]),
    "exclude artists": Filters(exclude_artists=[f"segue:artist:{a}" for a in range(0, 20, 3)]),
    "only tracks": Filters(only_tracks=[f"segue:track:{t}" for t in range(5, 160, 7)]),
    "only artists": Filters(only_artists=["segue:artist:4", "segue:artist:11"]),
    "at most one an artist": Filters(max_per_artist=1),
    "at most two an album": Filters(max_per_album=2),
    "no other versions": Filters(other_versions=False),
    "several": Filters(exclude_artists=["segue:artist:2"], max_per_artist=2, max_per_album=1),
}
ASKED = {
    "ordered playlist": ("complete", {"playlist": "3"}, {"playlist": "3"}),
    "playlist": ("complete", {"playlist": "4"}, {"playlist": "4"}),
    "seeds": (
        "vibe",
        {"tracks": ["Track 3", "Track 90"], "artists": ["Artist 1"]},
        {"tracks": ["Track 3", "Track 90"], "artists": ["Artist 1"]},
    ),
}


@pytest.fixture(scope="module")
def recommender(planted_bundle, second_stage_arrays) -> Recommender:
    """With a wide part, and a second stage that looks at a sixth of the catalogue."""
    rng = np.random.default_rng(5)
    weights = rng.uniform(0, 0.3, (NUM_TRACKS, NUM_TRACKS)).astype(np.float32)
    wide = WidePart.from_matrix(csr_array(weights * (rng.random(weights.shape) < 0.1)))
    recommender = Recommender(
        replace(
            planted_bundle,
            terms={"wide": wide.arrays()},
            second_stage=second_stage_arrays,
            questions=Questions(variety=Variety((1, 20), (0.4, 0.2))).to_json(),
        )
    )
    recommender.stages.second.pool_size = 25
    return recommender


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("filters", FILTERS)
@pytest.mark.parametrize(
    ("dial", "diversity", "variety"),
    [(0.0, 0.0, 1.0), (0.0, 0.0, 0.0), (0.6, 0.0, 1.0), (0.0, 0.4, 0.5), (-0.3, 0.5, 1.0)],
)
def test_a_list_and_why_are_the_same(recommender, asked, filters, dial, diversity, variety):
    verb, of_list, of_track = ASKED[asked]
    options = {
        "dial": dial, "diversity": diversity, "variety": variety, "filters": FILTERS[filters],
    }  # fmt: skip
    found = getattr(recommender, verb)(**of_list, n=12, **options)
    assert found.tracks
    for track in found.tracks:
        why = recommender.why(track.track_id, **of_track, dial=dial, variety=variety)
        assert why.score == pytest.approx(track.score, abs=1e-6)
        terms = {(term.kind, term.id): term.part for term in why.terms}
        assert sum(terms.values()) == pytest.approx(track.score, abs=1e-6)
        shown = {(reason.kind, reason.id): reason.part for reason in track.because}
        assert shown == {source: pytest.approx(terms[source], abs=1e-6) for source in shown}
        rest = sum(part for source, part in terms.items() if source not in shown)
        assert track.rest == pytest.approx(rest, abs=1e-6)


def test_a_filter_only_leaves_tracks_out(recommender):
    """Of the others neither scores nor order change."""
    every = recommender.complete("3", NUM_TRACKS)
    without = Filters(exclude_tracks=[t.track_id for t in every.tracks[::2]])
    found = recommender.complete("3", NUM_TRACKS, filters=without)
    assert [t.track_id for t in found.tracks] == [t.track_id for t in every.tracks[1::2]]
    np.testing.assert_allclose(
        [t.score for t in found.tracks], [t.score for t in every.tracks[1::2]], atol=1e-6
    )


def explainer(bundle) -> Explainer:
    return Explainer(bundle.catalog, None, bundle.popularity)


def test_what_tells_the_tracks_of_a_list_apart(planted_bundle):
    """The last track of an ordered playlist is the strongest reason for all of them."""
    parts = ScoreParts(
        (("track", 0), ("track", 1), ("artist", 0), ("popularity", -1)),
        np.array([
            [0.1, 0.5, 0.0, 0.9],
            [0.3, 0.5, 0.0, 0.1],
            [0.1, 0.6, 0.1, 0.1],
            [-0.2, -0.4, -0.1, 0.1],
        ]),
    )  # fmt: skip
    found = explainer(planted_bundle).distinctive(parts)
    assert [reason and (reason.kind, reason.id, reason.part) for reason in found] == [
        ("track", "segue:track:1", 0.5),
        ("track", "segue:track:0", 0.3),
        ("track", "segue:track:1", 0.6),
        None,
    ]
    one = ScoreParts(parts.sources, parts.parts[1:2])
    assert [reason.id for reason in explainer(planted_bundle).distinctive(one)] == ["segue:track:1"]
    assert explainer(planted_bundle).distinctive(ScoreParts(parts.sources, parts.parts[:0])) == []


def test_what_a_track_goes_with_is_a_part_of_its_score(recommender):
    found = recommender.complete("3", 12)
    names = {track.goes_with.id for track in found.tracks}
    assert len(names) > len({track.because[0].id for track in found.tracks})
    for track in found.tracks:
        terms = {term.id: term.part for term in recommender.why(track.track_id, "3").terms}
        assert track.goes_with.part == pytest.approx(terms[track.goes_with.id], abs=1e-6)


def test_a_part_next_to_nothing_is_not_what_a_track_goes_with(planted_bundle):
    """The first track has less of the first song than the others, and a hair of the second."""
    sources = (("track", 0), ("track", 1))
    parts = ScoreParts(sources, np.array([[0.3, 0.001], [0.7, 0.0], [0.7, 0.0]]))
    found = explainer(planted_bundle).distinctive(parts)
    assert [reason.id for reason in found] == ["segue:track:0"] * 3
