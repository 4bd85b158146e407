"""XSPF, and that XML can do nothing but list songs."""

import pytest

from segue.errors import InputError

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
MBID = "b1a9c0e9-d987-4042-ae91-78d6a3267d69"


def xspf(*tracks: str, title: str = "Night drive") -> str:
    listed = "".join(f"<track>{track}</track>" for track in tracks)
    return (
        f'{HEAD}<playlist version="1" xmlns="http://xspf.org/ns/0/"><title>{title}</title>'
        f"<creator>me</creator><trackList>{listed}</trackList></playlist>"
    )


def test_what_a_list_says(read_files):
    content = xspf(
        "<title> Nightcall </title><creator>Kavinsky</creator><album>OutRun</album>"
        f"<identifier>https://musicbrainz.org/recording/{MBID}</identifier><trackNum>1</trackNum>",
        "<title>Rock &amp; Roll</title><creator>Led Zeppelin</creator>"
        "<location>spotify:track:4u7EnebtmKWzUH433cf5Qv</location>",
        "<location>file:///Queen/Innuendo/08%20Delilah.mp3</location>",
        "<location>spotify:episode:4u7EnebtmKWzUH433cf5Qv</location><title>x</title>",
        "<annotation>nothing else</annotation>",
    )
    found = read_files({"drive.xspf": content})
    assert found.titles == {"drive": "Night drive"}
    assert found.songs["drive"] == [
        ("Nightcall", "Kavinsky"), ("Rock & Roll", "Led Zeppelin"), ("Delilah", "Queen")
    ]  # fmt: skip
    assert found.ids["drive"][:2] == [
        "Nightcall - Kavinsky", "spotify:track:4u7EnebtmKWzUH433cf5Qv"
    ]  # fmt: skip
    assert found.aliases == {"Nightcall - Kavinsky": [f"mbid:{MBID}"]}
    assert found.report.set_aside == {"podcast episode": 1, "nameless track": 1}


def test_prefixes_and_other_names(read_files):
    content = (
        f'{HEAD}<x:playlist xmlns:x="http://xspf.org/ns/0/"><x:trackList><x:track>'
        "<x:title>Delilah</x:title></x:track></x:trackList></x:playlist>"
    )
    assert read_files({"list.xml": content}).songs == {"list": [("Delilah",)]}


def test_entities_are_refused(read_files, tmp_path):
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "ha"}">' for n in range(12))
    (tmp_path / "secret").write_text("secret")
    for declared, used in (
        (laughs, "&l11;"),
        (f'<!ENTITY x SYSTEM "{(tmp_path / "secret").as_uri()}">', "&x;"),
        (f'<!ENTITY % x SYSTEM "{(tmp_path / "secret").as_uri()}"> %x;', ""),
    ):
        content = xspf(f"<title>{used}</title>").replace(
            HEAD, f"{HEAD}<!DOCTYPE playlist [{declared}]>"
        )
        with pytest.raises(InputError, match=r"a\.xspf: whole file: declares an entity"):
            read_files({"a.xspf": content})


def test_a_text_of_a_megabyte_is_refused(read_files):
    with pytest.raises(InputError, match="has an element of over") as caught:
        read_files({"a.xspf": xspf(f"<title>{'x' * 1_100_000}</title>")})
    assert len(str(caught.value)) < 200


def test_a_list_that_is_cut_off_keeps_its_beginning(read_files):
    content = xspf("<title>Nightcall</title>", "<title>Delilah</title>")
    content = content[: content.index("</trackList>")]
    with pytest.raises(InputError, match=r"a\.xspf: whole file: not complete XML \(no element"):
        read_files({"a.xspf": content})
    found = read_files({"a.xspf": content}, skip_bad=True)
    assert found.songs == {"a": [("Nightcall",), ("Delilah",)]}
    assert found.report.skipped == 1


def test_an_address_without_a_title_is_a_stream(read_files):
    tracks = "<track><location>http://x/y.mp3</location></track><track><title>A</title></track>"
    content = f'<playlist xmlns="http://xspf.org/ns/0/"><trackList>{tracks}</trackList></playlist>'
    found = read_files({"a.xspf": content})
    assert found.songs == {"a": [("A",)]}
    assert found.report.set_aside == {"stream": 1}
