"""Artefacts that are damaged, or made to harm: refused by name, or answered from the catalogue."""

import json
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from segue.arrays import map_arrays, write_arrays
from segue.bundle import Bundle
from segue.data.playlists import Catalog
from segue.errors import ArtefactError, SegueError
from segue.graph.playlist_graph import PlaylistGraph
from segue.pipeline.recipes import split as default_split
from segue.recommend.recommender import Recommender
from segue.recommend.verify import verify

FUZZ = Path(__file__).with_name("fuzz.py")
sys.path.insert(0, str(FUZZ.parent))
import fuzz  # noqa: E402 - a script beside this file


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    fuzz.write_artefacts(folder)
    return folder


@pytest.fixture
def copied(whole, tmp_path) -> Path:
    """``bundle`` and ``graph``, to be changed."""
    shutil.copytree(whole, tmp_path / "copy")
    return tmp_path / "copy"


def load(folder: Path) -> object:
    return (PlaylistGraph if folder.name == "graph" else Bundle).load(folder)


# --- mutated, with valid checksums --------------------------------------------------------------


def run_fuzz(tries: int, rng_seed: int) -> None:
    done = subprocess.run(
        [sys.executable, FUZZ, "--tries", str(tries), "--rng-seed", str(rng_seed)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert f"{tries} tries" in done.stdout
    assert "'refused'" in done.stdout
    assert "'answered'" in done.stdout


def test_no_mutation_ends_the_process_or_answers_outside_the_catalogue():
    run_fuzz(200, 1)


@pytest.mark.slow
@pytest.mark.parametrize("rng_seed", range(10))
def test_ten_thousand_mutations(rng_seed):
    run_fuzz(int(os.environ.get("SEGUE_FUZZ_TRIES", "1000")), 100 + rng_seed)


# --- bits and cuts ------------------------------------------------------------------------------


def damages(path: Path, flips: int) -> Iterator[None]:
    """A file with one bit flipped at some places, then cut at every 4 KiB; at last as it was."""
    content = path.read_bytes()
    with path.open("r+b") as file:
        for place in np.random.default_rng(len(content)).integers(0, len(content), flips).tolist():
            for byte in (content[place] ^ 1 << place % 8, content[place]):
                file.seek(place)
                file.write(bytes([byte]))
                file.flush()
                if byte != content[place]:
                    yield
    for length in sorted({*range(0, len(content), 4096), len(content) - 1}, reverse=True):
        os.truncate(path, length)
        yield
    path.write_bytes(content)


def check_damage(folder: Path, flips: int) -> int:
    """How many damaged copies were refused by a sentence that names the file."""
    tried = 0
    for path in sorted(folder.iterdir()):
        meaning = json.loads(path.read_bytes()) if path.suffix == ".json" else None
        for _ in damages(path, flips):
            if meaning is not None and same_json(path.read_bytes(), meaning):
                continue  # "1E-05" for "1e-05": no other content
            with pytest.raises(ArtefactError) as caught:
                load(folder)
            assert path.name in str(caught.value)
            assert "\n" not in str(caught.value)
            tried += 1
        load(folder)
    return tried


def same_json(content: bytes, meaning: object) -> bool:
    try:
        return bool(json.loads(content) == meaning)
    except ValueError:
        return False


@pytest.mark.parametrize("name", ["graph", "bundle"])
def test_a_flipped_bit_or_a_cut_in_any_file_is_refused_by_name(copied, name):
    assert check_damage(copied / name, 20) > 100


@pytest.mark.slow
@pytest.mark.parametrize("name", ["graph", "bundle"])
def test_a_thousand_flipped_bits_in_every_file(copied, name):
    assert check_damage(copied / name, 1000) > 5000


@pytest.mark.slow
def test_a_thousand_flipped_bits_in_artefacts_of_ones_own(tmp_path):
    """Of a size that people have: SEGUE_DAMAGED names them, between colons."""
    named = list(filter(None, os.environ.get("SEGUE_DAMAGED", "").split(":")))
    if not named:
        pytest.skip("SEGUE_DAMAGED names no graph and no bundle")
    for number, artefact in enumerate(map(Path, named)):
        kind = json.loads((artefact / "manifest.json").read_text(encoding="utf-8"))["kind"]
        shutil.copytree(artefact, tmp_path / str(number) / kind)
        tried = check_damage(tmp_path / str(number) / kind, 1000)
        print(f"{artefact}: refused {tried} times")


# --- code ---------------------------------------------------------------------------------------


class Executed:
    """Leaves a file where it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.mark,)


@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_a_pickle_under_any_name_is_never_executed(copied, tmp_path, protocol):
    mark = tmp_path / "executed"
    payload = pickle.dumps(Executed(mark), protocol=protocol)
    for name in ("graph", "bundle"):
        folder = copied / name
        for path in sorted(folder.iterdir()):
            content = path.read_bytes()
            path.write_bytes(payload)
            fuzz.restate(folder)
            with pytest.raises(SegueError):
                verify(folder)
            path.write_bytes(content)
            fuzz.restate(folder)
        for further in ("model.pkl", "vectors.pt", "ann.faiss", "second_stage.txt", "x.npy"):
            (folder / further).write_bytes(payload)
        assert len(verify(folder).unlisted) == 5
    assert not mark.exists()
    pickle.loads(payload)
    assert mark.exists(), "it would have been noticed"


# --- text ---------------------------------------------------------------------------------------


def rewrite(path: Path, name: str, column: pa.Array) -> None:
    """Put another column into an Arrow file."""
    batch = pa.ipc.open_file(pa.py_buffer(path.read_bytes())).get_batch(0)
    place = batch.schema.get_field_index(name)
    changed = batch.set_column(place, pa.field(name, column.type), column)
    changed = changed.replace_schema_metadata(batch.schema.metadata)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, changed.schema) as writer:
        writer.write_batch(changed)


def text_of(parts: list[bytes]) -> pa.Array:
    """An Arrow string column of any bytes."""
    offsets = np.concatenate([[0], np.cumsum([len(part) for part in parts])]).astype(np.int32)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(b"".join(parts))]
    return pa.Array.from_buffers(pa.string(), len(parts), buffers)


@pytest.mark.parametrize("name", ["graph", "bundle"])
@pytest.mark.parametrize(
    ("file", "column", "number"),
    [
        ("tracks", "name", fuzz.NUM_TRACKS),
        ("artists", "artist_id", fuzz.NUM_ARTISTS),
        ("words", "name", fuzz.NUM_WORDS),
        ("playlists", "title", fuzz.NUM_LISTS),
    ],
)
@pytest.mark.parametrize("kind", ["no UTF-8", "bytes", "half a character"])
def test_names_that_are_no_text_are_refused(copied, name, file, column, number, kind):
    folder, ids = copied / name, [f"{row}".encode() for row in range(number)]
    columns = {
        "no UTF-8": text_of([*ids[:-1], b"caf\xe9"]),
        "bytes": pa.array(ids, pa.binary()),
        "half a character": text_of([*ids[:-1], "\ud800".encode("utf-8", "surrogatepass")]),
    }
    rewrite(folder / f"{file}.arrow", column, columns[kind])
    fuzz.restate(folder)
    with pytest.raises(ArtefactError, match=rf"{file}\.arrow: cannot be read as an Arrow table"):
        default_split(folder) if name == "graph" else Bundle.load(folder)


@pytest.mark.parametrize("shape", [(fuzz.NUM_WORDS,), (fuzz.NUM_WORDS, fuzz.DIM + 1), (1, 2, 3)])
def test_measured_words_without_weights_have_the_shape_of_vectors(copied, shape):
    path = copied / "bundle" / "measured.safetensors"
    arrays = {name: array.copy() for name, array in map_arrays(path).items()}
    del arrays["word_weight"]
    arrays["word_vectors"] = np.zeros(shape, dtype=np.float32)
    write_arrays(path, arrays)
    fuzz.restate(copied / "bundle")
    with pytest.raises(ArtefactError, match="vectors of words are not as many or as long"):
        verify(copied / "bundle")


def test_compressed_tables_are_refused(copied):
    """A few bytes could unfold to fill the memory."""
    path = copied / "graph" / "tracks.arrow"
    batch = pa.ipc.open_file(pa.py_buffer(path.read_bytes())).get_batch(0)
    for codec in ("lz4", "zstd", None):
        options = pa.ipc.IpcWriteOptions(compression=codec)
        with (
            pa.OSFile(str(path), "wb") as sink,
            pa.ipc.new_file(sink, batch.schema, options=options) as writer,
        ):
            writer.write_batch(batch)
        if codec is None:
            Catalog.load(copied / "graph")
        else:
            with pytest.raises(ArtefactError, match=r"tracks\.arrow: .*it is compressed"):
                Catalog.load(copied / "graph")


def test_a_table_begins_with_a_schema_whatever_it_looks_like(copied):
    """Arrow verifies a header by the type that it states, but would take any for a schema."""
    path = copied / "graph" / "tracks.arrow"
    data = bytearray(path.read_bytes())
    start = 16  # of the first message's metadata, a FlatBuffer
    table = start + int.from_bytes(data[start : start + 4], "little")
    fields = table - int.from_bytes(data[table : table + 4], "little", signed=True)
    # The second field is the header's type.
    at = table + int.from_bytes(data[fields + 6 : fields + 8], "little")
    (schema,) = data[at : at + 1]
    for kind in range(256):
        data[at] = kind
        path.unlink()  # it is mapped
        path.write_bytes(data)
        fuzz.restate(copied / "graph")
        if kind == schema:
            Catalog.load(copied / "graph")
        else:
            with pytest.raises(ArtefactError, match=r"tracks\.arrow: cannot be read as an Arrow"):
                Catalog.load(copied / "graph")


# --- numbers ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "name", "value"),
    [
        ("vectors", "query_weight", 3e38),
        ("vectors", "query_weight", np.nan),
        ("vectors", "popularity", 2**62),
        ("vectors", "word_weight", np.inf),
        ("vectors", "title_growth", 300.0),
        ("vectors", "title_growth", np.nan),
        ("measured", "track_vectors", np.nan),
        ("measured", "query_weight", -1.0),
        ("term-wide", "weight", 1e30),
        ("term-wide", "track_index", -1),
        ("second_stage", "feature", 10_000),
        ("ann", "track_index", fuzz.NUM_TRACKS),
    ],
)
def test_numbers_with_which_no_score_is_one_are_refused(copied, file, name, value):
    path = copied / "bundle" / f"{file}.safetensors"
    arrays = {key: np.array(array) for key, array in map_arrays(path).items()}
    arrays[name].reshape(-1)[0] = value
    write_arrays(path, arrays)
    fuzz.restate(copied / "bundle")
    with pytest.raises(ArtefactError):
        verify(copied / "bundle")
    if file != "measured":
        with pytest.raises(ArtefactError):
            Recommender.load(copied / "bundle")


@pytest.mark.parametrize("name", ["bundle", "bare"])
@pytest.mark.parametrize(
    ("key", "value"),
    [("questions", 5), ("questions", ["x"]), ("graph_fingerprint", None), ("config", []),
     ("metrics", "x"), ("split", 1)],
)  # fmt: skip
def test_facts_of_another_type_are_refused(copied, name, key, value):
    path = copied / name / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(manifest | {key: value}), encoding="utf-8")
    fuzz.restate(copied / name)
    with pytest.raises(ArtefactError):
        Bundle.load(copied / name)


@pytest.mark.parametrize(
    "entry",
    [{}, {"epoch": "x"}, {"epoch": None}, {"loss": 1.0}, {"epoch": 1, "loss": 1e300},
     {"epoch": int("9" * 400)}, {"epoch": 1, "loss": int("9" * 400)}, [1], 7],
    ids=str,
)  # fmt: skip
def test_a_history_that_cannot_be_drawn_is_refused(copied, entry):
    path = copied / "bundle" / "metrics.jsonl"
    path.write_text(json.dumps({"epoch": 1, "loss": 2.5}) + "\n" + json.dumps(entry) + "\n")
    fuzz.restate(copied / "bundle")
    with pytest.raises(ArtefactError):
        Bundle.load(copied / "bundle")
