"""Generated playlists: their form, their shape, and that a seed determines them."""

import json
import re
from collections import Counter, defaultdict
from itertools import combinations

import numpy as np
import pytest

from segue.data.reading import read
from segue.data.title_words import title_words
from segue.errors import ArtefactError, InputError
from segue.synthetic.generate import SliceMaker, generate
from segue.synthetic.names import MadeUpNames
from segue.synthetic.world import NUM_ARTISTS, Parts


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """1,050 playlists in two slices, by two processes."""
    folder = tmp_path_factory.mktemp("generated") / "new" / "slices"
    written = []
    generate(folder, 1050, rng_seed=3, processes=2, advance=written.append)
    assert sorted(written) == [50, 1000]
    return folder


@pytest.fixture(scope="module")
def playlists(folder):
    slices = ["mpd.slice.0-999.json", "mpd.slice.1000-1049.json"]
    assert sorted(path.name for path in folder.iterdir()) == slices
    return [p for name in slices for p in json.loads((folder / name).read_text())["playlists"]]


@pytest.fixture(scope="module")
def maker():
    return SliceMaker(3)


def test_slices_are_the_same_whatever_the_number_of_processes(folder, tmp_path, maker):
    """Nor does it matter how many there are, or what a process made before."""
    maker.write(tmp_path, 1000, 50)
    maker.write(tmp_path, 0, 1000)
    for path in folder.iterdir():
        assert path.read_bytes() == (tmp_path / path.name).read_bytes()


def test_another_seed_is_another_world(tmp_path, maker):
    generate(tmp_path, 3, rng_seed=4)
    other = json.loads((tmp_path / "mpd.slice.0-2.json").read_text())["playlists"]
    here = maker.playlists(0, 3)
    assert [p["num_tracks"] for p in here] != [p["num_tracks"] for p in other]
    index = np.arange(1000)
    same = zip(maker.names.artists(index), MadeUpNames(4).artists(index), strict=True)
    assert np.mean([one == two for one, two in same]) < 0.01


def test_all_of_it_is_read_without_a_complaint(folder, playlists):
    collection = read(folder)
    catalog, report = collection.catalog, collection.report
    assert (report.playlists, report.skipped, report.repeated_tracks) == (1050, 0, 0)
    assert collection.playlists.titles.to_pylist() == [playlist["name"] for playlist in playlists]
    assert collection.playlists.order_known.mean() > 0.99
    assert catalog.num_tracks > 25_000
    assert (catalog.main_album >= 0).all()


def test_fields_are_those_of_the_mpd(playlists):
    assert [playlist["pid"] for playlist in playlists] == list(range(1050))
    for playlist in playlists[::10]:
        tracks = playlist["tracks"]
        assert [track["pos"] for track in tracks] == list(range(playlist["num_tracks"]))
        assert playlist["num_artists"] == len({track["artist_uri"] for track in tracks})
        assert playlist["num_albums"] == len({track["album_uri"] for track in tracks})
        assert playlist["duration_ms"] == sum(track["duration_ms"] for track in tracks)
        assert playlist["collaborative"] in ("true", "false")
        assert playlist["num_followers"] >= 1
        assert playlist["num_edits"] >= 1
        assert playlist["modified_at"] % 86_400 == 0
        for track in tracks:
            assert 60_000 <= track["duration_ms"] < 400_000
            for kind in ("track", "artist", "album"):
                assert re.fullmatch(rf"segue:{kind}:\d+", track[f"{kind}_uri"])
                assert track[f"{kind}_name"]


def test_a_track_is_the_same_wherever_it_stands(playlists):
    said = {}
    for playlist in playlists:
        for track in playlist["tracks"]:
            fact = {name: value for name, value in track.items() if name != "pos"}
            assert said.setdefault(track["track_uri"], fact) == fact
    for kind in ("artist", "album"):
        names = {(track[f"{kind}_uri"], track[f"{kind}_name"]) for track in said.values()}
        assert len(names) == len({uri for uri, _ in names})
    artists = {(track["album_uri"], track["artist_uri"]) for track in said.values()}
    assert len(artists) == len({album for album, _ in artists}), "an album of two artists"


def test_shape_is_that_of_the_published_figures(playlists):
    """Of the first 1,000; the figures are those in benchmarks/generated_shape.py."""
    playlists = playlists[:1000]
    lengths = np.array([playlist["num_tracks"] for playlist in playlists])
    assert 5 <= lengths.min() <= lengths.max() <= 250
    published = np.array([10, 24, 45, 84, 175])
    assert np.percentile(lengths, [5, 25, 50, 75, 95]) == pytest.approx(published, rel=0.2)
    assert lengths.mean() == pytest.approx(62, rel=0.12)
    tracks = Counter(track["track_uri"] for p in playlists for track in p["tracks"])
    artists = {track["artist_uri"] for p in playlists for track in p["tracks"]}
    assert len(tracks) == pytest.approx(32_804, rel=0.15)
    assert len(artists) == pytest.approx(9_598, rel=0.15)
    assert 0.03 < max(tracks.values()) / len(playlists) < 0.085
    per_track = np.array([playlist["num_artists"] for playlist in playlists]) / lengths
    low, middle, high = np.percentile(per_track, [5, 50, 95])
    assert 0.18 < low < 0.4
    assert middle == pytest.approx(0.69, abs=0.08)
    assert high == 1


def test_titles_are_worded_and_repeat_like_real_ones(playlists):
    """Near the figures of real titles in benchmarks/generated_shape.py, for fewer playlists."""
    titles = [title_words(playlist["name"]) for playlist in playlists]
    words = Counter(word for title in titles for word in title)
    assert {"country", "jazz", "90s", "weekend"} <= set(words)
    assert 30 < sum(count >= 5 for count in words.values()) < 150
    lengths = Counter(map(len, titles))
    assert 0.45 < lengths[1] / len(titles) < 0.65
    assert 0.25 < lengths[2] / len(titles) < 0.45
    assert lengths[0] < 0.01 * len(titles)
    of_their_own = Counter(map(tuple, titles)).values()
    assert 0.5 < sum(count == 1 for count in of_their_own) / len(titles) < 0.75


def test_titles_say_what_is_inside(playlists):
    """Two playlists of the same title are many times more alike than any two, as real ones are."""
    tracks = [{track["track_uri"] for track in playlist["tracks"]} for playlist in playlists]
    rows_of = defaultdict(list)
    for row, playlist in enumerate(playlists):
        rows_of[tuple(title_words(playlist["name"]))].append(row)
    same = [pair for rows in rows_of.values() for pair in combinations(rows, 2)]
    rng = np.random.default_rng(0)
    any_two = rng.integers(len(tracks), size=(20_000, 2))

    def likeness(pairs):
        return np.mean(
            [
                len(tracks[one] & tracks[two]) / np.sqrt(len(tracks[one]) * len(tracks[two]))
                for one, two in pairs
                if one != two
            ]
        )

    assert len(same) > 300
    assert likeness(same) > 4 * likeness(any_two)


def test_order_carries_runs_of_artists(playlists):
    rng = np.random.default_rng(0)

    def neighbours(artists):
        return np.mean(artists[1:] == artists[:-1])

    here, shuffled = [], []
    for playlist in playlists:
        artists = np.array([track["artist_uri"] for track in playlist["tracks"]])
        here.append(neighbours(artists))
        shuffled.append(neighbours(rng.permutation(artists)))
    assert np.mean(here) > 1.5 * np.mean(shuffled)


def test_a_world_is_of_the_size_of_the_million(maker):
    """Expected distinct tracks, artists and albums in 66.3 million draws by weight."""
    world = maker.world
    unseen = -66.3e6 * world.weight
    seen = {"track": -np.expm1(unseen).sum()}
    for kind, parts in (("artist", world.artists), ("album", world.albums)):
        seen[kind] = -np.expm1(np.add.reduceat(unseen, parts.start[:-1])).sum()
    assert seen["track"] == pytest.approx(2_262_292, rel=0.06)
    assert seen["artist"] == pytest.approx(295_860, rel=0.06)
    assert seen["album"] == pytest.approx(734_684, rel=0.06)


def test_parts_are_drawn_from_by_weight():
    parts = Parts(np.array([0, 2, 5], dtype=np.int32), np.array([0.0, 1, 4, 4, 5, 6]))
    part = np.array([0, 0, 0, 1, 1, 1, 1])
    chance = np.array([0, 0.24, 0.26, 0, 0.49, 0.51, np.nextafter(1, 0)])
    # Row 2 weighs nothing.
    assert parts.draw(part, chance).tolist() == [0, 0, 1, 3, 3, 4, 4]


def test_names_are_of_many_kinds_and_the_same_in_any_company():
    names, index = MadeUpNames(0), np.arange(40_000)
    artists = names.artists(index)
    assert names.artists(index[500:510]) == artists[500:510]
    assert len(set(artists)) > 0.8 * len(artists)
    tracks = names.tracks(index, np.full(len(index), 7))
    assert names.tracks(index[-3:], np.full(3, 7)) == tracks[-3:]
    text = "".join(artists)
    for script in ("[а-я]", "[α-ω]", "[가-힣]", "[\u0600-\u06ff]", "[ぁ-ん]", "[一-龥]", "[áéñø]"):
        assert re.search(script, text), script
    assert max(map(len, tracks)) > 150
    assert any(not re.search(r"\w", name) for name in tracks)
    assert all(name.isprintable() and name == name.strip() for name in artists + tracks)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_playlists": 0}, "the number of playlists is 0, expected 1 to 1000000"),
        ({"num_playlists": 1_000_001}, "the number of playlists is 1000001"),
        ({"num_playlists": 1, "rng_seed": -1}, "the seed is -1"),
        ({"num_playlists": 1, "processes": 0}, "the number of processes is 0"),
    ],
)
def test_arguments_out_of_range(tmp_path, arguments, message):
    with pytest.raises(InputError, match=message):
        generate(tmp_path / "new", **arguments)
    assert not (tmp_path / "new").exists()


def test_a_folder_that_holds_anything_is_refused(tmp_path):
    (tmp_path / "mine.txt").write_text("")
    with pytest.raises(ArtefactError, match="is not empty, expected a new or empty folder"):
        generate(tmp_path, 1)
    with pytest.raises(ArtefactError, match=r"mine\.txt: cannot be written"):
        generate(tmp_path / "mine.txt", 1)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_playlists_are_full_and_hold_no_track_twice(maker):
    """Also those that are about one artist, or take none twice."""
    for playlist in maker.playlists(5000, 1000):
        uris = [track.track_uri for track in playlist["tracks"]]
        assert 5 <= len(uris) == len(set(uris)) == playlist["num_tracks"] <= 250
    assert len(maker.world.artists.start) == NUM_ARTISTS + 1
