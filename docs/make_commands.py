"""Write docs/commands.md: what every command says of itself.

    python docs/make_commands.py

A test compares the file with the commands.
"""

from __future__ import annotations

from pathlib import Path

import click

from segue.cli import cli

INTRODUCTION = """\
# Commands

What each command says with `--help`. Results go to standard output, everything else to standard
error; an error is one sentence and exit status 1, a mistake in the command line exit status 2.
"""


def reference() -> str:
    """The whole page."""
    sections = [INTRODUCTION]
    with click.Context(cli, info_name="segue") as top:
        for name in cli.list_commands(top):
            command = cli.commands[name]
            context = click.Context(command, info_name=name, parent=top, max_content_width=80)
            context.terminal_width = 80
            sections.append(f"## segue {name}\n\n```text\n{command.get_help(context)}\n```\n")
    return "\n".join(sections)


if __name__ == "__main__":
    Path(__file__).with_name("commands.md").write_text(reference(), encoding="utf-8")
