"""Opens and asks mutated artefacts whose checksums are right, each in a process of its own.

    python tests/hostile/fuzz.py --tries 10000 [--first 0] [--rng-seed 0] [--json FILE]
                                 [--keep FOLDER]

A try changes one file (or swaps two) of a graph, of a bundle with every part that there is, or of
one with none that it can do without: bits, words and blocks anywhere; numbers, shapes and types of
arrays; types, gaps and text of tables; rows and tables of the index of names; values of the
manifest. Then sizes and checksums are made to fit. A child forked from a process with everything
loaded opens it, asks for all that a bundle answers, and runs one of the commands that take such an
artefact. It must end with a sentence, or with answers that name tracks of the catalogue only: never
by a signal, with another exception, or after more than a second of processor time. Each try is the
same whenever it is made, so `--first 5000` continues after the first 5,000.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import random
import resource
import shlex
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import closing, redirect_stderr, redirect_stdout, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from scipy.sparse import csr_array

from segue.arrays import map_arrays, write_arrays
from segue.bundle import Bundle, MeasuredVectors
from segue.cli import main as segue_command
from segue.cli.data import describe
from segue.data.playlists import Catalog, Playlists, TrackLists
from segue.data.relations import Nodes, Relation, lists_of
from segue.errors import SegueError
from segue.files import MANIFEST, manifest_checksum, sha256_of
from segue.graph.holding_out import split_graph
from segue.graph.playlist_graph import PlaylistGraph
from segue.graph.split import SplitRecipe
from segue.recommend.recommender import Recommender
from segue.recommend.verify import verify
from segue.scoring.ann import DIALS, INDEX_FILE, AnnIndex
from segue.scoring.centroid import unit_rows
from segue.scoring.features import FEATURES
from segue.scoring.questions import Questions
from segue.scoring.trees import Trees
from segue.scoring.word_odds import WordOdds

NUM_TRACKS, NUM_ARTISTS, NUM_ALBUMS, NUM_WORDS, NUM_LISTS, DIM = 60, 8, 15, 6, 30, 4
# Seconds of processor time that a try may take, of the clock until it is killed, and its memory.
MOST_SECONDS, MOST_WAIT, MOST_BYTES = 1.0, 60, 6 << 30
REFUSED, ANSWERED, OUTSIDE, UNEXPECTED = 0, 1, 2, 3
INTEGERS = [0, 1, -1, 2, 7, 255, 2**31 - 1, -(2**31), 2**32, 2**63 - 1, -(2**63)]
FLOATS = [0.0, -0.0, 1.0, -1.0, np.nan, np.inf, -np.inf, 1e-40, 1e30, -1e30, 3.4e38]
VALUES = [None, True, 0, -1, 1.5, 2**63, 1e308, "", "x", "\x1b[2J", "../x", [], {}, [None],
          {"a": 1}, ["wide"] * 3, [[[[[]]]]], "9" * 5000, {"track": 1}]  # fmt: skip


def whole_graph(rng: np.random.Generator) -> PlaylistGraph:
    """Playlists with titles and their words, tracks with artists, albums and other identifiers."""
    names = {"track": NUM_TRACKS, "artist": NUM_ARTISTS, "album": NUM_ALBUMS, "word": NUM_WORDS}
    nodes = {
        kind: Nodes(
            pa.array([f"segue:{kind}:{row}" for row in range(number)]),
            pa.array([f"{kind} ünd {row} 六" for row in range(number)]),
        )
        for kind, number in names.items()
    }
    aliases = lists_of({3: ["isrc:GBUM71029604"], 5: ["mbid:a", "mbid:b"]}, NUM_TRACKS)
    nodes["track"] = Nodes(nodes["track"].ids, nodes["track"].names, aliases)
    track = np.arange(NUM_TRACKS)
    artists = [[int(t) % NUM_ARTISTS, *([7] if t % 9 == 0 and t % 8 != 7 else [])] for t in track]
    by = TrackLists.from_lists(artists)
    album = np.where(track % 10 == 9, -1, track // 4).astype(np.int32)
    catalog = Catalog(
        nodes,
        {
            "artist": Relation("by", "track", "artist", by.offsets, by.track_index, NUM_ARTISTS),
            "album": Relation.single("on", "track", "album", album, NUM_ALBUMS),
        },
    )
    lists = [
        rng.choice(NUM_TRACKS, int(rng.integers(0, 15)), replace=False).tolist()
        for _ in range(NUM_LISTS)
    ]
    words = TrackLists.from_lists(
        [rng.choice(NUM_WORDS, int(rng.integers(0, 3)), replace=False).tolist() for _ in lists]
    )
    titled = Relation("titled", "playlist", "word", words.offsets, words.track_index, NUM_WORDS)
    playlists = Playlists(
        pa.array([str(row) for row in range(NUM_LISTS)]),
        pa.array([None if row % 7 == 0 else f"list {row}" for row in range(NUM_LISTS)]),
        np.arange(NUM_LISTS) % 2 == 0,
        TrackLists.from_lists(lists),
        {"word": titled},
    )
    return PlaylistGraph(playlists, catalog, {"source": "made up", "k_core": 0, "read": {"x": 1}})


def some_trees(rng: np.random.Generator) -> Trees:
    """Of three nodes each."""
    number = 9
    return Trees(
        num_features=np.array([len(FEATURES)]),
        offsets=np.arange(0, 3 * number + 1, 3),
        feature=rng.integers(0, len(FEATURES), 3 * number).astype(np.int32),
        threshold=rng.normal(size=3 * number),
        missing_left=rng.integers(0, 2, 3 * number).astype(np.uint8),
        left=np.tile(np.array([1, ~0, ~2], dtype=np.int32), number),
        right=np.tile(np.array([2, ~1, ~3], dtype=np.int32), number),
        leaf_value=rng.normal(size=4 * number),
    )


def some_index(bundle: Bundle, rng: np.random.Generator) -> AnnIndex:
    """Of four cells."""
    offsets = np.array([0, 10, 10, 35, NUM_TRACKS])
    return AnnIndex(
        rng.normal(size=(4, DIM + 1)).astype(np.float32),
        offsets,
        rng.permutation(NUM_TRACKS).astype(np.int32),
        rng.integers(0, 256, (NUM_TRACKS, DIM + 1)).astype(np.uint8),
        np.full(DIM + 1, -1, dtype=np.float32),
        np.full(DIM + 1, 0.01, dtype=np.float32),
        np.ones(len(DIALS), dtype=np.int64),
        np.ones(len(DIALS), dtype=np.float32),
    )


def whole_bundle(graph: PlaylistGraph, rng: np.random.Generator) -> Bundle:
    """Everything that a bundle can have."""

    def vectors(kind: str) -> np.ndarray:
        rows = len(graph.catalog.nodes[kind])
        return unit_rows(rng.normal(size=(rows, DIM)).astype(np.float32))

    def wide() -> dict[str, np.ndarray]:
        kept = rng.random((NUM_TRACKS, NUM_TRACKS)) < 0.1
        return {
            "offsets": np.concatenate([[0], np.cumsum(kept.sum(axis=1))]).astype(np.int64),
            "track_index": np.nonzero(kept)[1].astype(np.int32),
            "weight": rng.normal(size=int(kept.sum())).astype(np.float32),
        }

    def words() -> dict[str, np.ndarray]:
        kept = rng.random((NUM_WORDS, NUM_TRACKS)) < 0.1
        odds = csr_array(kept * rng.random((NUM_WORDS, NUM_TRACKS)))
        return WordOdds.from_matrix(odds, 0.05, -0.5).arrays()

    columns = {
        "query_weight": rng.random(NUM_TRACKS).astype(np.float32),
        "popularity": graph.popularity.astype(np.int64),
        "word_weight": rng.random(NUM_WORDS).astype(np.float32),
        "title_growth": np.array([0.5], dtype=np.float32),
    }
    return Bundle(
        catalog=graph.catalog,
        vectors={kind: vectors(kind) for kind in ("track", "artist", "album", "word")},
        playlists=graph.playlists,
        config={
            "model": "lightgcn",
            "dim": DIM,
            "rng_seed": 0,
            "threads": 1,
            "relations": ["word"],
        },
        metrics={"test": {"values": {"recall@300": 0.5}}},
        split={
            "recipe": SplitRecipe("random").to_json(),
            "fingerprint": split_graph(graph, SplitRecipe("random")).fingerprint,
        },
        graph_fingerprint=graph.fingerprint,
        history=[{"epoch": 1, "loss": 2.5}],
        measured=MeasuredVectors(
            vectors("track"),
            terms={"wide": wide(), "words": words()},
            word_vectors=vectors("word"),
            **columns,
        ),
        terms={"wide": wide(), "words": words()},
        second_stage=some_trees(rng).arrays(),
        questions=Questions(num_trees=(4, 9)).to_json(),
        **columns,
    )


def bare_bundle(whole: Bundle) -> Bundle:
    """Only what a bundle cannot do without."""
    return replace(
        whole,
        catalog=replace(whole.catalog, nodes={
            kind: nodes for kind, nodes in whole.catalog.nodes.items() if kind != "word"
        }),
        vectors={kind: whole.vectors[kind] for kind in ("track", "artist")},
        word_weight=None,
        title_growth=None,
        playlists=None,
        measured=None,
        terms={},
        second_stage=None,
        questions={},
    )  # fmt: skip


def write_artefacts(folder: Path) -> None:
    """``bundle``, ``bare`` and ``graph``, the same each time."""
    rng = np.random.default_rng(0)
    graph = whole_graph(rng)
    bundle = whole_bundle(graph, rng)
    index = some_index(bundle, rng).arrays()
    bundle.save(
        folder / "bundle", companions=[lambda inside: write_arrays(inside / INDEX_FILE, index)]
    )
    bare_bundle(bundle).save(folder / "bare")
    graph.save(folder / "graph")


# --- mutations ----------------------------------------------------------------------------------


def restate(folder: Path) -> None:
    """Make sizes and checksums fit again, as whoever changes a bundle on purpose would."""
    with suppress(ValueError, KeyError, TypeError, AttributeError, RecursionError):
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        for name in manifest["files"]:
            if (folder / name).is_file():
                manifest["files"][name] = {
                    "bytes": (folder / name).stat().st_size,
                    "sha256": sha256_of(folder / name),
                }
        manifest["checksum"] = manifest_checksum(manifest)
        (folder / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")


def mutated_bytes(content: bytes, rng: random.Random) -> bytes:
    """Anything anywhere, whatever the form of the file."""
    data, size = bytearray(content), max(1, len(content))
    start = rng.randrange(size)
    length = min(rng.choice([1, 2, 4, 8, 64, 512]), size - start)
    way = rng.randrange(8)
    if way == 0:
        for _ in range(rng.choice([1, 1, 2, 8, 64])):
            data[rng.randrange(size)] ^= 1 << rng.randrange(8)
    elif way == 1:
        data[start : start + length] = rng.randbytes(length)
    elif way == 2:
        data[start : start + length] = bytes([rng.choice([0, 255, 127, 128])]) * length
    elif way == 3:
        del data[start:]
    elif way == 4:
        data += rng.randbytes(length)
    elif way == 5:
        other = rng.randrange(size)
        data[start : start + length] = data[other : other + length]
    elif way == 6:
        del data[start : start + length]
    else:
        width = rng.choice([4, 8])
        at = start // width * width
        number = rng.choice(INTEGERS) % 2 ** (8 * width)
        data[at : at + width] = number.to_bytes(width, "little")
    return bytes(data)


def mutate_arrays(path: Path, rng: random.Random) -> None:
    """Numbers, shapes, types and names of the arrays of a safetensors file."""
    arrays = {name: np.array(array) for name, array in map_arrays(path).items()}
    name = rng.choice(sorted(arrays))
    array, way = arrays[name], rng.randrange(8)
    if way <= 3 and array.size:
        flat = array.reshape(-1)
        with np.errstate(all="ignore"):
            for _ in range(rng.choice([1, 1, 3, array.size])):
                value = rng.choice(FLOATS if array.dtype.kind == "f" else INTEGERS)
                if array.dtype.kind != "f":
                    bits = 8 * array.dtype.itemsize
                    value = value % 2**bits
                    value -= 2**bits if array.dtype.kind == "i" and value >= 2 ** (bits - 1) else 0
                flat[rng.randrange(array.size)] = value
    elif way == 4:
        arrays[name] = array[: rng.randrange(len(array) + 1)] if array.ndim else array
    elif way == 5:
        other = rng.choice([np.float32, np.float64, np.int32, np.int64, np.uint8])
        with np.errstate(all="ignore"):
            arrays[name] = array.astype(other)
    elif way == 6:
        arrays[rng.choice(["more", *sorted(arrays)])] = arrays.pop(name)
    else:
        arrays[name] = rng.choice(
            [array[None], array.reshape(-1), np.repeat(array, 2, axis=0) if array.ndim else array]
        )
    write_arrays(path, arrays)


def mutate_table(path: Path, rng: random.Random) -> None:
    """Types, gaps, text and lists of the columns of an Arrow file."""
    # Not mapped: the file is overwritten.
    batch = pa.ipc.open_file(pa.py_buffer(path.read_bytes())).get_batch(0)
    place = rng.randrange(batch.num_columns)
    column, field = batch.column(place), batch.schema.field(place)
    number, way = len(column), rng.randrange(10)
    options = None
    if way == 0:
        column = pa.array([rng.choice([b"\xff\xfe", b"a"]) for _ in range(number)], pa.binary())
    elif way == 1:
        bad = [b"\xff", b"\xed\xa0\x80", b"\x1b[2J", b"a\0b", b""]
        texts = [rng.choice(bad) * rng.choice([1, 9]) for _ in range(number)]
        offsets = np.concatenate([[0], np.cumsum([len(text) for text in texts])]).astype(np.int32)
        buffers = [None, pa.py_buffer(offsets), pa.py_buffer(b"".join(texts))]
        column = pa.Array.from_buffers(pa.string(), number, buffers)
    elif way == 2:
        values = column.to_pylist()
        for _ in range(rng.choice([1, 5])):
            values[rng.randrange(number)] = None
        column = pa.array(values, column.type)
    elif way == 3:
        column = column.take(pa.array([rng.randrange(number) for _ in range(number)]))
    elif way == 4:
        column = pa.array(list(range(number)), rng.choice([pa.int32(), pa.int64(), pa.float64()]))
    elif way == 5 and pa.types.is_large_list(column.type):
        offsets = np.array(column.offsets)
        offsets[rng.randrange(len(offsets))] = rng.choice(INTEGERS)
        buffers = [None, pa.py_buffer(offsets)]
        column = pa.Array.from_buffers(column.type, number, buffers, children=[column.values])
    elif way == 6 and pa.types.is_large_list(column.type):
        values = np.array(column.values)
        if len(values):
            values[rng.randrange(len(values))] = rng.choice(INTEGERS) % 2**31
        column = pa.LargeListArray.from_arrays(column.offsets, pa.array(values))
    elif way == 7:
        metadata = {"num_targets": str(rng.choice([-1, 0, 5, 10**30, "x"]))}
        field = pa.field(rng.choice([field.name, "a b", "track by artist", ""]), column.type,
                         metadata=metadata)  # fmt: skip
    elif way == 8:
        options = pa.ipc.IpcWriteOptions(compression=rng.choice(["lz4", "zstd"]))
    else:
        column = column.dictionary_encode() if pa.types.is_string(column.type) else column
    fields, columns = list(batch.schema), list(batch.columns)
    fields[place] = field.with_type(column.type)
    columns[place] = column
    kinds = rng.choice([batch.schema.metadata] * 9 + [{"kinds": "track ../x album"}, {}])
    with suppress(pa.ArrowException, ValueError):
        changed = pa.RecordBatch.from_arrays(columns, schema=pa.schema(fields, kinds))
        with (
            pa.OSFile(str(path), "wb") as sink,
            pa.ipc.new_file(sink, changed.schema, options=options) as writer,
        ):
            for _ in range(rng.choice([1, 1, 1, 0, 2])):
                writer.write_batch(changed)


def mutate_names(path: Path, rng: random.Random) -> None:
    """Rows and tables of the index of names."""
    kind = rng.choice(["track", "artist", "playlist"])
    value = rng.choice([-1, 10**9, 2**63 - 1, "'x'", "x'ff'", "NULL", "1.5", 0])
    loop = ("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) "
            "SELECT x AS rank, x AS row FROM c")  # fmt: skip
    statements = rng.choice(
        [
            [f"UPDATE {kind} SET row = {value}"],
            [f"UPDATE {kind} SET row = 0"],
            [f"UPDATE OR IGNORE {kind} SET rank = rank + 7"],
            [f"UPDATE OR IGNORE {kind}_key SET rank = {value}"],
            [f"UPDATE {kind}_words_data SET block = {value}"],
            [f"UPDATE {kind}_words_data SET block = randomblob(length(block))"],
            [f"UPDATE {kind}_words_data SET block = zeroblob(1000000) WHERE id = 10"],
            [f"DELETE FROM {kind}_words_data WHERE id % 3 = {rng.randrange(3)}"],
            [f"UPDATE {kind}_words_config SET v = {value}"],
            [f"DELETE FROM {kind}"],
            [f"DROP TABLE {kind}", f"CREATE VIEW {kind} AS {loop}"],
            [f"DROP TABLE {kind}_word", f"CREATE VIEW {kind}_word AS SELECT x'ff' AS word"],
            [f"DROP TABLE {kind}", f"CREATE TABLE {kind} (rank, row AS (zeroblob(1000000000)))"],
            [f"DROP TABLE {kind}_words"],
            [f"PRAGMA user_version = {rng.choice([0, 1, 99, -1])}"],
            [f"CREATE TRIGGER t AFTER INSERT ON {kind} BEGIN DELETE FROM {kind}; END"],
        ]
    )
    with (
        closing(sqlite3.connect(path, isolation_level=None)) as connection,
        suppress(sqlite3.Error),
    ):
        connection.execute("PRAGMA writable_schema = ON")
        for statement in statements:
            connection.execute(statement)


def mutate_manifest(path: Path, rng: random.Random) -> None:
    """One value anywhere in the manifest."""
    manifest = json.loads(path.read_text(encoding="utf-8"))
    places: list[tuple[Any, Any]] = []

    def gather(value: Any) -> None:
        for key in value if isinstance(value, dict) else range(len(value)):
            places.append((value, key))
            if isinstance(value[key], dict | list):
                gather(value[key])

    gather(manifest)
    inside, key = rng.choice(places)
    if rng.random() < 0.3:
        del inside[key]
    else:
        inside[key] = rng.choice(VALUES)
    path.write_text(json.dumps(manifest), encoding="utf-8")


BY_FORM: dict[str, Callable[[Path, random.Random], None]] = {
    ".safetensors": mutate_arrays,
    ".arrow": mutate_table,
    ".sqlite": mutate_names,
    ".json": mutate_manifest,
}


def mutate(folder: Path, rng: random.Random) -> str:
    """Change one file of an artefact; which, and how, in words."""
    path = rng.choice(sorted(folder.iterdir()))
    by_form = BY_FORM.get(path.suffix)
    if by_form is not None and rng.random() < 0.6:
        # Some tables cannot be made: those stay as they were.
        with suppress(pa.ArrowException, ValueError):
            by_form(path, rng)
        how = by_form.__name__
    elif rng.random() < 0.05:
        other = rng.choice(sorted(folder.iterdir()))
        path.write_bytes(other.read_bytes())
        how = f"is {other.name}"
    else:
        path.write_bytes(mutated_bytes(path.read_bytes(), rng))
        how = "bytes"
    restate(folder)
    return f"{folder.name}/{path.name}: {how}"


# --- what is asked ------------------------------------------------------------------------------


class OutsideError(Exception):
    """An answer names what is not in the catalogue, or the same twice."""


def ask(folder: Path) -> None:
    """Open an artefact, and ask for everything."""
    if folder.name == "graph":
        graph = PlaylistGraph.load(folder)
        json.dumps(describe(graph, 5))
        split_graph(graph.k_core(1), SplitRecipe("random"))
        verify(folder)
        return
    recommender = Recommender.load(folder)
    bundle = recommender.bundle
    tracks, artists = (set(nodes.ids.to_pylist()) for nodes in
                       (bundle.catalog.tracks, bundle.catalog.artists))  # fmt: skip

    def check(found: list[str], known: set[str]) -> None:
        if len(set(found)) != len(found) or not known.issuperset(found):
            raise OutsideError(f"{found}")

    track, artist = str(bundle.catalog.track_ids[0]), str(bundle.catalog.artists.ids[0])
    for text in ("track ünd 1", "art", "list", "zz"):
        with suppress(SegueError):
            recommender.find(text, 5)
    for question in (
        lambda: recommender.complete("2", 20, reasons=True),
        lambda: recommender.complete("2", 20, question="next"),
        lambda: recommender.complete("4", 20, question="fit"),
        lambda: recommender.complete(tracks=[track, "segue:track:5"], n=70, dial=0.5),
        lambda: recommender.complete(tracks=[], n=5),
        lambda: recommender.vibe(["segue:track:9"], 20, artists=[artist], title="list word"),
        lambda: recommender.similar(track, 9),
    ):
        with suppress(SegueError):
            check([each.track_id for each in question().tracks], tracks)
    with suppress(SegueError):
        check([each.artist_id for each in recommender.similar(artist=artist, n=3).artists], artists)
    for other in (
        lambda: recommender.why(track, "2"),
        lambda: recommender.title([track]),
        lambda: recommender.details.track(track),
        lambda: recommender.details.artist(artist, 3),
        lambda: recommender.sort([track], into={"a": [track]}),
        lambda: recommender.tidy([track, "segue:track:5", "segue:track:5"]),
        lambda: recommender.match(["track ünd 2", "nothing of the kind"]),
        lambda: verify(folder),
    ):
        with suppress(SegueError):
            other()


# Those that read an artefact, by its kind; what they write goes to a folder beside it.
COMMANDS = {
    "graph": (
        "info {}",
        "verify {} --json",
        "train {} --out {}-out --dim 2 --epochs 1 --threads 1 --no-second-stage --no-test",
        "evaluate {whole}/bundle {}",
    ),
    "bundle": (
        "verify {}",
        "find {} 'track ünd 1'",
        "complete {} 2 -n 5 --reasons",
        "complete {} 2 --out {}-list.csv",
        "recommend {} --all -n 5 --out {}-lists.csv --threads 1",
        "title {} segue:track:1 segue:track:2",
        "index {} --threads 1",
        "update {} {whole}/new.csv --out {}-out --threads 1",
        "evaluate {} {whole}/graph",
        "draw training {} --out {}-curves.html",
        "draw snowball {} --from 2 --kind playlist --out {}-picture.svg",
        "draw map {} --out {}-map.html",
    ),
}
NEW = """playlist_id,playlist_name,track_id,track_name,artist_id,artist_name
900,list 3,segue:track:1,track ünd 1 六,segue:artist:1,artist ünd 1 六
900,list 3,new:1,Another,segue:artist:1,artist ünd 1 六
"""


def commands(name: str) -> tuple[str, ...]:
    """Those that read an artefact of this name."""
    return COMMANDS["graph" if name == "graph" else "bundle"]


def run_command(line: str, folder: Path, whole: Path) -> None:
    """Run a command of an artefact. What is not said in a sentence is raised."""
    os.environ["SEGUE_TRACEBACK"] = "1"
    with suppress(SystemExit):
        segue_command(shlex.split(line.replace("{whole}", str(whole)).replace("{}", str(folder))))


def tried(line: str, folder: Path, whole: Path, log: Path) -> int:
    """The status that a child ends with."""
    try:
        run_command(line, folder, whole)
    except BaseException:
        log.write_text(traceback.format_exc(), encoding="utf-8")
        return UNEXPECTED
    try:
        ask(folder)
    except SegueError as error:
        if len(str(error)) > 2000 or not str(error):
            log.write_text(f"a message of {len(str(error))} characters", encoding="utf-8")
            return UNEXPECTED
        return REFUSED
    except OutsideError as error:
        log.write_text(str(error), encoding="utf-8")
        return OUTSIDE
    except BaseException:
        log.write_text(traceback.format_exc(), encoding="utf-8")
        return UNEXPECTED
    return ANSWERED


def in_a_child(line: str, folder: Path, whole: Path, log: Path) -> tuple[str, float]:
    """How a try ended, and its seconds of processor time."""
    child = os.fork()
    if child == 0:
        signal.alarm(MOST_WAIT)
        resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
        for stream in (1, 2):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
        # It lives too short for collections, which touch all that it shares with its parent.
        gc.disable()
        os._exit(tried(line, folder, whole, log))
    _, status, usage = os.wait4(child, 0)
    seconds = usage.ru_utime + usage.ru_stime
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        return "hang" if number == signal.SIGALRM else signal.Signals(number).name, seconds
    code = os.WEXITSTATUS(status)
    names = {REFUSED: "refused", ANSWERED: "answered", OUTSIDE: "outside", UNEXPECTED: "unexpected"}
    return names.get(code, f"status {code}"), seconds


def load_all(root: Path) -> None:
    """Ask whole artefacts, so that children need not load what is loaded late."""
    shutil.copytree(root / "whole", root / "first")
    with (
        Path(os.devnull).open("w", encoding="utf-8") as nowhere,
        redirect_stdout(nowhere),
        redirect_stderr(nowhere),
    ):
        for name in ("graph", "bundle", "bare"):
            ask(root / "first" / name)
            for line in commands(name):
                run_command(line, root / "first" / name, root / "whole")
    shutil.rmtree(root / "first")


def fuzz(tries: int, rng_seed: int, first: int = 0, keep: Path | None = None) -> dict[str, Any]:
    """How many tries ended in which way, the slowest, and each that failed."""
    ends: Counter[str] = Counter()
    failures, slowest = [], 0.0
    with tempfile.TemporaryDirectory(prefix="segue-fuzz-") as scratch:
        root = Path(scratch)
        write_artefacts(root / "whole")
        (root / "whole" / "new.csv").write_text(NEW, encoding="utf-8")
        load_all(root)
        gc.freeze()
        for number in range(first, first + tries):
            rng = random.Random(f"{rng_seed} {number}")
            name = rng.choices(("bundle", "bare", "graph"), (6, 2, 2))[0]
            folder, log = root / "try" / name, root / "log"
            shutil.rmtree(root / "try", ignore_errors=True)
            log.unlink(missing_ok=True)
            shutil.copytree(root / "whole" / name, folder)
            what = mutate(folder, rng)
            line = rng.choice(commands(name))
            end, seconds = in_a_child(line, folder, root / "whole", log)
            slowest = max(slowest, seconds)
            if end in ("refused", "answered") and seconds > MOST_SECONDS:
                end = "slow"
            ends[end] += 1
            if end not in ("refused", "answered"):
                told = log.read_text(encoding="utf-8") if log.exists() else ""
                failures.append(
                    {"try": number, "what": what, "command": line, "end": end, "told": told[-1500:]}
                )
                if keep is not None:
                    shutil.copytree(folder, keep / f"{number}-{name}", dirs_exist_ok=True)
    return {
        "tries": tries,
        "first": first,
        "rng_seed": rng_seed,
        "ends": dict(ends),
        "most seconds": slowest,
        "failures": failures,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tries", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0, help="Number of the first try.")
    parser.add_argument("--rng-seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--keep", type=Path, help="Copies of what failed go here.")
    options = parser.parse_args()
    started = time.perf_counter()
    found = fuzz(options.tries, options.rng_seed, options.first, options.keep)
    print(f"{found['tries']} tries in {time.perf_counter() - started:.0f} s: {found['ends']}; "
          f"at most {found['most seconds']:.2f} s each")  # fmt: skip
    for failure in found["failures"][:20]:
        told = [str(failure[part]) for part in ("try", "what", "command", "end", "told")]
        print("\n".join(told))
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    sys.exit(bool(found["failures"]))


if __name__ == "__main__":
    main()
