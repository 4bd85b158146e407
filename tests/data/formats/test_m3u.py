"""M3U, M3U8 and PLS, as players write them."""

import pytest

from segue.errors import InputError

MIX = """#EXTM3U
#PLAYLIST:Night drive
#EXTINF:200,Kavinsky - Nightcall
Kavinsky/OutRun/05 Nightcall.mp3

#EXTINF:-1 tvg-id="a,b" group=x,Björk feat. Guest - Jóga
#EXTALB:Homogenic
file:///music/Bj%C3%B6rk/Homogenic/02.mp3
# a remark
C:\\Music\\Queen\\Innuendo\\01 Innuendo.mp3
"""


def test_what_a_list_says(read_files):
    found = read_files({"drive.m3u8": MIX})
    assert found.titles == {"drive": "Night drive"}
    assert found.songs == {
        "drive": [("Nightcall", "Kavinsky"), ("Jóga", "Björk", "Guest"), ("Innuendo", "Queen")]
    }
    assert found.ids["drive"][0] == "Nightcall - Kavinsky"
    assert found.albums == {
        "OutRun - Kavinsky": "OutRun",
        "Homogenic - Björk": "Homogenic",
        "Innuendo - Queen": "Innuendo",
    }
    assert found.report.form == "M3U playlists"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_any_encoding_and_any_name(read_files, encoding):
    found = read_files({"drive.list": MIX.encode(encoding)})
    assert ("Jóga", "Björk", "Guest") in found.songs["drive"]


def test_a_list_of_nothing_but_paths(read_files):
    paths = "../Queen/Innuendo/08 Delilah.flac\r\nNena - 99 Luftballons.mp3\r\n03 Intro.mp3\r\n"
    found = read_files({"Mix.m3u": paths})
    assert found.titles == {"Mix": "Mix"}
    assert found.songs["Mix"] == [
        ("Delilah", "Queen"), ("99 Luftballons", "Nena"), ("Intro",)
    ]  # fmt: skip


def test_what_a_line_leaves_out_its_path_tells(read_files):
    content = "#EXTINF:1,Delilah\nQueen/Innuendo/1.mp3\n#EXTINF:1,\nQueen/02 Jealousy.mp3\n"
    content += "#EXTART:ABBA\n#EXTINF:1,Waterloo\nx.mp3\n"
    found = read_files({"a.m3u": content})
    assert found.songs["a"] == [("Delilah", "Queen"), ("Jealousy", "Queen"), ("Waterloo", "ABBA")]


def test_addresses(read_files):
    spotify = "4u7EnebtmKWzUH433cf5Qv"
    content = (
        f"#EXTM3U\n#EXTINF:1,Queen - Delilah\nhttps://open.spotify.com/track/{spotify}?si=1\n"
        f"spotify:track:{spotify[::-1]}\nspotify:episode:{spotify}\nspotify:local:a:b:c:1\n"
        "#EXTINF:-1,Radio One\nhttp://stream.example/one.mp3\n"
        "#EXTINF:9,Queen - Jealousy\nhttp://nas.example/jealousy.mp3\n"
    )
    found = read_files({"a.m3u": content})
    assert found.ids["a"] == [
        f"spotify:track:{spotify}", f"spotify:track:{spotify[::-1]}", "Jealousy - Queen"
    ]  # fmt: skip
    assert found.report.set_aside == {"podcast episode": 1, "local file": 1, "stream": 1}


def test_a_stream_cut_into_segments_is_no_playlist(read_files):
    with pytest.raises(InputError, match=r"a\.m3u8: whole file: is a stream cut into segments"):
        read_files({"a.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:9.9,\n1.ts\n"})


def test_folders_of_lists(read_files):
    one = "Queen - Delilah.mp3"
    found = read_files(
        {"a/Mix.m3u": one, "b/Mix.m3u": one, "none.m3u": "#EXTM3U", "cover.jpg": b"\xff\xd8"}
    )
    assert found.titles == {"Mix": "Mix", "Mix (2)": "Mix"}
    assert (found.report.told_apart, found.report.passed_over) == (1, 1)
    assert found.report.set_aside == {"empty playlist": 1}


def test_pls(read_files):
    content = (
        "[playlist]\r\nNumberOfEntries=3\r\nFile2=x.mp3\r\ntitle2=Queen - Jealousy\r\n"
        "File10=Queen/10 Delilah.mp3\r\nFile1=spotify:track:4u7EnebtmKWzUH433cf5Qv\r\n"
        "Title1=Queen - Innuendo\r\nLength1=-1\r\nVersion=2\r\n"
    )
    found = read_files({"a.pls": content, "b.txt": content})
    assert found.songs["a"] == [("Innuendo", "Queen"), ("Jealousy", "Queen"), ("Delilah", "Queen")]
    assert found.ids["a"][0] == "spotify:track:4u7EnebtmKWzUH433cf5Qv"
    assert found.songs["b"] == found.songs["a"]


def test_the_order_of_a_players_list_is_known(read_files):
    """Also where the songs happen to ascend."""
    rising = "#EXTM3U\n#EXTINF:1,A - One\na.mp3\n#EXTINF:1,B - Two\nb.mp3\n"
    found = read_files({"up.m3u": rising, "alone.m3u": "#EXTINF:1,A - One\na.mp3\n"})
    assert found.collection.playlists.order_known.all()
    table = "Track Name,Artist Name(s)\nOne,A\nTwo,B\n"
    spaced = {"list.csv": table}
    assert read_files(spaced, only="list.csv").collection.playlists.order_known.all()


def test_title_before_artist_as_itunes_writes_it(read_files):
    music = "/Users/ann/Music/iTunes Media/Music"
    content = (
        f"#EXTM3U\r#EXTINF:391,Innuendo - Queen\r{music}/Queen/Innuendo/01 Innuendo.m4a\r"
        f"#EXTINF:1,Hurt (Live) - Johnny Cash\r{music}/Compilations/Hits/1-03 Hurt.m4a\r"
    )
    found = read_files({"a.m3u": content})
    assert found.songs["a"] == [("Innuendo", "Queen"), ("Hurt (Live)", "Johnny Cash")]


def test_shares_and_numbers_of_discs(read_files):
    content = (
        "#EXTINF:0,01. Queen - Innuendo\nsmb://nas/music/Queen/Innuendo/01 Innuendo.mp3\n"
        "nfs://nas/music/Queen/Innuendo/2.08 Delilah.flac\n"
    )
    found = read_files({"a.m3u": content})
    assert found.ids["a"] == ["Innuendo - Queen", "Delilah - Queen"]
    places = found.collection.locations
    assert places["Innuendo - Queen"].place == "smb://nas/music/Queen/Innuendo/01 Innuendo.mp3"


def test_bytes_that_are_no_text(read_files):
    with pytest.raises(InputError, match=r"a\.m3u: is not text"):
        read_files({"a.m3u": bytes(range(256))})
