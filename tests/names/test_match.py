"""A song from elsewhere is the right track, or it is said that it is not clear."""

import sqlite3

import numpy as np
import pyarrow as pa
import pytest

from segue.data.collection import Collection
from segue.data.playlists import Catalog
from segue.data.reading import read
from segue.data.relations import Nodes, Relation
from segue.errors import InputError
from segue.names.lookup import NameLookup
from segue.names.name_file import NAMES_FILE, write_names

# id, name, artists; the first are the best known.
TRACKS = [
    ("t0", "Help!", ["The Beatles"]),
    ("t1", "Yesterday - Remastered 2009", ["The Beatles"]),
    ("t2", "Yesterday", ["The Beatles"]),
    ("t3", "Yesterday (Live in Paris)", ["The Beatles"]),
    ("t4", "Purple Rain", ["Prince & The Revolution"]),
    ("t5", "Crazy in Love (feat. JAY-Z)", ["Beyoncé", "JAY-Z"]),
    ("t6", "Hurt", ["Johnny Cash"]),
    ("t7", "Hurt", ["Nine Inch Nails"]),
    ("t8", "Blue Monday (Hardfloor Mix)", ["New Order"]),
    ("t9", "Blue Monday", ["New Order"]),
    ("t10", "Группа крови", ["Кино"]),
    ("t11", "Single Ladies (Put a Ring on It)", ["Beyoncé"]),
    ("t12", "Echoes (Part 1)", ["Pink Floyd"]),
    ("t13", "Halo", ["Beyoncé"]),
    ("t14", "Halo", ["Beyoncé"]),
    ("t15", "Live Forever", ["Oasis"]),
    ("t16", "Main Title (Theme from Jaws)", ["John Williams"]),
    ("t17", "Take Five", ["The Dave Brubeck Quartet"]),
    ("t18", "Wish You Were Here", ["Pink Floyd"]),
    ("spotify:track:4u7EnebtmKWzUH433cf5Qv", "Bohemian Rhapsody", ["Queen"]),
    ("7", "Seven", ["Somebody"]),
    ("t21", "ポリリズム", ["Perfume"]),
    ("t22", "Nobody Knows", ["Nobody Band"]),
    ("t23", "Hate Me", ["Blue"]),
]
ISRC, MBID = "isrc:GBUM71029604", "mbid:b1a9c0e9-d987-4042-ae91-78d6a3267d69"


def lookup(tracks: list[tuple[str, str, list[str]]], aliases: pa.Array | None = None) -> NameLookup:
    artists = list(dict.fromkeys(name for _, _, names in tracks for name in names))
    rows = [[artists.index(name) for name in names] for _, _, names in tracks]
    names, ids = pa.array(artists, pa.string()), pa.array([an_id for an_id, _, _ in tracks])
    by = np.array([row for several in rows for row in several], dtype=np.int32)
    nothing = Nodes(pa.array([], pa.string()), pa.array([], pa.string()))
    catalog = Catalog(
        {
            "track": Nodes(ids, pa.array([title for _, title, _ in tracks]), aliases),
            "artist": Nodes(names, names),
            "album": nothing,
        },
        {
            "artist": Relation(
                "by", "track", "artist",
                np.cumsum([0, *map(len, rows)]), by, len(artists),
            ),
            "album": Relation.single("on", "track", "album", np.full(len(tracks), -1, np.int32), 0),
        },
    )  # fmt: skip
    return NameLookup(catalog, np.arange(len(tracks), 0, -1))


@pytest.fixture(scope="module")
def names() -> NameLookup:
    aliases = [[] for _ in TRACKS]
    aliases[0], aliases[6], aliases[7] = [ISRC], [MBID], [MBID]
    return lookup(TRACKS, pa.array(aliases, pa.list_(pa.string())))


@pytest.mark.parametrize(
    ("asked", "track_id", "how"),
    [
        ("t0", "t0", "id"),
        (" t0 ", "t0", "id"),
        (7, "7", "id"),
        ("https://open.spotify.com/intl-de/track/4u7EnebtmKWzUH433cf5Qv?si=1",
         "spotify:track:4u7EnebtmKWzUH433cf5Qv", "id"),
        ("4u7EnebtmKWzUH433cf5Qv", "spotify:track:4u7EnebtmKWzUH433cf5Qv", "id"),
        ("gb-um7-10-29604", "t0", "isrc"),
        ("isrc:GBUM71029604", "t0", "isrc"),
        ("https://musicbrainz.org/recording/B1A9C0E9-d987-4042-ae91-78d6a3267d69", "t6", "mbid"),
        ("help", "t0", "name"),
        (("Beatles", "Help"), "t0", "name"),
        (("Beatles, The", "HELP!"), "t0", "name"),
        ("Help! - Beatles", "t0", "name"),
        ("Beatles – Help", "t0", "name"),
        ("Help by the Beatles", "t0", "name"),
        ("help beatles", "t0", "name"),
        ("03. The Beatles - Help!", "t0", "name"),
        (("Help!", "The Beatles"), "t0", "name"),
        # versions: plain, remaster, live, unless one is named
        (("The Beatles", "Yesterday"), "t2", "name"),
        (("The Beatles", "Yesterday - 2015 Remaster"), "t1", "name"),
        (("The Beatles", "Yesterday (Live)"), "t3", "name"),
        (("The Beatles", "Yesterday - Live in Tokyo"), "t3", "name"),
        (("The Beatles", "Help! (Live)"), "t0", "version"),
        (("The Beatles", "Help! - Radio Edit"), "t0", "version"),
        (("New Order", "Blue Monday"), "t9", "name"),
        (("New Order", "Blue Monday - Hardfloor Remix"), "t8", "name"),
        # who plays it
        (("Prince", "Purple Rain"), "t4", "name"),
        (("Prince and the Revolution", "Purple Rain"), "t4", "name"),
        (("Beyonce ft. Jay-Z", "Crazy In Love"), "t5", "name"),
        ((["Beyoncé", "JAY-Z"], "Crazy in Love"), "t5", "name"),
        (("Jay-Z", "Crazy in Love"), "t5", "name"),
        (("Dave Brubeck", "Take Five"), "t17", "name"),
        (("Johnny Cash", "Hurt"), "t6", "name"),
        # other letters
        (("Kino", "Gruppa krovi"), "t10", "name"),
        ("Perfume - Poririzumu", "t21", "name"),
        # subtitles
        (("Beyoncé", "Single Ladies"), "t11", "name"),
        (("John Williams", "Main Title"), "t16", "version"),
        (("John Williams", "Main Title (From Jaws)"), "t16", "name"),
        # small errors
        (("Queen", "Bohemian Rapsody"), "spotify:track:4u7EnebtmKWzUH433cf5Qv", "spelling"),
        (("Nine Inch Nales", "Hurt"), "t7", "spelling"),
        (("Pink Floyd", "Wish You Where Here"), "t18", "spelling"),
    ],
)  # fmt: skip
def test_found(names, asked, track_id, how):
    (match,) = names.match([asked])
    assert match.status == "found"
    assert names.catalog.track_ids[match.track].as_py() == track_id
    assert match.how == how


def test_of_several_that_fit_the_one_that_is_spelt_so():
    tracks = [("a", "Halo", ["Alpha"]), ("b", "Halo (feat. Beta)", ["Alpha"]), ("c", "Halo", ["X"])]
    names = lookup([*tracks, ("d", "HALO", ["Alpha"])])
    asked = ["Halo (feat. Beta) - Alpha", ("Alpha", "Halo (Feat. Beta)"), "Alpha - Halo (ft. Beta)"]
    assert [match.track for match in names.match(asked)] == [1, 1, 0]
    (match,) = names.match(["halo"])
    assert match.candidates == (0, 2), "of each artist the best known"


@pytest.mark.parametrize(
    ("asked", "candidates"),
    [
        ("Hurt", ["t6", "t7"]),  # by several artists
        ("bohemian rapsody", ["spotify:track:4u7EnebtmKWzUH433cf5Qv"]),  # without an artist
        (("New Order", "Blue Monday (Acoustic)"), ["t8", "t9"]),
        (("The Beatles", "Yesterday (Karaoke Version)"), ["t1", "t2", "t3"]),
        (("Pink Floyd", "Echoes"), ["t12"]),  # of which a part is there
    ],
)
def test_unsure(names, asked, candidates):
    (match,) = names.match([asked])
    assert match.status == "unsure"
    ids = names.catalog.track_ids
    assert [ids[row].as_py() for row in match.candidates] == candidates
    assert match.track is None


@pytest.mark.parametrize(
    "asked",
    [
        ("Leona Lewis", "Hurt"),  # a cover
        ("Oasis", "Love Forever"),  # another word, not an error
        ("Blue", "Hate You"),
        ("Queen", "1979"),
        ("John Williams", "Main Title (From Star Wars)"),
        "Nobody - Nothing Like That",
        "spotify:track:0000000000000000000000",
        "",
    ],
)
def test_nothing_is_taken_for_another_song(names, asked):
    (match,) = names.match([asked])
    assert match.status != "found"


def test_of_equal_songs_the_best_known_is_taken_and_said(names):
    matches = names.match([("Beyoncé", "Halo"), ("Beyoncé", "Halo (Live)"), "Hurt - Johnny Cash"])
    assert matches.track_ids == ["t13", "t6"]
    assert [str(taken) for taken in matches.took] == [
        "took Halo - Beyoncé (t13) for 'Beyoncé - Halo', the best known of 2",
        "took Halo - Beyoncé (t13) for 'Beyoncé - Halo (Live)', the best known of 2",
    ]


def test_tracks_of_a_catalogue_by_alias_before_name_and_not_by_a_number_alone():
    names = lookup(TRACKS, pa.array([[ISRC], *([[]] * (len(TRACKS) - 1))], pa.list_(pa.string())))
    other = lookup(
        [("x", "Help (as another service has it)", ["Fab Four"]), ("7", "Halo", ["Beyoncé"])],
        pa.array([[ISRC], []], pa.list_(pa.string())),
    ).catalog
    matches = names.match(other)
    assert matches.track_ids == ["t0", "t13"]
    assert [match.how for match in matches] == ["isrc", "name"]


def test_what_segue_reads(names):
    mine = read([[("Beatles", "Help"), ("Kino", "Gruppa krovi"), ("Nobody", "Nothing")]])
    assert isinstance(mine, Collection)
    assert names.match(mine).counts == {"found": 2, "unsure": 0, "missing": 1}


@pytest.mark.parametrize("song", [None, 1.5, True, ("a",), ("a", ""), (1, "a"), ["a", "b"], b"a"])
def test_what_is_no_song(names, song):
    with pytest.raises(InputError, match=r"^song 1"):
        names.match(["Halo", song])


def test_matches_for_people_and_programs(names):
    matches = names.match(["t0", "Hurt", "no such song"])
    assert repr(matches) == "Matches(1 found, 1 unsure, 1 missing)"
    assert "Help! - The Beatles" in str(matches)
    assert matches.track_index.tolist() == [0, -1, -1]
    assert matches.to_arrow().column("track_id").to_pylist() == ["t0", None, None]
    content = matches.to_json()
    assert content["found"] == 1
    assert content["songs"][0]["track"]["id"] == "t0"
    assert [song["id"] for song in content["songs"][1]["candidates"]] == ["t6", "t7"]
    assert [match.asked for match in matches.missing] == ["no such song"]
    assert len(matches[:2]) == 2


def test_an_index_of_an_older_version_is_made_again(tmp_path, names):
    popularity = np.arange(len(TRACKS), 0, -1)
    write_names(tmp_path, names.catalog, popularity)
    with sqlite3.connect(tmp_path / NAMES_FILE) as connection:
        connection.execute("DELETE FROM track_key")
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    older = NameLookup(names.catalog, popularity, None, tmp_path)
    assert older.find("Beatles - Help") == 0


@pytest.mark.parametrize(
    ("asked", "track"),
    [
        ("The Beatles - Yesterday (Official Video) HD", "t2"),
        ("Queen - Bohemian Rhapsody [Album Version (Explicit)]",
         "spotify:track:4u7EnebtmKWzUH433cf5Qv"),
        (("QueenVEVO", "Bohemian Rhapsody"), "spotify:track:4u7EnebtmKWzUH433cf5Qv"),
        (("Oasis - Topic", "Live Forever"), "t15"),
        (("Oasis (2)", "Live Forever"), "t15"),
        (("Cash, Johnny", "Hurt"), "t6"),
        ("oasis_-_live_forever.mp3", "t15"),
        ("Oasis - Live Forever 4:36", "t15"),
        ("BeyoncÃ© - Crazy in Love", "t5"),
        ("New Order &amp; Friends - Blue Monday", "t9"),
        (("Jay", "Z - Purple Rain"), None),
        (("Somebody", "7"), None),
        (("Oasis", "Live 4 Ever"), None),
    ],
)  # fmt: skip
def test_what_sites_and_files_leave_in_names(names, asked, track):
    (match,) = names.match([asked])
    if track is None:
        assert match.status != "found"
    else:
        assert (match.status, names.catalog.track_ids[match.track].as_py()) == ("found", track)
        assert not match.exact
    assert match.asked == (asked if isinstance(asked, str) else " - ".join(asked))


def test_an_artist_with_a_dash_in_the_name():
    names = pa.array(["Wax - Wane", "Wax"])
    catalog = Catalog.of_columns(
        pa.array(["a", "b"]), pa.array(["Moon", "Sun"]), names, names,
        pa.array([], pa.string()), pa.array([], pa.string()), np.array([0, 1], dtype=np.int32),
        np.full(2, -1, dtype=np.int32),
    )  # fmt: skip
    lookup = NameLookup(catalog, np.array([2, 1], dtype=np.int64))
    found = lookup.match(["Wax - Wane - Moon", ("Wax", "Wane - Moon"), ("Wax", "Wane - Sun")])
    assert [match.track for match in found] == [0, 0, None]
