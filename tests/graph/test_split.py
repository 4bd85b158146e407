"""A split neither leaks nor loses a pair, gives the shares it states, and can be drawn again."""

import json
from collections import Counter
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.data.playlists import TrackLists
from segue.errors import InputError
from segue.graph.holding_out import split_graph
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import HeldOut, Split, SplitRecipe

NUM_TRACKS = 40
some_lists = st.lists(
    st.lists(st.integers(0, NUM_TRACKS - 1), unique=True, max_size=NUM_TRACKS), max_size=8
)
# Together less than 1.
some_shares = st.sampled_from(
    [(0.2, 0.1), (0.5, 0.25), (0.0, 0.1), (0.2, 0.0), (0.0, 0.0), (0.9, 0.05), (0.05, 0.9)]
)


def as_lists(tracks: TrackLists) -> list[list[int]]:
    return [row.tolist() for row in tracks]


def parts(split: Split) -> tuple[TrackLists, TrackLists, TrackLists]:
    return split.train.playlists.tracks, split.validation.targets, split.test.targets


def documented(length: int, test_share: float, validation_share: float) -> tuple[int, int, int]:
    """How many tracks of a playlist go to train, validation and test."""

    def rounded(share: float) -> int:
        exact = Decimal(length) * Decimal(str(share))
        return int(exact.to_integral_value(rounding=ROUND_HALF_UP))

    test = min(rounded(test_share), max(length - 1, 0))
    validation = min(rounded(validation_share), max(length - 1 - test, 0))
    return length - test - validation, validation, test


class TestSplitGraph:
    @given(some_lists, some_shares, st.integers(0, 3))
    def test_parts_are_a_partition_with_the_documented_shares(
        self, graph_of, lists, shares, rng_seed
    ):
        numbers = [documented(len(tracks), *shares) for tracks in lists]
        train, validation, test = np.sum(numbers, axis=0) if numbers else (0, 0, 0)
        graph, recipe = graph_of(lists), SplitRecipe("random", *shares, rng_seed)
        if not train or (shares[0] and not test) or (shares[1] and not validation):
            with pytest.raises(InputError, match="nothing"):
                split_graph(graph, recipe)
            return
        split = split_graph(graph, recipe)
        for row, tracks in enumerate(lists):
            train, validation, test = (part[row].tolist() for part in parts(split))
            assert Counter(train + validation + test) == Counter(tracks)
            assert (len(train), len(validation), len(test)) == numbers[row]
            assert bool(train) == bool(tracks), "one track at least stays for training"
            for part in (train, validation, test):
                assert part == [t for t in tracks if t in part], "the order stays"

    def test_nodes_and_structure_stay(self, planted_graph):
        train = split_graph(planted_graph, SplitRecipe()).train
        assert train.num_nodes == planted_graph.num_nodes
        assert train.catalog is planted_graph.catalog
        assert train.playlists.ids is planted_graph.playlists.ids

    def test_the_same_seed_gives_the_same_split(self, planted_graph):
        first, again = (split_graph(planted_graph, SplitRecipe(rng_seed=3)) for _ in range(2))
        for ours, theirs in zip(parts(first), parts(again), strict=True):
            assert as_lists(ours) == as_lists(theirs)
        assert first.fingerprint == again.fingerprint

    def test_another_seed_gives_another_split(self, planted_graph):
        splits = [split_graph(planted_graph, SplitRecipe(rng_seed=seed)) for seed in range(5)]
        assert len({split.fingerprint for split in splits}) == 5
        tests = [np.concatenate(list(split.test.targets)) for split in splits[:2]]
        assert (tests[0] != tests[1]).mean() > 0.5

    def test_every_track_of_a_playlist_is_as_likely_to_go(self, graph_of):
        """No position is spared: over 6,000 playlists of 10, each place goes in 20% and 10%."""
        num_lists = 6000
        split = split_graph(graph_of([list(range(10))] * num_lists), SplitRecipe())
        for held_out, share in ((split.test, 0.2), (split.validation, 0.1)):
            counts = held_out.targets.track_counts(10) / num_lists
            # Five standard deviations.
            assert np.abs(counts - share).max() < 5 * np.sqrt(share * (1 - share) / num_lists)

    def test_playlists_draw_apart(self, graph_of):
        split = split_graph(graph_of([list(range(10))] * 50), SplitRecipe())
        assert len({tuple(ts) for ts in as_lists(split.test.targets)}) > 20

    def test_changing_what_is_held_out_leaves_the_training_graph_alone(self, planted_graph):
        """Give every held-out track another name: no node, edge or count of training changes."""
        recipe = SplitRecipe(rng_seed=1)
        split = split_graph(planted_graph, recipe)
        tracks, train = planted_graph.playlists.tracks, split.train.playlists.tracks
        rng = np.random.default_rng(0)
        lists = []
        for row, playlist in enumerate(as_lists(tracks)):
            left = set(train[row].tolist())
            others = iter(rng.permutation([t for t in range(160) if t not in playlist]).tolist())
            lists.append([t if t in left else next(others) for t in playlist])
        changed = split_graph(planted_graph.with_tracks(TrackLists.from_lists(lists)), recipe)
        assert changed.train.fingerprint == split.train.fingerprint
        assert changed.train.popularity.tolist() == split.train.popularity.tolist()
        assert changed.fingerprint != split.fingerprint
        assert not set(changed.test.targets[0].tolist()) & set(split.test.targets[0].tolist())

    def test_fingerprint(self, planted_graph):
        split = split_graph(planted_graph, SplitRecipe())
        assert split.graph is planted_graph
        assert replace(split, graph=planted_graph.k_core(9)).fingerprint != split.fingerprint
        # Which pairs are for validation and which for test matters.
        swapped = replace(
            split,
            validation=replace(split.validation, targets=split.test.targets),
            test=replace(split.test, known=split.test.query, targets=split.validation.targets),
        )
        assert swapped.fingerprint != split.fingerprint

    def test_the_draw_is_the_same_in_every_version(self, graph_of):
        """Bundles state a recipe; what it drew once, it must draw always."""
        graph = graph_of([list(range(10)), list(range(5, 25)), [3], []])
        fingerprint = split_graph(graph, SplitRecipe(rng_seed=1)).fingerprint
        assert fingerprint == "243188fba8f6dabe3453e1db04665e42a3c69ccdef6aadc6b61a42dcc87a01dd"


class TestSplitRecipe:
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"kind": "ranodm"}, "kind 'ranodm' is not known"),
            ({"test_share": -0.1}, r"-0\.1 \(test\).* at least 0"),
            ({"validation_share": -0.1}, r"-0\.1 \(validation\)"),
            ({"test_share": 1.0, "validation_share": 0.0}, "together less than 1"),
            ({"test_share": 0.5, "validation_share": 0.5}, "together less than 1"),
            ({"test_share": float("inf")}, "together less than 1"),
            ({"test_share": float("nan")}, "nan"),
            ({"validation_share": float("nan")}, "nan"),
            ({"rng_seed": -1}, "seed -1 must be at least 0"),
        ],
    )
    def test_refuses(self, options, message):
        with pytest.raises(InputError, match=message):
            SplitRecipe(**options)

    def test_to_json_and_back(self):
        recipe = SplitRecipe(test_share=0.25, rng_seed=7)
        assert SplitRecipe(**json.loads(json.dumps(recipe.to_json()))) == recipe
        assert SplitRecipe() == SplitRecipe("random", 0.2, 0.1, 0)


class TestHeldOut:
    @staticmethod
    def held_out(*parts: list[list[int]]) -> HeldOut:
        lists = [TrackLists.from_lists(part) for part in parts]
        return HeldOut(*lists, np.arange(len(parts[0])), np.arange(len(parts[0])) % 2 == 1)

    def test_refuses_a_known_target(self):
        self.held_out([[1], [2]], [[1], [2]], [[2], [1]])
        with pytest.raises(ValueError, match="overlaps"):
            self.held_out([[1], [2]], [[1], [2, 3]], [[2], [3, 1]])

    def test_refuses_a_target_in_the_query(self):
        """The answer must not be in the question, whatever is said to be known."""
        with pytest.raises(ValueError, match=r"overlap|known"):
            self.held_out([[1, 2]], [[1]], [[2]])

    def test_refuses_different_lengths(self):
        with pytest.raises(ValueError, match="differ in length"):
            self.held_out([[1]], [[1], []], [[2], []])

    def test_rows(self):
        held_out = self.held_out([[1], [2], []], [[1], [2, 4], []], [[5], [], [6, 7]])
        for rows in (slice(1, 3), np.array([1, 2])):
            some = held_out.rows(rows)
            assert as_lists(some.query) == [[2], []]
            assert as_lists(some.known) == [[2, 4], []]
            assert as_lists(some.targets) == [[], [6, 7]]
            assert some.playlist_index.tolist() == [1, 2]
            assert some.asks_next.tolist() == [True, False]

    def test_asking(self):
        """The rows with targets, by what they ask."""
        held_out = self.held_out([[1], [2], [], [3]], [[1], [2], [], [3]], [[5], [6], [], [7]])
        assert held_out.asking("next").playlist_index.tolist() == [1, 3]
        assert held_out.asking("fit").playlist_index.tolist() == [0]


@pytest.mark.parametrize("part", ["validation", "test"])
def test_a_split_refuses_to_train_on_what_is_held_out(planted_graph: PlaylistGraph, part: str):
    split = split_graph(planted_graph, SplitRecipe())
    targets = getattr(split, part).targets
    leaking = planted_graph.with_tracks(split.train.playlists.tracks.joined(targets))
    with pytest.raises(ValueError, match=f"the split overlaps: {part} targets"):
        replace(split, train=leaking)


def test_a_split_refuses_to_hold_out_twice(planted_graph: PlaylistGraph):
    split = split_graph(planted_graph, SplitRecipe())
    with pytest.raises(ValueError, match="the split overlaps: validation and test"):
        replace(split, test=split.validation)
