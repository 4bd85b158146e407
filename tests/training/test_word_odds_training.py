"""Odds of words: smoothed by artists and popularity, as far as a word's other playlists say so."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

import segue
from segue import memory
from segue.data.collection import Collection
from segue.errors import InputError, ResourceError
from segue.graph.playlist_graph import PlaylistGraph
from segue.training.word_odds import _STRENGTHS, WordOddsConfig


def titled(graph: PlaylistGraph, titles: list[str | None]) -> PlaylistGraph:
    """The graph with the words of these titles."""
    playlists = replace(graph.playlists, titles=pa.array(titles, pa.string()))
    return segue.build(Collection(playlists, graph.catalog))


@pytest.fixture(scope="module")
def graph(planted_graph) -> PlaylistGraph:
    """Titles of the community, a word drawn by chance, and some words of few titles."""
    rng = np.random.default_rng(3)
    chance = rng.choice(["ash", "birch"], 240)
    titles: list[str | None] = [f"scene{row % 4} {chance[row]}" for row in range(240)]
    titles[5], titles[9], titles[10] = "scene1 seldom", "seldom", "once"
    return titled(planted_graph, titles)


def row_of(graph: PlaylistGraph, word: str) -> int:
    return graph.catalog.nodes["word"].index_of[word]


def plain(graph: PlaylistGraph, word: str) -> tuple[np.ndarray, float, float]:
    """The odds of one word as the docstring has them, track by track, and α and μ."""
    popularity = graph.popularity + 0.5
    p = popularity / popularity.sum()
    artist = graph.catalog.main_artist
    of_artist = np.array([p[artist == a].sum() for a in range(artist.max() + 1)])
    titles = graph.playlists.relations["word"]
    rows = [r for r in range(len(graph.playlists)) if row_of(graph, word) in titles[r].tolist()]
    lists = [graph.playlists.tracks[row] for row in rows]

    def given(others: list[np.ndarray], alpha: float) -> tuple[np.ndarray, np.ndarray, int]:
        n_u = np.bincount(np.concatenate(others), minlength=len(p))
        n_a = np.bincount(artist, n_u, minlength=len(of_artist))
        n = n_u.sum()
        return n_u, (n_a + alpha * of_artist) / (n + alpha), n

    def likelihood(alpha: float, mu: float | None) -> float:
        total = 0.0
        for at, tracks in enumerate(lists):
            n_u, p_a, n = given(lists[:at] + lists[at + 1 :], alpha)
            found = p_a[artist[tracks]]
            if mu is not None:
                prior = p[tracks] * found / of_artist[artist[tracks]]
                found = (n_u[tracks] + mu * prior) / (n + mu)
            total += np.log(found).mean()
        return total

    alpha = max(_STRENGTHS, key=lambda strength: likelihood(strength, None))
    mu = max(_STRENGTHS, key=lambda strength: likelihood(alpha, strength))
    n_u, p_a, n = given(lists, alpha)
    posterior = (n_u + mu * p * (p_a / of_artist)[artist]) / (n + mu)
    odds = np.log(posterior / p)
    return odds, alpha, mu


@pytest.mark.parametrize("word", ["scene0", "scene1", "~<seldom>"])
def test_each_word_is_smoothed_as_the_docstring_says(graph, word):
    found = WordOddsConfig().fit(graph).matrix.toarray()[row_of(graph, word)]
    expected, alpha, mu = plain(graph, word)
    assert min(alpha, mu) < 1e5
    # But for a constant: an artist of whom the playlists hold nothing is at 0.
    level = expected[found == 0].max() if (found == 0).any() else (expected - found).mean()
    np.testing.assert_allclose(found, expected - level, atol=0.02)
    own = graph.playlists.tracks[5 if word == "~<seldom>" else int(word[-1])]
    assert found[own].mean() > found.mean()


def test_words_that_say_nothing_have_no_odds(graph):
    odds = WordOddsConfig().fit(graph)
    for word in ("ash", "birch"):
        row = odds.matrix[[row_of(graph, word)]]
        assert row.nnz == 0 or row.max() < 0.3, "by chance"
    scene = odds.matrix[[row_of(graph, "scene2")]].toarray()[0]
    assert scene[80:120].mean() > 2 * np.delete(scene, np.arange(80, 120)).mean()


def test_a_word_of_one_playlist_would_give_it_away(graph):
    """Its other playlists may be held out, or have no tracks left."""
    lists = graph.playlists.tracks
    rows = lists.list_index()
    without = graph.with_tracks(lists.keep(rows != 5))
    assert WordOddsConfig().fit(graph).matrix[[row_of(graph, "~<seldom>")]].nnz > 0
    assert WordOddsConfig().fit(without).matrix[[row_of(graph, "~<seldom>")]].nnz == 0


def test_parts_of_words_have_none(planted_graph):
    titles = [f"{'sun' if row % 4 else 'moon'}{row}light" for row in range(240)]
    graph = titled(planted_graph, [*titles[:-12], *["night"] * 12])
    parts = [w for w in graph.catalog.nodes["word"].ids.to_pylist() if w != "night"]
    assert parts
    odds = WordOddsConfig().fit(graph)
    for word in parts:
        assert odds.matrix[[row_of(graph, word)]].nnz == 0


def test_the_most_likely_tracks_are_kept(graph):
    every = WordOddsConfig().fit(graph).matrix.toarray()
    few = WordOddsConfig(max_tracks=10).fit(graph).matrix.toarray()
    likely = np.exp(every) * (graph.popularity + 0.5)
    for word in ("scene0", "scene3"):
        row = row_of(graph, word)
        kept = np.flatnonzero(few[row])
        assert len(kept) == 10
        assert likely[row, kept].min() >= np.delete(likely[row], kept).max() - 1e-6
        np.testing.assert_allclose(few[row, kept], every[row, kept])


def test_tracks_without_an_artist_are_smoothed_by_popularity_alone(graph):
    by = graph.catalog.relations["artist"]
    nobody = replace(by, offsets=np.zeros_like(by.offsets), target_index=by.target_index[:0])
    catalog = replace(graph.catalog, relations={**graph.catalog.relations, "artist": nobody})
    found = WordOddsConfig().fit(replace(graph, catalog=catalog)).matrix.toarray()
    row = row_of(graph, "scene1")
    held = np.zeros(160, dtype=bool)
    titles = graph.playlists.relations["word"]
    for playlist in range(240):
        if row in titles[playlist].tolist():
            held[graph.playlists.tracks[playlist]] = True
    assert (found[row][held] > 0).all()
    assert not found[row][~held].any()
    assert found[row][40:80].mean() > 2 * found[row][:40].mean()


def test_memory_is_estimated_and_refused_in_one_sentence(graph, monkeypatch):
    config = WordOddsConfig()
    config.fit(graph)
    tracemalloc.start()
    config.fit(graph)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < config.memory(graph)
    assert sum(a.nbytes for a in config.fit(graph).arrays().values()) < config.stored_bytes(graph)
    monkeypatch.setattr(memory, "available_memory", lambda: config.memory(graph) - 1)
    with pytest.raises(ResourceError, match=r"the odds of tracks under the words .* needs") as e:
        config.fit(graph)
    assert "\n" not in str(e.value)


def test_values_out_of_range_are_refused():
    with pytest.raises(InputError, match="max_tracks is 0, expected 1 or more"):
        WordOddsConfig(max_tracks=0)
    with pytest.raises(InputError, match="max_lists is 1, expected 2 or more"):
        WordOddsConfig(max_lists=1)
