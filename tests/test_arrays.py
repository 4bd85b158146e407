"""Files of arrays: they come back, and nothing in a hostile one is trusted."""

import json

import numpy as np
import pytest
from safetensors.numpy import load_file

from segue.arrays import load_checked, map_arrays, save_checked, write_arrays
from segue.errors import ArtefactError

ARRAYS = {
    "whole": np.arange(6, dtype=np.int64).reshape(2, 3),
    "half": np.linspace(0, 1, 5, dtype=np.float32),
    "one": np.array(3.5),
    "none": np.zeros((0, 4), dtype=np.int32),
    "bits": np.array([0, 255], dtype=np.uint8),
}


def test_they_come_back_mapped_and_the_library_reads_them(tmp_path):
    path = tmp_path / "a.safetensors"
    write_arrays(path, ARRAYS)
    library = load_file(path)
    for name, array in map_arrays(path).items():
        for expected in (ARRAYS[name], library[name]):
            assert array.dtype == expected.dtype
            np.testing.assert_array_equal(array, expected)
        assert not array.flags.writeable
        assert array.flags.aligned
    assert map_arrays(path).keys() == ARRAYS.keys()


def test_facts_and_a_checksum_go_along(tmp_path):
    path = tmp_path / "a.safetensors"
    for arrays, facts in ((ARRAYS, {"epoch": 3, "history": [0.1]}), ({}, None)):
        save_checked(path, arrays, facts)
        found, told = load_checked(path)
        assert told == facts
        assert found.keys() == arrays.keys()


def test_a_flipped_bit_a_cut_and_more_are_noticed(tmp_path):
    path = tmp_path / "a.safetensors"
    save_checked(path, ARRAYS, {"epoch": 3})
    whole = path.read_bytes()
    changed = [whole[:place] for place in range(0, len(whole), 7)]
    changed += [
        whole[:place] + bytes([whole[place] ^ 1 << place % 8]) + whole[place + 1 :]
        for place in range(len(whole))
    ]
    for content in (*changed, whole + b"\0", whole * 2):
        path.write_bytes(content)
        with pytest.raises(ArtefactError, match=r"a\.safetensors"):
            load_checked(path)


def file_of(header: object, data: bytes = bytes(24), size: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return (len(text) if size is None else size).to_bytes(8, "little") + text + data


def entry(dtype: object = "F32", shape: object = (2, 3), offsets: object = (0, 24)) -> dict:
    return {"x": {"dtype": dtype, "shape": shape, "data_offsets": offsets}}


def test_the_form_of_these_files_is_read(tmp_path):
    (tmp_path / "x").write_bytes(file_of(entry()))
    assert map_arrays(tmp_path / "x")["x"].shape == (2, 3)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x01",
        file_of(entry(), size=1 << 63),
        file_of(entry(), size=10_000),
        file_of(b"[" * 200_000),
        file_of(b"{" * 200_000),
        file_of([entry()]),
        file_of(b"\xff" * 16),
        file_of({"x": 1}),
        file_of({"__metadata__": [1]} | entry()),
        file_of(entry(dtype="BF16")),
        file_of(entry(dtype=["F32"])),
        file_of(entry(shape=6)),
        file_of(entry(shape=(2, -3))),
        file_of(entry(shape=(-1, 3))),
        file_of(entry(shape=(2, 3.0))),
        file_of(entry(shape=(True, 6))),
        file_of(entry(shape=(1,) * 60 + (6,))),
        file_of(entry(shape=(2**40, 2**40), offsets=(0, 24))),
        file_of(entry(shape=(0, 2**60), offsets=(0, 0)), b""),
        file_of(entry(shape=(2, 4))),
        file_of(entry(offsets=(0, 25))),
        file_of(entry(offsets=(-24, 0))),
        file_of(entry(offsets=(24, 0))),
        file_of(entry(offsets=(0, 24, 24))),
        file_of(entry(offsets=None)),
        file_of(entry(offsets=(0, 2**64))),
        file_of(entry(offsets=(8, 32))),
        file_of(entry(shape=(5,), offsets=(2, 22))),
        file_of(entry(shape=(5,), offsets=(0, 20))),
        file_of(entry() | {"y": entry()["x"]}),
    ],
)
def test_what_is_not_in_that_form_is_refused(tmp_path, content):
    (tmp_path / "x").write_bytes(content)
    for read in (map_arrays, load_checked):
        with pytest.raises(ArtefactError, match=r"x: (cannot be read as|has no checksum)") as found:
            read(tmp_path / "x")
        assert len(str(found.value)) < 500


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ArtefactError, match="none: cannot be read"):
        map_arrays(tmp_path / "none")
