"""Attacks on a running service, and how healthy requests fare meanwhile.

    python benchmarks/service_faults.py BUNDLE [--seconds 20] [--only NAME] [--json FILE]
    python benchmarks/service_faults.py BUNDLE --only soak --requests 1000000

Each attack runs for some seconds against a service in a process of its own. Meanwhile a healthy
client asks for completions one after the other; its latency is compared with that just before the
attack. The attacker leaves the cores to the service and that client first. What is reported for
each attack: the statuses that it got, the healthy client's statuses, p50 and p99 in ms, and the
service's memory (MiB) and open descriptors before and after.

swap replaces the bundle again and again, every fifth time by a damaged one, and compares every
answer with those that the two bundles give offline; kills ends workers, ends the service itself
with requests in flight; schemathesis asks whatever the OpenAPI document lets it think of; soak asks
searches, lists and pages over and over and compares each answer byte for byte.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

import httpx
import msgspec
import numpy as np
from threadpoolctl import threadpool_limits

from segue.bundle import Bundle
from segue.files import write_json
from segue.machine import machine
from segue.recommend.recommender import Recommender

API = "/api/v1"
_CHECKS = (
    *("not_a_server_error", "status_code_conformance", "content_type_conformance"),
    "response_schema_conformance",
)
_UNIT = 10_000  # requests of a soak between two looks
SERVE = "from segue.cli import main; main()"


@dataclass(frozen=True)
class Address:
    """Where a service is."""

    host: str
    port: int


class Service:
    """A service in a process of its own."""

    def __init__(self, bundle: Path, *options: str) -> None:
        self.bundle = bundle
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVE, "serve", str(bundle), "--port", "0", *options],
            stderr=subprocess.PIPE,
            text=True,
        )
        said = ""
        while not (found := re.search(r"http://([\d.]+):(\d+)", said)):
            line = self._stderr.readline()
            if not line:
                raise SystemExit(f"the service has ended: {said}")
            said += line
        self.host, self.port = found[1], int(found[2])
        os.set_blocking(self._stderr.fileno(), False)

    @property
    def _stderr(self) -> IO[str]:
        if self.process.stderr is None:
            raise SystemExit("its log is no pipe")
        return self.process.stderr

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def log(self) -> str:
        """What it has said since the last time."""
        said = b""
        with contextlib.suppress(BlockingIOError):
            while piece := os.read(self._stderr.fileno(), 1 << 16):
                said += piece
        return said.decode()

    def workers(self) -> list[int]:
        """Process ids: of the service itself, or with several workers of those."""
        me = self.process.pid
        # Workers are forks of a process that the service has started.
        return [worker for child in _children(me) for worker in _children(child)] or [me]

    def ready(self) -> list[int]:
        """Those workers that have opened the bundle."""
        folder, found = str(self.bundle.resolve()), []
        for pid in self.workers():
            with contextlib.suppress(OSError):  # it has ended
                if folder in Path(f"/proc/{pid}/maps").read_text():
                    found.append(pid)
        return found

    def memory(self) -> float:
        """Resident memory of all workers, in MiB."""
        total = 0
        for pid in self.workers():
            for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith("VmRSS:"):
                    total += int(line.split()[1])
        return round(total / 1024, 1)

    def descriptors(self) -> int:
        return sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in self.workers())

    def stop(self) -> float:
        """Seconds until it has ended."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        return time.monotonic() - began


def _children(pid: int) -> list[int]:
    try:
        return [
            int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        ]
    except OSError:  # it has ended
        return []


async def ask(service: Address | Service, data: bytes, wait: float = 30.0) -> int:
    """The status of the first answer to some bytes; 0: none, the connection was closed."""
    writer = None
    try:
        reader, writer = await asyncio.open_connection(service.host, service.port)
        writer.write(data)
        await writer.drain()
        answer = await asyncio.wait_for(reader.read(64), wait)
        return int(answer[9:12]) if answer.startswith(b"HTTP/1.") else 0
    except (OSError, asyncio.TimeoutError, ValueError):
        return 0
    finally:
        if writer is not None:
            writer.close()


def get(path: str, *headers: str) -> bytes:
    lines = [f"GET {path} HTTP/1.1", *(headers or ("host: localhost",))]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def post(path: str, question: Any) -> bytes:
    body = json.dumps(question).encode()
    return post_bytes(path, len(body), body)


def post_bytes(path: str, length: int | str, body: bytes, *headers: str) -> bytes:
    lines = [
        f"POST {API}{path} HTTP/1.1",
        "host: localhost",
        "content-type: application/json",
        f"content-length: {length}",
        *headers,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def large(service: Address | Service, head: bytes, piece: bytes) -> int:
    """Send a gigabyte unless there is an answer first."""
    answer = None
    try:
        reader, writer = await asyncio.open_connection(service.host, service.port)
        writer.write(head)
        answer = asyncio.ensure_future(reader.read(64))
        for _ in range(1024):
            if answer.done():
                break
            writer.write(piece)
            await writer.drain()
        status = int((await answer)[9:12])
        writer.close()
        return status
    except (OSError, ValueError):
        if answer is not None:
            await asyncio.wait([answer])
            answer.exception()
        return 0


async def large_body(service: Address | Service) -> int:
    return await large(service, post_bytes("/vibe", 1 << 30, b""), b"x" * (1 << 20))


async def large_chunks(service: Address | Service) -> int:
    head = post_bytes("/vibe", 0, b"").replace(b"content-length: 0", b"transfer-encoding: chunked")
    return await large(service, head, b"100000\r\n" + b"x" * (1 << 20) + b"\r\n")


async def lying_length(service: Address | Service) -> int:
    return await ask(service, post_bytes("/vibe", 4, b'{"title": "night"}' * 20))


async def two_lengths(service: Address | Service) -> int:
    return await ask(service, post_bytes("/vibe", 2, b"{}", "content-length: 20"))


async def bad_length(service: Address | Service) -> int:
    return await ask(service, post_bytes("/vibe", "-1", b"{}"))


async def many_headers(service: Address | Service) -> int:
    return await ask(service, get("/", "host: localhost", *(f"x{n}: y" for n in range(10_000))))


async def endless_head(service: Address | Service) -> int:
    data = get("/", "host: localhost", *(f"x{n}: " + "y" * 1000 for n in range(20_000)))
    return await ask(service, data)


async def wrong_host(service: Address | Service) -> int:
    return await ask(service, get(f"{API}/find?text=a", "host: evil.example"))


async def foreign_page(service: Address | Service) -> int:
    return await ask(
        service, get(f"{API}/find?text=a", "host: localhost", "origin: http://evil.example")
    )


async def traversal(service: Address | Service) -> int:
    paths = (
        "/static/../../bundle.py",
        "/static/%2e%2e/%2e%2e/app.py",
        "/graph/..%2f..%2f..%2f..%2fetc%2fpasswd",
        "/static//etc/passwd",
        "/%5c..%5c..%5cetc",
    )
    statuses = [await ask(service, get(path)) for path in paths]
    return max(statuses) if min(statuses) >= 400 else min(statuses)


async def no_http(service: Address | Service) -> int:
    return await ask(service, os.urandom(2000) + b"\r\n\r\n")


async def reset(service: Address | Service) -> int:
    """A client that is gone at once, or in the middle of its request."""
    with contextlib.suppress(OSError), socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.connect((service.host, service.port))
        connection.send(post_bytes("/vibe", 20, b"{")[: int(time.monotonic_ns() % 200)])
    await asyncio.sleep(0)
    return -1


ATTACKS: dict[str, Callable[[Address | Service], Awaitable[int]]] = {
    "1 GB body": large_body,
    "1 GB body in chunks": large_chunks,
    "lying length": lying_length,
    "two lengths": two_lengths,
    "length below 0": bad_length,
    "10,000 headers": many_headers,
    "endless head": endless_head,
    "wrong host": wrong_host,
    "foreign page": foreign_page,
    "traversal": traversal,
    "no HTTP": no_http,
    "reset": reset,
}


async def slow_clients(service: Address | Service, number: int, seconds: float) -> Counter[int]:
    """Clients that send a byte a second, for ever."""
    statuses: Counter[int] = Counter()

    async def slow(at_once: bytes, then: bytes) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                reader, writer = await asyncio.open_connection(service.host, service.port)
                writer.write(at_once)
                answer = asyncio.ensure_future(reader.read(64))
                for byte in cycle(then):
                    if answer.done() or time.monotonic() > end:
                        break
                    writer.write(bytes([byte]))
                    await asyncio.sleep(1)
                if answer.done():
                    said = answer.result()
                    statuses[int(said[9:12]) if said else 0] += 1
                else:
                    answer.cancel()
                writer.close()
            except (OSError, ValueError):
                statuses[0] += 1

    body = post_bytes("/vibe", 1000, b"")
    head = len(body) - 4
    half = number // 2
    await asyncio.gather(
        *(slow(b"", body[:head]) for _ in range(half)),
        *(slow(body, b" ") for _ in range(number - half)),
    )
    return statuses


def healthy(url: str, question: dict[str, Any], started: Any, stop: Any, figures: Any) -> None:
    """A process of its own with a client that asks for completions one after the other."""
    seconds, statuses = [], Counter[str]()
    with httpx.Client(base_url=url, timeout=30) as client:
        while not stop.is_set():
            began = time.perf_counter()
            try:
                status = str(client.post(f"{API}/complete", json=question).status_code)
            except httpx.HTTPError as error:
                status = type(error).__name__
            seconds.append(time.perf_counter() - began)
            statuses[status] += 1
            started.set()
            time.sleep(0.01)
    p50, p99 = np.percentile(seconds, [50, 99]) * 1000
    figures.put({"statuses": dict(statuses), "p50": round(p50, 1), "p99": round(p99, 1)})


async def watched(service: Service, question: dict[str, Any], attack: Awaitable[Any]) -> Any:
    """The attack's result, and how the healthy client fared."""
    context = multiprocessing.get_context("spawn")
    started, stop, figures = context.Event(), context.Event(), context.Queue()
    client = context.Process(target=healthy, args=(service.url, question, started, stop, figures))
    client.start()
    await asyncio.to_thread(started.wait)
    result = await attack
    stop.set()
    found = await asyncio.to_thread(figures.get)
    client.join()
    return result, found


def attacker(name: str, target: Address, seconds: float, num_slow: int, found: Any) -> None:
    """A process of its own that attacks for some seconds.

    It leaves the cores to the service and its client first: one that is elsewhere takes none.
    """
    os.nice(10)

    async def repeated() -> Counter[int]:
        statuses: Counter[int] = Counter()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            statuses[await ATTACKS[name](target)] += 1
        return statuses

    attack = repeated() if name in ATTACKS else slow_clients(target, num_slow, max(seconds, 30))
    found.put(asyncio.run(attack))


async def attacked(name: str, service: Service, seconds: float, num_slow: int) -> Counter[int]:
    """The statuses that an attacker got."""
    context = multiprocessing.get_context("spawn")
    found, target = context.Queue(), Address(service.host, service.port)
    process = context.Process(target=attacker, args=(name, target, seconds, num_slow, found))
    process.start()
    statuses: Counter[int] = await asyncio.to_thread(found.get)
    process.join()
    return statuses


def attack_all(bundle: Path, seconds: float, only: str | None, num_slow: int) -> dict[str, Any]:
    service, results = Service(bundle), {}
    question = questions_of(bundle, 1)[0]

    async def run() -> None:
        for name in (*ATTACKS, f"{num_slow} slow clients"):
            if only not in (None, "attacks") and only not in name:
                continue
            # Before each: the machine may be another's for a while.
            _, normal = await watched(service, question, asyncio.sleep(seconds))
            before = service.memory(), service.descriptors()
            attack = attacked(name, service, seconds, num_slow)
            statuses, client = await watched(service, question, attack)
            await asyncio.sleep(1)
            results[name] = {
                "statuses": {str(status): number for status, number in statuses.items()},
                "healthy before": normal,
                "healthy": client,
                "p99, times that before": round(client["p99"] / normal["p99"], 2),
                "memory": [before[0], service.memory()],
                "descriptors": [before[1], service.descriptors()],
            }
            print(name, json.dumps(results[name]), flush=True)

    asyncio.run(run())
    results["end"] = {"seconds": round(service.stop(), 2), "log": service.log()[-2000:]}
    return results


def answers_of(folder: Path, questions: list[dict[str, Any]]) -> list[list[str]]:
    """What a bundle answers offline."""
    recommender = Recommender.load(folder)
    return [
        [track.track_id for track in recommender.complete(q["playlist"], q["n"]).tracks]
        for q in questions
    ]


def questions_of(folder: Path, number: int = 20) -> list[dict[str, Any]]:
    playlists = Bundle.load(folder).playlists
    ids = [] if playlists is None else playlists.ids[:number].to_pylist()
    return [{"playlist": playlist_id, "n": 10} for playlist_id in ids]


async def _compared(
    service: Service, questions: list[dict[str, Any]], allowed: list[list[list[str]]], stop: Any
) -> Counter[str]:
    """Ask in turn; each answer must be one that was computed offline."""
    seen: Counter[str] = Counter()
    async with httpx.AsyncClient(base_url=service.url, timeout=30) as client:
        number = 0
        while not stop(number):
            at = number % len(questions)
            try:
                response = await client.post(f"{API}/complete", json=questions[at])
            except httpx.HTTPError as error:
                seen[type(error).__name__] += 1
                number += 1
                continue
            if response.status_code != 200:
                seen[str(response.status_code)] += 1
            else:
                found = [track["track_id"] for track in response.json()["tracks"]]
                right = any(found == answers[at] for answers in allowed)
                seen["right" if right else "wrong"] += 1
            number += 1
    return seen


def swap(bundle: Path, swaps: int, clients: int) -> dict[str, Any]:
    """Replace the bundle under load, every fifth time by a damaged one."""
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        loaded = Bundle.load(bundle)
        rng = np.random.default_rng(1)
        weight = loaded.query_weight * rng.uniform(0.2, 5, loaded.query_weight.shape)
        turned = replace(loaded, query_weight=weight.astype(np.float32), second_stage=None)
        loaded.save(place / "one")
        turned.save(place / "two")
        shutil.copytree(place / "two", place / "bad")
        vectors = place / "bad" / "vectors.safetensors"
        data = bytearray(vectors.read_bytes())
        data[-3] ^= 1
        vectors.write_bytes(data)
        link = place / "current"
        link.symlink_to("one")
        questions = questions_of(bundle)
        allowed = [answers_of(place / name, questions) for name in ("one", "two")]
        service = Service(link, "--watch")

        async def run() -> tuple[Counter[str], int]:
            nonlocal log
            done = False
            tasks = [
                asyncio.create_task(_compared(service, questions, allowed, lambda _: done))
                for _ in range(clients)
            ]
            taken = 0
            for number in range(swaps):
                name = "bad" if number % 5 == 4 else ("two", "one")[number % 2]
                new = place / "next"
                new.symlink_to(name)
                new.rename(link)
                word = "the older bundle stays" if name == "bad" else "Now serving"
                said, end = "", time.monotonic() + 60
                while word not in said and time.monotonic() < end:
                    await asyncio.sleep(0.1)
                    said += service.log()
                log += said
                taken += word in said
            done = True
            return sum(await asyncio.gather(*tasks), Counter()), taken

        log = ""
        answers, taken = asyncio.run(run())
        result = {
            "swaps": taken,
            "answers": dict(answers),
            "taken over": log.count("Now serving"),
            "refused": log.count("the older bundle stays"),
        }
        result["seconds to end"] = round(service.stop(), 2)
        return result


def _status(service: Service) -> int:
    try:
        return httpx.get(f"{service.url}{API}/ready", timeout=5).status_code
    except httpx.HTTPError:
        return 0


def kills(bundle: Path, number: int) -> dict[str, Any]:
    """Kill a worker of two again and again: how long until the service answers, and both do."""
    service = Service(bundle, "--workers", "2")
    answered, both = [], []
    for _ in range(number):
        while len(workers := service.ready()) < 2:
            time.sleep(0.02)
        time.sleep(0.5)
        victim, survivor = workers
        os.kill(victim, signal.SIGKILL)
        began = time.monotonic()
        while _status(service) != 200:
            pass
        answered.append(time.monotonic() - began)
        while not set(service.ready()) - set(workers):
            time.sleep(0.01)
        # Only the new one can answer now.
        os.kill(survivor, signal.SIGSTOP)
        while _status(service) != 200:
            pass
        both.append(time.monotonic() - began)
        os.kill(survivor, signal.SIGCONT)
    return {
        "kills": number,
        "seconds until it answers, longest": round(max(answered), 2),
        "seconds until both answer, median and longest": [
            round(float(np.median(both)), 2),
            round(max(both), 2),
        ],
        "seconds to end": round(service.stop(), 2),
    }


def ends(bundle: Path, requests: int, number: int) -> dict[str, Any]:
    """SIGTERM with requests in flight: all answered, and how long it takes.

    All are sent at once; the signal follows as soon as the first has been answered.
    """
    request = post("/complete", {**questions_of(bundle, 1)[0], "n": 50, "reasons": True})
    statuses, seconds, in_flight = Counter[str](), [], []

    async def run(service: Service) -> None:
        connections = [
            await asyncio.open_connection(service.host, service.port) for _ in range(requests)
        ]
        tasks = [asyncio.create_task(answer_to(*c, request)) for c in connections]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        in_flight.append(sum(not task.done() for task in tasks))
        service.process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        for task in tasks:
            try:
                statuses[str((await task)[0])] += 1
            except (OSError, EOFError) as error:
                statuses[type(error).__name__] += 1
        await asyncio.to_thread(service.process.wait, 60)
        seconds.append(time.monotonic() - began)

    for _ in range(number):
        asyncio.run(run(Service(bundle, "--max-requests", "1000")))
    return {
        "ends": number,
        "requests": requests,
        "in flight at the signal, at least": min(in_flight),
        "statuses": dict(statuses),
        "seconds to end, median and longest": [
            round(float(np.median(seconds)), 2),
            round(max(seconds), 2),
        ],
    }


def asked_and_answered(bundle: Path, second_stage: bool) -> list[tuple[bytes, bytes]]:
    """Requests, and the body that each must be answered with, byte for byte: searches as somebody
    types, completions, tracks and artists like one, and what is in a playlist."""
    threadpool_limits(1)  # as in a service
    recommender = Recommender.load(bundle, second_stage=second_stage)
    catalog, found = recommender.bundle.catalog, []

    def add(request: bytes, answer: Any) -> None:
        found.append((request, msgspec.json.encode(answer)))

    rng = np.random.default_rng(5)
    for question in questions_of(bundle, 40):
        playlist = question["playlist"]
        add(post("/complete", question), recommender.complete(playlist, question["n"]))
        add(get(f"{API}/playlists/{quote(playlist)}"), recommender.details.playlist(playlist))
        track = str(catalog.track_ids[int(rng.integers(catalog.num_tracks))])
        artist = str(catalog.artists.ids[int(rng.integers(len(catalog.artists)))])
        add(post("/similar", {"track": track}), recommender.similar(track))
        add(post("/similar", {"artist": artist}), recommender.similar(artist=artist))
        name = re.sub(r"[^a-zA-Z ]", "", recommender.details.track(track).name).strip() or "a"
        for length in (2, 3, 5, 8):
            add(get(f"{API}/find?text={quote(name[:length])}"), recommender.find(name[:length]))
    return found


async def answer_to(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes
) -> tuple[int, bytes]:
    """Status and body of the next answer on a connection."""
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    return int(head[9:12]), await reader.readexactly(int(length[1]) if length else 0)


def soak(
    bundle: Path, requests: int, clients: int, second_stage: bool, note: Callable[[Any], None]
) -> dict[str, Any]:
    """Many requests: each answer as offline, memory and descriptors as they were.

    After every ten thousand, `note` is given what has been seen.
    """
    pairs = asked_and_answered(bundle, second_stage)
    service = Service(bundle, *(() if second_stage else ("--no-second-stage",)))
    seen: Counter[str] = Counter()

    async def client(number: int) -> None:
        reader, writer = await asyncio.open_connection(service.host, service.port)
        order = np.random.default_rng(number).integers(len(pairs), size=_UNIT // clients)
        for request, expected in map(pairs.__getitem__, order.tolist()):
            try:
                status, body = await answer_to(reader, writer, request)
            except (OSError, EOFError) as error:
                seen[type(error).__name__] += 1
                reader, writer = await asyncio.open_connection(service.host, service.port)
                continue
            right = "right" if body == expected else "wrong"
            seen[right if status == 200 else str(status)] += 1
        writer.close()

    async def unit(number: int) -> None:
        await asyncio.gather(*(client(number * clients + at) for at in range(clients)))

    began, start, results = time.monotonic(), (0.0, 0), {}
    for number in range(max(2, round(requests / _UNIT) + 1)):
        asyncio.run(unit(number))
        if number == 0:  # everything has been used once
            start = service.memory(), service.descriptors()
            seen.clear()
            began = time.monotonic()
            continue
        results = {
            "second stage": second_stage,
            "answers": dict(seen),
            "seconds": round(time.monotonic() - began),
            "memory": [start[0], service.memory()],
            "descriptors": [start[1], service.descriptors()],
        }
        note(results)
    return results | {"seconds to end": round(service.stop(), 2)}


def _shortened(said: str) -> str:
    return "\n".join(line[:300] for line in said.splitlines())[-20_000:]


def schemathesis(bundle: Path, seconds: float) -> dict[str, Any]:
    """What its own OpenAPI document lets a fuzzer think of: no error of the server's, and every
    answer as the document says."""
    service = Service(bundle)
    before = service.memory(), service.descriptors()
    with tempfile.TemporaryDirectory() as scratch:
        # Else it cuts what it records at a MiB, and may take a long answer for no JSON.
        config = Path(scratch) / "schemathesis.toml"
        config.write_text("[output.truncation]\nmax-recorded-payload-size = 1000000000\n")
        done = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "fuzz"),
                f"{service.url}{API}/openapi.json",
                *("--max-time", str(round(seconds)), "--checks", ",".join(_CHECKS)),
                *("--continue-on-failure", "--generation-database", "none", "--no-color"),
                *("--warnings", "off", "--suppress-health-check", "all"),
                *("--output-truncate", "true", "--max-failures", "20"),
            ],
            cwd=scratch,
            capture_output=True,
            text=True,
        )
    text = httpx.get(f"{service.url}{API}/metrics").text
    statuses: Counter[str] = Counter()
    for status, number in re.findall(r'segue_requests_total{.*status="(\d+)"} ([\d.]+)', text):
        statuses[status] += int(float(number))
    return {
        "status of schemathesis": done.returncode,
        "statuses": dict(statuses),
        "memory": [before[0], service.memory()],
        "descriptors": [before[1], service.descriptors()],
        "said": "" if done.returncode == 0 else _shortened(done.stdout + done.stderr),
        "seconds to end": round(service.stop(), 2),
        "log": service.log()[-2000:],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--seconds", type=float, default=20, help="of each attack")
    parser.add_argument(
        "--only",
        help="attacks (all), attacks with this in their name, or one of swap, kills, ends, "
        "schemathesis, soak",
    )
    parser.add_argument("--slow-clients", type=int, default=500)
    parser.add_argument("--swaps", type=int, default=100)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--ends", type=int, default=5)
    parser.add_argument("--in-flight", type=int, default=50)
    parser.add_argument("--requests", type=int, default=100_000, help="of the soak")
    parser.add_argument("--no-second-stage", action="store_true", help="in the soak: quicker")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--json", type=Path, help="write the figures there")
    options = parser.parse_args()
    others: dict[str, Callable[[], dict[str, Any]]] = {
        "swap": lambda: swap(options.bundle, options.swaps, options.clients),
        "kills": lambda: kills(options.bundle, options.kills),
        "ends": lambda: ends(options.bundle, options.in_flight, options.ends),
        "schemathesis": lambda: schemathesis(options.bundle, options.seconds),
        "soak": lambda: soak(
            options.bundle,
            options.requests,
            options.clients,
            not options.no_second_stage,
            lambda found: save({"soak": found}),
        ),
    }
    results: dict[str, Any] = {}

    def save(further: dict[str, Any]) -> None:
        if options.json is not None:
            write_json(options.json, {"machine": machine(), **results, **further})

    if options.only not in others:
        results |= attack_all(options.bundle, options.seconds, options.only, options.slow_clients)
    for name, run in others.items():
        if options.only in (None, name):
            results[name] = run()
            print(name, json.dumps(results[name]), flush=True)
    save({})


if __name__ == "__main__":
    main()
