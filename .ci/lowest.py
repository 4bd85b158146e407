"""Constraints that hold what Segue runs with at the lowest versions that pyproject.toml allows.

    python .ci/lowest.py > lowest.txt

A line for each requirement of the base install and of the extras that people install: numpy==1.26
for numpy>=1.26. PyTorch is left out: constraints.txt names its version.
"""

import re
from pathlib import Path

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    from pip._vendor import tomli as tomllib

# Ray is not among what the tests install.
LEFT_OUT = {"docs", "test", "all", "ray"}


def lowest() -> list[str]:
    """The constraints, in order of the alphabet."""
    text = Path(__file__).parents[1].joinpath("pyproject.toml").read_text(encoding="utf-8")
    project = tomllib.loads(text)["project"]
    required = list(project["dependencies"])
    for extra, requirements in project["optional-dependencies"].items():
        required += [] if extra in LEFT_OUT else requirements
    found = {}
    for requirement in required:
        name, version = re.fullmatch(r"([\w.-]+)>=([\w.]+)(?:[,;].*)?", requirement).groups()
        found[name] = f"{name}=={version}"
    del found["torch"]
    return sorted(found.values())


if __name__ == "__main__":
    print("\n".join(lowest()))
