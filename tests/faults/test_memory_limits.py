"""Commands with little address space: refused, a sentence, or done; no signal, no long wait."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from fault_world import times
from forks import Forks

resource = pytest.importorskip("resource", reason="limits of POSIX")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="address space is limited on Linux")
COMMANDS = {
    "info": "info {world}/graph",
    "find": "find {world}/bundle song",
    "complete": "complete {world}/bundle 3",
    "vibe": "vibe {world}/bundle t:1 t:2",
    "similar": "similar {world}/bundle t:1",
    "why": "why {world}/bundle t:1 --playlist 3",
    "sort": "sort {world}/bundle {world}/liked.csv --into {world}/new.csv --out {out}/list.csv",
    "tidy": "tidy {world}/bundle --playlist 3",
    "verify": "verify {world}/bundle",
    "generate": "generate --playlists 20 --processes 1 --out {out}/made",
    "challenge": "challenge make {world}/lists.csv --per-kind 1 --any-length --skip-bad "
    "--out {out}/challenge",
    "build": "build {world}/lists.csv --skip-bad --out {out}/graph",
    "recommend": "recommend {world}/bundle --all --out {out}/list.csv",
    "update": "update {world}/bundle {world}/new.csv --out {out}/bundle",
    "draw": "draw snowball {world}/bundle --from 3 --kind playlist --out {out}/picture.png",
    "index": "index {out}/copy",
    "evaluate": "evaluate {world}/bundle {world}/graph",
    "train": "train {world}/graph --out {out}/bundle --dim 8 --epochs 1 --split random",
    "train --dim 4096": "train {world}/graph --out {out}/bundle --dim 200000 --epochs 1 --no-wide "
    "--split random",
    "serve": "serve {world}/bundle --port 0",
}


def limited(line: str, mib: int, world: Path, out: Path) -> tuple[int | None, str]:
    """The status (None: still running after a while) and the last line that was said.

    Of a service that has answered a question: 0.
    """
    if "{out}/copy" in line:
        subprocess.run(["cp", "-r", str(world / "bundle"), str(out / "copy")], check=True)
    args = line.format(world=world, out=out).split()
    said = out / "said"
    with said.open("w") as err:
        process = subprocess.Popen(
            [sys.executable, "-c", "from segue.cli import main; main()", *args],
            stdout=subprocess.DEVNULL,
            stderr=err,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (mib << 20, mib << 20)),
        )
    deadline, status = time.monotonic() + 240, None
    while status is None and time.monotonic() < deadline:
        time.sleep(0.02)
        status = process.poll()
        address = re.search(r"http://[\d.:]+", said.read_text()) if args[0] == "serve" else None
        if address:
            question = {"playlist": "3", "n": 5}
            answer = httpx.post(f"{address[0]}/api/v1/complete", json=question, timeout=60)
            status = 0 if answer.status_code == 200 else 99
    process.terminate()
    process.wait(60)
    return status, said.read_text().rstrip().rpartition("\n")[2]


def complaint(name: str, mib: int, world: Path, out: Path) -> str | None:
    status, last = limited(COMMANDS[name], mib, world, out)
    refused = status == 1 and last.startswith("segue: ") and len(last) < 600
    if (status == 0 or refused) and "unexpected" not in last:
        return None
    return f"{name} with {mib} MiB: status {status}, {last!r}"


@pytest.mark.parametrize(("name", "mib"), [("complete", 900), ("train --dim 4096", 2400)])
def test_some_limits(name: str, mib: int, world: Path, tmp_path: Path, forks: Forks) -> None:
    assert complaint(name, mib, world, tmp_path) is None


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_many_limits(name: str, world: Path, tmp_path: Path) -> None:
    complaints = []
    for mib in range(200, 2401, times("MIB", 100)):
        out = tmp_path / str(mib)
        out.mkdir()
        complaints.append(complaint(name, mib, world, out))
    print(f"{name}: {len(complaints)} limits")
    assert [said for said in complaints if said] == []
