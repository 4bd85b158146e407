"""Listening histories as ListenBrainz, Last.fm and players write them; Art of the Mix."""

import io
import json
import zipfile

import pytest

from segue.data.reading import read
from segue.errors import InputError

MBID = "b1a9c0e9-d987-4042-ae91-78d6a3267d69"


def lists(found) -> dict[str, list[str]]:
    ids = found.catalog.track_ids.to_pylist()
    named = zip(found.playlists.ids.to_pylist(), found.playlists.tracks, strict=True)
    return {name: [ids[track] for track in tracks] for name, tracks in named}


def listen(at: int | None, song: str, artist: str = "Cave", **others) -> dict:
    metadata = {"track_name": song, "artist_name": artist, **others.pop("metadata", {})}
    return {"listened_at": at, "track_metadata": metadata, **others}


START = 1_700_000_000
FIRST = {"2023-11-14T22:13:20": ["Tupelo - Cave", "Red - Cave"]}
LISTENS = [
    listen(START + 200, "Red", metadata={"release_name": "Songs"}),
    listen(START, "Tupelo", metadata={"mbid_mapping": {"recording_mbid": MBID.upper()}}),
    listen(START + 90_000, "Alone"),
    listen(None, "Now"),
    listen(START + 10, ""),
]


class TestListenBrainz:
    @pytest.mark.parametrize(
        "document",
        [
            "\n".join(map(json.dumps, LISTENS)) + "\n\n",
            json.dumps(LISTENS),
            json.dumps({"payload": {"count": 5, "listens": LISTENS}}),
        ],
    )
    def test_a_dump_an_export_and_an_answer(self, document):
        found = read(io.StringIO(document))
        assert lists(found) == FIRST
        assert found.report.set_aside == {
            "untimed listen": 1,
            "unnamed listen": 1,
            "short session": 1,
        }
        tracks = found.catalog.nodes["track"]
        assert tracks.names.to_pylist() == ["Red", "Tupelo"], "what is in no session is gone"
        assert tracks.aliases.to_pylist() == [[], [f"mbid:{MBID}"]]
        assert found.catalog.albums.ids.to_pylist() == ["Songs - Cave"]
        assert found.report.form == "ListenBrainz listens"

    def test_each_listener_has_sessions(self):
        rows = [
            listen(START + at, song, user_name=user)
            for at, (user, song) in enumerate(
                [("ann", "a"), ("bob", "x"), ("ann", "b"), ("bob", "y"), ("ann", "c")]
            )
        ]
        found = read(io.StringIO("\n".join(map(json.dumps, rows))))
        assert lists(found) == {
            "ann 2023-11-14T22:13:20": ["a - Cave", "b - Cave", "c - Cave"],
            "bob 2023-11-14T22:13:21": ["x - Cave", "y - Cave"],
        }

    def test_the_zip_of_an_export(self, tmp_path):
        with zipfile.ZipFile(tmp_path / "listenbrainz.zip", "w") as archive:
            archive.writestr("user.json", '{"user_id": 7, "username": "ann"}')
            for month, some in ((10, LISTENS[:1]), (11, LISTENS[1:])):
                text = "".join(json.dumps(one) + "\n" for one in some)
                archive.writestr(f"listens/2023/{month}.jsonl", text)
            archive.writestr("feedback.jsonl", '{"score": 1, "recording_mbid": "x"}\n')
            pinned = {"track_metadata": {"track_name": "a"}, "pinned_until": 1, "listened_at": 1}
            archive.writestr("pinned_recording.jsonl", json.dumps(pinned) + "\n")
        assert lists(read(tmp_path / "listenbrainz.zip")) == FIRST

    def test_a_bad_line_is_named(self):
        text = "\n".join(map(json.dumps, LISTENS)) + '\n{"track_metadata": 5}\n{"listened_at"'
        with pytest.raises(InputError, match="line 6: is not a listen"):
            read(io.StringIO(text))
        found = read(io.StringIO(text), skip_bad=True)
        assert (lists(found), found.report.skipped) == (FIRST, 2)
        with pytest.raises(InputError, match="whole file: is not a list of listens"):
            read(io.StringIO(json.dumps(LISTENS)[:-9]))

    def test_the_most_played(self):
        rows = [listen(START + at, song) for at, song in enumerate("abcabbd")]
        found = read(io.StringIO("\n".join(map(json.dumps, rows))), top=2)
        assert lists(found) == {"most played": ["b - Cave", "a - Cave"]}
        assert found.catalog.num_tracks == 2

    def test_in_chunks(self, monkeypatch):
        monkeypatch.setattr("segue.data.formats.listenbrainz._CHUNK", 3)
        rows = [listen(START + at, f"s{at}") for at in range(10)]
        found = read(io.StringIO("\n".join(map(json.dumps, rows))))
        assert [len(tracks) for tracks in found.playlists.tracks] == [10]


class TestLastFm:
    def test_1k(self, tmp_path):
        rows = [
            ("user_000001", "2009-05-04T13:54:10Z", "", 'The "Band"', MBID, "Composition"),
            ("user_000001", "2009-05-04T13:52:04Z", MBID, "Deep Dish", "", "Say Hello"),
            ("user_000002", "2009-05-04T13:52:04Z", MBID, "Deep Dish", "", "Say Hello"),
        ]
        text = "".join("\t".join(row) + "\n" for row in rows)
        (tmp_path / "userid-timestamp-artid-artname-traid-traname.tsv").write_text(text)
        found = read(tmp_path / "userid-timestamp-artid-artname-traid-traname.tsv")
        assert lists(found) == {
            "user_000001 2009-05-04T13:52:04": [
                "Say Hello - Deep Dish", 'Composition - The "Band"',
            ],
        }  # fmt: skip
        assert found.catalog.nodes["track"].aliases.to_pylist() == [[f"mbid:{MBID}"], []]
        assert len(read(tmp_path, min_length=1).playlists) == 2

    @pytest.mark.parametrize(
        "text",
        [
            "uts,utc_time,artist,artist_mbid,album,album_mbid,track,track_mbid\n"
            f'"{START + 120}","14 Nov 2023, 22:15","Cave","","Songs","","Red",""\n'
            f'"{START}","14 Nov 2023, 22:13","Cave","","","","Tupelo","{MBID}"\n',
            "Cave,Songs,Red,14 Nov 2023 22:15\nCave,,Tupelo,14 Nov 2023 22:13\n",
            "#AUDIOSCROBBLER/1.1\n#TZ/UTC\n#CLIENT/Rockbox\n"
            f"Cave\tSongs\tRed\t3\t240\tL\t{START + 120}\t\n"
            f"Cave\t\tTupelo\t1\t240\tL\t{START}\t{MBID}\n",
            f"artist,track,timestamp\nCave,Red,{START + 120}000\nCave,Tupelo,{START}000\n",
        ],
    )
    def test_scrobbles_of_one_person(self, text):
        found = read(io.StringIO(text))
        (name,) = lists(found)
        assert name.startswith("2023-11-14T22:13:")
        assert lists(found)[name] == ["Tupelo - Cave", "Red - Cave"]
        assert found.report.columns.endswith("; a listening history")
        assert found.playlists.order_known.all()


class TestArtOfTheMix:
    MIXES = (
        {
            "mix_id": 76083,
            "category": "Road Trip",
            "user": {"name": "ann"},
            "playlist": [
                [["peter murphy", "marlene"], ["SODJKSS12A81C21B1E", "TRAJJLW128F423BA6C"]],
                [["talk talk", "it's my life"], None],
                [["", "untitled"], None],
            ],
        },
        {"mix_id": 9, "user": {"name": "bob"}, "playlist": [[["talk talk", "it's my life"], None]]},
    )

    def test_songs_are_known_by_names(self):
        found = read(io.StringIO(json.dumps(self.MIXES)))
        assert lists(found) == {
            "76083": ["marlene - peter murphy", "it's my life - talk talk"],
            "9": ["it's my life - talk talk"],
        }
        assert found.report.set_aside == {"unnamed song": 1}

    def test_bad_mixes_are_named(self):
        text = json.dumps([*self.MIXES, {"mix_id": 5}])
        with pytest.raises(InputError, match="playlist 2: Object missing required field"):
            read(io.StringIO(text))
        assert read(io.StringIO(text), skip_bad=True).report.skipped == 1
        with pytest.raises(InputError, match="whole file: is not a list of playlists"):
            read(io.StringIO(text[:-5]))
