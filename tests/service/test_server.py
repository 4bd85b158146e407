"""`segue serve` as it is started: its signals, its workers, what it says."""

from __future__ import annotations

import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from segue.bundle import Bundle
from segue.service.gate import API

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
PROGRAM = (
    "import sys\nfrom segue.cli import main\nif __name__ == '__main__':\n    main(sys.argv[1:])"
)


class Service:
    """A running service."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process, self.said = process, ""
        self.url = re.findall(r"http://\S+", self.read("http://"))[-1]

    def read(self, until: str) -> str:
        """All that has been said up to the line with some words."""
        assert self.process.stderr is not None
        deadline = time.monotonic() + 60
        while until not in self.said.rpartition("\n")[0]:
            assert time.monotonic() < deadline, self.said
            if select.select([self.process.stderr], [], [], 1)[0]:
                piece = os.read(self.process.stderr.fileno(), 1 << 16).decode()
                assert piece or until in self.said, self.said
                self.said += piece
        return self.said


@contextmanager
def service(folder: Path, tmp_path: Path, *options: str) -> Iterator[Service]:
    script = tmp_path / "program.py"
    script.write_text(PROGRAM)
    process = subprocess.Popen(
        [sys.executable, str(script), "serve", str(folder), "--port", "0", *options],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield Service(process)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.wait(40)


@contextmanager
def long_question(running: Service) -> Iterator[Future[httpx.Response]]:
    """The answer to a question that the service has begun to work on."""
    with ThreadPoolExecutor(1) as pool:
        question = {"playlists": [{"tracks": []}] * 64, "diversity": 0.5}
        answer = pool.submit(httpx.post, f"{running.url}{API}/recommend", json=question, timeout=60)
        while "flight 1.0" not in httpx.get(f"{running.url}{API}/metrics").text:
            assert not answer.done()
        yield answer


def fingerprint(running: Service) -> str:
    return str(httpx.get(f"{running.url}{API}/version").json()["bundle"]["fingerprint"])


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_signals(
    bundles: tuple[Bundle, Bundle],
    folder: Path,
    save_bundle: Callable[[Bundle, Path], None],
    tmp_path: Path,
) -> None:
    with service(folder, tmp_path) as running:
        first = fingerprint(running)
        assert f"Serving {folder} at {running.url}" in running.said
        save_bundle(bundles[1], folder)
        assert fingerprint(running) == first
        running.process.send_signal(signal.SIGHUP)
        running.read("Now serving")
        second = fingerprint(running)
        assert second != first

        damaged = folder / "tracks.arrow"
        damaged.unlink()  # what is mapped must not be written into
        damaged.write_bytes(b"")
        running.process.send_signal(signal.SIGHUP)
        running.read("tracks.arrow: is not as it was written (its checksum differs); the older")
        assert fingerprint(running) == second

        # A long question is answered to its end, a new one is not taken any more.
        with long_question(running) as answer:
            running.process.send_signal(signal.SIGTERM)
            assert len(answer.result().json()["answers"]) == 64
        assert running.process.wait(20) in (0, -signal.SIGTERM)
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{running.url}{API}/health")
        assert "Traceback" not in running.said


def test_workers(
    bundles: tuple[Bundle, Bundle],
    folder: Path,
    save_bundle: Callable[[Bundle, Path], None],
    tmp_path: Path,
) -> None:
    with service(folder, tmp_path, "--workers", "2") as running:
        first = fingerprint(running)
        for _ in range(10):
            assert httpx.get(f"{running.url}{API}/health").status_code == 200
        figures = httpx.get(f"{running.url}{API}/metrics").text
        # Of all workers together, whichever was asked.
        assert 'segue_requests_total{route="/api/v1/health",status="200"} 10.0' in figures
        if sys.platform == "linux":
            owners = [
                pid for child in children(running.process.pid) for pid in children(child)
                if str(folder) in Path(f"/proc/{pid}/maps").read_text()
            ]  # fmt: skip
            assert len(owners) == 2
            os.kill(owners[0], signal.SIGKILL)
            running.read(f"Worker {owners[0]} ended (-9), another is started")
        save_bundle(bundles[1], folder)
        deadline = time.monotonic() + 30
        while {fingerprint(running) for _ in range(8)} & {first}:
            running.process.send_signal(signal.SIGHUP)
            assert time.monotonic() < deadline
            time.sleep(0.2)
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(20) == 0


def test_a_request_that_is_on_its_way_at_the_end_is_answered(folder: Path, tmp_path: Path) -> None:
    head = f"POST {API}/vibe HTTP/1.1\r\nhost: localhost\r\ncontent-length: 22\r\n".encode()
    head += b"content-type: application/json\r\n"
    body = b'{"artists": ["?"]}    '
    with service(folder, tmp_path) as running:
        address = "127.0.0.1", int(running.url.rpartition(":")[2])
        with socket.create_connection(address) as idle, socket.create_connection(address) as half:
            half.sendall(head + b"\r\n")
            assert fingerprint(running)
            running.process.send_signal(signal.SIGTERM)
            time.sleep(0.25)
            half.sendall(body)
            idle.sendall(head + b"\r\n" + body)
            for connection in (half, idle):
                assert connection.recv(1 << 16).startswith(b"HTTP/1.1 404")
        assert running.process.wait(20) in (0, -signal.SIGTERM)


@pytest.mark.skipif(sys.platform != "linux", reason="workers are no forks elsewhere")
def test_a_signal_to_all_of_its_processes_ends_it_in_order(folder: Path, tmp_path: Path) -> None:
    """As a service manager or a terminal sends it: also to the process that forks the workers."""
    with service(folder, tmp_path, "--workers", "2") as running:
        assert fingerprint(running)
        forks = [child for child in children(running.process.pid) if children(child)]
        with long_question(running) as answer:
            for pid in (*children(forks[0]), *forks, running.process.pid):
                os.kill(pid, signal.SIGTERM)
            assert len(answer.result().json()["answers"]) == 64
        assert running.process.wait(20) == 0
        assert "another is started" not in running.said


@pytest.mark.skipif(sys.platform != "linux", reason="workers are no forks elsewhere")
def test_the_end_of_the_process_that_forks_is_survived(folder: Path, tmp_path: Path) -> None:
    with service(folder, tmp_path, "--workers", "2") as running:
        assert fingerprint(running)
        forks = [child for child in children(running.process.pid) if children(child)]
        older = children(forks[0])
        os.kill(forks[0], signal.SIGKILL)
        running.read("another is started")
        deadline = time.monotonic() + 30
        while any(Path(f"/proc/{pid}").exists() for pid in older):
            assert fingerprint(running)
            assert time.monotonic() < deadline, "workers without a supervisor serve on"
            time.sleep(0.05)
        assert fingerprint(running)


def test_only_names_that_were_allowed_are_answered(folder: Path, tmp_path: Path) -> None:
    with service(folder, tmp_path, "--allow-host", "music.example") as running:
        for host, status in (("music.example", 200), ("localhost", 200), ("evil.example", 421)):
            asked = httpx.get(f"{running.url}{API}/health", headers={"host": host})
            assert asked.status_code == status


def test_workers_end_with_their_supervisor(folder: Path, tmp_path: Path) -> None:
    """Killed, it can tell them nothing; the port is free again all the same."""
    with service(folder, tmp_path, "--workers", "2") as running:
        assert fingerprint(running)
        running.process.kill()
        deadline = time.monotonic() + 20
        while True:
            try:
                httpx.get(f"{running.url}{API}/health", timeout=5)
            except httpx.TransportError:
                break
            assert time.monotonic() < deadline, "they serve on"
            time.sleep(0.05)


def test_workers_that_cannot_load_the_bundle_are_not_started_for_ever(
    folder: Path, tmp_path: Path
) -> None:
    vectors = folder / "vectors.safetensors"
    vectors.write_bytes(vectors.read_bytes()[:-1] + b"x")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, "serve", str(folder), "--port", "0", "--workers", "2"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert 1 <= done.stderr.count("vectors.safetensors: is not as it was written") <= 2
    assert "another is started" not in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ((), "segue: {folder}: there is no such folder, expected a Segue bundle\n"),
        (("--workers", "2"), "segue: {folder}: there is no such folder, expected a Segue bundle\n"),
        (("--port", "{taken}"), "segue: 127.0.0.1:{taken}: cannot listen there (Address already"),
        (("--host", "nowhere.invalid"), "segue: nowhere.invalid:8000: cannot listen there ("),
    ],
)
def test_what_cannot_be_served(tmp_path: Path, options: tuple[str, ...], sentence: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        names = {"folder": str(tmp_path / "none"), "taken": str(other.getsockname()[1])}
        given = [option.format(**names) for option in options]
        if "--port" not in given and "--host" not in given:
            given += ["--port", "0"]
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, "serve", names["folder"], *given],
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert done.returncode == 1
    assert done.stderr.startswith(sentence.format(**names)), done.stderr
    assert done.stderr.count("\n") == 1


def test_it_starts_and_answers_without_torch(folder: Path) -> None:
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from fastapi.testclient import TestClient\n"
        "import segue.cli.serve, segue.service.server\n"
        "from segue.service.app import create_app\n"
        "from segue.service.serving import Serving\n"
        f"serving = Serving(Path({str(folder)!r}))\n"
        "serving.load()\n"
        "loaded = [m for m in ('torch', 'matplotlib') if m in sys.modules]\n"
        "with TestClient(create_app(serving)) as client:\n"
        f"    get = lambda path: client.get('{API}' + path).status_code\n"
        "    assert client.post('/api/v1/complete', json={'playlist': '7'}).status_code == 200\n"
        "    assert get('/subgraph?kind=track&id=segue:track:1') == get('/find?text=a') == 200\n"
        "print(loaded, 'torch' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "[] False\n", done.stderr


@pytest.mark.parametrize("missing", ["fastapi", "uvicorn", "prometheus_client", "networkx"])
def test_what_is_not_installed_is_said_with_the_extra_that_has_it(
    folder: Path, missing: str
) -> None:
    program = f"import sys\nsys.modules[{missing!r}] = None\n{PROGRAM}"
    done = subprocess.run(
        [sys.executable, "-c", program, "serve", str(folder), "--port", "0"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("segue: segue serve needs ")
    assert done.stderr.endswith("is not installed: pip install 'segue[serve]'\n")
    assert done.stderr.count("\n") == 1
