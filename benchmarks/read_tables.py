"""Speed and memory of reading tables, compared with other readers on the same files.

    python benchmarks/read_tables.py [--rows 5000000] [--bad] [--only segue duckdb]

A table of `--rows` rows (playlist, track, artist and position, drawn as people listen: few tracks
often) is written as CSV, compressed CSV and Parquet. Each reader runs in its own process, and its
CPU time and peak memory are shown. *segue* only parses the cells, as strings, with all checks;
*duckdb* the same with rejects stored; *read* is all of `segue.data.reading.read`.

`--bad` shows instead what each reader reports for small tables with one bad row each: whether it is
rejected, on which line, and what is kept. DuckDB is optional.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from segue.data.reading import find, read
from segue.errors import InputError

HEADER = "playlist,track,artist,pos\n"
BAD = {
    "a cell too few": "1,b,x",
    "a cell too many": "1,b,x,1,9",
    "an empty id": "1,,x,1",
    "no number": "1,b,x,one",
    "not UTF-8": "1,K\udcfcnstler,x,1",
    "a quote that never ends": '1,"b,x,1',
    "a quote inside a cell": '1,12" mix,x,1',
    "quotes escaped by backslashes": '1,"a \\"b\\" c",x,1',
}


def write(folder: Path, rows: int) -> dict[str, Path]:
    rng = np.random.default_rng(0)
    track = (200_000 * rng.random(rows) ** 3).astype(np.int64)
    playlist = np.sort(rng.integers(0, max(1, rows // 66), rows))
    prefix = pa.scalar("spotify:track:")

    def named(what: str, numbers: np.ndarray) -> pa.Array:
        return pc.binary_join_element_wise(prefix, what, pa.array(numbers).cast(pa.string()), "")

    table = pa.table(
        {
            "playlist": pa.array(playlist).cast(pa.string()),
            "track": named("t", track),
            "artist": named("a", track // 7),
            "pos": np.arange(rows),
        }
    )
    paths = {name: folder / f"t.{name}" for name in ("csv", "csv.gz", "parquet")}
    pyarrow.csv.write_csv(table, paths["csv"])
    with pa.CompressedOutputStream(str(paths["csv.gz"]), "gzip") as sink:
        pyarrow.csv.write_csv(table, sink)
    pq.write_table(table, paths["parquet"])
    return paths


def parse_with_segue(path: Path) -> int:
    source, rows = find(path), 0
    for file, format_ in source.files:
        for part in format_.read(file, source.options, lambda *bad: None):
            rows += len(part.cells["track"])
    return rows


def parse_with_duckdb(path: Path) -> int:
    return sum(len(batch) for batch in duckdb_batches(path))


def duckdb_batches(path: Path):
    import duckdb

    connection = duckdb.connect(config={"threads": 1})
    reader = f"read_csv('{path}', all_varchar=true, store_rejects=true, parallel=false)"
    if path.suffix == ".parquet":
        reader = f"read_parquet('{path}')"
    found = connection.sql(f"SELECT playlist, track, artist, pos FROM {reader}")
    yield from found.to_arrow_reader(250_000)
    if path.suffix != ".parquet":
        refused = connection.sql("SELECT line, error_message FROM reject_errors").fetchall()
        for line, message in refused:
            print(f"  duckdb: line {line}: {message.splitlines()[0]}")


def parse_with_python(path: Path) -> int:
    import csv

    with path.open(newline="") as file:
        return sum(1 for _ in csv.reader(file)) - 1


READERS: dict[str, Callable[[Path], object]] = {
    "read": lambda path: read(path).report.rows,
    "segue": parse_with_segue,
    "duckdb": parse_with_duckdb,
    "python's csv": parse_with_python,
}


def measure(reader: str, path: Path) -> dict[str, float]:
    """Measured in a separate process: seconds, and peak MiB beyond importing."""
    before = peak_memory()
    start = time.process_time()
    rows = READERS[reader](path)
    seconds = time.process_time() - start
    return {"rows": rows, "seconds": seconds, "MiB": peak_memory() - before}


def peak_memory() -> float:
    """Of this process, in MiB (`getrusage` would include its parent's)."""
    (line,) = re.findall(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    return int(line) / 1024


def show_bad(folder: Path, readers: list[str]) -> None:
    for name, row in BAD.items():
        path = folder / "bad.csv"
        text = f"{HEADER}1,a,x,0\n\n{row}\n1,c,x,2\n1,d,x,3\n"
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
        print(f"{name}: {row!r}")
        if "segue" in readers:
            try:
                found = read(path, skip_bad=True)
            except InputError as error:
                print(f"  segue: refused: {error}")
            else:
                report = found.report
                kept = found.catalog.track_ids.to_pylist()
                print(f"  segue: keeps {kept}; {report.first_skipped or 'nothing refused'}")
        if "duckdb" in readers:
            try:
                kept = [t for batch in duckdb_batches(path) for t in batch["track"].to_pylist()]
                print(f"  duckdb: keeps {kept}")
            except Exception as error:
                print(f"  duckdb: fails: {str(error).splitlines()[0]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--only", nargs="+", choices=list(READERS), default=list(READERS))
    parser.add_argument("--bad", action="store_true")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.one[0], Path(options.one[1]))))
        return
    readers = [r for r in options.only if r != "duckdb" or importlib.util.find_spec("duckdb")]
    with tempfile.TemporaryDirectory() as name:
        if options.bad:
            show_bad(Path(name), readers)
            return
        paths = write(Path(name), options.rows)
        for form, path in paths.items():
            print(f"{form}: {path.stat().st_size / 2**20:,.0f} MiB")
            for reader in readers:
                if reader == "python's csv" and form != "csv":
                    continue
                command = [sys.executable, __file__, "--one", reader, str(path)]
                done = subprocess.run(command, capture_output=True, text=True, check=True)
                found = json.loads(done.stdout)
                speed = found["rows"] / found["seconds"] / 1e6
                print(
                    f"  {reader:13} {found['seconds']:6.1f} s  {speed:5.2f} M rows/s  "
                    f"{found['MiB']:7,.0f} MiB"
                )


if __name__ == "__main__":
    main()
