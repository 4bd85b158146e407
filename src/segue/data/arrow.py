"""Arrow IPC files of columns and relations: nothing in one is trusted before it is checked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.ipc

from segue.data.relations import Relation
from segue.errors import ArtefactError

# How a file begins; a stream of messages follows, the schema and a record batch.
_MAGIC = b"ARROW1\0\0"
_LISTS_OF_ROWS = pa.large_list(pa.int32())
# Where the header of a message has its table, and the table of a record batch its compression:
# the places of fields in Message.fbs of the Arrow format.
_HEADER, _COMPRESSION = 2, 3


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
    path: Path,
    columns: Mapping[str, pa.DataType],
    optional: Mapping[str, pa.DataType] | None = None,
) -> tuple[list[pa.Array], dict[str, Relation], dict[str, str]]:
    """The named columns, the relations by target kind, and the metadata; all memory-mapped.

    The optional columns follow the others; None stands for one that the file does not have.

    Raises
    ------
    ArtefactError
        If the file is not such a table: columns of these types, and of lists of rows.
    """
    optional = optional or {}
    try:
        batch = _batch(path, columns, optional)
        found = {name: batch.column(name) for name in batch.schema.names}
        relations = [
            Relation.from_arrow(field, found[field.name])
            for field in batch.schema
            if field.name not in columns and field.name not in optional
        ]
        metadata = {
            key.decode(): value.decode() for key, value in (batch.schema.metadata or {}).items()
        }
        return (
            [found[name] for name in columns] + [found.get(name) for name in optional],
            {relation.target: relation for relation in relations},
            metadata,
        )
    except (OSError, EOFError, pa.ArrowException, KeyError, ValueError, TypeError) as error:
        reason = str(error).partition("\n")[0]
        raise ArtefactError(f"{path}: cannot be read as an Arrow table ({reason})") from error


def _batch(
    path: Path, columns: Mapping[str, pa.DataType], optional: Mapping[str, pa.DataType]
) -> pa.RecordBatch:
    """The record batch, checked in full; further columns must be lists of rows.

    The library reads lengths, offsets and text as they stand in the file, and its functions trust
    them, so no column is used before it is validated.
    """
    content = pa.memory_map(str(path)).read_buffer()
    if content[: len(_MAGIC)].to_pybytes() != _MAGIC:
        raise ValueError("it does not begin as one")
    messages = pa.BufferReader(content.slice(len(_MAGIC)))
    first = pa.ipc.read_message(messages)
    # The library verifies a header by the type that it states, but takes any for a schema.
    if first.type != "schema":
        raise ValueError("it does not begin with a schema")
    schema = pa.ipc.read_schema(first)
    if len(set(schema.names)) != len(schema.names):
        raise ValueError("a column appears twice")
    for name in columns:
        if name not in schema.names:
            raise ValueError(f"it has no column {name!r}")
    for field in schema:
        if field.type != {**columns, **optional}.get(field.name, _LISTS_OF_ROWS):
            raise ValueError(f"column {field.name!r} is of type {field.type}")
    message = pa.ipc.read_message(messages)
    if message.type != "record batch" or _is_compressed(message.metadata.to_pybytes()):
        raise ValueError("it is compressed, or in several parts")
    batch = pa.ipc.read_record_batch(message, schema)
    batch.validate(full=True)
    for field in schema:
        column = batch.column(field.name)
        if any(buffer is not None and buffer.address % 8 for buffer in column.buffers()):
            raise ValueError(f"column {field.name!r} does not begin at a whole number")
        if not pa.types.is_string(field.type) and column.null_count:
            raise ValueError(f"column {field.name!r} has gaps")
        if pa.types.is_nested(field.type) and column.values.null_count:
            raise ValueError(f"lists of column {field.name!r} have gaps")
    return batch


def _is_compressed(metadata: bytes) -> bool:
    """Whether a message's header says so; a few bytes could then unfold to fill the memory.

    The metadata is a FlatBuffer (https://flatbuffers.dev/internals/): a table points back to a list
    of where its fields are. The library has verified it.
    """

    def number(at: int, size: int) -> int:
        return int.from_bytes(metadata[at : at + size], "little", signed=size == 4)

    def field(table: int, place: int) -> int:
        """Where a table has a field; 0 if it has none."""
        fields = table - number(table, 4)
        at = fields + 4 + 2 * place
        offset = number(at, 2) if at < fields + number(fields, 2) else 0
        return table + offset if offset else 0

    header = field(number(0, 4), _HEADER)
    return bool(field(header + number(header, 4), _COMPRESSION))
