"""The wheel, installed where nothing else is, runs the demo."""

import email
import os
import re
import shlex
import subprocess
import sys
import venv
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

import segue

ROOT = Path(__file__).parents[1]


def run(command: Sequence[object], cwd: Path, timeout: int) -> str:
    """Run outside the repository; what the command says is shown where it fails."""
    # What belongs to this environment must not leak into the clean one.
    inherited = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd, env=inherited, capture_output=True, encoding="utf-8", timeout=timeout,
    )  # fmt: skip
    assert done.returncode == 0, f"{shlex.join(map(str, command))}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    run([sys.executable, "-m", "build", "--wheel", "--outdir", out, ROOT], out, 300)
    (built,) = out.glob("*.whl")
    return built


def test_what_the_wheel_holds(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    for needed in ("segue/py.typed", "segue/synthetic/sample.tsv", "segue/cli/__init__.py"):
        assert needed in names
    static = [path for path in ROOT.glob("src/segue/*/static/*") if path.is_file()]
    assert {path.parents[1].name for path in static} == {"pictures", "service"}
    assert {path.relative_to(ROOT / "src").as_posix() for path in static} <= set(names)
    source = {path.relative_to(ROOT / "src").as_posix() for path in ROOT.glob("src/**/*.py")}
    assert source <= set(names)
    assert any(name.endswith("licenses/LICENSE") for name in names)
    for name in names:
        assert name.startswith(("segue/", f"segue-{segue.__version__}.dist-info/")), name
        assert "__pycache__" not in name


def test_what_the_wheel_says_of_itself(wheel):
    archive = zipfile.ZipFile(wheel)
    (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    content = email.message_from_string(archive.read(metadata).decode())
    assert content["Name"] == "segue"
    assert content["Version"] == segue.__version__
    assert content["Requires-Python"] == ">=3.10"
    assert content["License-Expression"] == "Apache-2.0"
    needed = [line for line in content.get_all("Requires-Dist") if "extra ==" not in line]
    heavy = ("torch", "lightgbm", "matplotlib", "networkx", "fastapi", "pandas", "scikit")
    assert not [line for line in needed if line.startswith(heavy)], "what is heavy is an extra"
    (torch,) = (
        line for line in content.get_all("Requires-Dist")
        if line.startswith("torch") and "extra == 'train'" in line.replace('"', "'")
    )  # fmt: skip
    assert ">=" in torch
    assert "<" in torch.replace("<=", ""), "torch is a range, not one version"


def test_the_demo_runs_from_a_clean_environment(wheel, tmp_path):
    venv.create(tmp_path / "venv", with_pip=True)
    bin_folder = tmp_path / "venv" / "bin"
    # Compiling all of torch ahead takes longer than compiling what the demo imports.
    options = ["--quiet", "--no-compile", "--only-binary", ":all:"]
    options += ["--constraint", ROOT / "constraints.txt"]
    options += shlex.split(os.environ.get("PIP_ARGS", ""))
    run(
        [bin_folder / "python", "-m", "pip", "install", *options, f"{wheel}[train,draw]"],
        tmp_path,
        1200,
    )
    where = run([bin_folder / "python", "-c", "import segue; print(segue.__file__)"], tmp_path, 60)
    assert str(tmp_path / "venv") in where, "not the checkout"

    work = tmp_path / "work"
    work.mkdir()
    said = run([bin_folder / "segue", "demo", "--quick"], work, 300)
    assert "Goes with Bohemian Rhapsody + Stairway to Heaven" in said
    assert (work / "segue-demo" / "bundle" / "manifest.json").is_file()
    picture = ["draw", "layers", "segue-demo/bundle", "--from", "Bohemian Rhapsody"]
    run([bin_folder / "segue", *picture, "--out", "layers.html"], work, 60)
    found = run([bin_folder / "segue", "vibe", "segue-demo/bundle", "Bohemian Rhapsody"], work, 60)
    assert "Goes with Bohemian Rhapsody" in found


def test_the_base_install_answers_and_names_the_extra_that_is_missing(wheel, tmp_path):
    """What serving machines get: no torch, no LightGBM, nothing that draws."""
    venv.create(tmp_path / "venv", with_pip=True)
    bin_folder = tmp_path / "venv" / "bin"
    options = ["--quiet", "--no-compile", "--only-binary", ":all:"]
    options += ["--constraint", ROOT / "constraints.txt"]
    options += shlex.split(os.environ.get("PIP_ARGS", ""))
    run([bin_folder / "python", "-m", "pip", "install", *options, wheel], tmp_path, 600)
    generated = ["generate", "--playlists", 300, "--out", "playlists"]
    run([bin_folder / "segue", *generated], tmp_path, 60)
    run([bin_folder / "segue", "build", "playlists", "--out", "graph", "--k-core", 2], tmp_path, 60)
    for command, extra in (
        (["train", "graph", "--out", "bundle"], "train"),
        (["serve", "graph"], "serve"),
        (["compare", "graph", "--out", "report"], "train"),
    ):
        done = subprocess.run(
            [bin_folder / "segue", *command],
            cwd=tmp_path, capture_output=True, encoding="utf-8", timeout=60,
        )  # fmt: skip
        assert done.returncode == 1
        assert re.fullmatch(
            rf"segue: segue {command[0]} needs .*, which is not installed: "
            rf"pip install 'segue\[{extra}\]'\n",
            done.stderr,
        ), done.stderr
