"""Write docs/commands.md: what every command says of itself.

    python docs/make_commands.py

A test compares the file with the commands.
"""

from __future__ import annotations

from pathlib import Path

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
        text = (
            CliRunner().invoke(cli, [name, "--help"], prog_name="segue", terminal_width=80).output
        )
        sections.append(f"## segue {name}\n\n```text\n{text}```\n")
    return "\n".join(sections)


if __name__ == "__main__":
    Path(__file__).with_name("commands.md").write_text(reference(), encoding="utf-8")
