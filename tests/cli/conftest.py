"""Calling the program."""

import pytest
import torch

from segue.cli import main
from segue.recommend.recommender import Recommender


@pytest.fixture
def run(capsys, monkeypatch):
    """Calls the program as its script does; returns exit status, standard output and error."""
    monkeypatch.delenv("SEGUE_TRACEBACK", raising=False)

    def call(*args: object) -> tuple[int, str, str]:
        status = 0
        try:
            main([str(arg) for arg in args])
        except SystemExit as stop:
            status = stop.code
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return call


@pytest.fixture(scope="module")
def threads():
    """`--threads` sets the number for the whole process."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


# Those below are of the module's own `folder`, which holds a bundle.


@pytest.fixture
def in_the_folder(folder, monkeypatch):
    monkeypatch.chdir(folder)


@pytest.fixture(scope="module")
def recommender(folder) -> Recommender:
    return Recommender.load(folder / "bundle")
