"""Strings → rows, as readers number playlists, tracks, artists and albums."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import repeat

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from segue.data.playlists import Int64Array


class Numbering(dict[str, int]):
    """String → row; a string that is looked up for the first time gets the next row."""

    def __missing__(self, key: str) -> int:
        row = self[key] = len(self)
        return row


@dataclass
class Vocabulary:
    """Strings → rows, in order of first appearance."""

    index: Numbering = field(default_factory=Numbering)

    def codes(self, values: pa.Array) -> tuple[Int64Array, Int64Array]:
        """Row of each value (−1 for null), and the positions at which new rows first appear."""
        encoded = values.dictionary_encode()
        local = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        rows, new = self.codes_of_distinct(encoded.dictionary)
        # Arrow numbers a dictionary by first appearance, so the first positions come in order.
        is_first = np.diff(np.maximum.accumulate(local), prepend=-1) > 0
        first = np.flatnonzero(is_first)[new]
        return np.append(rows, -1)[local], first

    def codes_of_distinct(self, values: pa.Array) -> tuple[Int64Array, Int64Array]:
        """The same for values that are all different, and none of them null."""
        found, before = values.to_pylist(), len(self.index)
        rows = np.fromiter(map(self.index.get, found, repeat(-1)), np.int64, len(found))
        new = np.flatnonzero(rows < 0)
        rows[new] = np.arange(before, before + len(new))
        self.index.update(zip([found[at] for at in new.tolist()], rows[new].tolist(), strict=True))
        return rows, new

    def find(self, values: pa.Array) -> Int64Array:
        """Row of each value, −1 for nulls and unknown values; adds nothing."""
        encoded = values.dictionary_encode()
        local = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        found = [self.index.get(value, -1) for value in encoded.dictionary.to_pylist()]
        rows: Int64Array = np.array([*found, -1], dtype=np.int64)[local]
        return rows

    def array(self) -> pa.Array:
        """The strings, by row."""
        return pa.array(list(self.index), pa.string())


def empty_to_null(values: pa.Array) -> pa.Array:
    """Strings, null where they are empty."""
    return pc.if_else(pc.equal(values, ""), pa.scalar(None, pa.string()), values)


def joined_text(parts: list[pa.Array]) -> pa.Array:
    """Parts of a column of strings as one."""
    return pa.concat_arrays(parts) if parts else pa.array([], pa.string())
