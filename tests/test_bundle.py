"""A bundle comes back as it was saved, refuses what does not fit, and notices damage."""

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from safetensors.numpy import load_file

from segue.arrays import map_arrays, write_arrays
from segue.bundle import Bundle, MeasuredVectors
from segue.data.playlists import Catalog, Playlists, TrackLists
from segue.errors import ArtefactError, SegueError
from segue.files import manifest_checksum, sha256_of

NUM_TRACKS, NUM_ARTISTS, DIM = 7, 3, 4


def unit(shape: tuple[int, int], rng_seed: int) -> np.ndarray:
    vectors = np.random.default_rng(rng_seed).normal(size=shape)
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def bundle() -> Bundle:
    catalog = Catalog.of_columns(
        pa.array([f"track:{i}" for i in range(NUM_TRACKS)]),
        pa.array([f"Söng {i} 🎵" for i in range(NUM_TRACKS)]),
        pa.array([f"artist:{i}" for i in range(NUM_ARTISTS)]),
        pa.array(["Ærtist", "宇多田ヒカル", ""]),
        pa.array(["album:0"]),
        pa.array(["Album"]),
        np.array([0, 0, 1, 1, 2, 2, 2], dtype=np.int32),
        np.array([0, -1, 0, -1, 0, -1, 0], dtype=np.int32),
    )
    playlists = Playlists(
        pa.array(["a", "b", "c"]),
        pa.array(["one", None, ""]),
        np.array([True, False, True]),
        TrackLists.from_lists([[0, 3, 6], [], [5, 1]]),
    )
    return Bundle(
        catalog=catalog,
        vectors={"track": unit((NUM_TRACKS, DIM), 1), "artist": unit((NUM_ARTISTS, DIM), 2)},
        query_weight=np.linspace(0, 2, NUM_TRACKS, dtype=np.float32),
        popularity=np.arange(NUM_TRACKS, dtype=np.int64),
        playlists=playlists,
        config={"model": "lightgcn", "dim": DIM, "relations": ["artist"]},
        metrics={"test": {"values": {"recall@20": 0.25, "auc": None}}},
        split={"recipe": {"kind": "random"}, "fingerprint": "f" * 64},
        graph_fingerprint="0123abcd",
        history=[{"epoch": 1, "loss": 2.5}, {"epoch": 2, "loss": 2.25}],
    )


def assert_same(left: Bundle, right: Bundle) -> None:
    for name in ("track_vectors", "query_weight", "popularity"):
        one, other = getattr(left, name), getattr(right, name)
        assert one.dtype == other.dtype, name
        np.testing.assert_array_equal(one, other, err_msg=name)
    for name in ("config", "metrics", "split", "graph_fingerprint", "history"):
        assert getattr(left, name) == getattr(right, name), name
    for kind, nodes in left.catalog.nodes.items():
        assert nodes.ids.equals(right.catalog.nodes[kind].ids), kind
        assert nodes.names.equals(right.catalog.nodes[kind].names), kind
    np.testing.assert_array_equal(left.catalog.main_artist, right.catalog.main_artist)
    np.testing.assert_array_equal(left.catalog.main_album, right.catalog.main_album)
    assert set(left.vectors) == set(right.vectors)
    for kind, vectors in left.vectors.items():
        assert vectors.dtype == right.vectors[kind].dtype, kind
        np.testing.assert_array_equal(vectors, right.vectors[kind], err_msg=kind)
    assert (left.playlists is None) == (right.playlists is None)
    if left.playlists is not None:
        assert left.playlists.ids.equals(right.playlists.ids)
        assert left.playlists.titles.equals(right.playlists.titles)
        np.testing.assert_array_equal(left.playlists.order_known, right.playlists.order_known)
        np.testing.assert_array_equal(left.playlists.tracks.offsets, right.playlists.tracks.offsets)
        np.testing.assert_array_equal(
            left.playlists.tracks.track_index, right.playlists.tracks.track_index
        )


def measured_vectors(dim: int = DIM, num_tracks: int = NUM_TRACKS) -> MeasuredVectors:
    return MeasuredVectors(
        unit((num_tracks, dim), 5),
        np.ones(num_tracks, dtype=np.float32),
        np.arange(num_tracks, dtype=np.int64)[::-1],
    )


def test_measured_vectors_come_back(bundle, tmp_path):
    measured = measured_vectors()
    replace(bundle, measured=measured).save(tmp_path / "bundle")
    found = Bundle.load(tmp_path / "bundle")
    assert_same(found, bundle)
    np.testing.assert_array_equal(found.measured.track_vectors, measured.track_vectors)
    np.testing.assert_array_equal(found.measured.query_weight, measured.query_weight)
    np.testing.assert_array_equal(found.measured.popularity, measured.popularity)
    assert found.measured.terms == {}
    bundle.save(tmp_path / "other")
    assert Bundle.load(tmp_path / "other").measured is None


def test_measured_vectors_of_another_shape_are_refused(bundle):
    whole = measured_vectors()
    for measured in (
        measured_vectors(dim=DIM - 1),
        measured_vectors(num_tracks=NUM_TRACKS - 1),
        replace(whole, query_weight=whole.query_weight[1:]),
        replace(whole, popularity=whole.popularity[1:]),
    ):
        with pytest.raises(ValueError, match=r"measured (vectors|query_weight|popularity)"):
            replace(bundle, measured=measured)


def test_a_saved_bundle_comes_back_whole(bundle, tmp_path):
    bundle.save(tmp_path / "bundle")
    assert_same(Bundle.load(tmp_path / "bundle"), bundle)


def test_half_precision_is_half_the_disk_and_float32_in_memory(bundle, tmp_path):
    measured = measured_vectors()
    replace(bundle, half=True, measured=measured).save(tmp_path / "half")
    stored = load_file(tmp_path / "half" / "vectors.safetensors")
    for kind in ("track", "artist"):
        assert stored[f"{kind}_vectors"].dtype == np.float16
    assert stored["query_weight"].dtype == np.float32
    found = Bundle.load(tmp_path / "half")
    assert found.half
    for kind, vectors in bundle.vectors.items():
        assert found.vectors[kind].dtype == np.float32
        np.testing.assert_allclose(found.vectors[kind], vectors, atol=5e-4)
    np.testing.assert_array_equal(found.measured.track_vectors, measured.track_vectors)
    # Saved again it is the same, and as float32 where that is asked for.
    found.save(tmp_path / "again")
    assert_same(Bundle.load(tmp_path / "again"), found)
    assert Bundle.load(tmp_path / "again").half
    replace(found, half=False).save(tmp_path / "whole")
    assert_same(Bundle.load(tmp_path / "whole"), found)
    assert not Bundle.load(tmp_path / "whole").half


@pytest.mark.parametrize("name", ["query_weight", "artist_vectors"])
def test_other_arrays_in_half_precision_are_refused(bundle, tmp_path, name):
    bundle.save(tmp_path / "bundle")
    path = tmp_path / "bundle" / "vectors.safetensors"
    arrays = {key: np.array(array) for key, array in map_arrays(path).items()}
    write_arrays(path, {**arrays, name: arrays[name].astype(np.float16)})
    stated = tmp_path / "bundle" / "manifest.json"
    manifest = json.loads(stated.read_text())
    manifest["files"][path.name] = {"bytes": path.stat().st_size, "sha256": sha256_of(path)}
    manifest["checksum"] = manifest_checksum(manifest)
    stated.write_text(json.dumps(manifest))
    with pytest.raises(ArtefactError, match="is not a complete bundle"):
        Bundle.load(tmp_path / "bundle")


def test_without_playlists_nothing_of_them_is_written(bundle, tmp_path):
    without = replace(bundle, playlists=None)
    without.save(tmp_path / "bundle")
    assert_same(Bundle.load(tmp_path / "bundle"), without)
    assert not list((tmp_path / "bundle").glob("*playlist*"))


def test_arrays_are_mapped_as_safetensors_reads_them(bundle, tmp_path):
    replace(bundle, vectors={**bundle.vectors, "album": unit((1, DIM), 4)}).save(
        tmp_path / "bundle"
    )
    loaded = Bundle.load(tmp_path / "bundle")
    copied = load_file(tmp_path / "bundle" / "vectors.safetensors")
    assert set(copied) == {
        "track_vectors", "artist_vectors", "album_vectors", "query_weight", "popularity"
    }  # fmt: skip
    for name, expected in copied.items():
        kind = name.removesuffix("_vectors")
        mapped = loaded.vectors[kind] if kind != name else getattr(loaded, name)
        assert (mapped.dtype, mapped.shape) == (expected.dtype, expected.shape)
        assert not mapped.flags.writeable
        assert mapped.flags.aligned
        np.testing.assert_array_equal(mapped, expected)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"dtype":"F32"', b'"dtype":"X32"'),
        (b'"shape":[7,4]', b'"shape":[9,4]'),
        (b'"data_offsets":[', b'"data_offset5":['),
        (b'{"', b'["'),
        (b"[0,", b"[9,"),
    ],
)
def test_a_header_of_vectors_that_lies_is_refused(bundle, tmp_path, old, new):
    """Though its checksum is right: whoever wrote it wrote the manifest, too."""
    bundle.save(tmp_path / "bundle")
    path = tmp_path / "bundle" / "vectors.safetensors"
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new, 1))
    with pytest.raises(ArtefactError, match=r"vectors\.safetensors: cannot be read as"):
        Bundle.load(tmp_path / "bundle", verify=False)


def test_vectors_of_a_length_that_lies_are_refused(bundle, tmp_path):
    bundle.save(tmp_path / "bundle")
    path = tmp_path / "bundle" / "vectors.safetensors"
    content = path.read_bytes()
    for size in (0, len(content) * 2, 2**63):
        path.write_bytes(size.to_bytes(8, "little") + content[8:])
        with pytest.raises(ArtefactError, match=r"vectors\.safetensors: cannot be read as"):
            Bundle.load(tmp_path / "bundle", verify=False)


def test_only_formats_without_code_are_written(bundle, tmp_path):
    bundle.save(tmp_path / "bundle")
    files = {path.name for path in (tmp_path / "bundle").rglob("*")}
    endings = {path.rsplit(".", 1)[-1] for path in files}
    assert endings == {"arrow", "safetensors", "json", "jsonl", "sqlite"}
    for path in (tmp_path / "bundle").iterdir():
        # A pickle of protocol 2 or later begins with \x80; a zip (torch.save) with PK.
        assert not path.read_bytes().startswith((b"\x80", b"PK")), path.name
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"], "nothing temporary is left"


def test_saving_over_something_is_refused_and_changes_nothing(bundle, tmp_path):
    folder = tmp_path / "bundle"
    bundle.save(folder)
    other = replace(bundle, graph_fingerprint="another")
    with pytest.raises(ArtefactError, match="exists already"):
        other.save(folder)
    assert Bundle.load(folder).graph_fingerprint == "0123abcd"
    other.save(folder, overwrite=True)
    assert Bundle.load(folder).graph_fingerprint == "another"


def test_a_zero_vector_is_allowed(bundle):
    vectors = bundle.track_vectors.copy()
    vectors[2] = 0
    assert (
        replace(bundle, vectors={**bundle.vectors, "track": vectors}).track_vectors[2].tolist()
        == [0] * DIM
    )


def changed(array: np.ndarray, place, value) -> np.ndarray:
    array = array.copy()
    array[place] = value
    return array


BAD = {
    "rows": lambda b: {"vectors": {**b.vectors, "track": b.track_vectors[:-1]}},
    "artist rows": lambda b: {"vectors": {**b.vectors, "artist": unit((NUM_ARTISTS + 1, DIM), 3)}},
    "one dimension": lambda b: {
        "vectors": {**b.vectors, "track": np.ones(NUM_TRACKS, dtype=np.float32)}
    },
    "float64 vectors": lambda b: {
        "vectors": {**b.vectors, "track": b.track_vectors.astype(np.float64)}
    },
    "not unit": lambda b: {"vectors": {**b.vectors, "track": b.track_vectors * np.float32(1.01)}},
    "nan": lambda b: {"vectors": {**b.vectors, "track": changed(b.track_vectors, (1, 1), np.nan)}},
    "artist not unit": lambda b: {
        "vectors": {**b.vectors, "artist": b.vectors["artist"] * np.float32(2)}
    },
    "dims differ": lambda b: {"vectors": {**b.vectors, "artist": unit((NUM_ARTISTS, DIM + 1), 3)}},
    "weight length": lambda b: {"query_weight": b.query_weight[1:]},
    "weight negative": lambda b: {"query_weight": changed(b.query_weight, 3, -0.1)},
    "weight nan": lambda b: {"query_weight": changed(b.query_weight, 3, np.nan)},
    "weight infinite": lambda b: {"query_weight": changed(b.query_weight, 3, np.inf)},
    "popularity length": lambda b: {"popularity": b.popularity[1:]},
    "popularity negative": lambda b: {"popularity": changed(b.popularity, 0, -1)},
    "foreign track": lambda b: {
        "playlists": b.playlists.with_tracks(TrackLists.from_lists([[0], [NUM_TRACKS], []]))
    },
}


@pytest.mark.parametrize("case", BAD)
def test_arrays_that_do_not_fit_are_refused(bundle, case):
    with pytest.raises(ValueError, match=r"vectors|query_weight|popularity|playlist"):
        replace(bundle, **BAD[case](bundle))


@pytest.mark.parametrize("name", ["vectors.safetensors", "tracks.arrow", "playlists.arrow"])
def test_a_flipped_bit_is_noticed(bundle, tmp_path, name):
    bundle.save(tmp_path / "bundle")
    path = tmp_path / "bundle" / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(ArtefactError, match=f"{name}: is not as it was written"):
        Bundle.load(tmp_path / "bundle")


@pytest.mark.parametrize("verify", [True, False])
def test_a_cut_or_missing_file_is_noticed_even_unverified(bundle, tmp_path, verify):
    bundle.save(tmp_path / "bundle")
    path = tmp_path / "bundle" / "vectors.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ArtefactError, match=r"vectors\.safetensors"):
        Bundle.load(tmp_path / "bundle", verify=verify)
    path.unlink()
    with pytest.raises(ArtefactError, match=r"vectors\.safetensors: is missing from this bundle"):
        Bundle.load(tmp_path / "bundle", verify=verify)


def without_key(manifest: dict, key: str) -> dict:
    return {name: value for name, value in manifest.items() if name != key}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda m: m | {"kind": "graph"}, "is a Segue graph, expected a bundle"),
        (lambda m: m | {"format_version": 99}, "is of format 99"),
        (lambda m: m | {"config": []}, "config must be a dict"),
        (lambda m: m | {"terms": ["../x"]}, "it lacks the arrays of a term"),
        (lambda m: m | {"terms": 7}, "is not a complete bundle"),
        (lambda m: without_key(m, "config"), "is not a complete bundle"),
        (lambda m: without_key(m, "has_playlists"), "is not a complete bundle"),
        (lambda m: without_key(m, "files"), "is not the manifest of a Segue bundle"),
        (lambda m: ["no object"], "is not the manifest of a Segue bundle"),
    ],
)
def test_a_manifest_that_says_otherwise_is_refused(bundle, tmp_path, change, says):
    bundle.save(tmp_path / "bundle")
    path = tmp_path / "bundle" / "manifest.json"
    changed = change(json.loads(path.read_text()))
    if isinstance(changed, dict):
        changed["checksum"] = manifest_checksum(changed)
    path.write_text(json.dumps(changed))
    with pytest.raises(ArtefactError, match=says):
        Bundle.load(tmp_path / "bundle")


def test_what_is_no_bundle_is_refused_in_one_sentence(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("no folder")
    for name in ("empty", "file", "missing"):
        with pytest.raises(SegueError, match="expected a Segue bundle") as caught:
            Bundle.load(tmp_path / name)
        assert str(tmp_path / name) in str(caught.value)
        assert "\n" not in str(caught.value)


def test_who_may_read_the_folder_may_read_its_files(bundle, tmp_path):
    bundle.save(tmp_path / "bundle")
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "bundle").iterdir()}
    assert modes["vectors.safetensors"] == modes["tracks.arrow"]


def test_album_vectors_come_along(bundle, tmp_path):
    dim = bundle.track_vectors.shape[1]
    albums = np.eye(len(bundle.catalog.albums), dim, dtype=np.float32)
    replace(bundle, vectors={**bundle.vectors, "album": albums}).save(tmp_path / "bundle")
    np.testing.assert_array_equal(Bundle.load(tmp_path / "bundle").vectors["album"], albums)
    with pytest.raises(ValueError, match="vectors of albums"):
        replace(bundle, vectors={**bundle.vectors, "album": albums[:, :1] * 2})
    with pytest.raises(ValueError, match="vectors of genres, which the catalogue does not have"):
        replace(bundle, vectors={**bundle.vectors, "genre": albums})
    with pytest.raises(ValueError, match="needs vectors of artists"):
        replace(bundle, vectors={"track": bundle.track_vectors})


def test_companions_put_files_beside_it_that_the_manifest_covers(bundle, tmp_path):
    folder = tmp_path / "bundle"
    companions = [lambda f: (f / "index").write_bytes(b"one"), lambda f: (f / "b").write_text("")]
    bundle.save(folder, companions=companions)
    loaded = Bundle.load(folder)
    assert_same(loaded, bundle)
    assert (loaded.folder / "index").read_bytes() == b"one"
    assert {"index", "b"} < set(json.loads((folder / "manifest.json").read_text())["files"])
    (folder / "index").write_bytes(b"two")
    with pytest.raises(ArtefactError, match="index: is not as it was written"):
        Bundle.load(folder)


def test_a_companion_that_fails_leaves_nothing(bundle, tmp_path):
    def full_disk(folder):
        (folder / "part").write_bytes(b"x")
        raise OSError("the disk is full")

    with pytest.raises(ArtefactError, match=r"bundle: cannot be written \(the disk is full\)"):
        bundle.save(tmp_path / "bundle", companions=[full_disk])
    assert list(tmp_path.iterdir()) == []


def test_only_what_was_read_has_a_folder(bundle, tmp_path):
    """A changed bundle is not what the files beside it are about."""
    assert bundle.folder is None
    bundle.save(tmp_path / "bundle")
    loaded = Bundle.load(tmp_path / "bundle")
    assert loaded.folder == tmp_path / "bundle"
    assert replace(loaded, playlists=None).folder is None
