"""Calling the program."""

import pytest

from segue.cli import main


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
