"""Files in and out over HTTP: what matched of each song, every format read back."""

from __future__ import annotations

import gzip
import io
import json
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient

from segue.recommend.writers import WRITERS
from segue.service import files
from segue.service.app import create_app
from segue.service.gate import API
from segue.service.limits import Limits

TRACKS = ["segue:track:41", "segue:track:7", "segue:track:3"]


def read(client, name, content):
    response = client.post(f"{API}/read", params={"name": name}, content=content)
    assert response.status_code == 200, response.text
    return response.json()


def export(client, **question):
    return client.post(f"{API}/export", json=question)


def test_what_became_of_each_song(client):
    lines = ["Artist 3 - Track 3", "spotify:track:0000000000000000000000", "Trakc 7"]
    lines.append("Artist 2 - Track 7 (Live)")
    found = read(client, "Road trip.txt", "\n".join(lines).encode())
    (playlist,) = found["playlists"]
    assert playlist["title"] == "Road trip"
    assert [song["status"] for song in playlist["songs"]] == [
        "found", "missing", "unsure", "found",
    ]  # fmt: skip
    first, missing, unsure, live = playlist["songs"]
    assert first["asked"] == "Artist 3 - Track 3"
    assert first["track"]["id"] == "segue:track:3"
    assert first["track"]["artist_id"] == "segue:artist:3"
    assert missing["track"] is None
    assert unsure["track"] is None
    assert "segue:track:7" in [track["id"] for track in unsure["candidates"]]
    assert live["track"]["id"] == "segue:track:7"
    assert found["set_aside"] == {}
    assert found["skipped"] == 0


def test_a_zip_of_several_playlists(client):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, songs in {"one": (3, 4), "two": (5,)}.items():
            lines = [f"#EXTINF:1,Artist {row % 20} - Track {row}\n{row}.mp3\n" for row in songs]
            archive.writestr(f"lists/{name}.m3u8", "#EXTM3U\n" + "".join(lines))
    found = read(client, "lists.zip", packed.getvalue())
    assert {playlist["title"]: len(playlist["songs"]) for playlist in found["playlists"]} == {
        "one": 2,
        "two": 1,
    }


@pytest.mark.parametrize("form", WRITERS)
def test_every_format_is_read_back(client, form):
    response = export(client, title="Nächte & Tage", tracks=TRACKS, format=form)
    assert response.status_code == 200, response.text
    said = response.headers["content-disposition"]
    assert said.startswith("attachment; filename*=UTF-8''n%C3%A4chte-tage.")
    assert response.headers["content-type"].startswith(WRITERS[form].content_type)
    name = f"Nächte & Tage{WRITERS[form].endings[0]}"
    (playlist,) = read(client, name, response.content)["playlists"]
    assert [song["track"]["id"] for song in playlist["songs"]] == TRACKS
    assert playlist["title"] == "Nächte & Tage"
    assert playlist["ordered"]


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("empty.txt", b"", "empty.txt: "),
        ("../../etc/passwd", b"", "passwd: "),
        ("broken.zip", b"PK\x03\x04 and no more", "broken.zip"),
        ("a.json", b'{"a": ', "a.json"),
    ],
)
def test_what_cannot_be_read_is_said_in_a_sentence(client, name, content, sentence):
    response = client.post(f"{API}/read", params={"name": name}, content=content)
    assert response.status_code == 400, response.text
    error = response.json()["error"]
    assert sentence in error
    assert "/tmp" not in error
    assert len(error) < 500


def test_a_zip_that_unpacks_to_too_much_is_refused(client, monkeypatch):
    monkeypatch.setattr(files, "_MAX_UNPACKED", 3 << 20)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros.txt", b"0" * (4 << 20))
    response = client.post(f"{API}/read", params={"name": "z.zip"}, content=packed.getvalue())
    assert response.status_code == 400
    assert response.json()["error"] == "z.zip: unpacks to 4 MiB; at most 3 are read"


def test_files_may_be_larger_than_other_bodies(serving):
    limits = Limits(max_body=1000, max_upload=3000)
    with TestClient(create_app(serving, limits)) as client:
        line = b"Artist 3 - Track 3\n"
        read(client, "a.txt", line * 100)
        response = client.post(f"{API}/read", params={"name": "a.txt"}, content=line * 200)
        assert response.status_code == 413
        assert "3000 bytes" in response.json()["error"]
        response = client.post(f"{API}/vibe", content=json.dumps({"tracks": ["x" * 1000]}))
        assert response.status_code == 413


def test_what_cannot_be_exported(client):
    assert export(client, title="a", tracks=["no"], format="csv").status_code == 404
    assert export(client, title="a", tracks=[], format="csv").status_code == 422
    answer = export(client, title="a", tracks=TRACKS, format="doc")
    assert answer.status_code == 422
    assert "'m3u8', 'xspf'" in answer.json()["error"]


def test_what_would_fill_the_memory_is_refused(client):
    packed, table = gzip.compress(b"playlist,track,artist\n" + bytes(1 << 20)), io.BytesIO()
    rows = pa.array(np.zeros(20_000, dtype=np.int32))
    long = pa.DictionaryArray.from_arrays(rows, pa.array(["x" * (1 << 19)]))
    pq.write_table(pa.table({"track": long}), table)
    nested = io.BytesIO()
    with zipfile.ZipFile(nested, "w") as archive:
        archive.writestr("inside.csv.gz", packed)
    for name, content, sentence in (
        ("a.csv.gz", packed, "a.csv.gz: is compressed; send it as it is, or in a zip"),
        ("b.zip", nested.getvalue(), "b.zip/inside.csv.gz: is compressed; send it as it is"),
        ("c.parquet", table.getvalue(), "c.parquet: has more rows, or longer ones, than are read"),
    ):
        response = client.post(f"{API}/read", params={"name": name}, content=content)
        assert response.status_code == 400
        assert response.json()["error"].startswith(sentence)


def test_a_damaged_member_of_a_zip_is_named(client):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inside.txt", "Artist 3 - Track 3\n" * 100)
    content = bytearray(packed.getvalue())
    content[40:44] = b"\xff\xff\xff\xff"
    response = client.post(f"{API}/read", params={"name": "z.zip"}, content=bytes(content))
    assert response.status_code == 400
    assert response.json()["error"].startswith("z.zip/inside.txt: cannot be read")


def test_names_are_exported_as_ids_are(client):
    by_name = export(client, title="a", tracks=["Artist 3 - Track 8"], format="json")
    assert by_name.status_code == 200, by_name.text
    assert by_name.json()[0]["tracks"][0]["name"] == "Track 8"
    mixed = export(client, title="a", tracks=["Artist 3 - Track 8", "no"], format="json")
    assert mixed.status_code == 404, "no song is left out in silence"


def test_errors_name_no_internals(client):
    for path, question in (
        ("match", {"songs": ["a", ["b"]]}),
        ("sort", {"tracks": ["a"], "into": 1}),
    ):
        answer = client.post(f"{API}/{path}", json=question)
        assert answer.status_code == 422
        place = answer.json()["error"].partition(": ")[0]
        assert place == {"match": "songs.1", "sort": "into"}[path]


def test_an_empty_song_is_missing(client):
    """It refused the whole list."""
    answer = client.post(f"{API}/match", json={"songs": ["Artist 3 - Track 8", "", " "]})
    assert answer.status_code == 200, answer.text
    assert [song["status"] for song in answer.json()["songs"]] == ["found", "missing", "missing"]


def test_an_encoding_that_is_stated_or_guessed(client):
    content = "#EXTM3U\n#EXTINF:1,Кино - Группа крови\n2.mp3\n".encode("cp1251")
    found = read(client, "a.m3u", content)
    assert found["playlists"][0]["songs"][0]["asked"] == "Кино - Группа крови"
    assert found["guessed"] == {"a.m3u": "cp1251"}
    stated = client.post(f"{API}/read?name=a.m3u&encoding=cp1251", content=content).json()
    assert stated == {**found, "guessed": {}}
    response = client.post(f"{API}/read?name=a.m3u&encoding=nonsense", content=content)
    assert response.status_code == 400
    assert "encoding is 'nonsense', expected one that Python knows" in response.json()["error"]


def test_zips_in_a_zip_count_as_they_unpack(client, monkeypatch):
    monkeypatch.setattr(files, "_MAX_UNPACKED", 3 << 20)
    inner, outer = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros.txt", b"0" * (4 << 20))
    with zipfile.ZipFile(outer, "w") as archive:
        archive.writestr("inner.zip", inner.getvalue())
    response = client.post(f"{API}/read", params={"name": "z.zip"}, content=outer.getvalue())
    assert response.status_code == 400
    assert response.json()["error"].startswith("z.zip: unpacks to 4 MiB; at most 3 are read")
