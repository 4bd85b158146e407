"""What is held back is as much as brings lists to what playlists hold, and no more."""

import numpy as np
import pytest

from segue.data.playlists import TrackLists
from segue.graph.holding_out import split_graph
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import SplitRecipe
from segue.metrics import artist_share
from segue.scoring.centroid import Centroid, unit_rows
from segue.scoring.first_stage import FirstStage
from segue.scoring.query import Query
from segue.scoring.questions import Questions
from segue.scoring.two_stages import TwoStages
from segue.scoring.variety import Variety
from segue.training.variety import NOTHING_FROM, NUM_GIVEN, fit_variety

NUM_COMMUNITIES, TRACKS_EACH, ARTISTS_EACH = 4, 40, 5


@pytest.fixture(scope="module")
def graph(make_planted_graph) -> PlaylistGraph:
    return make_planted_graph(np.random.default_rng(2), num_playlists=1000, lengths=(8, 16))


def stages_of(graph: PlaylistGraph, closeness: float, variety: Variety) -> TwoStages:
    """Vectors that know the communities, and put an artist's tracks near or far by `closeness`."""
    rng = np.random.default_rng(3)
    artist = graph.catalog.main_artist
    of_artists = rng.normal(size=(len(graph.catalog.artists), 24))
    vectors = np.repeat(np.eye(NUM_COMMUNITIES), TRACKS_EACH, axis=0)
    vectors = np.hstack([vectors, closeness * unit_rows(of_artists)[artist]])
    vectors = unit_rows(vectors + rng.normal(size=vectors.shape, scale=0.25)).astype(np.float32)
    even = np.ones(len(vectors), dtype=np.float32)
    return TwoStages(FirstStage(Centroid(vectors, even)), None, Questions(variety=variety), artist)


def shares(graph: PlaylistGraph, stages: TwoStages, number: int) -> tuple[float, float]:
    """Of the first ten of lists from so many tracks, and of the other tracks of the playlists."""
    lists = graph.playlists.tracks
    given = lists.keep(lists.positions() < number)
    others = lists.keep(lists.positions() >= number)
    found = TrackLists.from_lists(stages.best(Query(given), 10, variety=1.0)[0].tolist())
    in_lists, in_playlists = (
        np.nanmean(
            artist_share(
                of.offsets, of.track_index, given.offsets, given.track_index,
                graph.catalog.main_artist,
            )
        )
        for of in (found, others)
    )  # fmt: skip
    return float(in_lists), float(in_playlists)


@pytest.mark.parametrize("kind", ["random", "playlists"])
def test_lists_hold_what_playlists_hold(graph, make_planted_graph, kind):
    """Also those for playlists that were not looked at."""
    close = stages_of(graph, 0.5, Variety())
    chosen = fit_variety(split_graph(graph, SplitRecipe(kind, validation_share=0.2)), close)
    assert chosen.num_given == (*NUM_GIVEN, NOTHING_FROM)
    assert min(chosen.taken[:-1]) > chosen.taken[-1] == 0
    varied = stages_of(graph, 0.5, chosen)
    unseen = make_planted_graph(np.random.default_rng(7), num_playlists=1000, lengths=(8, 16))
    for number in NUM_GIVEN:
        before, real = shares(unseen, close, number)
        after, _ = shares(unseen, varied, number)
        assert before > real + 0.1
        assert after == pytest.approx(real, abs=0.05), number


def test_nothing_is_held_back_where_lists_hold_less(graph):
    """Vectors that know nothing of artists."""
    chosen = fit_variety(split_graph(graph, SplitRecipe("random")), stages_of(graph, 0, Variety()))
    assert max(chosen.taken) < 0.2


def test_too_few_playlists_say_nothing(graph):
    lists = graph.playlists.tracks
    few = split_graph(graph.with_tracks(lists.keep(lists.list_index() < 40)), SplitRecipe("random"))
    assert fit_variety(few, stages_of(graph, 1.0, Variety())) == Variety()
