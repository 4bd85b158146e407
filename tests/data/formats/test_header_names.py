"""Names of columns, in English and elsewhere."""

import pytest

from segue.data.formats.header_names import FIELDS, is_translated, key_of, names_columns


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("userId", "userid"),
        ("Artist Name(s)", "artistnames"),
        ("user_id:token", "userid"),
        ("Interpret", "artist"),
        ("Título", "title"),
        ("Nom de l'artiste", "artist"),
        ("Исполнитель", "artist"),
        ("曲名", "trackname"),
        ("Wiedergabeliste", "playlistname"),
        ("Unknown Thing", "unknownthing"),
    ],
)
def test_keys(name, key):
    assert key_of(name) == key


def test_no_english_name_is_translated():
    names = {name for names in FIELDS.values() for name in names}
    assert {name for name in names if is_translated(name)} <= {"albumtitle"}
    assert not any(key_of(name) != name for name in names - {"albumtitle"})


def test_names_of_columns():
    assert names_columns(["Titel", "x", "Interpret", "Wiedergabeliste"])
    assert not names_columns(["Queen", "Innuendo"])


@pytest.mark.parametrize(
    "header",
    [
        "Titel;Interpret;Album;Art", "Titre;Artiste;Album;Genre", "Título;Artista;Álbum;Año",
        "Titolo;Artista;Album;Anno", "Название;Исполнитель;Альбом;Год",
        "曲名;アーティスト;アルバム;年",
        "歌曲;歌手;专辑;年", "곡명;가수;앨범;년", "Şarkı;Sanatçı;Albüm;Yıl",
    ],
)  # fmt: skip
def test_tables_of_one_playlist_with_headers_elsewhere(read_files, header):
    found = read_files({"mix.csv": f"{header}\nInnuendo;Queen;Innuendo;1991\n"})
    assert found.songs == {"mix": [("Innuendo", "Queen")]}
    assert list(found.albums.values()) == ["Innuendo"]


def test_tables_of_several(read_files):
    rows = "Road;Innuendo;Queen\nRain;Jóga;Björk\n"
    found = read_files({"all.csv": "Wiedergabeliste;Titel;Interpret\n" + rows})
    assert found.songs == {"Road": [("Innuendo", "Queen")], "Rain": [("Jóga", "Björk")]}
    assert found.titles == {"Road": "Road", "Rain": "Rain"}


def test_listeners_and_their_artists(read_files):
    rows = "user:token\tartist_id:token\tweight:float\n1\t10\t1\n1\t11\t1\n2\t10\t3\n"
    found = read_files({"lastfm.inter": rows})
    assert found.ids == {"1": ["10", "11"], "2": ["10"]}
    assert found.artists == {}
