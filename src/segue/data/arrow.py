"""Arrow IPC files of columns and relations."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.ipc

from segue.data.relations import Relation
from segue.errors import ArtefactError


def write_arrow(
    path: Path,
    columns: Mapping[str, pa.Array],
    relations: Mapping[str, Relation],
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write columns, relations whose sources are their rows, and metadata."""
    fields = [pa.field(name, column.type) for name, column in columns.items()]
    arrays = list(columns.values())
    for relation in relations.values():
        field, lists = relation.to_arrow()
        fields.append(field)
        arrays.append(lists)
    # One record batch, so that reading gives whole arrays and a memory map needs no copy.
    batch = pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields, metadata))
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, batch.schema) as writer:
        writer.write_batch(batch)


def read_arrow(
    path: Path, names: list[str], optional: tuple[str, ...] = ()
) -> tuple[list[pa.Array], dict[str, Relation], dict[str, str]]:
    """The named columns, the relations by target kind, and the metadata; all memory-mapped.

    The optional columns follow the others; None stands for one that the file does not have.

    Raises
    ------
    ArtefactError
        If the file is not such a table.
    """
    try:
        batch = pa.ipc.open_file(pa.memory_map(str(path))).get_batch(0)
        columns = [batch.column(name) for name in names]
        present = set(batch.schema.names)
        columns += [batch.column(name) if name in present else None for name in optional]
        found = [
            Relation.from_arrow(field, batch.column(field.name))
            for field in batch.schema
            if field.name not in (*names, *optional)
        ]
    except (OSError, pa.ArrowException, KeyError, ValueError, TypeError, AttributeError) as error:
        raise ArtefactError(f"{path}: cannot be read as an Arrow table ({error})") from error
    metadata = batch.schema.metadata or {}
    return (
        columns,
        {relation.target: relation for relation in found},
        {key.decode(): value.decode() for key, value in metadata.items()},
    )
