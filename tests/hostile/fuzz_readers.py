"""Coverage-guided fuzzing of everything that reads playlists: slices, tables, lists, zips.

    python tests/hostile/fuzz_readers.py [CORPUS] -max_total_time=600

Needs atheris (https://github.com/google/atheris), which `make fuzz` installs. Each input is a file
of one of the forms; reading must end well, or with a sentence of at most a screen.
"""

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["segue.data"]):
    from segue.data.reading import read
from segue.errors import SegueError

SUFFIXES = (".json", ".csv", ".tsv", ".txt", ".m3u8", ".pls", ".xspf", ".jspf", ".xml", ".jsonl",
            ".zip", ".parquet", ".gz", "")  # fmt: skip
FOLDER = Path(tempfile.mkdtemp(prefix="segue-fuzz-"))


def one_input(content: bytes) -> None:
    """The first byte chooses the form, the second whether bad records are skipped."""
    if len(content) < 2:
        return
    path = FOLDER / f"lists{SUFFIXES[content[0] % len(SUFFIXES)]}"
    path.write_bytes(content[2:])
    try:
        read(path, skip_bad=bool(content[1] % 2))
    except SegueError as error:
        if not 0 < len(str(error)) < 2000:
            raise AssertionError(f"a message of {len(str(error))} characters") from error
    finally:
        path.unlink()


atheris.Setup(sys.argv, one_input)
atheris.Fuzz()
