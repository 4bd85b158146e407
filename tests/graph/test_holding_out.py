"""Every kind of split: worked by hand, and as properties over random small graphs."""

from collections import Counter
from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from segue.data.playlists import TrackLists
from segue.errors import InputError
from segue.graph.holding_out import split_graph
from segue.graph.playlist_graph import INTERACTION
from segue.graph.split import Split, SplitKind, SplitRecipe

KINDS = get_args(SplitKind)
NUM_TRACKS = 40

some_lists = st.lists(
    st.tuples(
        st.lists(st.integers(0, NUM_TRACKS - 1), unique=True, max_size=20),
        st.booleans(),  # whether the order is known
    ),
    min_size=4,
    max_size=10,
)
some_shares = st.sampled_from([(0.2, 0.1), (0.5, 0.25), (0.3, 0.0), (0.1, 0.6)])


@st.composite
def splits(draw: st.DrawFn, kinds: tuple[str, ...] = KINDS) -> tuple[list[Any], SplitRecipe]:
    """Playlists with and without a known order, and a recipe."""
    kind = draw(st.sampled_from(kinds))
    num_given = draw(st.integers(1, 8)) if kind == "playlists" else None
    shares = draw(some_shares)
    return draw(some_lists), SplitRecipe(kind, *shares, draw(st.integers(0, 3)), num_given)


@pytest.fixture(scope="session")
def drawn(graph_of):
    """Draws a split; one that is refused is no case."""

    def draw(playlists: list[tuple[list[int], bool]], recipe: SplitRecipe) -> Split:
        lists, order_known = map(list, zip(*playlists, strict=True))
        try:
            return split_graph(graph_of(lists, order_known), recipe)
        except InputError:
            assume(False)

    return draw


def as_lists(tracks: TrackLists) -> list[list[int]]:
    return [row.tolist() for row in tracks]


def by_playlist(lists: TrackLists, playlist_index: np.ndarray, num_playlists: int) -> list[set]:
    """The tracks of each playlist of the graph, none for those that have no row."""
    found: list[set] = [set() for _ in range(num_playlists)]
    for row, playlist in enumerate(playlist_index):
        found[playlist] |= set(lists[row].tolist())
    return found


def rounded(value: float) -> int:
    return int(np.floor(round(value, 9) + 0.5))


# --- properties of all kinds ------------------------------------------------------------------


@given(splits())
def test_no_pair_is_lost_and_none_stands_twice(drawn, case):
    playlists, recipe = case
    split = drawn(playlists, recipe)
    train = as_lists(split.train.playlists.tracks)
    parts = [[set(tracks) for tracks in train]]
    for held_out in (split.validation, split.test):
        assert (np.diff(held_out.playlist_index) > 0).all(), "each playlist once, in order"
        lists = [held_out.targets]
        if recipe.kind == "playlists":
            lists.append(held_out.query)
        parts += [by_playlist(part, held_out.playlist_index, len(playlists)) for part in lists]
    for row, (tracks, _) in enumerate(playlists):
        assert Counter(track for part in parts for track in part[row]) == Counter(tracks)
        assert train[row] == [t for t in tracks if t in parts[0][row]], "the order stays"
    edges = split.train.edge_index(INTERACTION).T.tolist()
    assert edges == [[row, t] for row, ts in enumerate(train) for t in ts]
    assert split.train.popularity.tolist() == [
        sum(track in tracks for tracks in train) for track in range(NUM_TRACKS)
    ]


@given(splits())
def test_nothing_held_out_is_seen_too_early(drawn, case):
    playlists, recipe = case
    split = drawn(playlists, recipe)
    train = as_lists(split.train.playlists.tracks)
    for held_out in (split.validation, split.test):
        for row, playlist in enumerate(held_out.playlist_index):
            query, known, targets = (
                held_out.query[row].tolist(),
                held_out.known[row].tolist(),
                held_out.targets[row].tolist(),
            )
            assert set(query) <= set(known)
            assert not set(known) & set(targets)
            assert not set(train[playlist]) & set(targets)
            if recipe.kind == "playlists":
                assert train[playlist] == []
                assert known == query
            else:
                earlier = split.validation.targets[row].tolist() if held_out is split.test else []
                assert known == train[playlist] + earlier
                assert query == (known if recipe.in_order else train[playlist])


@given(splits())
def test_the_same_recipe_gives_the_same_split(drawn, case):
    first, again = (drawn(*case) for _ in range(2))
    assert first.fingerprint == again.fingerprint
    assert first.train.fingerprint == again.train.fingerprint
    for part in ("validation", "test"):
        for column in ("query", "known", "targets"):
            ours, theirs = (getattr(getattr(s, part), column) for s in (first, again))
            assert as_lists(ours) == as_lists(theirs)


@given(splits())
def test_shares_are_as_documented(drawn, case):
    playlists, recipe = case
    split = drawn(playlists, recipe)
    shares = {"test": recipe.test_share, "validation": recipe.validation_share}
    for part, share in shares.items():
        held_out = getattr(split, part)
        if recipe.kind == "playlists":
            eligible = sum(len(tracks) >= 2 for tracks, _ in playlists)
            assert len(held_out.playlist_index) == rounded(eligible * share)
        elif recipe.kind == "tracks":
            standing = len({track for tracks, _ in playlists for track in tracks})
            assert len(np.unique(held_out.targets.track_index)) == rounded(standing * share)
        else:
            assert split.train.playlists.tracks.lengths.tolist().count(0) == sum(
                not tracks for tracks, _ in playlists
            ), "one track at least stays for training"
            for row, (tracks, _) in enumerate(playlists):
                taken = len(held_out.targets[row])
                if taken:
                    assert taken <= rounded(len(tracks) * share)
                if taken and part == "test":
                    assert taken == min(rounded(len(tracks) * share), len(tracks) - 1)


@given(splits())
def test_another_seed_or_kind_is_told_apart(drawn, case):
    """Where anything else is held out, the fingerprint differs."""
    playlists, recipe = case
    one = drawn(playlists, recipe)
    other = drawn(playlists, replace(recipe, rng_seed=recipe.rng_seed + 1))
    same = [
        np.array_equal(one.test.playlist_index, other.test.playlist_index),
        np.array_equal(one.validation.playlist_index, other.validation.playlist_index),
        as_lists(one.test.targets) == as_lists(other.test.targets),
        as_lists(one.validation.targets) == as_lists(other.validation.targets),
    ]
    assert (one.fingerprint == other.fingerprint) == all(same)


def test_which_playlists_are_held_out_matters(graph_of):
    """All alike, so that what is to be found is the same whichever are held out."""
    graph = graph_of([[3, 1, 2]] * 20, [True] * 20)
    splits = [
        split_graph(graph, SplitRecipe("playlists", rng_seed=seed, num_given=1))
        for seed in range(2)
    ]
    assert as_lists(splits[0].test.targets) == as_lists(splits[1].test.targets) == [[1, 2]] * 4
    assert splits[0].fingerprint != splits[1].fingerprint


# --- last tracks ------------------------------------------------------------------------------


def test_last_by_hand(graph_of):
    ten = [9, 3, 7, 0, 8, 5, 1, 2, 6, 4]
    graph = graph_of([ten, ten, [1, 2], [0]], [True, False, True, True])
    split = split_graph(graph, SplitRecipe("last"))
    assert as_lists(split.test.targets) == [[6, 4], [], [], []]
    assert as_lists(split.validation.targets) == [[2], [], [], []]
    assert as_lists(split.train.playlists.tracks) == [ten[:7], ten, [1, 2], [0]]
    assert as_lists(split.test.query) == [ten[:8], ten, [1, 2], [0]], "all that stands before"
    assert as_lists(split.validation.query) == [ten[:7], ten, [1, 2], [0]]
    assert as_lists(split.test.known)[0] == ten[:8]
    # Nothing is drawn.
    other = split_graph(graph, SplitRecipe("last", rng_seed=5))
    assert other.fingerprint == split.fingerprint


@given(splits(("last", "mixed")))
def test_last_tracks_are_really_the_last(drawn, case):
    playlists, recipe = case
    split = drawn(playlists, recipe)
    train = as_lists(split.train.playlists.tracks)
    assert split.validation.asks_next.tolist() == split.test.asks_next.tolist()
    for row, (tracks, order_known) in enumerate(playlists):
        if split.test.asks_next[row]:
            assert order_known
            parts = train[row] + split.validation.targets[row].tolist()
            assert parts + split.test.targets[row].tolist() == tracks
        elif recipe.kind == "last":
            assert train[row] == tracks


@pytest.mark.parametrize("kind", ["last", "mixed"])
def test_without_a_known_order(graph_of, kind):
    with pytest.raises(InputError, match=f"kind '{kind}' needs playlists whose order is known"):
        split_graph(graph_of([list(range(10))] * 5), SplitRecipe(kind))


# --- half last, half random -------------------------------------------------------------------


def giving(split: Split) -> list[int]:
    given = split.test.targets.lengths + split.validation.targets.lengths
    return np.flatnonzero(given).tolist()


def test_mixed_by_hand(graph_of):
    """Three ordered playlists, so three of the eight others, and not the one that is too short."""
    ten = list(range(10))
    graph = graph_of([ten] * 11 + [[4, 5]], [True] * 3 + [False] * 9)
    seen = Counter()
    for rng_seed in range(40):
        split = split_graph(graph, SplitRecipe("mixed", rng_seed=rng_seed))
        rows = giving(split)
        assert rows[:3] == [0, 1, 2]
        assert len(rows) == 6
        for row in range(3):
            assert split.test.targets[row].tolist() == [8, 9]
            assert split.validation.targets[row].tolist() == [7]
        for row in rows[3:]:
            assert len(split.test.targets[row]) == 2
            assert len(split.validation.targets[row]) == 1
            seen.update(split.test.targets[row].tolist())
    assert set(seen) == set(ten), "of the others, tracks at random"
    assert max(seen.values()) < 2.5 * min(seen.values())


@given(splits(("mixed",)))
def test_mixed_takes_as_many_of_the_others(drawn, case):
    playlists, recipe = case
    split = drawn(playlists, recipe)
    rows = giving(split)

    def able(order_known: bool) -> int:
        return sum(
            known is order_known
            and len(tracks) > 1
            and (
                rounded(len(tracks) * recipe.test_share) > 0
                or rounded(len(tracks) * recipe.validation_share) > 0
            )
            for tracks, known in playlists
        )

    ordered = [row for row in rows if playlists[row][1]]
    assert len(ordered) == able(True)
    assert len(rows) - len(ordered) == min(able(True), able(False)), "all, if there are fewer"
    asks_next = int(split.test.asks_next.sum())
    assert not split.test.asks_next[np.setdiff1d(np.arange(len(playlists)), ordered)].any()
    if able(False) >= able(True):
        assert asks_next == len(ordered), "of every ordered playlist the last tracks"
    else:
        assert asks_next - (len(rows) - asks_next) in (0, 1), "as many of both"


@pytest.mark.parametrize("num_others", [0, 4])
def test_mixed_measures_both_where_most_are_ordered(graph_of, num_others):
    """Of 20 ordered playlists 10 or 12 give their last tracks, the others any."""
    num_lists = 20 + num_others
    graph = graph_of([list(range(10))] * num_lists, [True] * 20 + [False] * num_others)
    seen, drawn = Counter(), set()
    for rng_seed in range(40):
        split = split_graph(graph, SplitRecipe("mixed", rng_seed=rng_seed))
        asks_next = split.test.asks_next
        drawn.add(tuple(asks_next.tolist()))
        assert asks_next.sum() == num_lists / 2
        assert not asks_next[20:].any()
        assert split.order_known(split.test).tolist() == graph.playlists.order_known.tolist()
        for row, targets in enumerate(as_lists(split.test.targets)):
            assert len(targets) == 2
            if asks_next[row]:
                assert targets == [8, 9]
                assert split.validation.targets[row].tolist() == [7]
            else:
                seen.update(targets)
    assert len(drawn) == 40, "which ones is drawn"
    assert set(seen) == set(range(10)), "tracks at random"
    assert max(seen.values()) < 2 * min(seen.values())


def test_a_mixed_split_of_few_ordered_playlists_is_drawn_as_ever(graph_of):
    """Figures on the real playlists, of which a tenth is ordered, can be compared."""
    graph = graph_of([list(range(n, n + 10)) for n in range(30)], [True] * 10 + [False] * 20)
    found = split_graph(graph, SplitRecipe("mixed"))
    assert found.fingerprint == ("629a502678a6fc38809c01cae60bb8ef1949212a34334ddcd520ab91b049ff5a")
    assert found.test.asks_next.tolist() == [True] * 10 + [False] * 20


def test_mixed_draws_others_by_its_seed(graph_of):
    graph = graph_of([list(range(10))] * 40, [True] * 10 + [False] * 30)
    rows = {tuple(giving(split_graph(graph, SplitRecipe("mixed", rng_seed=s)))) for s in range(5)}
    assert len(rows) == 5


# --- whole playlists --------------------------------------------------------------------------


def test_playlists_by_hand(graph_of):
    lists = [[(7 * row + 3 * i) % NUM_TRACKS for i in range(8)] for row in range(10)]
    graph = graph_of([*lists, [5], []], [True] * 12)
    split = split_graph(graph, SplitRecipe("playlists", num_given=3))
    test, validation = split.test.playlist_index, split.validation.playlist_index
    assert (len(test), len(validation)) == (2, 1)
    assert not set(test) & set(validation)
    train = as_lists(split.train.playlists.tracks)
    for row, tracks in enumerate([*lists, [5], []]):
        assert train[row] == ([] if row in (*test, *validation) else tracks)
    for held_out in (split.test, split.validation):
        for row, playlist in enumerate(held_out.playlist_index):
            assert held_out.query[row].tolist() == lists[playlist][:3]
            assert held_out.known[row].tolist() == lists[playlist][:3]
            assert held_out.targets[row].tolist() == lists[playlist][3:]
    assert split.train.num_nodes == graph.num_nodes


def test_where_the_order_is_unknown_any_track_may_be_given(graph_of):
    split = split_graph(
        graph_of([list(range(10))] * 2000), SplitRecipe("playlists", 0.5, 0.0, num_given=1)
    )
    counts = split.test.query.track_counts(10)
    assert counts.sum() == 1000
    # 100 expected of each, with a standard deviation of 9.5.
    assert np.abs(counts - 100).max() < 50


def test_every_playlist_is_as_likely_to_go(graph_of):
    graph = graph_of([[0, 1, 2]] * 20)
    counts = np.zeros(20)
    for rng_seed in range(300):
        split = split_graph(graph, SplitRecipe("playlists", rng_seed=rng_seed, num_given=1))
        counts[split.test.playlist_index] += 1
    assert counts.sum() == 4 * 300
    assert counts.min() > 30


@given(splits(("playlists",)), st.integers(1, 8))
def test_what_is_held_out_does_not_depend_on_what_is_given(drawn, case, num_given):
    """One training serves all counts: the training graph is the same, to the fingerprint."""
    playlists, recipe = case
    split = drawn(playlists, recipe)
    other = drawn(playlists, replace(recipe, num_given=num_given))
    assert other.train.fingerprint == split.train.fingerprint
    asked = split.given(num_given)
    assert asked.train is split.train
    assert asked.recipe == other.recipe
    assert asked.fingerprint == other.fingerprint
    for part in ("validation", "test"):
        one, same, before = (getattr(s, part) for s in (other, asked, split))
        assert one.playlist_index.tolist() == before.playlist_index.tolist()
        for column in ("query", "known", "targets"):
            assert as_lists(getattr(one, column)) == as_lists(getattr(same, column))
        for row, playlist in enumerate(one.playlist_index):
            tracks, order_known = playlists[playlist]
            assert len(one.query[row]) == min(num_given, len(tracks))
            if order_known:
                assert one.query[row].tolist() == tracks[:num_given]
            # What is given grows from one end.
            shorter, longer = sorted([one.query[row].tolist(), before.query[row].tolist()], key=len)
            assert longer[: len(shorter)] == shorter


def test_given_tells_apart_and_back(planted_graph):
    split = split_graph(planted_graph, SplitRecipe("playlists"))
    assert split.recipe.num_given == 5
    assert split.given(3).fingerprint != split.fingerprint
    assert split.given(3).given(5).fingerprint == split.fingerprint


def test_given_more_than_there_is(graph_of):
    graph = graph_of([[0, 1, 2]] * 8 + [[0, 1, 2, 3]] * 2)
    split = split_graph(graph, SplitRecipe("playlists", 0.5, 0.0, num_given=2))
    with pytest.raises(InputError, match="held out for test has more than 4 tracks"):
        split.given(4)
    with pytest.raises(InputError, match="held out for test has more than 4 tracks"):
        split_graph(graph, replace(split.recipe, num_given=4))
    with pytest.raises(InputError, match="given tracks is 0, expected 1 or more"):
        split.given(0)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "playlists"])
def test_given_is_for_whole_playlists(planted_graph, kind):
    with pytest.raises(InputError, match=f"is only for a split of kind 'playlists', not '{kind}'"):
        split_graph(planted_graph, SplitRecipe(kind)).given(3)


# --- whole tracks -----------------------------------------------------------------------------


def test_tracks_by_hand(graph_of):
    """Ten tracks stand in playlists: two go to test, one to validation, out of every playlist."""
    graph = graph_of([list(range(10)), [9, 7, 5, 3, 1], [0, 2, 4, 6, 8], [3]])
    split = split_graph(graph, SplitRecipe("tracks", rng_seed=2))
    test, validation = (set(h.targets.track_index.tolist()) for h in (split.test, split.validation))
    assert (len(test), len(validation)) == (2, 1)
    assert not test & validation
    lists = as_lists(graph.playlists.tracks)
    for row, tracks in enumerate(lists):
        assert split.test.targets[row].tolist() == [t for t in tracks if t in test]
        assert split.validation.targets[row].tolist() == [t for t in tracks if t in validation]
        assert split.train.playlists.tracks[row].tolist() == [
            t for t in tracks if t not in test | validation
        ]
    assert split.train.num_nodes == graph.num_nodes
    assert split.train.catalog is graph.catalog, "structural edges stay"


@given(splits(("tracks",)))
def test_held_out_tracks_have_no_pair_in_training(drawn, case):
    split = drawn(*case)
    gone = np.concatenate([split.validation.targets.track_index, split.test.targets.track_index])
    assert not split.train.popularity[gone].any()
    assert not set(split.validation.targets.track_index) & set(split.test.targets.track_index)


# --- what is refused --------------------------------------------------------------------------


@pytest.mark.parametrize("part", ["validation", "test"])
@pytest.mark.parametrize("kind", KINDS)
def test_training_on_targets_is_refused(planted_graph, kind, part):
    split = split_graph(planted_graph, SplitRecipe(kind))
    held_out = getattr(split, part)
    lists = as_lists(split.train.playlists.tracks)
    row = int(np.flatnonzero(held_out.targets.lengths)[0])
    lists[held_out.playlist_index[row]].append(int(held_out.targets[row][0]))
    leaking = planted_graph.with_tracks(TrackLists.from_lists(lists))
    with pytest.raises(ValueError, match=f"the split overlaps: {part} targets are trained on"):
        replace(split, train=leaking)


@pytest.mark.parametrize("part", ["validation", "test"])
def test_training_on_what_is_given_of_a_playlist_is_refused(planted_graph, part):
    split = split_graph(planted_graph, SplitRecipe("playlists"))
    held_out = getattr(split, part)
    lists = as_lists(split.train.playlists.tracks)
    lists[held_out.playlist_index[0]].append(int(held_out.query[0][0]))
    leaking = planted_graph.with_tracks(TrackLists.from_lists(lists))
    with pytest.raises(ValueError, match=f"{part} playlists are trained on"):
        replace(split, train=leaking)


@pytest.mark.parametrize("part", ["validation", "test"])
def test_training_on_a_held_out_track_elsewhere_is_refused(planted_graph, part):
    split = split_graph(planted_graph, SplitRecipe("tracks"))
    track = int(getattr(split, part).targets.track_index[0])
    lists = as_lists(split.train.playlists.tracks)
    whole = as_lists(planted_graph.playlists.tracks)
    lists[next(row for row, tracks in enumerate(whole) if track not in tracks)].append(track)
    leaking = planted_graph.with_tracks(TrackLists.from_lists(lists))
    with pytest.raises(ValueError, match=f"{part} tracks are trained on"):
        replace(split, train=leaking)


@pytest.mark.parametrize("kind", KINDS)
def test_holding_out_twice_is_refused(planted_graph, kind):
    split = split_graph(planted_graph, SplitRecipe(kind))
    with pytest.raises(ValueError, match="the split overlaps: validation and test"):
        replace(split, test=split.validation)


def test_a_query_from_nowhere_is_refused(planted_graph):
    """A question may show no pair that training has not seen: here, those of validation."""
    split = split_graph(planted_graph, SplitRecipe())
    shown = replace(split.test, query=split.test.known)
    with pytest.raises(ValueError, match="test queries hold more than is trained on"):
        replace(split, test=shown)


@pytest.mark.parametrize(
    ("lists", "recipe", "message"),
    [
        ([], SplitRecipe(), "kind 'random' leaves nothing to train on"),
        ([[], []], SplitRecipe("tracks"), "kind 'tracks' leaves nothing to train on"),
        (
            [[0, 1]] * 9,
            SplitRecipe(),
            "share of 0.2 of each playlist holds nothing out for test; .* everything.*: --no-test",
        ),
        ([[0, 1, 2]] * 9, SplitRecipe(), "share of 0.1 of each playlist .* for validation"),
        ([[0, 1]] * 2, SplitRecipe("playlists", num_given=1), "0.2 of the playlists holds nothing"),
        ([[0]] * 50, SplitRecipe("playlists", num_given=1), "no playlist has two tracks or more"),
        ([[0, 1]] * 9, SplitRecipe("tracks"), "share of 0.2 of the tracks holds nothing out for"),
        ([[0, 1]] * 2, SplitRecipe("playlists", 0.5, 0.25, num_given=1), "nothing to train on"),
        ([[0, 1]] * 2, SplitRecipe("tracks", 0.5, 0.25), "kind 'tracks' leaves nothing to train"),
        ([[0, 1]] * 9, SplitRecipe("playlists"), "more than 5 tracks, so with 5 given nothing is"),
    ],
)
def test_a_split_that_is_of_no_use_is_refused(graph_of, lists, recipe, message):
    with pytest.raises(InputError, match=message):
        split_graph(graph_of(lists), recipe)


@pytest.mark.parametrize("kind", ["random", "last", "mixed", "playlists", "tracks"])
def test_without_shares_all_is_trained_on(graph_of, kind):
    graph = graph_of([[0, 1], [1]])
    split = split_graph(graph, SplitRecipe(kind, 0, 0))
    assert split.train is graph
    assert [part.targets.num_pairs for part in (split.validation, split.test)] == [0, 0]


def test_recipes_as_json():
    assert SplitRecipe("playlists").to_json()["num_given"] == 5
    assert SplitRecipe("playlists", num_given=25).to_json()["num_given"] == 25
    # What was written before there were other kinds.
    assert set(SplitRecipe().to_json()) == {"kind", "test_share", "validation_share", "rng_seed"}
    for recipe in (SplitRecipe("playlists", num_given=3), SplitRecipe("mixed", 0.3, 0.2, 9)):
        assert SplitRecipe(**recipe.to_json()) == recipe
