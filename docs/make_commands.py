"""Write docs/commands.md: what every command says of itself.

    python docs/make_commands.py

A test compares the file with the commands.
"""

from __future__ import annotations

from pathlib import Path

import click
from click.testing import CliRunner

from segue.cli import cli

INTRODUCTION = """\
# Commands

What each command says with `--help`. Results go to standard output, everything else to standard
error; an error is one sentence and exit status 1, a mistake in the command line exit status 2.
"""


def reference() -> str:
    """The whole page."""
    sections = [INTRODUCTION]
    for name in cli.commands:
        sections += _sections(cli.commands[name], name)
    return "\n".join(sections)


def _sections(command: click.Command, *names: str) -> list[str]:
    """What a command says of itself, then what its subcommands do."""
    arguments = [*names, "--help"]
    text = CliRunner().invoke(cli, arguments, prog_name="segue", terminal_width=80).output
    sections = [f"## segue {' '.join(names)}\n\n```text\n{text}```\n"]
    if isinstance(command, click.Group):
        for name, subcommand in command.commands.items():
            sections += _sections(subcommand, *names, name)
    return sections


if __name__ == "__main__":
    Path(__file__).with_name("commands.md").write_text(reference(), encoding="utf-8")
