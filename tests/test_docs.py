"""What README and docs tell people to type works, and the command reference is true.

Every block of a page runs, in order, in a folder as `segue demo` leaves it, on a small bundle:

- ``sh``: each command. Trainings are made shorter; a service is asked rather than left running;
  `pip`, `make` and benchmarks are checked against pyproject.toml, the Makefile and their options.
- ``console``: the commands after ``$``; in the tutorial and where people's own
  music is read what they print is compared, too.
- ``text``: commands that take too long to run have their options checked.
- ``python``: runs, in one namespace for the page.
- ``csv``, ``tsv``, ``text`` after a file name in backticks: is written to that file.
"""

from __future__ import annotations

import json
import re
import runpy
import shlex
import shutil
import subprocess
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from segue.cli import cli
from segue.data.formats.mpd import write_slice

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
# What their commands print is compared with what they show.
COMPARED = ("tutorial.md", "import.md")
# Pages with tests of their own.
OTHERWISE = ("commands.md", "data.md")
# Appended to a command, so that its run is short.
SHORTER = {"train": ["--epochs", "2", "--dim", "8"], "recommend": ["-n", "5"]}
# Programs that are none of ours.
FOREIGN = {"ln", "apt-get", "python"}


@dataclass(frozen=True)
class Block:
    """A fenced block of a page, and the name of the file that it is said to be."""

    language: str
    content: str
    file: str | None


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    text, found = page.read_text(encoding="utf-8"), []
    for match in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        paragraph = text[: match.start()].rstrip().rsplit("\n\n", 1)[-1]
        named = re.search(r"`([\w-]+\.(?:csv|tsv|inter|dat|jsonl|py|m3u8|txt))`[^`]*$", paragraph)
        found.append(Block(match[1], match[2], named[1] if named else None))
    return found


def commands(block: Block) -> list[list[str]]:
    """The commands of a block, as words; without variables before them and comments."""
    text = block.content
    if block.language == "console":
        text = "\n".join(line[2:] for line in text.splitlines() if line.startswith("$ "))
    found = []
    for line in _whole_lines(text.replace("\\\n", " ")):
        words = shlex.split(line, comments=True)
        while words and re.match(r"[A-Z_]+=", words[0]):
            words.pop(0)
        if words:
            found.append(words)
    return found


def _whole_lines(text: str) -> list[str]:
    """Lines, joined where a quotation goes over several."""
    lines: list[str] = []
    for line in text.splitlines():
        if lines and lines[-1].split(" #")[0].count("'") % 2:
            lines[-1] += "\n" + line
        else:
            lines.append(line)
    return lines


def run(*args: str) -> str:
    result = CliRunner().invoke(cli, list(args), catch_exceptions=False)
    assert result.exit_code == 0, f"segue {shlex.join(args)}\n{result.output}"
    return result.output


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as a quick demo leaves it."""
    folder = tmp_path_factory.mktemp("demo")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        run("demo", "--quick")
    return folder


@pytest.fixture
def after_demo(demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that folder, which a page may change, as the working directory."""
    shutil.copytree(demo / "segue-demo", tmp_path / "segue-demo")
    for name in ("graph", "bundle"):
        shutil.copytree(demo / "segue-demo" / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.name not in OTHERWISE], ids=lambda page: page.name
)
def test_what_a_page_shows_works(page: Path, after_demo: Path) -> None:
    namespace: dict[str, Any] = {"__name__": page.name}
    for block in blocks(page):
        if block.file:
            Path(block.file).write_text(block.content, encoding="utf-8")
        if block.language == "python" and not block.file:
            exec(compile(block.content, page.name, "exec"), namespace)
        elif block.language in ("sh", "console"):
            printed = "".join(_type(words) for words in commands(block))
            if block.language == "console" and page.name in COMPARED:
                _compare(block.content, printed)
        elif block.language == "text":
            for line in block.content.replace("\\\n", " ").splitlines():
                if re.match(r"(\w+=\S+ )*(segue|python) ", line):
                    _check(*commands(Block("text", line, None))[0])


def _compare(shown: str, printed: str) -> None:
    """Each line that a page shows is printed, in this order, up to its numbers; … skips some.

    Lines with a score are left out: another machine may round, and so order, otherwise.
    """
    lines = iter([_without_numbers(line) for line in printed.splitlines()])
    for line in shown.splitlines():
        if not line.startswith("$ ") and line != "…" and not re.search(r"\d\.\d", line):
            assert _without_numbers(line) in lines, f"not printed: {line}\n{printed}"


def _without_numbers(line: str) -> str:
    return re.sub(r"[\d.]+", "#", re.sub(r"[\s─]+", " ", line)).strip()


def _type(words: list[str]) -> str:
    """Run one command, or what stands in for it; gives what `segue` prints."""
    program, *args = words
    if program == "segue" and args[0] not in ("demo", "serve", "compare"):
        return _run_shorter(args)
    if program == "segue" and args[0] == "serve":
        _ask(args[1], "/")
    elif program == "curl":
        url = next(word for word in args if word.startswith("localhost:8000/"))
        body = args[args.index("--json") + 1] if "--json" in args else None
        _ask("segue-demo/bundle", url.removeprefix("localhost:8000"), body)
    elif program == "python" and args[0] == "-c":
        subprocess.run([sys.executable, *args], check=True)
    else:
        _check(program, *args)
    return ""


def _run_shorter(args: list[str]) -> str:
    (name, *rest), command = args, cli.commands[args[0]]
    if rest and rest[0] in getattr(command, "commands", {}):
        command = command.commands[rest[0]]  # type: ignore[attr-defined]
    options = {option for parameter in command.params for option in parameter.opts}
    extra = SHORTER.get(name, [])
    extra = extra + (["--overwrite"] if "--overwrite" in options else [])
    extra = extra + (["--dpi", "30"] if "--dpi" in options else [])
    return run(*args, *extra)


def _check(program: str, *args: str) -> None:
    """Check a command that is not run: that there is such a thing, and with such options."""
    if program == "segue":
        # With a parent: click remembers a command's help option as it is first asked for.
        with cli.make_context("segue", list(args)) as parent:
            cli.commands[args[0]].make_context(args[0], list(args[1:]), parent).close()
    elif program == "pip":
        extras = re.findall(r"^(\w+) = \[", (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
        for wanted in re.findall(r"\[(.*?)\]", args[-1]):
            assert {*wanted.split(",")} <= {*extras}, args
    elif program == "make":
        for target in (word for word in args if "=" not in word):
            assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE), target
    elif program == "python" and args[0] != "-m":
        script = (ROOT / args[0]).read_text()
        if '"--" +' not in script:  # else its options are made of names that stand elsewhere
            for option in (word for word in args if word.startswith("--")):
                assert f'"{option}"' in script, f"{args[0]} has no {option}"
    else:
        assert program in FOREIGN, program


def _ask(bundle: str, path: str, body: str | None = None) -> None:
    """Ask a service on a bundle, started for this one question."""
    from fastapi.testclient import TestClient

    from segue.service.app import create_app
    from segue.service.serving import Serving

    serving = Serving(Path(bundle))
    serving.load()
    with TestClient(create_app(serving)) as client:
        answer = client.get(path) if body is None else client.post(path, json=json.loads(body))
    assert answer.status_code == 200, answer.text


def _write_slices() -> None:
    """Fifty slices of a playlist each, as the page on data speaks of them."""
    tracks = [
        {"pos": n, "track_uri": f"t:{n}", "track_name": "", "artist_uri": "a", "artist_name": ""}
        for n in range(30)
    ]
    for n in range(50):
        path = Path(f"mpd.slice.{1000 * n}-{1000 * n + 999}.json")
        write_slice(path, [{"pid": n, "tracks": tracks}], 1000 * n, 1000 * n + 999)


def test_every_command_is_shown_on_some_page() -> None:
    shown = {
        words[1]
        for page in PAGES
        for block in blocks(page)
        if block.language in ("sh", "console")
        for words in commands(block)
        if words[0] == "segue"
    }
    assert shown >= {*cli.commands} - {"demo"}
    kinds = {words[2] for words in _drawn()}
    assert kinds == {*cli.commands["draw"].commands}  # type: ignore[attr-defined]


def _drawn() -> list[list[str]]:
    page = ROOT / "docs" / "pictures.md"
    shown = [words for block in blocks(page) if block.language == "sh" for words in commands(block)]
    return [words for words in shown if words[:2] == ["segue", "draw"]]


def test_pictures_of_the_documents_are_made_by_their_commands() -> None:
    made = {words[words.index("--out") + 1] for words in _drawn()}
    pictures = ROOT / "docs" / "pictures"
    for page in PAGES:
        for shown in re.findall(r"\]\((?:docs/)?pictures/([^)]+)\)", page.read_text()):
            assert shown in made, f"{page.name}: {shown}"
            assert (pictures / shown).is_file(), shown
    for path in pictures.iterdir():
        assert path.stat().st_size < 300_000, path.name


def test_graphs_of_the_page_on_data_hold_what_it_shows(
    after_demo: Path,
) -> None:
    _write_slices()
    sizes = []
    for block in blocks(ROOT / "docs" / "data.md"):
        if block.file:
            Path(block.file).write_text(block.content, encoding="utf-8")
        if block.language == "python":
            exec(compile(block.content, "data.md", "exec"), {})
        if block.language != "sh":
            continue
        for words in commands(block):
            _type(words)
            if words[:2] == ["segue", "build"]:
                nodes = json.loads(run("info", "graph", "--json"))["nodes"]
                sizes.append((nodes["playlist"], nodes["track"], nodes["artist"]))
    assert sizes == [
        (50, 30, 1),
        (2, 2, 2),
        (2, 2, 2),
        (2, 2, 0),
        (1, 2, 0),
        (2, 2, 0),
        (2, 2, 0),
        (2, 2, 0),
        (3, 4, 0),
        (3, 3, 0),
        (2, 3, 0),
    ]


def test_links_of_the_documents_lead_somewhere() -> None:
    for document in PAGES:
        for link in re.findall(r"\]\(([^)#]+)\)", document.read_text()):
            if not link.startswith("http"):
                assert (document.parent / link).exists(), f"{document.name}: {link}"


def test_command_reference_is_what_the_commands_say() -> None:
    reference = runpy.run_path(str(ROOT / "docs" / "make_commands.py"))["reference"]
    written = (ROOT / "docs" / "commands.md").read_text()
    assert written == reference(), f"run: {Path(sys.executable).name} docs/make_commands.py"


def test_a_public_name_without_an_anchor_is_reported() -> None:
    hooks = runpy.run_path(str(ROOT / "docs" / "hooks.py"))
    lines = b"segue.read py:function 1 api/index.html#$ -\nsegue.errors py:module 1 api/#$ -\n"
    inventory = b"# Sphinx\n# Project: \n# Version: \n# packed\n" + zlib.compress(lines)
    found = hooks["anchors"](inventory)
    assert hooks["absent"](["__version__", "read", "train"], found) == ["train"]


def test_no_document_has_a_gap_left_to_fill() -> None:
    for document in [*PAGES, ROOT / "CHANGELOG.md"]:
        assert not re.search(r"@@|TODO|TBD", document.read_text()), document.name
