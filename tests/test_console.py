"""Tables for people: they fit the terminal, whatever songs are called."""

import sys

import pytest
from rich.cells import cell_len

from segue.console import table_text

LONG = "The Ballad of " + "wide 宇多田 " * 40
ROWS = [["1", LONG, "ABBA", "0.123"], ["2", "Short", "Queen", "10.5"]]
HEADER = ["", "track", "artist", "score"]


@pytest.fixture
def terminal(monkeypatch):
    """Standard output is a terminal of 80 columns, which shows no bold face."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "dumb")


def test_long_names_and_titles_are_cut_to_the_terminal(terminal):
    """The title ran over several lines."""
    lines = table_text(f"Goes with {LONG}", HEADER, ROWS).splitlines()
    assert max(map(cell_len, lines)) <= 80
    assert lines[0].startswith("Goes with The Ballad")
    assert lines[0].endswith("…")
    assert [line.split()[-1] for line in lines[-2:]] == ["0.123", "10.5"]
    assert "…" in lines[-2]
    assert "Short   " in lines[-1], "what is short is not cut"


def test_numbers_are_never_cut(terminal):
    numbers = [[f"1234567.{place}" for place in range(12)]]
    text = table_text("t", [f"m{place}" for place in range(12)], numbers)
    assert all(number in text for number in numbers[0])


def test_elsewhere_only_what_nobody_reads_is_cut(monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: False)
    name = "x" * 100
    assert name in table_text("t", HEADER, [["1", name, "a", "1"]])
    text = table_text("t" * 1_000_000, HEADER, [["1", "y" * 1_000_000, "a", "1"]])
    assert len(text) < 1000
    assert "y" * 99 + "…" in text


def test_a_name_is_no_markup_and_commands_no_terminal():
    text = table_text("[red]t\x1b[31m", ["a"], [["[bold]b\x07[/bold]"]])
    assert "[red]t [31m" in text
    assert "[bold]b [/bold]" in text
