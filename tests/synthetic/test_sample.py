"""The shipped songs, the loader's refusals, and the shape of the generated playlists."""

import json
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from segue.data.playlists import TrackLists
from segue.data.reading import find, read
from segue.errors import ArtefactError, InputError
from segue.graph.holding_out import split_graph
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import SplitRecipe
from segue.synthetic import sample
from segue.synthetic.sample import (
    COLUMNS,
    Song,
    load_songs,
    sample_playlists,
    slug,
    write_sample,
)
from segue.synthetic.vocabulary import CALLED, GENRES, KINDS, MOODS, TITLES

GOOD = [
    "First\tÅrtist\tAlbum\t1999\trock\thard rock\tparty",
    "Second\tÅrtist\tAlbum\t1999\trock\thard rock\tcalm",
    "First\tOther\tAlbum\t1971\tpop\tart pop\tcalm",
]
# Follows the line that is tested: an empty line is an error within a file, not at its end.
LAST = "Last\tOther\tAlbum\t1971\tpop\tart pop\tcalm"


@pytest.fixture(scope="module")
def songs():
    return load_songs()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("new") / "sample"
    write_sample(folder)
    return folder


@pytest.fixture(scope="module")
def playlists(folder):
    slices = [json.loads(path.read_bytes()) for path in folder.iterdir()]
    return sorted((p for part in slices for p in part["playlists"]), key=lambda p: p["pid"])


def write_tsv(folder: Path, lines: list[str], header: str = "\t".join(COLUMNS)) -> Path:
    path = folder / "songs.tsv"
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


# --- songs


def test_shipped_songs_are_many_and_of_all_kinds(songs):
    assert len(songs) >= 1500
    assert len({song.artist for song in songs}) >= 250
    assert {song.genre for song in songs} == set(GENRES)
    assert {song.mood for song in songs} == set(MOODS)
    assert 18 <= len(GENRES) <= 25
    assert len({song.subgenre for song in songs}) >= 50


def test_shipped_ids_are_unique_and_well_formed(songs):
    assert len({song.track_id for song in songs}) == len(songs)
    part = r"[^\s:A-Z]+"
    for song in songs:
        assert re.fullmatch(f"segue:track:{part}:{part}", song.track_id)
        assert re.fullmatch(f"segue:artist:{part}", song.artist_id)
        assert re.fullmatch(f"segue:album:{part}:{part}", song.album_id)


def test_related_genres_are_genres():
    assert {near for related in GENRES.values() for near in related} <= set(GENRES)


def test_every_name_in_the_title_table_is_a_kind_of_music(songs):
    assert set(CALLED) <= {song.genre for song in songs} | {song.subgenre for song in songs}


def test_every_kind_has_titles_and_the_shares_add_up():
    assert set(TITLES) == set(KINDS) - {"subgenre"}
    assert sum(KINDS.values()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Beyoncé & Jay-Z", "beyonce-jay-z"),
        ("  AC/DC! ", "ac-dc"),
        ("Sigur Rós", "sigur-ros"),
        ("Кино", "кино"),
        ("シティポップ", "シティポップ"),
        ("봄날", "봄날"),
        ("ガガ", "ガガ"),
        ("أغاني 2", "أغاني-2"),
        ("हिन्दी", "हिन्दी"),
        ("İstanbul", "istanbul"),
        ("x²", "x2"),
        ("÷", "u00f7"),
    ],
)
def test_slug(name, expected):
    assert slug(name) == expected


def test_loader_reads_a_file(tmp_path):
    songs = load_songs(write_tsv(tmp_path, GOOD))
    assert songs[0] == Song("First", "Årtist", "Album", 1999, "rock", "hard rock", "party")
    assert songs[0].track_id == "segue:track:artist:first"
    assert songs[0].artist_id == "segue:artist:artist"
    assert songs[0].album_id == "segue:album:artist:album"
    assert len(songs) == 3


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("Third\tOther\tAlbum\t1971\tpop\tart pop", "expected 7 values"),
        ("Third\tOther\tAlbum\t1971\tpop\tart pop\tcalm\tmore", "expected 7 values"),
        ("Third\tOther\t\t1971\tpop\tart pop\tcalm", "none of them empty or padded"),
        ("Third\tOther \tAlbum\t1971\tpop\tart pop\tcalm", "none of them empty or padded"),
        ("", "expected 7 values"),
        ("Third\tOther\tNew\t1899\tpop\tart pop\tcalm", "expected a year from 1900 to 2030"),
        ("Third\tOther\tNew\t2031\tpop\tart pop\tcalm", "expected a year"),
        ("Third\tOther\tNew\tMCM\tpop\tart pop\tcalm", "expected a year"),
        ("Third\tOther\tNew\t١٩٧١\tpop\tart pop\tcalm", "expected a year"),
        ("Third\tOther\tAlbum\t1971\tpolka\tart pop\tcalm", "genre 'polka' is not known"),
        ("Third\tOther\tAlbum\t1971\tpop\tart pop\tblue", "mood 'blue' is not known"),
        ("Third\tOther\tAlbum\t1971\trock\thard rock\tcalm", "genre of artist Other.*line 4"),
        ("Third\tNew\tAlbum\t1971\tpop\thard rock\tcalm", "genre of sub-genre hard rock.*line 2"),
        ("Third\tOther\tAlbum\t1972\tpop\tart pop\tcalm", "year of album .*1971 as in line 4"),
        ("Third\tOther\tAlbum!\t1971\tpop\tart pop\tcalm", "spelling of album"),
        ("Third\tArtist\tAlbum\t1999\trock\thard rock\tcalm", "spelling of artist.*'Årtist'"),
        ("FIRST!\tOther\tAlbum\t1971\tpop\tart pop\tcalm", "segue:track:other:first repeats"),
    ],
)
def test_loader_refuses(tmp_path, line, message):
    with pytest.raises(InputError, match=rf"songs\.tsv: line 5: .*{message}"):
        load_songs(write_tsv(tmp_path, [*GOOD, line, LAST]))


def test_loader_refuses_another_header(tmp_path):
    with pytest.raises(InputError, match=r"line 1: expected the header track, artist"):
        load_songs(write_tsv(tmp_path, GOOD, header="title\tartist"))


def test_loader_refuses_what_it_cannot_read(tmp_path):
    with pytest.raises(InputError, match=r"none\.tsv: cannot be read"):
        load_songs(tmp_path / "none.tsv")
    (tmp_path / "latin.tsv").write_bytes(b"\xff\xfe\xe9")
    with pytest.raises(InputError, match=r"latin\.tsv: cannot be read as UTF-8"):
        load_songs(tmp_path / "latin.tsv")


# --- playlists


def test_same_seed_same_bytes(tmp_path):
    for folder, seed in (("a", 3), ("b", 3), ("c", 4)):
        write_sample(tmp_path / folder, 40, rng_seed=seed)
    a, b, c = ((tmp_path / f / "mpd.slice.0-39.json").read_bytes() for f in "abc")
    assert a == b
    assert a != c


def test_slices_are_read_without_a_skip(folder, playlists):
    source = find(folder)
    assert [Path(file.name).name for file, _ in source.files] == [
        "mpd.slice.0-999.json",
        "mpd.slice.1000-1999.json",
    ]
    collection = source.read()  # without `skip_bad`, a bad record is an error
    catalog, report = collection.catalog, collection.report
    assert (report.playlists, report.skipped) == (2000, 0)
    assert report.pairs + report.repeated_tracks == sum(p["num_tracks"] for p in playlists)
    assert collection.playlists.titles.to_pylist() == [playlist["name"] for playlist in playlists]
    assert collection.playlists.order_known.mean() > 0.99
    assert catalog.num_tracks > 2000


def test_last_slice_may_be_short(tmp_path):
    write_sample(tmp_path, 1001)
    assert (tmp_path / "mpd.slice.1000-1000.json").is_file()


def test_slices_are_not_mixed(tmp_path):
    write_sample(tmp_path, 3)
    with pytest.raises(ArtefactError, match="already contains slices"):
        write_sample(tmp_path, 2)


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ArtefactError, match="file: cannot be written"):
        write_sample(tmp_path / "file", 1)


@pytest.mark.parametrize("arguments", [(0, 0), (-1, 0), (1, -1)])
def test_arguments_out_of_range(arguments):
    with pytest.raises(InputError, match="expected at least 1"):
        sample_playlists(*arguments)


def test_fields_are_those_of_the_mpd(playlists, songs):
    known = {song.track_id: song for song in songs}
    assert [playlist["pid"] for playlist in playlists] == list(range(2000))
    for playlist in playlists[:200]:
        tracks = playlist["tracks"]
        assert [track["pos"] for track in tracks] == list(range(playlist["num_tracks"]))
        assert playlist["num_artists"] == len({track["artist_uri"] for track in tracks})
        assert playlist["num_albums"] == len({track["album_uri"] for track in tracks})
        assert playlist["collaborative"] == "false"
        assert playlist["num_followers"] >= 1
        assert playlist["num_edits"] >= 1
        assert playlist["modified_at"] % 86_400 == 0
        for track in tracks:
            song = known[track["track_uri"]]
            assert (track["track_name"], track["artist_name"]) == (song.track, song.artist)
            assert (track["artist_uri"], track["album_uri"]) == (song.artist_id, song.album_id)
            assert track["album_name"] == song.album


def test_lengths_and_variety_are_like_real_ones(playlists):
    lengths = np.array([playlist["num_tracks"] for playlist in playlists])
    low, middle, high = np.quantile(lengths, [0.05, 0.5, 0.95])
    assert 6 <= low <= 11
    assert 25 <= middle <= 36
    assert 70 <= high <= 120
    assert lengths.min() >= 5
    assert lengths.max() <= 120
    artists = np.array([playlist["num_artists"] for playlist in playlists])
    assert 0.45 < np.median(artists / lengths) < 0.7
    repeated = [len({t["track_uri"] for t in p["tracks"]}) < p["num_tracks"] for p in playlists]
    assert 0.01 < np.mean(repeated) < 0.08


def test_popularity_has_a_head_and_leaves_nobody_out(playlists, songs):
    counts = Counter(uri for p in playlists for uri in {t["track_uri"] for t in p["tracks"]})
    degrees = np.array([counts[song.track_id] for song in songs])
    assert 0.05 < degrees.max() / len(playlists) < 0.1
    assert (degrees >= 3).mean() > 0.98
    assert np.quantile(degrees, 0.95) > 2 * np.median(degrees)


def test_titles_show_all_kinds_and_share_words(playlists, songs):
    names = [playlist["name"].lower() for playlist in playlists]
    words = Counter(word for name in names for word in set(name.split()))
    assert {"90s", "sad", "rock", "road", "workout", "kitchen"} <= set(words)
    assert sum(count >= 5 for count in words.values()) >= 100
    assert sum(artist in names for artist in {song.artist.lower() for song in songs}) >= 30
    assert any(re.search(r"[\u0400-\u9fff]", name) for name in names)
    assert max(map(len, names)) < 60
    assert any(name.isupper() for name in (playlist["name"] for playlist in playlists))


def test_titles_say_what_is_inside(playlists, songs):
    known = {song.track_id: song for song in songs}

    def share(title: str, fits) -> float:
        inside = [
            fits(known[track["track_uri"]])
            for playlist in playlists
            if playlist["name"].lower() == title
            for track in playlist["tracks"]
        ]
        return float(np.mean(inside))

    assert share("90s", lambda song: 1990 <= song.year < 2000) > 0.5
    assert share("jazz", lambda song: song.genre == "jazz") > 0.35
    assert share("workout", lambda song: song.mood == "energetic") > 0.4


def test_there_is_something_to_learn_beyond_popularity_and_genre(folder, songs):
    """Recall@20: popularity weak, popularity within the list's sub-genres fair, kNN best."""
    collection = read(folder)
    catalog = collection.catalog
    split = split_graph(PlaylistGraph(collection.playlists, catalog), SplitRecipe())

    def matrix(lists: TrackLists) -> np.ndarray:
        dense = np.zeros((len(lists), catalog.num_tracks), dtype=np.float32)
        dense[lists.list_index(), lists.track_index] = 1
        return dense

    train, known, targets = map(
        matrix, (split.train.playlists.tracks, split.test.known, split.test.targets)
    )

    def recall(scores: np.ndarray) -> float:
        top = np.argsort(-np.where(known > 0, -np.inf, scores), axis=1, kind="stable")[:, :20]
        hits = np.take_along_axis(targets, top, axis=1).sum(axis=1)
        held_out = targets.sum(axis=1)
        return float((hits[held_out > 0] / held_out[held_out > 0]).mean())

    degree = train.sum(axis=0)
    together = train.T @ train
    np.fill_diagonal(together, 0)
    knn = recall(train @ (together / (np.sqrt(np.outer(degree, degree)) + 5)))
    subgenre_of = {song.track_id: song.subgenre for song in songs}
    subgenre = np.array([subgenre_of[track_id] for track_id in catalog.track_ids.to_pylist()])
    alike = (subgenre[:, None] == subgenre).astype(np.float32)
    by_subgenre = recall((train @ alike) * degree)

    assert recall(np.broadcast_to(degree, train.shape)) < 0.08
    assert 0.25 < knn < 0.5
    assert knn > 1.1 * by_subgenre


def test_a_slice_is_written_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, *_: object) -> None:
        path.write_bytes(b'{"info"')
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sample, "write_slice", full)
    with pytest.raises(ArtefactError, match="No space left"):
        write_sample(tmp_path, 10)
    assert list(tmp_path.iterdir()) == []
