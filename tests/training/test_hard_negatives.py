"""Hard negatives: the top of a playlist's own ranking, without what it holds, mixed by schedule."""

import numpy as np
import pytest
import torch

from segue.data.playlists import TrackLists
from segue.errors import TrainingError
from segue.graph.holding_out import split_graph
from segue.graph.negatives import RandomSampler
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import SplitRecipe
from segue.training import hard_negatives
from segue.training.hard_negatives import HardSampler, Ranking
from segue.training.negatives import HardestSampler, Scored
from segue.training.objectives import HardNegatives

NUM_TRACKS, DIM = 20, 6
# The last holds all but three.
HELD = TrackLists.from_lists([[3, 0, 2], [5], [9, 19, 4, 7], list(range(17))])
ALL = np.arange(4)
NOT_LOOKED_AT = Scored(torch.empty(0, 1), torch.empty(0, 1), torch.empty(0))


def vectors(num_lists: int = 4, num_tracks: int = NUM_TRACKS) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(8)
    drawn = (torch.from_numpy(rng.standard_normal((n, DIM))) for n in (num_lists, num_tracks))
    query, track = (torch.nn.functional.normalize(part).float() for part in drawn)
    return query, track


def allowed_by_score(row: int) -> list[int]:
    """The tracks that a list does not hold, best first."""
    query, track = vectors()
    order = np.argsort(-(track @ query[row]).numpy()).tolist()
    return [t for t in order if t not in HELD[row]]


def hard(share: float | tuple[float, float], mix: float | tuple[float, float]) -> HardSampler:
    shares, mixes = (x if isinstance(x, tuple) else (x, x) for x in (share, mix))
    return HardSampler(RandomSampler(HELD, NUM_TRACKS), ALL, HardNegatives(share=shares, mix=mixes))


# All lists in one block, and one at a time.
@pytest.mark.parametrize("scored_bytes", [1 << 20, 1])
@pytest.mark.parametrize("share", [0.05, 0.3, 0.5, 0.99])
def test_a_ranking_knows_the_top_of_what_is_not_held(
    monkeypatch: pytest.MonkeyPatch, share: float, scored_bytes: int
) -> None:
    monkeypatch.setattr(hard_negatives, "SCORED_BYTES", scored_bytes)
    query, track = vectors()
    ranking = Ranking.of(query, track, share, RandomSampler(HELD, NUM_TRACKS), ALL)
    for row in ALL:
        allowed = allowed_by_score(row)
        top = allowed[: int(np.ceil(share * len(allowed)))]
        above = np.flatnonzero((track @ query[row] >= ranking.threshold[row]).numpy())
        assert sorted(set(above) & set(allowed)) == sorted(top)
        assert ranking.num_top[row] == len(top)


def test_tracks_of_equal_score_are_all_in_the_top_or_none() -> None:
    """Rounding differs from product to product: a tie at the edge must not depend on it."""
    query = torch.ones(1, DIM) / DIM**0.5
    track = query.repeat(NUM_TRACKS, 1)
    random = RandomSampler(TrackLists.from_lists([[1, 2]]), NUM_TRACKS)
    ranking = Ranking.of(query, track, 0.1, random, np.array([0]))
    assert ranking.num_top.tolist() == [18]


def test_hard_negatives_are_drawn_evenly_from_the_top_share() -> None:
    negatives = hard(0.3, 1.0)
    negatives.begin(0, 10, vectors)
    size = 30_000
    track, weight = negatives.sample(ALL, size, NOT_LOOKED_AT, np.random.default_rng(0))
    assert track.shape == weight.shape == (4, size)
    assert (track.dtype, weight.dtype) == (np.int32, np.float32)
    for row in ALL:
        allowed = allowed_by_score(row)
        top = allowed[: int(np.ceil(0.3 * len(allowed)))]
        counts = np.bincount(track[row], minlength=NUM_TRACKS)
        assert set(np.flatnonzero(counts)) == set(top)
        # Five standard deviations.
        assert np.abs(counts[top] - size / len(top)).max() < 5 * np.sqrt(size / len(top))
        np.testing.assert_allclose(weight[row], len(top) / size, rtol=1e-6)


def test_mixed_with_random_ones_each_stands_for_as_much_as_it_is_rare() -> None:
    """A track's share of the draws is q, and the weighted sum of a function has no bias."""
    negatives = hard(0.3, 0.4)
    negatives.begin(0, 10, vectors)
    size = 60_000
    track, weight = negatives.sample(ALL, size, NOT_LOOKED_AT, np.random.default_rng(1))
    value = np.random.default_rng(2).random(NUM_TRACKS)
    for row in ALL:
        allowed = allowed_by_score(row)
        num_top = int(np.ceil(0.3 * len(allowed)))
        q = np.zeros(NUM_TRACKS)
        q[allowed] = 0.6 / len(allowed)
        q[allowed[:num_top]] += 0.4 / num_top
        np.testing.assert_allclose(weight[row], 1 / (size * q[track[row]]), rtol=1e-5)
        drawn = np.bincount(track[row], minlength=NUM_TRACKS) / size
        np.testing.assert_allclose(drawn, q, atol=5 * np.sqrt(q.max() / size))
        total = (weight[row] * value[track[row]]).sum()
        assert total == pytest.approx(value[allowed].sum(), rel=0.02)


def test_a_held_out_track_that_ranks_high_is_drawn_as_any_other(
    planted_graph: PlaylistGraph,
) -> None:
    """What is held out is unknown to the sampler: here it is all of the top, and all is drawn."""
    split = split_graph(planted_graph, SplitRecipe(test_share=0.5))
    train, targets = split.train.playlists.tracks, split.test.targets
    # A playlist's vector is one direction a track, of those that are held out or held.
    query = torch.zeros(240, 160)
    for row in range(240):
        query[row, targets[row].astype(int)] = 1
        query[row, train[row].astype(int)] = 2
    random, rows = RandomSampler(train, 160), np.arange(240)
    negatives = HardSampler(random, rows, HardNegatives(share=(0.01, 0.01), mix=(1, 1)))
    negatives.begin(0, 1, lambda: (query, torch.eye(160)))
    drawn = negatives.sample(rows, 400, NOT_LOOKED_AT, np.random.default_rng(0)).track
    for row in range(240):
        assert set(drawn[row]) == set(targets[row])


def test_share_and_mix_follow_their_schedules() -> None:
    """The article's form: from all of the ranking to half of it, renewed every fifth epoch."""
    negatives = hard((1.0, 0.5), (0.0, 0.5))
    shares = [negatives.share(epoch, 30) for epoch in range(30)]
    assert shares[:5] == [1.0] * 5
    assert shares[5:10] == [0.9] * 5
    assert shares[-5:] == [0.5] * 5
    made = []

    def made_anew() -> tuple[torch.Tensor, torch.Tensor]:
        made.append(epoch)
        return vectors()

    mixes = []
    for epoch in range(30):
        negatives.begin(epoch, 30, made_anew)
        mixes.append(negatives.mix)
        # While the top share is all of it, nothing is ranked.
        assert (negatives.ranking is None) == (epoch < 5)
    assert made == [5, 10, 15, 20, 25]
    np.testing.assert_allclose(mixes, np.linspace(0, 0.5, 30))


def test_an_epoch_that_goes_on_keeps_its_ranking() -> None:
    negatives = hard(0.5, 0.5)
    negatives.begin(0, 10, vectors)
    ranking = negatives.ranking
    negatives.begin(5, 10, None)
    assert negatives.ranking is ranking is not None


def test_without_a_ranking_they_are_random() -> None:
    negatives, random = hard(1.0, 0.5), RandomSampler(HELD, NUM_TRACKS)
    negatives.begin(0, 10, vectors)
    found, expected = (
        kind.sample(ALL, 50, NOT_LOOKED_AT, np.random.default_rng(4))
        for kind in (negatives, random)
    )
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    # Each of 50 draws from A tracks stands for A/50.
    np.testing.assert_allclose(found.weight[:, 0], (NUM_TRACKS - HELD.lengths) / 50)


def test_vectors_that_are_no_numbers_are_refused() -> None:
    query, track = vectors()
    track[3, 1] = torch.nan
    with pytest.raises(TrainingError, match="no longer numbers: try a lower learning rate"):
        Ranking.of(query, track, 0.5, RandomSampler(HELD, NUM_TRACKS), ALL)


def test_the_hardest_are_the_best_of_a_random_pool() -> None:
    query, track = vectors()
    rows = np.array([2, 0, 3, 0])
    scored = Scored(query[rows], track, torch.arange(4))
    random = RandomSampler(HELD, NUM_TRACKS)
    sample = HardestSampler(random, 5).sample(rows, 3, scored, np.random.default_rng(6))
    pool = random.draw_sets(rows, 15, np.random.default_rng(6))
    for place, row in enumerate(rows):
        scores = (track @ query[row]).numpy()
        expected = np.sort(scores[pool[place]])[-3:]
        np.testing.assert_allclose(np.sort(scores[sample.track[place]]), expected)
        assert not set(sample.track[place]) & set(HELD[row])
        # Each keeps the weight that it has in the pool.
        np.testing.assert_allclose(sample.weight[place], (20 - HELD.lengths[row]) / 15, rtol=1e-6)
