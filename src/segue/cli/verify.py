"""`segue verify`: is a graph or bundle whole, and what made it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from segue.cli.output import print_json, print_table
from segue.console import count, printable


@click.command(short_help="Is a graph or bundle whole, and what made it?")
@click.argument("artefact", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON document instead of tables.")
def verify(artefact: Path, as_json: bool) -> None:
    """Check all of ARTEFACT, a graph or a bundle, and show what it was made with.

    Every file is compared with its checksum, the manifest with its own, and the structure of
    everything in them is checked. If anything is wrong, a sentence says so, and the exit status is
    1.

    Checksums reveal damage, not deceit: whoever changes a file can change them, too. If the maker
    of ARTEFACT gave you its checksum, compare it with the one shown: if they agree, nobody else has
    changed anything. Opening a stranger's bundle is safe all the same: SECURITY.md in the source
    says what is promised.
    """
    from segue.recommend.verify import verify as verified

    found = verified(artefact)
    if as_json:
        print_json(found.to_json())
        return
    size = f"{found.num_bytes / 1e6:,.1f} MB"
    click.echo(printable(f"{artefact}: a whole {found.kind}, as it was written"))
    click.echo(printable(f"{found.holds}, {count(found.num_files, 'file')}, {size}"))
    click.echo(f"Checksum {found.checksum}")
    print_table("Made with", ["", ""], list(_lines(found.made_with)))
    print_table("Made from", ["", ""], list(_lines(found.made_from)))
    for name in found.unlisted:
        click.echo(printable(f"{name}: not part of this {found.kind}, so not checked"), err=True)


def _lines(facts: dict[str, Any], within: str = "") -> list[list[str]]:
    """A line for each fact, those of nested ones after their place: ``split.recipe.kind``."""
    lines = []
    for name, value in facts.items():
        if isinstance(value, dict):
            lines += _lines(value, f"{within}{name}.")
        else:
            lines.append([f"{within}{name}", str(value)])
    return lines
