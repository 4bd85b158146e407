"""Commands under a limit of memory: refused, or one sentence where a library would end them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from segue.cli.limited import no_memory
from segue.memory import available_memory, memory_limit

resource = pytest.importorskip("resource", reason="limits of POSIX")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="address space is limited on Linux")
MIB = 1 << 20
APART = "import os, signal, sys\nfrom segue.cli.limited import run_apart\nrun_apart(None)\n"


def limited(program: str, *args: str, mib: int | None, **options: object) -> subprocess.Popen[str]:
    def limit() -> None:
        if mib is not None:
            resource.setrlimit(resource.RLIMIT_AS, (mib * MIB, mib * MIB))

    return subprocess.Popen(
        [sys.executable, "-c", program, *args],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=limit,
        **options,  # type: ignore[call-overload]
    )


def result(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    try:
        out, err = process.communicate(timeout=120)
    finally:
        process.kill()
    return process.returncode, out, err


@pytest.mark.parametrize("mib", [None, 900])
def test_the_end_of_a_command_is_passed_on(mib: int | None) -> None:
    """With or without a limit; and what it prints."""
    program = APART + "print(sys.argv[1:], len(sys.orig_argv)); sys.exit(7)"
    assert result(limited(program, "a", "b c", mib=mib)) == (7, "['a', 'b c'] 5\n", "")


@pytest.mark.parametrize("crash", ["SIGSEGV", "SIGABRT", "SIGBUS", "SIGFPE"])
def test_a_crash_under_a_limit_is_a_sentence(crash: str) -> None:
    program = APART + f"os.kill(os.getpid(), signal.{crash})"
    assert result(limited(program, mib=900)) == (
        1,
        "",
        "segue: there is not enough memory for this within the limit of 900 MiB (ulimit -v)\n",
    )


def test_a_crash_without_a_limit_is_one() -> None:
    """It has another reason, and somebody may want its core."""
    done = result(limited(APART + "os.kill(os.getpid(), signal.SIGSEGV)", mib=None))
    assert done == (-signal.SIGSEGV, "", "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signals_are_passed_on(number: signal.Signals) -> None:
    heeding = f"signal.signal({int(number)}, signal.SIG_DFL); "  # nohup has it ignored
    program = APART + heeding + "print('ready', flush=True); signal.pause()"
    process = limited(program, mib=900)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    assert result(process)[0] == -number


def test_the_child_ends_with_its_parent(tmp_path: Path) -> None:
    program = APART + "print(os.getpid(), flush=True); signal.pause()"
    process = limited(program, mib=900)
    assert process.stdout is not None
    child = int(process.stdout.readline())
    process.kill()
    process.communicate()
    deadline = time.monotonic() + 20
    while Path(f"/proc/{child}/cmdline").exists() and Path(f"/proc/{child}/cmdline").read_bytes():
        assert time.monotonic() < deadline, "it lives on"
        time.sleep(0.05)


@pytest.mark.parametrize("command", ["complete", "serve", "train", "find"])
def test_too_little_for_the_libraries_is_refused(command: str) -> None:
    program = "from segue.cli import main; main()"
    status, out, err = result(limited(program, command, "nowhere", mib=300))
    assert (status, out) == (1, "")
    assert err.startswith(f"segue: segue {command} needs ")
    assert "and the limit here is 300 MiB (ulimit -v)" in err
    assert err.count("\n") == 1


def test_products_of_matrices_need_no_further_memory() -> None:
    """OpenBLAS, of which SciPy has its own, would wait for ever for a buffer that it cannot get."""
    program = (
        "import mmap\n"
        "from segue.cli.limited import run_apart\n"
        "run_apart('complete')\n"
        "import numpy as np\n"
        "kept, taken, size = mmap.mmap(-1, 50 << 20), [], 1 << 26\n"
        "square = np.ones((600, 600), dtype=np.float32)\n"
        "while size >= 1 << 20:\n"
        "    try:\n"
        "        taken.append(mmap.mmap(-1, size))\n"
        "    except OSError:\n"
        "        size //= 2\n"
        "kept.close()\n"
        "from scipy.linalg.blas import sgemm\n"
        "print((square @ square)[0, 0], sgemm(1.0, square, square)[0, 0])\n"
    )
    assert result(limited(program, mib=900)) == (0, "600.0 600.0\n", "")


def test_help_needs_little() -> None:
    assert result(limited("from segue.cli import main; main()", "--help", mib=200))[0] == 0


def test_what_is_available_respects_the_limit() -> None:
    program = "from segue.memory import available_memory; print(available_memory())"
    status, out, _ = result(limited(program, mib=500))
    assert status == 0
    assert 0 < int(out) < 500 * MIB


def test_no_limit_here_or_the_sentence_names_it() -> None:
    limit = memory_limit()
    assert limit is None or limit > 0
    assert (available_memory() or 1) > 0
    assert no_memory() == "there is not enough memory for this"
    assert os.environ.get("SEGUE_UNDER_LIMIT") is None
