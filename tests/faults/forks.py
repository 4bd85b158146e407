"""Runs commands again and again in forks of one process that has loaded everything.

As a program it is that process: it reads a JSON object a line, runs the command in a child, and
answers with what became of it. With `failing_writes.c` preloaded, it makes a write of it fail.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NOTHING, FULL, BROKEN, SHORT, KILL = range(5)
_SOURCE = Path(__file__).with_name("failing_writes.c")
_LOADED = """
lightgbm faiss matplotlib.backends.backend_agg matplotlib.backends.backend_pdf
matplotlib.backends.backend_svg segue.challenge.making segue.challenge.answering segue.cli
segue.comparison.compare segue.evaluation.evaluate segue.pictures.compose
segue.pictures.plots segue.pictures.save segue.pipeline.train segue.recommend.export
segue.recommend.recommender segue.recommend.sort
segue.recommend.tidy segue.scoring.ann segue.synthetic.generate segue.updating.update
"""


@dataclass(frozen=True)
class Outcome:
    """How a command ended: its status (negative: by a signal), what it said, its writing calls."""

    status: int
    out: str
    err: str
    calls: int
    seconds: float


def compile_shim(folder: Path) -> Path | None:
    """The library that makes writes fail; None where it cannot be compiled."""
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    if compiler is None or sys.platform != "linux":
        return None
    library = folder / "failing_writes.so"
    command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(_SOURCE), "-ldl"]
    return library if subprocess.run(command, check=False).returncode == 0 else None


class Forks:
    """The process that forks.

    Parameters
    ----------
    scratch
        For what commands print.
    shim
        From `compile_shim`; None: writes do not fail.
    """

    def __init__(self, scratch: Path, shim: Path | None) -> None:
        self.shim = shim
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "FAULT_SHIM": str(shim or "")}
        if shim is not None:
            environment["LD_PRELOAD"] = str(shim)
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(scratch)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def run(
        self,
        args: Sequence[str],
        *,
        under: Path | str = "",
        kind: int = NOTHING,
        at: int = 0,
        kill_after: float | None = None,
        stdout: str = "",
    ) -> Outcome:
        """Run a command; the `at`-th writing call `under` a folder fails, or a kill ends it.

        `stdout` may be ``"full"``, ``"closed"``, or ``"gone"``: a pipe that nobody reads.
        """
        asked = {
            "args": list(args),
            "under": str(under),
            "kind": kind,
            "at": at,
            "kill": kill_after,
            "stdout": stdout,
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(asked), file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        assert answer, "the process that forks has ended"
        return Outcome(**json.loads(answer))

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


def _serve(scratch: Path) -> None:
    import ctypes
    import importlib

    for name in _LOADED.split():
        importlib.import_module(name)
    shim = ctypes.CDLL(os.environ["FAULT_SHIM"]) if os.environ["FAULT_SHIM"] else None
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        print(json.dumps(_answer(json.loads(line), scratch, shim)), file=answers, flush=True)


def _answer(asked: dict[str, Any], scratch: Path, shim: Any) -> dict[str, Any]:
    counted, counting = os.pipe()
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        _run(asked, scratch, shim, counting)
    os.close(counting)
    if asked["kill"] is not None:
        time.sleep(asked["kill"])
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    calls = os.read(counted, 20) or b"0"
    os.close(counted)
    return {
        "status": os.waitstatus_to_exitcode(status),
        "out": (scratch / "out").read_text(encoding="utf-8", errors="replace"),
        "err": (scratch / "err").read_text(encoding="utf-8", errors="replace"),
        "calls": int(calls),
        "seconds": time.monotonic() - began,
    }


def _run(asked: dict[str, Any], scratch: Path, shim: Any, counting: int) -> None:
    """The child: runs the command and ends."""
    from segue.cli import main

    signal.alarm(300)
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(scratch / name, os.O_CREAT | os.O_WRONLY | os.O_TRUNC), number)
    if asked["stdout"] == "full":
        os.dup2(os.open("/dev/full", os.O_WRONLY), 1)
    elif asked["stdout"] == "gone":
        reader, writer = os.pipe()
        os.close(reader)
        os.dup2(writer, 1)
    if asked["stdout"] == "closed":
        os.close(1)
        sys.stdout = None  # type: ignore[assignment]  # as at the start of a process
    else:
        sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    status = 0
    if shim is not None:
        shim.fault_arm(asked["under"].encode(), asked["at"], asked["kind"])
        # For processes that it starts.
        kind = str(asked["kind"])
        os.environ.update(FAULT_FOLDER=asked["under"], FAULT_AT=str(asked["at"]), FAULT_KIND=kind)
    try:
        main(asked["args"])
    except SystemExit as stop:
        status = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except BaseException as error:
        status = 99
        sys.stderr.write(f"not caught: {error!r}\n")
    if shim is not None:
        os.write(counting, str(shim.fault_calls()).encode())
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            status = 120  # as at the end of a process
    os._exit(status)


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))
