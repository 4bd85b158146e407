"""The files of a source: zips in zips, and what cannot be opened or read."""

import io
import zipfile
from pathlib import Path

import pytest

from segue.data.reading import read
from segue.data.sources import find_files
from segue.errors import InputError

MIX = "#EXTM3U\n#EXTINF:1,Queen - Delilah\nx/1.mp3\n"


def zipped(files: dict[str, str | bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def test_zips_in_zips(tmp_path):
    inner = zipped({"one.m3u": MIX, "deeper.zip": zipped({"two.m3u": MIX})})
    (tmp_path / "all.zip").write_bytes(zipped({"inner.zip": inner, "three.m3u": MIX}))
    names = ["one", "three", "two"]
    assert sorted(read(tmp_path / "all.zip").playlists.ids.to_pylist()) == names
    assert sorted(read(tmp_path).playlists.ids.to_pylist()) == names
    assert sorted(read(io.BytesIO((tmp_path / "all.zip").read_bytes())).playlists.ids.to_pylist())
    assert sorted(read(str(tmp_path / "*.zip")).playlists.ids.to_pylist()) == names


def test_what_cannot_be_opened_is_skipped_and_said(tmp_path, capsys):
    whole = zipped({"in.m3u": MIX})
    broken = whole[: len(whole) // 2]
    (tmp_path / "cut.zip").write_bytes(broken)
    (tmp_path / "no.zip").write_bytes(b"<html>")
    (tmp_path / "good.zip").write_bytes(zipped({"in.m3u": MIX, "inner.zip": broken}))
    (tmp_path / "gone.m3u8").symlink_to(tmp_path / "nowhere")
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    found = read(tmp_path, progress=True, skip_bad=True)
    assert found.playlists.ids.to_pylist() == ["in"]
    assert {Path(name).name: why for name, why in found.report.unreadable.items()} == {
        "cut.zip": "cannot be read (begins as a zip, but is cut off or damaged; download or copy "
        "it again)",
        "no.zip": "cannot be read (is not a zip, despite its name)",
        "inner.zip": "cannot be read (begins as a zip, but is cut off or damaged; download or "
        "copy it again)",
        "gone": "cannot be read (No such file or directory)",
    }
    assert found.report.skipped == 1
    assert "gone.m3u8: whole file: cannot be read (No such file" in found.report.first_skipped
    said = capsys.readouterr().err
    assert "4 files skipped:\n    cut.zip: cannot be read (begins as" in said
    with pytest.raises(InputError, match=r"gone\.m3u8: cannot be read \(No such file"):
        read(tmp_path)


def test_nothing_that_can_be_read(tmp_path):
    (tmp_path / "cut.zip").write_bytes(b"PK\3\4")
    with pytest.raises(
        InputError, match=r"holds no playlists that can be read; .*cut\.zip: cannot"
    ):
        read(tmp_path)


def test_a_member_that_needs_a_password(tmp_path):
    content = bytearray(zipped({"a.m3u": MIX, "b.txt": "Queen - Innuendo\nQueen - Delilah\n"}))
    for start in (b"PK\3\4", b"PK\1\2"):  # the flag that says it is encrypted
        at = content.index(start)
        for _ in range(2):
            content[at + (6 if start == b"PK\3\4" else 8)] |= 1
            at = content.find(start, at + 1)
    (tmp_path / "locked.zip").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.m3u: cannot be read \(.*encrypted"):
        read(tmp_path / "locked.zip")


@pytest.mark.parametrize("name", ["a\x1b[31mb.m3u", "a\x07b.m3u", "a\nb.m3u"])
def test_control_characters_in_names(tmp_path, name, capsys):
    path = tmp_path / name
    path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:10\n")
    with pytest.raises(InputError) as raised:
        read(path)
    assert str(raised.value).isprintable()
    path.write_text(MIX)
    found = read(path, progress=True)
    assert found.playlists.titles[0].as_py().isprintable()
    (tmp_path / "other").write_text("nothing")
    (tmp_path / "z\x1b]0;x\x07.bin").write_bytes(b"\0")
    read(tmp_path, progress=True)
    assert all(c.isprintable() or c == "\n" for c in capsys.readouterr().err)
    with pytest.raises(InputError) as raised:
        read(tmp_path / "no\x1bsuch\nfile")
    assert str(raised.value).isprintable()


def test_control_characters_in_what_a_file_holds(tmp_path):
    (tmp_path / "t.csv").write_text("p\x1b[2Jlist,song\x07\na,b\n")
    with pytest.raises(InputError) as raised:
        read(tmp_path / "t.csv")
    assert str(raised.value).isprintable()
    (tmp_path / "t.csv").write_text("playlist,track,artist,rank\na,b,c,1\na,b,c,\x1b\x07x\n")
    report = read(tmp_path / "t.csv", skip_bad=True).report
    assert report.skipped == 1
    assert report.first_skipped.isprintable()


def test_a_path_with_a_nul(tmp_path):
    with pytest.raises(InputError, match=r"no such file|cannot be read"):
        find_files(f"{tmp_path}/a\0b")
