"""A track is found by id, by name, by name and artist; else what is near is named."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.data.playlists import Catalog, Playlists, TrackLists
from segue.errors import NameLookupError
from segue.recommend.search import (
    MAX_CANDIDATES,
    NodeNames,
    TrackNames,
    artist_names,
    fold,
    playlist_names,
)

# name, artist, popularity
TRACKS = [
    ("Halo", "Beyoncé", 90),
    ("Hurt", "Nine Inch Nails", 20),
    ("Hurt", "Johnny Cash", 80),
    ("Don't Stop Me Now", "Queen", 70),
    ("Stop - Wait - Go", "The - Dashes", 1),
    ("???", "Punctuation", 3),
    ("!!!", "!!!", 2),
    ("あなた", "宇多田ヒカル", 10),
    ("Группа крови", "Кино", 12),
    ("انت عمري", "أم كلثوم", 11),
    ("Intro", "The xx", 50),
    ("Hurting", "Nobody", 5),
    ("track:0", "A Name That Is An Id", 1),
    ("", "Nameless", 1),
    ("[bold]Loud[/bold]", "[red]Band[/red]", 1),
    ("Straße", "Bänd", 4),
] + [(f"Common Song part {i:02}", "Many", i) for i in range(20)]


def catalog_of(tracks: list[tuple[str, str, int]]) -> Catalog:
    artists = sorted({artist for _, artist, _ in tracks})
    return Catalog(
        pa.array([f"track:{i}" for i in range(len(tracks))], pa.string()),
        pa.array([name for name, _, _ in tracks], pa.string()),
        pa.array([f"artist:{i}" for i in range(len(artists))], pa.string()),
        pa.array(artists, pa.string()),
        pa.array([], pa.string()),
        pa.array([], pa.string()),
        np.array([artists.index(artist) for _, artist, _ in tracks], dtype=np.int32),
        np.full(len(tracks), -1, dtype=np.int32),
    )


def names_of(tracks: list[tuple[str, str, int]]) -> TrackNames:
    return TrackNames(catalog_of(tracks), np.array([p for _, _, p in tracks], dtype=np.int64))


@pytest.fixture(scope="module")
def names() -> TrackNames:
    return names_of(TRACKS)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Beyoncé – Halo!", "beyonce halo"),
        ("  Don’t   STOP ", "dont stop"),
        ("Straße", "strasse"),
        ("ＦＵＬＬ　width", "full width"),
        ("Ünïcödé", "unicode"),
        ("𝞐 α", "α α"),
        ("あなた", "あなた"),
        ("Группа крови", "группа крови"),
        (" !!! ", "!!!"),
        ("", ""),
    ],
)
def test_fold(text, folded):
    assert fold(text) == folded


@given(st.text(max_size=30))
def test_fold_of_folded_changes_nothing_and_case_does_not_matter(text):
    assert fold(fold(text)) == fold(text)
    assert fold(f"  {text} ") == fold(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("track:3", 3),
        (" track:3 ", 3),
        ("track:0", 0),  # an id goes before a name that looks like one
        ("Halo", 0),
        ("hALO", 0),
        ("dont stop me now", 3),
        ("Don’t stop, me now!", 3),
        ("???", 5),
        ("!!!", 6),
        ("あなた", 7),
        ("группа КРОВИ", 8),
        ("انت عمري", 9),
        ("[bold]Loud[/bold]", 14),
        ("STRASSE", 15),
        ("halo - beyonce", 0),
        ("BEYONCÉ - halo", 0),
        ("Hurt - Johnny Cash", 2),
        ("johnny cash – hurt", 2),
        ("Hurt — Nine Inch Nails", 1),
        ("宇多田ヒカル - あなた", 7),
        ("Stop - Wait - Go", 4),
        ("Stop - Wait - Go - The - Dashes", 4),
        ("The - Dashes - Stop - Wait - Go", 4),
        ("!!! - !!!", 6),
    ],
)
def test_find(names, text, expected):
    if expected is None:
        with pytest.raises(NameLookupError):
            names.find(text)
    else:
        assert names.find(text) == expected


def test_an_ambiguous_name_lists_the_most_popular_first(names):
    with pytest.raises(NameLookupError, match="'Hurt' is the name of 2 tracks") as caught:
        names.find("Hurt")
    assert caught.value.candidates == (
        "Hurt - Johnny Cash  (track:2)",
        "Hurt - Nine Inch Nails  (track:1)",
    )


def test_what_a_candidate_says_can_be_typed(names):
    with pytest.raises(NameLookupError) as caught:
        names.find("hurt")
    for candidate in caught.value.candidates:
        described, track_id = candidate.rstrip(")").split("  (")
        assert names.find(described) == names.find(track_id)


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("hurtin", ["Hurting - Nobody  (track:11)"]),  # holds the text
        ("Hallo", ["Halo - Beyoncé  (track:0)"]),  # spelt alike
        ("johnny", ["Hurt - Johnny Cash  (track:2)"]),  # an artist's name holds it
        ("hurt - nine inch nales", []),
        ("nothing like that whatsoever", []),
        ("", []),
        ("   ", []),
        ("track:999", ["track:0 - A Name That Is An Id  (track:12)"]),
    ],
)
def test_an_unknown_name_lists_what_is_near(names, text, near):
    with pytest.raises(NameLookupError, match="is no track of this bundle") as caught:
        names.find(text)
    assert list(caught.value.candidates) == near
    assert ("the closest are" in str(caught.value)) == bool(near)


def test_no_more_candidates_than_can_be_read(names):
    with pytest.raises(NameLookupError) as caught:
        names.find("common song")
    candidates = caught.value.candidates
    assert len(candidates) == MAX_CANDIDATES
    assert candidates[0].startswith("Common Song part 19")
    assert candidates[-1].startswith("Common Song part 10")


@given(st.text(max_size=20))
def test_any_text_finds_or_says_that_it_does_not(names, text):
    try:
        found, candidates = names.find(text), ()
    except NameLookupError as error:
        found, candidates = 0, error.candidates
    assert 0 <= found < len(TRACKS)
    assert len(candidates) <= MAX_CANDIDATES


def test_an_empty_catalogue_finds_nothing():
    with pytest.raises(NameLookupError):
        names_of([]).find("anything")


@pytest.mark.parametrize(("one", "other"), [("हिन्दी", "हुन्दा"), ("กิน", "กัน"), ("バス", "ハス")])
def test_words_that_differ_in_a_vowel_sign_stay_different(one, other):
    assert fold(one) != fold(other)


def test_an_exact_name_goes_before_one_that_is_folded_alike():
    names = names_of([("Help", "One", 5), ("Help!", "Other", 1)])
    assert names.find("Help!") == 1


def test_advice_that_helps():
    names = names_of([("Song", "Band", 5), ("Song", "Band", 1)])
    with pytest.raises(NameLookupError) as caught:
        names.find("Song - Band")
    assert "'name - artist'" not in str(caught.value)


def playlists_of(titles: list[str | None]) -> Playlists:
    """Playlists p0, p1 … that hold 1, 2 … tracks."""
    return Playlists(
        pa.array([f"p{i}" for i in range(len(titles))], pa.string()),
        pa.array(titles, pa.string()),
        np.zeros(len(titles), dtype=bool),
        TrackLists.from_lists([list(range(i + 1)) for i in range(len(titles))]),
    )


@pytest.mark.parametrize(
    ("text", "name"),
    [("beyonce", "Beyoncé"), ("КИНО", "Кино"), ("!!!", "!!!"), ("the xx", "The xx")],
)
def test_an_artist_by_name_and_by_id(text, name):
    catalog = catalog_of(TRACKS)
    row = artist_names(catalog).find(text)
    assert catalog.artist_names[row].as_py() == name
    assert artist_names(catalog).find(f" {catalog.artist_ids[row]} ") == row


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("johny cash", ["Johnny Cash, 1 track  (artist:4)"]),
        ("man", ["Many, 20 tracks  (artist:5)"]),
        ("", []),
    ],
)
def test_an_unknown_artist_lists_what_is_near(text, near):
    with pytest.raises(NameLookupError, match="is no artist of this bundle") as caught:
        artist_names(catalog_of(TRACKS)).find(text)
    assert list(caught.value.candidates) == near


def test_playlists_by_id_and_title():
    names = playlist_names(playlists_of(["Chill", None, "chill!", "p0", "Gym 💪"]))
    assert names.find("p0") == 0, "an id goes before a title"
    assert names.find("gym") == 4
    assert names.find("chill!") == 2
    with pytest.raises(NameLookupError, match="'CHILL,' is the name of 2 playlists") as caught:
        names.find("CHILL,")
    # The longest first.
    assert caught.value.candidates == ("chill!, 3 tracks  (p2)", "Chill, 1 track  (p0)")


@pytest.fixture(scope="module")
def nodes(names) -> NodeNames:
    return NodeNames(names, playlists_of(["Halo", "road trip", "Intro", "Intro", "track:5"]))


@pytest.mark.parametrize(
    ("text", "node_type", "found"),
    [
        ("road trip", None, ("playlist", 1)),
        ("beyonce", None, ("artist", 2)),
        ("halo - beyonce", None, ("track", 0)),
        ("track:5", None, ("track", 5)),  # an id goes before a title
        ("Halo", "track", ("track", 0)),
        ("Halo", "playlist", ("playlist", 0)),
        ("hurt - johnny cash", "track", ("track", 2)),
    ],
)
def test_a_node_of_any_type(nodes, text, node_type, found):
    assert nodes.find(text, node_type) == found


@pytest.mark.parametrize(
    ("text", "says", "lines"),
    [
        ("Halo", "the name of a track and of a playlist; say which, by id or with --type:", 2),
        ("Intro", "the name of a track and of 2 playlists", 3),
        ("!!!", "the name of an artist and of a track", 2),
        ("Hurt", "the name of 2 tracks", 2),
        ("hal", "is no artist, track or playlist of this bundle; the closest are:", 2),
        ("zzzzzz", "is no artist, track or playlist of this bundle", 0),
    ],
)
def test_several_nodes_or_none(nodes, text, says, lines):
    with pytest.raises(NameLookupError) as caught:
        nodes.find(text)
    assert says in str(caught.value)
    assert len(caught.value.candidates) == lines


def test_one_id_of_two_types_is_told_apart_by_type(names):
    catalog = names.catalog
    ids = pa.array(["artist:1", "b"], pa.string())
    playlists = Playlists(
        ids, pa.array([None, None], pa.string()), np.zeros(2, bool), TrackLists.from_lists([[], []])
    )
    nodes = NodeNames(TrackNames(catalog, np.zeros(catalog.num_tracks, np.int64)), playlists)
    says = "is the id of an artist and of a playlist; say which, with --type"
    with pytest.raises(NameLookupError, match=says) as caught:
        nodes.find("artist:1")
    assert caught.value.candidates[1] == "playlist: without a title, 0 tracks  (artist:1)"
    assert nodes.find("artist:1", "playlist") == ("playlist", 0)


def test_without_playlists_there_are_tracks_and_artists(names):
    nodes = NodeNames(names, None)
    assert nodes.find("Halo") == ("track", 0)
    with pytest.raises(NameLookupError, match="is no artist or track of this bundle"):
        nodes.find("road trip")


def test_an_artist_that_made_nothing_known():
    catalog = catalog_of(TRACKS)
    nobody = replace(catalog, track_artist=np.full(catalog.num_tracks, -1, dtype=np.int32))
    with pytest.raises(NameLookupError) as caught:
        artist_names(nobody).find("Quee")
    assert caught.value.candidates == ("Queen, 0 tracks  (artist:10)",)
