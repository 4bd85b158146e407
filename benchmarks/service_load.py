"""The service under load, compared with an empty endpoint of the same process.

    python benchmarks/service_load.py BUNDLE [--seconds 10] [--json FILE]
    python benchmarks/service_load.py --tracks 2260000 --folder FOLDER   # makes a bundle first

The server has one core, the load generator another. The load is open: requests follow a schedule
(exponential gaps, seeded) that does not wait for answers, and latency is counted from the scheduled
time, so that any delay of the server shows in full. Delays of the machine do, too: how even it is
is measured first, by a loop that always does the same, on the server's core with nothing else.

1. At a low rate, in turn: /health (empty), /find and /complete.
2. Completions at rates that grow by a quarter: the *sustainable* load is the last one at which at
least 99% are answered with 200, and 99% within 50 ms. 3. Four times that: *goodput* (answers with
200 per second) as a share of the highest in any step, and how long a refusal takes.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from segue.bundle import Bundle
from segue.files import write_json

API = "/api/v1"
LIMIT = 0.05  # seconds, of the 99th percentile
STEP = 1.25
SERVE = "from segue.cli import main; main()"


class Connection(asyncio.Protocol):
    """One connection with one request at a time."""

    def __init__(self) -> None:
        self.buffer = bytearray()
        self.answered: asyncio.Future[int] | None = None
        self.open = False

    def connection_made(self, transport: Any) -> None:
        self.transport, self.open = transport, True

    def connection_lost(self, error: Exception | None) -> None:
        self.open = False
        if self.answered and not self.answered.done():
            self.answered.set_result(0)

    def ask(self, request: bytes) -> asyncio.Future[int]:
        self.answered = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self.answered

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        length = re.search(rb"(?i)content-length: (\d+)", self.buffer[:end])
        if length is None or len(self.buffer) < end + 4 + int(length[1]):
            return
        status = int(self.buffer[9:12])
        self.buffer.clear()
        if self.answered and not self.answered.done():
            self.answered.set_result(status)


@dataclass
class Outcome:
    """The outcome of the requests of one kind."""

    status: np.ndarray
    seconds: np.ndarray
    span: float
    worked: float  # seconds of CPU time of the server

    @property
    def goodput(self) -> float:
        return float((self.status == 200).sum() / self.span)

    @property
    def yield_of_work(self) -> float:
        """Answers per second of CPU time: other programs on the machine hardly affect it."""
        return float((self.status == 200).sum() / max(self.worked, 1e-9))

    def at(self, percent: float, status: int = 200) -> float:
        chosen = self.seconds[self.status == status]
        return float(np.percentile(chosen, percent) * 1e3) if len(chosen) else float("nan")


class Load:
    """Sends requests on a schedule, whatever happens to earlier ones."""

    def __init__(self, port: int, server: int) -> None:
        self.port, self.server, self.free = port, server, deque[Connection]()

    def _worked(self) -> float:
        fields = Path(f"/proc/{self.server}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    async def _connection(self) -> Connection:
        while self.free:
            connection = self.free.popleft()
            if connection.open:
                return connection
        loop = asyncio.get_running_loop()
        return (await loop.create_connection(Connection, "127.0.0.1", self.port))[1]

    async def _one(self, request: bytes, due: float) -> tuple[int, float]:
        try:
            connection = await self._connection()
            status = await asyncio.wait_for(connection.ask(request), 60)
        except (OSError, asyncio.TimeoutError):
            return 0, time.perf_counter() - due
        taken = time.perf_counter() - due
        self.free.append(connection)
        return status, taken

    async def run(
        self, requests: dict[str, Sequence[bytes]], rate: float, seconds: float, rng_seed: int
    ) -> dict[str, Outcome]:
        """Send all kinds in turn, at one combined rate."""
        rng = np.random.default_rng(rng_seed)
        gaps = rng.exponential(1 / rate, size=max(1, round(rate * seconds)))
        kinds = list(requests)
        worked = self._worked()
        started = time.perf_counter() + 0.05
        tasks = []
        for at, due in enumerate((started + np.cumsum(gaps)).tolist()):
            while time.perf_counter() < due:
                await asyncio.sleep(0)  # this core has nothing else to do
            kind = kinds[at % len(kinds)]
            those = requests[kind]
            request = those[at // len(kinds) % len(those)]
            tasks.append((kind, asyncio.create_task(self._one(request, due))))
        span = time.perf_counter() - started
        found = [(kind, await task) for kind, task in tasks]
        worked = self._worked() - worked
        outcomes = {}
        for kind in kinds:
            status, taken = zip(*(one for name, one in found if name == kind), strict=True)
            outcomes[kind] = Outcome(np.array(status), np.array(taken), span, worked)
        return outcomes


def evenness(core: int, seconds: float = 5) -> dict[str, float]:
    """How long the same work takes, in ms, again and again: an even machine has p99 near p50."""
    os.sched_setaffinity(0, {core})
    taken = []
    end = time.perf_counter() + seconds
    while (began := time.perf_counter()) < end:
        sum(number * number for number in range(10_000))
        taken.append((time.perf_counter() - began) * 1e3)
    p50, p99 = np.percentile(taken, [50, 99])
    return {"p50 ms": float(p50), "p99 ms": float(p99), "longest ms": max(taken)}


def get(path: str) -> bytes:
    return f"GET {API}{path} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode()


def post(path: str, question: Any) -> bytes:
    body = json.dumps(question).encode()
    head = f"POST {API}{path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


def requests_of(bundle: Bundle, number: int) -> dict[str, list[bytes]]:
    """Completions of ten tracks each, well-known ones more often, and typed search queries."""
    rng = np.random.default_rng(0)
    weight = bundle.popularity + 1.0
    rows = rng.choice(len(weight), (number, 10), p=weight / weight.sum())
    complete = []
    for row in rows:
        tracks = [str(bundle.catalog.track_ids[int(at)]) for at in dict.fromkeys(row.tolist())]
        complete.append(post("/complete", {"tracks": tracks, "n": 20}))
    search = []
    for row in rows[:, 0].tolist():
        name = re.sub(r"[^a-zA-Z ]", "", str(bundle.catalog.track_names[row])) or "a"
        typed = name[: int(rng.integers(2, 12))].strip() or "a"
        search.append(get(f"/find?kind=track&kind=artist&text={typed.replace(' ', '+')}"))
    return {"health": [get("/health")], "find": search, "complete": complete}


def make_bundle(num_tracks: int, folder: Path, ann: bool) -> None:
    """A bundle of made-up tracks with an index of their names."""
    from engine import clustered
    from name_search import made_up_catalog

    from segue.scoring.ann import write_ann

    catalog, popularity = made_up_catalog(num_tracks)
    rng = np.random.default_rng(0)
    bundle = Bundle(
        catalog=catalog,
        vectors={
            "track": clustered(num_tracks, 64, rng),
            "artist": clustered(len(catalog.artists), 64, rng),
        },
        query_weight=np.ones(num_tracks, dtype=np.float32),
        popularity=popularity,
        playlists=None,
        config={},
        metrics={},
        split={},
        graph_fingerprint="made up",
    )
    companions = [lambda where: write_ann(bundle, where)] if ann else []
    bundle.save(folder, companions=companions)


def measure(
    port: int, server: int, bundle: Bundle, seconds: float, rate: float, known: float | None
) -> dict[str, Any]:
    requests = requests_of(bundle, 500)
    only = {"complete": requests["complete"]}
    gc.disable()

    async def steps() -> dict[str, Any]:
        load = Load(port, server)
        await load.run(requests, rate, 2, 0)  # warm
        quiet = await load.run(requests, rate, 2 * seconds, 1)
        found: dict[str, Any] = {"low load": {"a second": rate}}
        for kind, outcome in quiet.items():
            answered = float((outcome.status == 200).mean())
            ms = {"p50 ms": outcome.at(50), "p99 ms": outcome.at(99), "answered": answered}
            found["low load"][kind] = ms
            print(f"low load, {kind}: {ms}", flush=True)
        offered, sustainable, best, failed = rate, 0.0, 0.0, 0
        if known is not None:
            offered, sustainable, failed = known, known, 1
        found["steps"] = []
        while failed < 2:
            outcome = (await load.run(only, offered, seconds, 2))["complete"]
            answered = float((outcome.status == 200).mean())
            step = {
                "offered a second": offered, "goodput": outcome.goodput, "answered": answered,
                "p50 ms": outcome.at(50), "p99 ms": outcome.at(99),
                "server busy": outcome.worked / outcome.span,
                "goodput a second of work": outcome.yield_of_work,
            }  # fmt: skip
            found["steps"].append(step)
            print(step, flush=True)
            best = max(best, outcome.goodput)
            if answered >= 0.99 and outcome.at(99) <= 1e3 * LIMIT:
                sustainable, failed = offered, 0
            else:
                failed += 1  # another program on this machine may have interfered
            offered *= STEP
        if not sustainable:
            return found
        both = {"complete": requests["complete"]}
        outcome = (await load.run(both, 4 * sustainable, seconds, 3))["complete"]
        best = max(best, outcome.goodput)
        found["overload"] = {
            "sustainable a second": sustainable,
            "offered a second": 4 * sustainable,
            "goodput": outcome.goodput,
            "share of its peak": outcome.goodput / best,
            "goodput a second of work": outcome.yield_of_work,
            "refused": float((outcome.status == 503).mean()),
            "neither": float(((outcome.status != 503) & (outcome.status != 200)).mean()),
            "answers p50 ms": outcome.at(50),
            "answers p99 ms": outcome.at(99),
            "refusals p50 ms": outcome.at(50, 503),
            "refusals p99 ms": outcome.at(99, 503),
        }
        print(found["overload"], flush=True)
        return found

    return asyncio.run(steps())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", type=Path, nargs="?")
    parser.add_argument("--tracks", type=int, help="Make a bundle with this many tracks.")
    parser.add_argument("--folder", type=Path, help="Where to keep it; an existing one is reused.")
    parser.add_argument("--ann", action="store_true", help="Give it an approximate index.")
    parser.add_argument(
        "--rate", type=float, default=60, help="The low load, in requests per second."
    )
    parser.add_argument("--seconds", type=float, default=10, help="Duration of each step.")
    parser.add_argument(
        "--sustainable", type=float, help="Known sustainable load; skips the steps."
    )
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.bundle
        if options.tracks:
            folder = options.folder or Path(temporary) / "bundle"
            if not folder.exists():
                make_bundle(options.tracks, folder, options.ann)
        if folder is None:
            parser.error("give a bundle, or --tracks")
        bundle = Bundle.load(folder, verify=False)
        server_core, our_core, *_ = sorted(os.sched_getaffinity(0))
        even = evenness(server_core)
        print(f"the machine alone: {even}", flush=True)
        server = subprocess.Popen(
            [sys.executable, "-c", SERVE, "serve", str(folder), "--port", "0"],
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: os.sched_setaffinity(0, {server_core}),
        )
        os.sched_setaffinity(0, {our_core})
        try:
            line = ""
            while "http://" not in line:
                line = server.stderr.readline()
                if not line:
                    sys.exit("the service did not start")
            port = int(re.findall(r":(\d+) ", line)[-1])
            found = measure(
                port, server.pid, bundle, options.seconds, options.rate, options.sustainable
            )
        finally:
            server.terminate()
            server.wait()
    found["the machine alone"] = even
    found["bundle"] = {"tracks": bundle.catalog.num_tracks, "dim": bundle.track_vectors.shape[1]}
    if options.json:
        write_json(options.json, found)


if __name__ == "__main__":
    main()
