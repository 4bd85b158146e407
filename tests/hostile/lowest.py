"""The lowest versions that pyproject.toml allows, one requirement a line.

python tests/hostile/lowest.py EXTRA … > requirements.txt
"""

import re
import sys
from pathlib import Path

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"


def requirements(extras: list[str]) -> list[str]:
    """``numpy==1.26`` for ``numpy>=1.26``, of the base install and some extras."""
    # Not parsed as TOML: Python 3.10 has no parser for it.
    text = PYPROJECT.read_text(encoding="utf-8")
    lists = [re.search(r"^dependencies = \[(.*?)^\]", text, re.M | re.S)]
    lists += [re.search(rf"^{extra} = \[(.*?)\]", text, re.M | re.S) for extra in extras]
    quoted = [line for found in lists if found for line in re.findall(r'"([^"]+)"', found[1])]
    return sorted({re.sub(r"^([\w.-]+)>=([\w.]+)(?:,<\w+)?", r"\1==\2", line) for line in quoted})


if __name__ == "__main__":
    print("\n".join(requirements(sys.argv[1:])))
