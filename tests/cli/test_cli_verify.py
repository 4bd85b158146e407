"""`segue verify`: everything is looked at, and what made it is said."""

import json
from pathlib import Path

import pytest

import segue
from segue.errors import ArtefactError

PARTS = {"segue", "python", "numpy", "system", "processor"}


@pytest.fixture
def artefacts(small_graph, small_bundle, tmp_path) -> Path:
    small_graph.save(tmp_path / "graph")
    small_bundle.save(tmp_path / "bundle")
    return tmp_path


@pytest.mark.parametrize("kind", ["graph", "bundle"])
def test_a_whole_one_and_what_made_it(run, artefacts, kind):
    status, out, err = run("verify", artefacts / kind)
    assert (status, err) == (0, "")
    assert f"a whole {kind}, as it was written" in out
    assert segue.__version__ in out
    stated = json.loads((artefacts / kind / "manifest.json").read_text())["checksum"]
    assert f"Checksum {stated}\n" in out
    status, out, _ = run("verify", artefacts / kind, "--json")
    found = json.loads(out)
    assert (status, found["kind"], found["unlisted"]) == (0, kind, [])
    assert found["made_with"].keys() >= PARTS
    assert found == segue.verify(artefacts / kind).to_json()
    assert ("source" if kind == "graph" else "split") in found["made_from"]


@pytest.mark.parametrize("kind", ["graph", "bundle"])
def test_any_file_that_is_damaged_is_named(run, artefacts, kind):
    for path in sorted((artefacts / kind).iterdir()):
        content = path.read_bytes()
        path.write_bytes(content[:-3] if content else b"x")
        status, out, err = run("verify", artefacts / kind)
        assert (status, out, err.count("\n")) == (1, "", 1)
        assert path.name in err
        path.write_bytes(content)
    assert run("verify", artefacts / kind)[0] == 0


def test_what_does_not_belong_to_it_is_named_without_its_control_characters(run, artefacts):
    (artefacts / "bundle" / "notes\x1b[2J.txt").write_text("mine")
    status, out, err = run("verify", artefacts / "bundle")
    assert status == 0
    assert "a whole bundle" in out
    assert err == "notes [2J.txt: not part of this bundle, so not checked\n"


def test_what_is_no_artefact(run, tmp_path):
    for name in ("missing", "."):
        status, out, err = run("verify", tmp_path / name)
        assert (status, out) == (1, "")
        assert "expected a Segue graph or bundle" in err
    with pytest.raises(ArtefactError):
        segue.verify(tmp_path)
