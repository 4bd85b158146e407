"""What README and docs tell people to type works, and the command reference is true."""

from __future__ import annotations

import json
import re
import runpy
import shlex
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from click.testing import CliRunner

from segue.cli import cli
from segue.data.formats.mpd import write_slice
from segue.synthetic.sample import write_sample

ROOT = Path(__file__).parents[1]


def blocks(language: str, document: str = "README.md") -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / document).read_text(), re.DOTALL)


def run(*args: str) -> str:
    result = CliRunner().invoke(cli, list(args), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture(scope="module")
def after_demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as a demo leaves it, with all its playlists and a quickly trained bundle."""
    folder = tmp_path_factory.mktemp("readme")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        run("demo", "--quick")
    slices = folder / "segue-demo" / "playlists"
    for path in slices.iterdir():
        path.unlink()
    write_sample(slices)
    return folder


def test_commands_of_the_readme_run(after_demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(after_demo)
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    commands = [shlex.split(line)[1:] for line in lines if line.startswith("segue ")]
    assert {command[0] for command in commands} == {*cli.commands} - {"demo"}
    for command in commands:
        if command[0] == "serve":  # which does not end; tests/service starts it
            run("serve", "--help")
            assert Path(command[1], "manifest.json").is_file()
            continue
        # The same commands with a shorter training: what is tested is that they can be typed.
        shorter = {"train": ["--epochs", "2"], "compare": ["--epochs", "2", "--no-baselines"]}
        run(*command, *shorter.get(command[0], []))
    assert (after_demo / "recommendations.parquet").stat().st_size > 0


def test_python_of_the_readme_runs(
    after_demo: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(after_demo)
    (program,) = blocks("python")
    exec(compile(program, "README.md", "exec"), {})
    assert len(capsys.readouterr().out.splitlines()) == 5


def test_examples_of_the_data_page_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs" / "data.md").read_text()
    # The name of a file, the words up to its content, the content.
    shown = re.findall(r"`([\w.]+)`([^`]*)```(?:csv|tsv|text)\n(.*?)```", page, re.DOTALL)
    assert [name for name, *_ in shown] == ["mine.csv", "library.tsv", "small.inter", "ratings.dat"]
    for name, _, content in shown:
        (tmp_path / name).write_text(content)
    tracks = [
        {"pos": n, "track_uri": f"t:{n}", "track_name": "", "artist_uri": "a", "artist_name": ""}
        for n in range(30)
    ]
    for n in range(50):
        path = tmp_path / f"mpd.slice.{1000 * n}-{1000 * n + 999}.json"
        write_slice(path, [{"pid": n, "tracks": tracks}], 1000 * n, 1000 * n + 999)

    lines = [line for block in blocks("sh", "docs/data.md") for line in block.splitlines()]
    sizes = []
    for line in lines:
        program, *args = shlex.split(line)
        if program == "python":
            subprocess.run([sys.executable, *args], check=True)
            continue
        run(*args, "--overwrite")
        nodes = json.loads(run("info", "graph", "--json"))["nodes"]
        sizes.append((nodes["playlist"], nodes["track"], nodes["artist"]))
    assert sizes == [(50, 30, 1), (2, 2, 2), (2, 2, 2), (2, 2, 0), (2, 2, 0), (2, 2, 0)]


def test_the_page_on_recommending_runs(
    after_demo: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(after_demo)
    consoles = blocks("console", "docs/recommend.md")
    shown = [block.splitlines()[0].removeprefix("$ ") for block in consoles]
    for line in [*shown, *"".join(blocks("sh", "docs/recommend.md")).splitlines()]:
        run(*shlex.split(line)[1:])
    (program,) = blocks("python", "docs/recommend.md")
    capsys.readouterr()
    exec(compile(program, "recommend.md", "exec"), {})
    assert len(capsys.readouterr().out.splitlines()) == 5


def test_new_music_of_the_page_on_updates_comes_as_shown(
    after_demo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(after_demo)
    (content,), (shown,) = (blocks(kind, "docs/update.md") for kind in ("csv", "text"))
    Path("new.csv").write_text(content)
    lines = [line for block in blocks("sh", "docs/update.md") for line in block.splitlines()]
    assert [shlex.split(line)[1] for line in lines if line.startswith("segue")] == [
        "update",
        "vibe",
    ]
    output = run(*shlex.split(lines[0])[1:], "--overwrite")
    assert shown in output
    run(*shlex.split(lines[1])[1:])


def test_commands_of_the_page_on_architectures_run(
    after_demo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(after_demo)
    (line,) = "".join(blocks("sh", "docs/architectures.md")).splitlines()
    run(*shlex.split(line)[1:], "--epochs", "1", "--dim", "8", "--no-refit")


def test_pictures_of_the_documents_are_made_by_their_commands(
    after_demo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(after_demo)
    lines = [line for block in blocks("sh", "docs/pictures.md") for line in block.splitlines()]
    commands = [shlex.split(line)[1:] for line in lines]
    assert [command[:1] for command in commands] == [["draw"]] * len(commands)
    assert {command[1] for command in commands} == {*cli.commands["draw"].commands}
    for command in commands:
        # As they stand, but for fewer pixels.
        run(*command, "--dpi", "30", "--overwrite")
    pictures = {path.name for path in (ROOT / "docs" / "pictures").iterdir()}
    for document in ("README.md", "docs/pictures.md"):
        shown = re.findall(r"\]\((?:docs/)?pictures/([^)]+)\)", (ROOT / document).read_text())
        made = re.findall(r"--out (\S+\.png)", (ROOT / document).read_text())
        assert set(shown) == set(made) <= pictures, document
    for path in (ROOT / "docs" / "pictures").iterdir():
        assert path.stat().st_size < 300_000, path.name


def test_python_of_the_pictures_runs(after_demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(after_demo)
    (program,) = blocks("python", "docs/pictures.md")
    exec(compile(program, "pictures.md", "exec"), {})
    assert (after_demo / "why.svg").stat().st_size > 0


def test_make_targets_of_the_readme_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = {
        word
        for block in blocks("sh")
        for line in block.splitlines()
        if line.startswith("make ")
        for word in [shlex.split(line, comments=True)[1]]
    }
    assert {"demo", "test"} <= targets
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_links_of_the_documents_lead_somewhere() -> None:
    for document in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
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
    for document in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        assert not re.search(r"@@|TODO|TBD", document.read_text()), document.name
