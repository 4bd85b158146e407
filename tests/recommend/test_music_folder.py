"""Which file of a music folder is a track: by the names of the files, or by their tags."""

import pytest

from segue.data.records import Track
from segue.errors import InputError
from segue.recommend.export import save
from segue.recommend.exported import Exported
from segue.recommend.music_folder import MusicFolder


def track(artist: str, name: str, album: str = "") -> Track:
    artists = ((artist, artist),) if artist else ()
    return Track(f"{artist}:{name}", name, artists, (album, album) if album else None)


def make(folder, *names: str) -> MusicFolder:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return MusicFolder(folder)


@pytest.mark.parametrize(
    ("name", "artist", "title"),
    [
        ("Queen/A Night at the Opera/11 Bohemian Rhapsody.mp3", "Queen", "Bohemian Rhapsody"),
        ("Queen/Bohemian Rhapsody.FLAC", "queen", "bohemian rhapsody"),
        ("Queen - Bohemian Rhapsody.m4a", "Queen", "Bohemian Rhapsody"),
        ("mix/07. Queen - Bohemian Rhapsody.ogg", "Queen", "Bohemian Rhapsody"),
        ("mix/1-07 Queen - A Night - 11 - Bohemian Rhapsody.mp3", "Queen", "Bohemian Rhapsody"),
        ("Queen/A Night/Queen - Bohemian Rhapsody.mp3", "Queen", "Bohemian Rhapsody"),
        ("AC_DC/Back in Black/05 - Let Me Put My Love.mp3", "AC/DC", "Let Me Put My Love"),
        ("Prince/1999/01 - 1999.mp3", "Prince", "1999"),
        ("Prince/1999.mp3", "Prince", "1999"),
        ("Björk/Post/02 Hyper-Ballad.opus", "Bjork", "Hyper-ballad"),
        ("Queen/Live/09 Bohemian Rhapsody (Live).mp3", "Queen", "Bohemian Rhapsody"),
        ("Queen/Greatest/01 Bohemian Rhapsody.mp3", "Queen", "Bohemian Rhapsody - Remastered 2011"),
        ("Queen & David Bowie/Under Pressure.mp3", "Queen", "Under Pressure"),
        ("Queen feat. Bowie - Under Pressure.mp3", "Queen", "Under Pressure"),
        ("Beatles/Help!/CD 1/01 Help!.mp3", "The Beatles", "Help - 2009 Remaster"),
        ("Prince/Purple Rain.mp3", "Prince & The Revolution", "Purple Rain"),
        ("Beyonce/I Am/02 Single Ladies.mp3", "Beyoncé", "Single Ladies (Put a Ring on It)"),
        ("Кино/Кукушка.mp3", "Kino", "Kukushka"),
    ],
)
def test_files_by_their_names(tmp_path, name, artist, title):
    assert make(tmp_path, name).find(track(artist, title)) == tmp_path / name


@pytest.mark.parametrize(
    ("name", "artist", "title"),
    [
        ("Queen/A Night/11 Bohemian Rhapsody.mp3", "Abba", "Bohemian Rhapsody"),
        ("Queen/A Night/11 Bohemian Rhapsody.mp3", "Queen", "Bohemian"),
        ("Queen/A Night/11 Bohemian Rhapsody.mp3", "", "Bohemian Rhapsody"),
        ("Queen/A Night/11 Bohemian Rhapsody.mp3", "Queen", "A Night"),
    ],
)
def test_other_songs_are_not_there(tmp_path, name, artist, title):
    assert make(tmp_path, name).find(track(artist, title)) is None


def test_of_several_files_the_one_from_the_album_counts(tmp_path):
    names = ["Queen/Greatest Hits/01 Kashmir.mp3", "Queen/Jazz/02 Kashmir.mp3"]
    library = make(tmp_path, *names)
    assert library.find(track("Queen", "Kashmir", "Jazz")) == tmp_path / names[1]
    assert library.find(track("Queen", "Kashmir", "Other")) == tmp_path / names[0]


def test_the_version_that_is_wanted_comes_first(tmp_path):
    names = [f"Queen/Jazz/0{n} Kashmir{kind}.mp3" for n, kind in enumerate([" (Remix)", " - Live"])]
    library = make(tmp_path, *names)
    assert library.find(track("Queen", "Kashmir - Live")) == tmp_path / names[1]
    assert library.find(track("Queen", "Kashmir (Remix)")) == tmp_path / names[0]
    assert library.find(track("Queen", "Kashmir")) == tmp_path / names[1], "live before a remix"


def test_the_song_itself_comes_before_another_version(tmp_path):
    library = make(tmp_path, "Queen/A/01 Kashmir (Live).mp3", "Queen/B/01 Kashmir.mp3")
    assert library.find(track("Queen", "Kashmir")).parent.name == "B"
    assert library.find(track("Queen", "Kashmir (Live)")).parent.name == "A"


def tagged(path, **tags: str) -> None:
    """An MP3 of nothing but ID3v2.3 tags."""
    frames = {"title": b"TIT2", "artist": b"TPE1", "album": b"TALB"}
    body = b""
    for name, text in tags.items():
        held = b"\x03" + text.encode()
        body += frames[name] + len(held).to_bytes(4, "big") + b"\0\0" + held
    size = bytes(len(body) >> shift & 0x7F for shift in (21, 14, 7, 0))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"ID3\x03\0\0" + size + body)


def test_files_by_their_tags(tmp_path):
    tagged(tmp_path / "x1.mp3", title="Kashmir", artist="Led Zeppelin", album="Physical Graffiti")
    tagged(
        tmp_path / "Queen" / "Jazz" / "01 Mustapha.mp3", title="Bohemian Rhapsody", artist="Queen"
    )
    (tmp_path / "Queen" / "broken.mp3").write_bytes(b"no audio")
    library = MusicFolder(tmp_path)
    assert library.num_files == 3
    assert library.find(track("Led Zeppelin", "Kashmir")).name == "x1.mp3"
    assert library.find(track("Queen", "Mustapha")) is None, "tags count, not the name"
    assert library.find(track("Queen", "Bohemian Rhapsody")).name == "01 Mustapha.mp3"
    assert library.find(track("Queen", "Broken")).name == "broken.mp3", "no tags: the name counts"


def test_a_folder_without_audio_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("no music")
    with pytest.raises(InputError, match=r"holds no audio files, expected some such as \.mp3"):
        MusicFolder(tmp_path)


@pytest.mark.parametrize(
    ("out", "location"),
    [
        ("next.m3u8", "Music/Queen/A/#1 Kashmir.mp3"),
        ("Music/next.m3u8", "Queen/A/#1 Kashmir.mp3"),
        ("Music/Queen/A/next.m3u8", "./#1 Kashmir.mp3"),
        ("lists/next.m3u8", "../Music/Queen/A/#1 Kashmir.mp3"),
        ("next.xspf", "<location>Music/Queen/A/%231%20Kashmir.mp3</location>"),
    ],
)
def test_files_are_named_from_where_the_list_is(tmp_path, out, location):
    make(tmp_path / "Music", "Queen/A/#1 Kashmir.mp3")
    (tmp_path / "lists").mkdir()
    songs = (track("Queen", "#1 Kashmir"), track("Queen", "Elsewhere"))
    library, path = tmp_path / "Music", tmp_path / out
    saved = save([Exported("A", songs, (2.0, 1.0))], path, library=library, single=True)
    assert (saved.num_tracks, saved.num_left_out) == (1, 1)
    assert location in [line.strip() for line in path.read_text().splitlines()]
