"""The encodings of texts that do not say theirs: stated, marked, guessed."""

import pytest

from segue.data.encodings import decoded, guessed, table_encoding
from segue.data.reading import find, read
from segue.data.sources import find_files
from segue.errors import InputError

RUSSIAN = ["Кино - Группа крови", "Земфира - Искала", "ДДТ - Что такое осень"]
NAMES = {
    "cp1252": ["Björk - Jóga", "Beyoncé - Déjà Vu", "Sigur Rós - Hoppípolla", "Die Ärzte - Größe"],
    "cp1251": RUSSIAN,
    "koi8-r": RUSSIAN,
    "cp866": RUSSIAN,
    "cp1250": ["Myslovitz - Długość dźwięku samotności", "Kult - Gdy nie ma dzieci, łąka"],
    "cp1253": ["Μάνος Χατζιδάκις - Το πέλαγο είναι βαθύ", "Χάρις Αλεξίου - Μάγισσα"],
    "mac-roman": ["Motörhead - Ace of Spades", "Édith Piaf - La vie en rose", "Blue Öyster Cult"],
    "cp932": ["宇多田ヒカル - 光", "スピッツ - ロビンソン", "米津玄師 - レモン"],
    "euc-jp": ["宇多田ヒカル - 光", "スピッツ - ロビンソン", "中島みゆき - 糸"],
    "gb18030": ["周杰伦 - 青花瓷", "邓丽君 - 月亮代表我的心", "王菲 - 红豆"],
    "big5": ["周杰倫 - 青花瓷", "鄧麗君 - 月亮代表我的心", "張學友 - 吻別"],
    "cp949": ["아이유 - 좋은 날", "방탄소년단 - 봄날", "이문세 - 붉은 노을"],
}


@pytest.mark.parametrize("encoding", NAMES)
def test_a_few_lines_tell_it(encoding):
    lines = [line.encode(encoding) for line in ["Queen - Innuendo", *NAMES[encoding]]]
    assert guessed(lines) == encoding


@pytest.mark.parametrize("encoding", NAMES)
def test_most_single_lines_tell_it(encoding):
    right = sum(guessed([line.encode(encoding)]) == encoding for line in NAMES[encoding])
    assert right >= len(NAMES[encoding]) - 1


def test_text_that_says_its_encoding():
    text = "Björk – “Jóga”\n"
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        assert decoded(text.encode(encoding)) == (text, None)
    assert decoded(text.encode("utf-16"), "cp1251") == (text, None), "a mark counts first"
    for encoding in ("utf-16-le", "utf-16-be"):
        assert decoded(text.encode(encoding)) == (text, encoding)
    assert decoded(RUSSIAN[0].encode("koi8-r"), "koi8-r") == (RUSSIAN[0], None)


def test_each_line_for_itself():
    """Old programs write the title in UTF-8, and the path as the system has it."""
    lines = [b"Queen", "Кино - Кончится лето".encode(), "Кино/Лето.mp3".encode("cp1251")]
    assert decoded(b"\n".join(lines)) == ("Queen\nКино - Кончится лето\nКино/Лето.mp3", "cp1251")


def test_a_table_has_one():
    assert table_encoding(b"a,b") == "utf-8"
    assert table_encoding("pid,Кино\nÜ,é\n".encode() + b"\xff") == "utf-8"
    assert table_encoding("Кино\n".encode("cp1251")) == "cp1251"


TEXTS = {
    "list.m3u": "#EXTM3U\n#EXTINF:1,{0}\nx/1.mp3\n",
    "list.pls": "[playlist]\nFile1=x/1.mp3\nTitle1={0}\n",
    "list.txt": "{0}\nQueen - Innuendo\n",
}


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("encoding", ["cp1251", "koi8-r", "utf-16-le"])
def test_lists_in_an_encoding_that_is_stated_or_guessed(tmp_path, name, encoding):
    (tmp_path / name).write_bytes(TEXTS[name].format("Кино - Группа крови").encode(encoding))
    for stated in (encoding, None):
        found = read(tmp_path / name, encoding=stated)
        assert found.catalog.track_ids[0].as_py() == "Группа крови - Кино"
        guess = {} if stated else {str(tmp_path / name): encoding}
        assert found.report.guessed == guess


def test_tables_in_an_encoding_that_is_guessed(tmp_path):
    for name, header in (("t.csv", "playlist,title,artist\nmix,"), ("one.csv", "title,artist\n")):
        (tmp_path / name).write_bytes(f"{header}Группа крови,Кино\n".encode("cp1251"))
        found = read(tmp_path / name)
        assert found.catalog.track_ids.to_pylist() == ["Группа крови - Кино"]
        assert list(found.report.guessed.values()) == ["cp1251"]


def test_a_stated_encoding_that_it_is_not_in(tmp_path):
    (tmp_path / "a.m3u").write_bytes("#EXTM3U\n#EXTINF:1,Кино\n1.mp3".encode("cp1251"))
    with pytest.raises(InputError, match=r"a\.m3u: is not UTF-8 text.*byte 18"):
        read(tmp_path / "a.m3u", encoding="utf-8")
    (tmp_path / "a.csv").write_bytes("playlist,title,artist\nm,\x81,b\n".encode("latin-1"))
    with pytest.raises(InputError, match=r"line 2: `title` is not cp1252 text"):
        read(tmp_path / "a.csv", encoding="cp1252")


@pytest.mark.parametrize("name", ["nonsense", "rot13", "hex", "", "utf-8\0"])
def test_what_is_no_encoding(tmp_path, name):
    (tmp_path / "a.m3u").write_text("Queen/1.mp3")
    with pytest.raises(InputError, match="expected one that Python knows, such as latin-1"):
        read(tmp_path / "a.m3u", encoding=name)


def test_a_folder_of_several_forms(tmp_path):
    """Those that say their encoding are read in that."""
    (tmp_path / "a.m3u").write_bytes("#EXTINF:1,Кино - Лето\n1.mp3".encode("cp1251"))
    (tmp_path / "b.jspf").write_text(
        '{"playlist": {"track": [{"title": "Осень", "creator": "ДДТ"}]}}', encoding="utf-8"
    )
    found = read(tmp_path, encoding="cp1251")
    assert sorted(found.catalog.track_ids.to_pylist()) == ["Лето - Кино", "Осень - ДДТ"]
    with pytest.raises(InputError, match="holds JSPF playlists, but --encoding is for M3U"):
        find(tmp_path / "b.jspf", encoding="cp1251")


def test_the_command_says_what_was_guessed(tmp_path, capsys):
    (tmp_path / "a.m3u").write_bytes("#EXTINF:1,Кино - Лето\n1.mp3".encode("cp1251"))
    read(tmp_path / "a.m3u", progress=True)
    said = capsys.readouterr().err
    assert "a.m3u: not UTF-8, read as cp1251; that is a guess, --encoding states another" in said


def test_a_beginning_that_is_cut_off_in_a_character(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"x" + "é".encode() * 40_000)
    (file,) = find_files(path)
    assert len(file.head) == 1 << 16
    assert file.start == "x" + "é" * ((1 << 15) - 1)
