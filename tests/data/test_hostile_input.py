"""Playlists, tables and zips made to harm: a sentence of at most a screen, and bounded memory."""

import json
import resource
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import segue
from segue.errors import SegueError

TRACK = {"track_uri": "spotify:track:a", "track_name": "A", "artist_uri": "spotify:artist:x",
         "artist_name": "X", "album_uri": "spotify:album:p", "album_name": "P"}  # fmt: skip


def playlist(pid: object = 0, name: object = "one", tracks: object = None) -> dict:
    return {"pid": pid, "name": name, "tracks": [TRACK | {"pos": 0}] if tracks is None else tracks}


def slice_of(*playlists: object) -> bytes:
    return json.dumps({"playlists": list(playlists)}).encode()


DEEP = 100_000
GOOD = slice_of(playlist())
SLICES = {
    "empty": b"",
    "cut": GOOD[:-20],
    "BOM alone": b"\xef\xbb\xbf",
    "UTF-16 cut": GOOD.decode().encode("utf-16")[:-1],
    "UTF-16 of nothing": "{}".encode("utf-16"),
    "a list of nothing": b"[]",
    "no playlists": b'{"playlists": {}}',
    "a playlist that is a list": slice_of([[]]),
    "tracks that are text": slice_of(playlist(tracks="abc")),
    "a track that is a list": slice_of(playlist(tracks=[[]])),
    "a name that is a list": slice_of(playlist(name=["x"])),
    "a uri that is a number": slice_of(playlist(tracks=[TRACK | {"track_uri": 5}])),
    "a position of 2^63": slice_of(playlist(tracks=[TRACK | {"pos": 2**63}])),
    "a position of 1e400": GOOD.replace(b'"pos": 0', b'"pos": 1e400'),
    "an id of 5,000 digits": GOOD.replace(b'"pid": 0', b'"pid": ' + b"9" * 5000),
    "a position of 5,000 digits": GOOD.replace(b'"pos": 0', b'"pos": ' + b"9" * 5000),
    "nested lists": b'{"playlists": ' + b"[" * DEEP + b"]" * DEEP + b"}",
    "nested objects": b'{"playlists": [' + b'{"a":' * DEEP + b"1" + b"}" * DEEP + b"]}",
    "nested beside": GOOD[:-1] + b', "info": ' + b"[" * DEEP + b"]" * DEEP + b"}",
    "half a character": GOOD.replace(b'"one"', b'"\\ud800"'),
    "no UTF-8": GOOD.replace(b"one", b"caf\xe9"),
    "NaN": GOOD.replace(b'"pos": 0', b'"pos": NaN'),
}
# A playlist with these is read all the same.
READ = {
    "a BOM": b"\xef\xbb\xbf" + GOOD,
    "NUL in a name": slice_of(playlist(name="a\0b")),
    "a name of a megabyte": slice_of(playlist(name="x" * 1_000_000)),
    "control characters": slice_of(playlist(name="\x1b[2J\x07")),
}


def refused(source: Path) -> str:
    """The message that reading ends with."""
    with pytest.raises(SegueError) as caught:
        segue.build(source)
    message = str(caught.value)
    assert source.name in message or source.parent.name in message
    assert len(message) < 1500, "at most a screen"
    assert message.count("\n") <= 3
    return message


def complaint(call: Callable[[], object]) -> str:
    """The message that a call ends with; empty if it ends well."""
    try:
        call()
    except SegueError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("case", SLICES)
def test_a_slice_is_refused_with_a_sentence(tmp_path, case):
    path = tmp_path / "mpd.slice.0-0.json"
    path.write_bytes(SLICES[case])
    refused(path)


@pytest.mark.parametrize("case", SLICES)
def test_with_skip_bad_the_counts_balance_or_the_file_is_refused(tmp_path, case):
    """Beside a good slice."""
    (tmp_path / "mpd.slice.0-0.json").write_bytes(slice_of(playlist(1), playlist(2)))
    (tmp_path / "mpd.slice.1-1.json").write_bytes(SLICES[case])
    said = complaint(lambda: segue.read(tmp_path, skip_bad=True))
    assert len(said) < 1500
    if not said:
        found = segue.read(tmp_path, skip_bad=True)
        assert len(found.playlists) >= 2
        assert len(found.playlists) + found.report.skipped >= 3, "what is not read is counted"


@pytest.mark.parametrize("case", READ)
def test_what_is_odd_but_not_wrong_is_read(tmp_path, case):
    path = tmp_path / "mpd.slice.0-0.json"
    path.write_bytes(READ[case])
    assert len(segue.read(path).playlists) == 1


TABLES = {
    "empty": b"",
    "BOM alone": b"\xef\xbb\xbf",
    "header alone": b"playlist,track\n",
    "UTF-16 cut": "playlist,track\n1,a\n".encode("utf-16")[:-3],
    "NUL alone": b"\0" * 5000,
    "ragged": b"playlist,track\n1,a,b,c\n1\n",
    "a quotation without an end": b'playlist,track\n1,"a\n' + b"2,b\n" * 1000,
    "binary": bytes(range(256)) * 20,
    "a position of 5,000 digits": b"playlist,track,position\n1,a," + b"9" * 5000 + b"\n",
    "a position of 1e400": b"playlist,track,position\n1,a,1e400\n",
    "a position that is text": b"playlist,track,position\n1,a,first\n",
    "a position of 2^63": b"playlist,track,position\n1,a,9223372036854775808\n",
    "a position below 0": b"playlist,track,position\n1,a,-1\n1,b,-2\n",
    "cut": b"playlist,track\n1,a\n1,b\n2",
    "half a character": b"playlist,track\n1,caf\xed\xa0\x80\n",
    "no UTF-8": b"playlist,track\n1,caf\xe9\n",
    "NUL in a cell": b"playlist,track\n1,a\0b\n",
    "a name of a megabyte": b"playlist,track\n1," + b"x" * 1_000_000 + b"\n",
    "a header of a megabyte": b"playlist,track," + b"x" * 1_000_000 + b"\n1,a,b\n",
    "10,000 columns": b"playlist,track" + b",c" * 10_000 + b"\n1,a" + b",1" * 10_000 + b"\n",
    "nested quotations": b"playlist,track\n1," + b'"' * 100_001 + b"\n",
    "UTF-16": "playlist,track\n1,a\n".encode("utf-16"),
    "control characters": b"playlist,track\n1,\x1b[2J\x07\n",
}


@pytest.mark.parametrize("case", TABLES)
def test_a_table_is_refused_with_a_sentence_or_read(tmp_path, case):
    path = tmp_path / "table.csv"
    path.write_bytes(TABLES[case])
    said = complaint(lambda: segue.build(path))
    assert "table.csv" in said or not said
    assert len(said) < 1500


@pytest.mark.parametrize("case", TABLES)
def test_with_skip_bad_the_rows_balance_or_the_table_is_refused(tmp_path, case):
    """Beside a good table."""
    (tmp_path / "good.csv").write_bytes(b"playlist,track\n5,a\n5,b\n6,a\n")
    (tmp_path / "table.csv").write_bytes(TABLES[case])
    said = complaint(lambda: segue.read(tmp_path, skip_bad=True))
    assert len(said) < 1500
    if not said:
        report = segue.read(tmp_path, skip_bad=True).report
        counted = report.pairs + report.repeated_tracks + report.skipped
        assert counted + sum(report.set_aside.values()) == report.rows
        assert report.rows + len(report.unreadable) >= 3


def test_parquet_that_is_none_is_refused(tmp_path):
    for content in (b"", b"PAR1", b"PAR1" + bytes(100) + b"PAR1", b"PAR1\xff\xff\xff\x7fPAR1"):
        (tmp_path / "table.parquet").write_bytes(content)
        refused(tmp_path / "table.parquet")


# --- zips ---------------------------------------------------------------------------------------


def zip_of(path: Path, files: dict[str, bytes], **options: object) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, **options) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize(
    "name", ["../out.json", "/tmp/segue-out.json", "a/../../out.json", "C:\\x.json"]
)
def test_names_in_a_zip_lead_nowhere(tmp_path, name):
    """Nothing is unpacked: members are read in memory."""
    (tmp_path / "in").mkdir()
    before = sorted(tmp_path.rglob("*"))
    path = zip_of(tmp_path / "in" / "lists.zip", {name: GOOD})
    assert len(complaint(lambda: segue.read(path))) < 1500
    assert sorted(tmp_path.rglob("*")) == sorted([*before, path])
    assert not Path("/tmp/segue-out.json").exists()


def test_a_link_in_a_zip_is_not_followed(tmp_path):
    (tmp_path / "secret.json").write_bytes(slice_of(playlist(name="secret")))
    path = tmp_path / "lists.zip"
    with zipfile.ZipFile(path, "w") as archive:
        link = zipfile.ZipInfo("mpd.slice.0-0.json")
        link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, str(tmp_path / "secret.json"))
    assert "secret" not in refused(path).replace(str(tmp_path), "").replace("secret.json", "")


def test_an_encrypted_zip_is_refused(tmp_path):
    path = zip_of(tmp_path / "lists.zip", {"mpd.slice.0-0.json": GOOD})
    content = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + offset] |= 1
    path.write_bytes(content)
    refused(path)


def test_a_bomb_of_a_member_is_refused_in_bounded_memory(tmp_path):
    """4 GiB of blanks in 4 MB."""
    path = tmp_path / "lists.zip"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("mpd.slice.0-0.json", "w", force_zip64=True) as member,
    ):
        for _ in range(256):
            member.write(b" " * (1 << 20))
    limited(path, megabytes=1500)


def test_a_zip_in_a_zip_in_a_zip(tmp_path):
    path = zip_of(tmp_path / "0.zip", {"mpd.slice.0-0.json": GOOD})
    for depth in range(1, 12):
        path = zip_of(tmp_path / f"{depth}.zip", {"inner.zip": path.read_bytes()})
    assert len(complaint(lambda: segue.read(path))) < 1500


def test_a_zip_of_more_entries_than_anyone_has_is_refused(tmp_path, monkeypatch):
    files = {f"{number}.json": slice_of(playlist(number)) for number in range(4)}
    path = zip_of(tmp_path / "lists.zip", files)
    assert complaint(lambda: segue.read(path)) == ""
    monkeypatch.setattr("segue.data.sources._MOST_ENTRIES", 3)
    assert refused(path).endswith("holds 4 files, expected at most 3; unpack it")


@pytest.mark.slow
def test_a_zip_of_a_million_entries(tmp_path):
    path = tmp_path / "lists.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(1_000_000):
            archive.writestr(f"{number}.bin", b"")
    limited(path, megabytes=3000)


# --- large --------------------------------------------------------------------------------------


def limited(path: Path, megabytes: int) -> None:
    """Reading ends well, by a sentence or with what was read, within so much memory."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))

    program = (
        "import sys, segue\n"
        "try:\n    print(len(segue.read(sys.argv[1]).playlists), 'playlists')\n"
        "except segue.SegueError as error:\n    print('refused:', str(error)[:1600])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, path],
        preexec_fn=limit,
        capture_output=True,
        text=True,
        env={"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1",
             "PYTHONPATH": str(Path(segue.__file__).parent.parent)},
        timeout=600,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, (done.returncode, done.stderr[-1500:])
    assert done.stdout.count("\n") == 1
    assert len(done.stdout) < 1500


@pytest.mark.slow
def test_text_of_a_gigabyte(tmp_path):
    path = tmp_path / "mpd.slice.0-0.json"
    with path.open("wb") as file:
        file.write(b'{"playlists": [{"pid": 0, "name": "')
        for _ in range(1024):
            file.write(b"x" * (1 << 20))
        file.write(b'", "tracks": []}]}')
    limited(path, megabytes=6000)


@pytest.mark.slow
def test_ten_million_elements(tmp_path):
    path = tmp_path / "mpd.slice.0-0.json"
    path.write_bytes(b'{"playlists": [' + b"0," * 10_000_000 + b"0]}")
    limited(path, megabytes=6000)


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_cell_of_a_gigabyte(tmp_path, ending):
    """In Parquet it takes a few kilobytes."""
    path = tmp_path / f"table.{ending}"
    if ending == "csv":
        with path.open("wb") as file:
            file.write(b"playlist,track\n1,")
            for _ in range(1024):
                file.write(b"x" * (1 << 20))
            file.write(b"\n")
    else:
        cell = pa.array(["1"]), pa.array(["x" * ((1 << 30) - 1)])
        pq.write_table(pa.table(cell, ["playlist", "track"]), path, compression="zstd")
    limited(path, megabytes=6000)


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_table_of_ten_million_bad_rows(tmp_path, ending):
    """Without a playlist."""
    path = tmp_path / f"table.{ending}"
    if ending == "csv":
        path.write_bytes(b"playlist,track\n" + b",a\n" * 10_000_000)
    else:
        none = pa.nulls(10_000_000, pa.string())
        pq.write_table(pa.table([none, none], ["playlist", "track"]), path)
    limited(path, megabytes=6000)
