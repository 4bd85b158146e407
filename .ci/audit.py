"""Known faults in the libraries that are installed, by pip-audit, which asks PyPI.

    python .ci/audit.py

Ends with status 0 if nothing is known against any, 1 if something is, and 2 with a sentence if
PyPI's answers cannot be had: then nothing was audited. pip-audit by itself counts a package of
which it learned nothing as one without faults.
"""

import json
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

AUDIT = [sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off"]


class NotAuditedError(Exception):
    """Why nothing is known."""


def audited(*options: str) -> list[dict[str, Any]]:
    """What pip-audit says of each package."""
    done = subprocess.run([*AUDIT, *options], capture_output=True, text=True, check=False)
    try:
        found = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        lines = done.stderr.strip().splitlines() or [f"pip-audit ended with {done.returncode}"]
        raise NotAuditedError(lines[-1]) from None
    if all("skip_reason" in package for package in found):
        raise NotAuditedError(found[0]["skip_reason"] if found else "nothing is installed")
    return list(found)


def main() -> int:
    """The status."""
    try:
        # One package first: where there is no network, each would wait for its time to run out.
        with tempfile.TemporaryDirectory() as folder:
            one = Path(folder) / "one.txt"
            one.write_text(f"numpy=={version('numpy')}\n", encoding="utf-8")
            audited("--requirement", str(one), "--no-deps", "--disable-pip")
        found = audited("--local", "--skip-editable")
    except NotAuditedError as error:
        print(f"Not audited: PyPI does not say what is known of packages here ({error})")
        return 2
    skipped = [package for package in found if "skip_reason" in package]
    faulty = [package for package in found if package.get("vulns")]
    for package in skipped:
        print(f"{package['name']}: not audited ({package['skip_reason']})")
    for package in faulty:
        for fault in package["vulns"]:
            mended = ", ".join(fault["fix_versions"]) or "no version yet"
            print(f"{package['name']} {package['version']}: {fault['id']}, mended in {mended}")
    print(f"{len(found) - len(skipped)} packages audited, {len(faulty)} with known faults")
    return int(bool(faulty))


if __name__ == "__main__":
    sys.exit(main())
