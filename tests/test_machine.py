"""What a figure says of where it is from."""

import resource
import shutil
import subprocess
from pathlib import Path

import pytest

import segue
from segue.machine import commit, machine, peak_memory


def test_a_figure_names_hardware_and_versions():
    pytest.importorskip("torch")
    facts = machine()
    assert facts["cores"] >= 1
    assert facts["segue"] == segue.__version__
    assert all(facts[name] for name in ("processor", "system", "python", "numpy", "torch"))


def test_peak_memory_is_that_of_the_process():
    if not Path("/proc/self/status").exists():
        pytest.skip("no kernel here that tells it")
    before = peak_memory()
    block = bytearray(2**27)
    block[:: 2**12] = b"x" * len(block[:: 2**12])
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    # The kernel's counts of a moment lag behind by some pages.
    assert peak_memory() >= max(before, 0.95 * resident)
    del block
    assert peak_memory() >= 0.95 * resident, "it does not go down again"


@pytest.mark.skipif(shutil.which("git") is None, reason="no git here")
def test_the_commit_is_that_of_the_package_and_of_no_repository_around_it(tmp_path, monkeypatch):
    def git(*arguments: str) -> None:
        identity = ("-c", "user.name=A", "-c", "user.email=a@example.org")
        subprocess.run(["git", "-C", str(tmp_path), *identity, *arguments], check=True)

    git("init", "--quiet")
    for folder in ("src/segue", "site-packages/segue"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "__init__.py").write_text("x = 1\n")
    git("add", ".")
    git("commit", "--quiet", "--message", "First")
    monkeypatch.setattr(segue, "__file__", str(tmp_path / "src/segue/__init__.py"))
    first = commit()
    assert first is not None
    assert len(first) == 12
    (tmp_path / "src/segue/__init__.py").write_text("x = 2\n")
    assert commit() == f"{first}-dirty"
    monkeypatch.setattr(segue, "__file__", str(tmp_path / "site-packages/segue/__init__.py"))
    assert commit() is None
