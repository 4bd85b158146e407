"""Lists of ids, one per line, with spaces between them.

Two forms are known. LightGCN and NGCF begin each line with the id of a user, whose items follow:
``0 10 11 12``. The others hold tracks only; Yes.com's two first lines are the ids of all songs and
how often each appears (S. Chen, J. L. Moore, D. Turnbull, T. Joachims: "Playlist Prediction via
Metric Embedding", KDD 2012).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain, islice, pairwise
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from segue.data.encodings import not_text
from segue.data.formats.dialect import decoded, is_text
from segue.data.formats.text_tables import TEXT, encoding_of
from segue.data.records import Format, Reject, Rows, SetAside, TableOptions
from segue.data.source_file import UNREADABLE, SourceFile, reason_of
from segue.errors import InputError

_ID = re.compile(r"[A-Za-z_:-]*\d+")
_SAMPLE = 1000  # Lines that show the form.
_CHUNK = 100_000  # Entries that are passed on at once.


class _Form(NamedTuple):
    users: bool  # the first id of a line is that of its user
    num_first: int = 0  # lines that are none

    def __str__(self) -> str:
        return "one user a line, then tracks" if self.users else "one list of tracks a line"


def _recognises(file: SourceFile) -> bool:
    """Whether its first lines are ids with blanks between them, and not rows of a table."""
    head = file.head
    if not head or not head[:64].isascii() or not (file.alone or file.ending == ".txt"):
        return False
    lines = head.decode("utf-8", "replace").splitlines()
    if len(lines) > 1 and len(head) >= 2**16:
        lines.pop()
    parts = [parts for line in lines if (parts := line.split())]
    if not any(len(ids) > 1 for ids in parts) or any("\t" in line.strip() for line in lines):
        return False
    if not all(_ID.fullmatch(an_id) for ids in parts[:_SAMPLE] for an_id in ids[:_SAMPLE]):
        return False
    widths, firsts = {len(ids) for ids in parts}, [ids[0] for ids in parts]
    # A table's rows are equally long; users come in several of them.
    return len(widths) > 1 or (widths != {2} and len(set(firsts)) == len(firsts))


def _form_of(lines: list[list[str]], options: TableOptions) -> _Form:
    if "playlist" in options.columns:
        return _Form(options.columns["playlist"] == "1")
    sets = [set(ids) for ids in lines[:2]]
    if (
        len(lines) > 2
        and len(sets[0]) == len(lines[0]) == len(lines[1]) > 1
        and all(sets[0].issuperset(ids) for ids in lines[2:])
    ):
        return _Form(users=False, num_first=2)
    firsts = [ids[0] for ids in lines]
    rest = [an_id for ids in lines for an_id in ids[1:]]
    kinds, others = ({an_id.rstrip("0123456789") for an_id in some} for some in (firsts, rest))
    if len(set(firsts)) == len(firsts) and not kinds & others:
        return _Form(users=True)  # "u1 i5 i7"
    if kinds | others != {""}:
        return _Form(users=False)
    numbers = [int(first) for first in firsts]
    rising = all(before < after for before, after in pairwise(numbers))
    # Users are counted from 0 or 1; of a part of them, a few lines may rise by chance.
    return _Form(users=rising and (numbers[0] < 2 or len(numbers) > 3))


def _lines(file: SourceFile) -> Iterator[tuple[int, int, list[str]]]:
    """(line, bytes read, ids) of each line that is not empty."""
    raw, content = file.open_text()
    with raw, decoded(content, encoding_of(file)) as text:
        for number, line in enumerate(text, start=1):
            if ids := line.removeprefix("\ufeff").split():
                yield number, raw.tell(), ids


def _describe(file: SourceFile, options: TableOptions) -> str:
    if _is_table(options):
        return TEXT.describe(file, options) if TEXT.describe else ""
    try:
        first = [ids for _, _, ids in islice(_lines(file), _SAMPLE)]
    except UNREADABLE as error:
        raise file.unreadable(error) from error
    return str(_form_of(first, options))


def _is_table(options: TableOptions) -> bool:
    """Whether columns are stated that lists do not have: it is a table then."""
    return bool(options.columns.keys() - {"playlist"}) or options.columns.get("playlist") not in (
        None, "", "1",
    )  # fmt: skip


def _read(file: SourceFile, options: TableOptions, reject: Reject) -> Iterator[Rows | SetAside]:
    if _is_table(options):
        yield from TEXT.read(file, options, reject)  # type: ignore[misc]
        return
    if options.listening is not None:
        raise InputError(f"{file.name}: holds {LISTS.name}, which have no times")
    lines = _lines(file)
    number = 0
    lists: list[tuple[str, list[str]]] = []
    try:
        first = list(islice(lines, _SAMPLE))
        form = _form_of([ids for _, _, ids in first], options)
        size = num_empty = 0
        for number, done, ids in chain(first[form.num_first :], lines):
            if form.users:
                playlist_id, *ids = ids
            else:
                playlist_id = str(number)
            if not is_text(" ".join((playlist_id, *ids))):
                reason = not_text(file.table_encoding)
                reject(file.name, f"line {number}", reason, " ".join(ids))
                continue
            num_empty += not ids
            lists.append((playlist_id, ids))
            size += len(ids)
            if size >= _CHUNK:
                yield _rows(lists, form, done)
                lists, size = [], 0
        if num_empty:
            yield SetAside("empty playlist", num_empty)
    except UNREADABLE as error:
        reject(file.name, f"line {number + 1} and what follows", reason_of(error), None)
    if lists:
        yield _rows(lists, form, file.size)


def _rows(lists: list[tuple[str, list[str]]], form: _Form, done: int) -> Rows:
    lengths = np.array([len(ids) for _, ids in lists])
    names = pa.array([playlist_id for playlist_id, _ in lists], pa.string())
    cells = {
        "playlist": names.take(pa.array(np.repeat(np.arange(len(lists)), lengths))),
        "track": pa.array([an_id for _, ids in lists for an_id in ids], pa.string()),
    }
    return Rows(
        cells, None, ordered=not form.users, bytes_read=done, users=form.users, layout=str(form)
    )


LISTS = Format(
    "lists of ids, one a line",
    _recognises,
    _read,
    gives="rows",
    describe=_describe,
    options=TEXT.options,
)
