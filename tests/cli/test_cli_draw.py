"""`segue draw`: pictures in every form, and what it says where it cannot."""

import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from segue.data.playlists import Catalog, Playlists, TrackLists
from segue.graph.playlist_graph import PlaylistGraph

pytestmark = pytest.mark.usefixtures("in_the_folder")
TITLES = ["road trip", "Chill", "chill", None, "夜 🎉", "Queen"]


@pytest.fixture(scope="module")
def folder(bare_bundle, tmp_path_factory) -> Path:
    catalog = Catalog.of_columns(
        pa.array([f"t:{i}" for i in range(12)]),
        pa.array([f"Song {i}" for i in range(10)] + ["Hurt", "Hurt"]),
        pa.array([f"a:{i}" for i in range(4)]),
        pa.array(["Queen", "Beyoncé", "Johnny Cash", "Nine Inch Nails"]),
        pa.array([], pa.string()),
        pa.array([], pa.string()),
        np.array([0, 0, 0, 1, 1, 1, 2, 2, 3, 3, 2, 3], dtype=np.int32),
        np.full(12, -1, dtype=np.int32),
    )
    lists = [[0, 1, 3, 4], [0, 2, 5, 6], [1, 2, 7, 8, 10], [9, 11, 3], [0, 1, 2], [5]]
    playlists = Playlists(
        pa.array([str(i) for i in range(6)]),
        pa.array(TITLES),
        np.ones(6, dtype=bool),
        TrackLists.from_lists(lists),
    )
    bundle = bare_bundle(
        PlaylistGraph(playlists, catalog),
        np.random.default_rng(1),
        history=[{"epoch": 1, "loss": 5.0, "recall@20": 0.1, "seconds": 0.1}],
    )
    parent = tmp_path_factory.mktemp("draw")
    bundle.save(parent / "bundle")
    replace(bundle, playlists=None, history=[]).save(parent / "without")
    return parent


COMMANDS = {
    "snowball": ["snowball", "bundle", "--from", "road trip", "--waves", 2, "--limit", 5],
    "layers": ["layers", "bundle", "--from", "song 0 - queen"],
    "artist": ["artist", "bundle", "queen", "--tracks", 2, "--playlists", 3],
    "reasons": ["reasons", "bundle", "t:0", "Song 3", "-n", 3],
    "of a playlist": ["reasons", "bundle", "--playlist", "road trip", "-n", 2],
    "map": ["map", "bundle", "--clusters", 2],
    "training": ["training", "bundle"],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_picture_as_svg(run, tmp_path, name):
    out = tmp_path / "x.svg"
    status, said, err = run("draw", *COMMANDS[name], "--out", out, "--theme", "dark")
    assert (status, said, err) == (0, "", f"Written to {out}\n")
    first = out.read_bytes()
    texts = ["".join(e.itertext()) for e in ET.fromstring(first).iter() if e.tag.endswith("}text")]
    assert len(texts) > 4
    status, _, _ = run("draw", *COMMANDS[name], "--out", out, "--theme", "dark", "--overwrite")
    assert status == 0
    assert out.read_bytes() == first, "the same command gives the same picture"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_picture_as_html(run, tmp_path, name):
    out = tmp_path / "x.html"
    assert run("draw", *COMMANDS[name], "--out", out, "--title", "A <title>")[0] == 0
    text = out.read_text(encoding="utf-8")
    assert "<title>A &lt;title&gt;</title>" in text
    if name == "training":
        assert "<svg" in text
        return
    data = re.search(r'<script type="application/json" id="scene">(.*?)</script>', text)
    scene = json.loads(data[1])
    assert scene["title"] == "A <title>"
    assert scene["nodes"]
    walkable = name in ("snowball", "layers", "artist")
    assert bool(scene["beyond"]["nodes"]) == walkable


def test_png_and_pdf(run, tmp_path):
    for ending in ("png", "pdf"):
        out = tmp_path / f"x.{ending}"
        options = ["--size", "3x3", "--dpi", 40, "--rng-seed", 3, "--random"]
        assert run("draw", *COMMANDS["snowball"], *options, "--out", out)[0] == 0
    header = (tmp_path / "x.png").read_bytes()
    assert int.from_bytes(header[16:20], "big") == 120
    assert (tmp_path / "x.pdf").read_bytes()[:4] == b"%PDF"


def test_letters_without_a_font_are_told(run, tmp_path, monkeypatch):
    monkeypatch.setattr("segue.pictures.text.font_families", lambda: ["DejaVu Sans"])
    from segue.pictures import text

    for function in (text._glyphs, text._width):
        function.cache_clear()
    try:
        args = ["draw", "snowball", "bundle", "--from", "4", "--waves", 0, "--limit", 0]
        status, _, err = run(*args, "--out", tmp_path / "x.png", "--size", "3x3", "--dpi", 40)
    finally:
        for function in (text._glyphs, text._width):
            function.cache_clear()
    assert status == 0
    assert err.splitlines()[0].startswith("1 name with letters that no font here has")
    assert "Glyph" not in err


def test_genres_from_a_file(run, tmp_path, folder):
    (tmp_path / "genres.tsv").write_text("t:0\trock\nt:1\trock\nt:3\tpop\n")
    out = tmp_path / "x.svg"
    args = ["draw", "map", "bundle", "--out", out, "--genres", tmp_path / "genres.tsv"]
    assert run(*args)[0] == 0
    assert "rock" in out.read_text()
    status, _, err = run("draw", "map", "bundle", "--out", tmp_path / "y.svg", "--colour", "genre")
    assert (status, err.count("\n")) == (1, 1)
    assert "no genre of its tracks is known" in err


AMBIGUOUS = [
    (
        ["snowball", "bundle", "--from", "Queen"],
        "'Queen' is the name of an artist and of a playlist; say which, by id or with --kind:",
        ["  artist: Queen, 3 tracks  (a:0)", "  playlist: Queen, 1 track  (5)"],
    ),
    (
        ["layers", "bundle", "--from", "CHILL"],
        "'CHILL' is the name of 2 playlists; say which, by id:",
        ["  chill, 5 tracks  (2)", "  Chill, 4 tracks  (1)"],
    ),
    (
        ["artist", "bundle", "beyonse"],
        "'beyonse' matches no artist in this bundle; the closest are:",
        ["  Beyoncé, 3 tracks  (a:1)"],
    ),
    (
        ["reasons", "bundle", "Hurt"],
        "'Hurt' is the name of 2 tracks; say which, by id or as 'name - artist':",
        ["  Hurt - Johnny Cash  (t:10)", "  Hurt - Nine Inch Nails  (t:11)"],
    ),
    (
        ["reasons", "bundle", "--playlist", "road"],
        "'road' matches no playlist in this bundle; the closest are:",
        ["  road trip, 4 tracks  (0)"],
    ),
]


@pytest.mark.parametrize(("args", "says", "candidates"), AMBIGUOUS)
def test_unknown_and_ambiguous_names_list_the_closest(run, args, says, candidates):
    status, out, err = run("draw", *args, "--out", "x.svg")
    assert (status, out) == (1, "")
    assert err.splitlines() == [f"segue: {says}", *candidates]
    assert not Path("x.svg").exists()


def test_a_type_tells_them_apart(run, tmp_path):
    args = ["draw", "snowball", "bundle", "--from", "Queen", "--kind", "playlist"]
    assert run(*args, "--out", tmp_path / "x.svg")[0] == 0


ERRORS = [
    (["snowball", "without", "--from", "Song 0"], "made without playlists (--no-playlists)"),
    (["artist", "without", "Queen"], "made without playlists (--no-playlists)"),
    (["reasons", "without", "Song 0"], "made without playlists (--no-playlists)"),
    (["training", "without"], "no training history"),
    (["map", "gone"], "gone: there is no such folder"),
    (["map", "bundle", "--genres", "gone.tsv"], "gone.tsv: cannot be read as text"),
    (["map", "bundle", "--size", "9"], "size '9' is not known"),
]


@pytest.mark.parametrize(("args", "says"), ERRORS)
def test_errors_are_one_sentence(run, args, says):
    status, out, err = run("draw", *args, "--out", "x.svg")
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert says in err
    assert not Path("x.svg").exists()


@pytest.mark.parametrize(
    ("out", "says"),
    [
        ("x.jpg", "x.jpg: a picture's name ends in .png, .svg, .pdf or .html"),
        ("no/x.svg", "no/x.svg: cannot be written, there is no folder no"),
        ("taken.svg", "taken.svg: exists already; --overwrite replaces it"),
        ("folder.svg", "folder.svg: is a folder"),
    ],
)
def test_files_that_cannot_be_written(run, tmp_path, folder, out, says):
    (folder / "taken.svg").write_text("mine")
    (folder / "folder.svg").mkdir(exist_ok=True)
    status, _, err = run("draw", *COMMANDS["training"], "--out", out)
    assert (status, err.count("\n")) == (1, 1)
    assert says in err
    assert (folder / "taken.svg").read_text() == "mine"


@pytest.mark.parametrize(
    "args",
    [
        ["nothing"],
        ["snowball", "bundle", "--out", "x.svg"],
        ["snowball", "bundle", "--from", "Queen", "--kind", "album", "--out", "x.svg"],
        ["artist", "bundle", "--out", "x.svg"],
        ["reasons", "bundle", "--out", "x.svg"],
        ["reasons", "bundle", "t:0", "--playlist", "0", "--out", "x.svg"],
        ["map", "bundle", "--clusters", "9", "--out", "x.svg"],
        ["map", "bundle"],
    ],
)
def test_usage_errors(run, args):
    status, out, err = run("draw", *args)
    assert (status, out) == (2, "")
    assert err.startswith("Usage: segue draw")
