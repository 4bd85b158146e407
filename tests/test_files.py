"""Atomic files and folders, what may be replaced, and what a manifest check refuses."""

import errno
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from segue import files
from segue.errors import ArtefactError, InputError, ResourceError
from segue.files import (
    FORMAT_VERSION,
    MANIFEST,
    atomic_artefact,
    atomic_file,
    manifest_checksum,
    read_manifest,
    refuse_existing,
    scratch_folder,
    sha256_of,
    write_json,
)

INSIDE = ("data.txt", "empty.bin", MANIFEST)


def write_artefact(path: Path, text: str = "content", *, overwrite: bool = False) -> None:
    with atomic_artefact(path, "graph", overwrite=overwrite) as writer:
        (writer.folder / "data.txt").write_text(text, encoding="utf-8")
        (writer.folder / "empty.bin").write_bytes(b"")
        writer.content["options"] = {"k_core": 10}


def tree(folder: Path) -> dict[str, bytes | None]:
    """Everything under a folder, hidden files too."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


class BoomError(Exception):
    pass


def write_file_and_raise(path: Path, error: BaseException) -> None:
    with atomic_file(path) as temporary:
        temporary.write_bytes(b"newer")
        raise error


def write_artefact_and_raise(path: Path, error: BaseException) -> None:
    with atomic_artefact(path, "graph", overwrite=True) as writer:
        (writer.folder / "data.txt").write_text("newer", encoding="utf-8")
        raise error


class TestAtomicFile:
    def test_writes_and_replaces(self, tmp_path):
        path = tmp_path / "file.txt"
        for text in ("one", "two"):
            with atomic_file(path) as temporary:
                assert temporary.parent == tmp_path, "a rename is atomic within a folder only"
                temporary.write_text(text, encoding="utf-8")
        assert tree(tmp_path) == {"file.txt": b"two"}

    def test_path_is_not_there_before_the_end(self, tmp_path):
        path = tmp_path / "file.txt"
        with atomic_file(path) as temporary:
            temporary.write_text("half", encoding="utf-8")
            assert not path.exists()

    @pytest.mark.parametrize("older", [None, b"older"])
    @pytest.mark.parametrize("error", [BoomError, KeyboardInterrupt])
    def test_an_exception_leaves_everything_as_it_was(self, tmp_path, older, error):
        path = tmp_path / "file.txt"
        if older is not None:
            path.write_bytes(older)
        before = tree(tmp_path)
        with pytest.raises(error):
            write_file_and_raise(path, error())
        assert tree(tmp_path) == before

    def test_an_oserror_becomes_an_artefact_error_that_names_the_path(self, tmp_path):
        path = tmp_path / "file.txt"
        path.write_bytes(b"older")
        with pytest.raises(ArtefactError, match=r"file\.txt: .*No space left"):
            write_file_and_raise(path, OSError(28, "No space left on device"))
        assert tree(tmp_path) == {"file.txt": b"older"}

    def test_nothing_written_is_an_error(self, tmp_path):
        with pytest.raises(ArtefactError, match=r"file\.txt"), atomic_file(tmp_path / "file.txt"):
            pass
        assert tree(tmp_path) == {}

    def test_other_errors_of_segue_pass_through(self, tmp_path):
        with pytest.raises(InputError, match="mine"), atomic_file(tmp_path / "file.txt"):
            raise InputError("mine")

    def test_no_folder(self, tmp_path):
        path = tmp_path / "missing" / "file.txt"
        with pytest.raises(ArtefactError, match=r"missing/file\.txt.*no folder"), atomic_file(path):
            pass

    def test_a_folder_in_the_way(self, tmp_path):
        (tmp_path / "file.txt" / "inner").mkdir(parents=True)
        with (
            pytest.raises(ArtefactError, match=r"file\.txt"),
            atomic_file(tmp_path / "file.txt") as t,
        ):
            t.write_bytes(b"")
        assert tree(tmp_path) == {"file.txt": None, "file.txt/inner": None}

    def test_write_json(self, tmp_path):
        path = tmp_path / "x.json"
        write_json(path, {"b": 1, "a": "Ω"})
        assert path.read_bytes() == '{\n  "b": 1,\n  "a": "Ω"\n}\n'.encode()
        for wrong in (float("nan"), {"x": Path()}):
            with pytest.raises((ValueError, TypeError)):
                write_json(path, wrong)
            assert json.loads(path.read_text(encoding="utf-8")) == {"b": 1, "a": "Ω"}
        assert len(tree(tmp_path)) == 1

    def test_sha256(self, tmp_path):
        path = tmp_path / "x"
        content = bytes(range(256)) * 10_000  # More than one block.
        path.write_bytes(content)
        assert sha256_of(path) == hashlib.sha256(content).hexdigest()


class TestRefuseExisting:
    @pytest.mark.parametrize("overwrite", [False, True])
    def test_nothing_or_an_empty_folder_is_free(self, tmp_path, overwrite):
        refuse_existing(tmp_path / "new", "graph", overwrite=overwrite)
        refuse_existing(tmp_path, "graph", overwrite=overwrite)

    def test_an_artefact_is_replaced_only_on_demand(self, tmp_path):
        write_artefact(tmp_path / "graph")
        with pytest.raises(ArtefactError, match=r"graph: exists already; --overwrite"):
            refuse_existing(tmp_path / "graph", "graph", overwrite=False)
        refuse_existing(tmp_path / "graph", "graph", overwrite=True)

    def test_a_graph_does_not_replace_a_bundle(self, tmp_path):
        with atomic_artefact(tmp_path / "x", "bundle"):
            pass
        with pytest.raises(ArtefactError, match="x: is a Segue bundle, so no graph replaces it"):
            write_artefact(tmp_path / "x", overwrite=True)
        read_manifest(tmp_path / "x", "bundle")

    def test_nothing_else_is_ever_replaced(self, tmp_path):
        (tmp_path / "file").write_text("mine", encoding="utf-8")
        (tmp_path / "photos").mkdir()
        (tmp_path / "photos" / "cat.jpg").write_bytes(b"meow")
        before = tree(tmp_path)
        for name in ("file", "photos"):
            with pytest.raises(ArtefactError, match=f"{name}: is not a folder that Segue made"):
                write_artefact(tmp_path / name)
            with pytest.raises(ArtefactError, match=f"{name}: is not a folder that Segue made"):
                write_artefact(tmp_path / name, overwrite=True)
        assert tree(tmp_path) == before

    @pytest.mark.parametrize("manifest", ['{"name": "My web app", "icons": []}', "[]"])
    def test_a_manifest_of_another_program_makes_no_artefact(self, tmp_path, manifest):
        """Web apps and browser extensions have a manifest.json too."""
        app = tmp_path / "app"
        app.mkdir()
        (app / MANIFEST).write_text(manifest, encoding="utf-8")
        (app / "source.js").write_text("years of work", encoding="utf-8")
        before = tree(tmp_path)
        with pytest.raises(ArtefactError, match="app: is not a folder that Segue made"):
            write_artefact(app, overwrite=True)
        assert tree(tmp_path) == before


class TestAtomicArtefact:
    def test_manifest(self, tmp_path):
        path = tmp_path / "deep" / "graph"
        write_artefact(path, "Ω")
        manifest = read_manifest(path, "graph")
        assert manifest == json.loads((path / MANIFEST).read_text(encoding="utf-8"))
        assert manifest["kind"] == "graph"
        assert manifest["format_version"] == FORMAT_VERSION
        assert manifest["options"] == {"k_core": 10}
        assert manifest["files"] == {
            "data.txt": {"bytes": 2, "sha256": hashlib.sha256("Ω".encode()).hexdigest()},
            "empty.bin": {"bytes": 0, "sha256": hashlib.sha256(b"").hexdigest()},
        }
        assert [p.name for p in path.parent.iterdir()] == ["graph"]
        assert path.stat().st_mode & 0o777 == 0o755

    def test_replaces_all_of_an_older_one(self, tmp_path):
        path = tmp_path / "graph"
        with atomic_artefact(path, "graph") as writer:
            (writer.folder / "only-in-the-older.txt").write_text("", encoding="utf-8")
        write_artefact(path, overwrite=True)
        assert sorted(tree(tmp_path)) == [
            "graph",
            "graph/data.txt",
            "graph/empty.bin",
            f"graph/{MANIFEST}",
        ]

    @pytest.mark.parametrize("error", [BoomError, KeyboardInterrupt])
    @pytest.mark.parametrize("older", [True, False])
    def test_an_exception_leaves_everything_as_it_was(self, tmp_path, older, error):
        path = tmp_path / "graph"
        if older:
            write_artefact(path, "older")
        before = tree(tmp_path)
        with pytest.raises(error):
            write_artefact_and_raise(path, error())
        with pytest.raises(ArtefactError, match=r"graph: .*No space left"):
            write_artefact_and_raise(path, OSError(28, "No space left on device"))
        assert tree(tmp_path) == before

    def test_content_that_is_no_json_leaves_everything_as_it_was(self, tmp_path):
        write_artefact(tmp_path / "graph", "older")
        before = tree(tmp_path)
        with (
            pytest.raises(TypeError),
            atomic_artefact(tmp_path / "graph", "graph", overwrite=True) as writer,
        ):
            writer.content["options"] = {1, 2}
        assert tree(tmp_path) == before

    def test_what_appears_in_the_meantime_is_not_replaced(self, tmp_path):
        path = tmp_path / "graph"

        def write_two_at_once():
            with atomic_artefact(path, "graph") as writer:
                (writer.folder / "data.txt").write_text("late", encoding="utf-8")
                write_artefact(path, "first")

        with pytest.raises(ArtefactError, match="exists already"):
            write_two_at_once()
        assert (path / "data.txt").read_text(encoding="utf-8") == "first"
        assert [p.name for p in tmp_path.iterdir()] == ["graph"]

    def test_there_is_a_whole_one_at_every_moment(self, tmp_path, monkeypatch):
        path = tmp_path / "graph"
        write_artefact(path, "older")
        missing = []

        def watch(module, name):
            inner = getattr(module, name)

            def watched(*args):
                done = inner(*args)
                missing.append(not (path / MANIFEST).exists())
                return done

            monkeypatch.setattr(module, name, watched)

        watch(Path, "rename")
        watch(files, "_exchange")
        watch(files, "_remove")
        write_artefact(path, "newer", overwrite=True)
        assert missing
        if sys.platform == "linux":
            assert not any(missing)
        assert sorted(tree(tmp_path)) == ["graph", *(f"graph/{name}" for name in INSIDE)]

    def test_an_exchange_that_fails_leaves_the_older_one(self, tmp_path, monkeypatch):
        path = tmp_path / "graph"
        write_artefact(path, "older")
        before = tree(tmp_path)

        def exchange(one, other):
            raise OSError(errno.EIO, os.strerror(errno.EIO))

        monkeypatch.setattr(files, "_exchange", exchange)
        with pytest.raises(ArtefactError, match=r"graph: .*Input/output error"):
            write_artefact(path, "newer", overwrite=True)
        assert tree(tmp_path) == before

    def test_where_folders_cannot_be_exchanged_one_is_moved_away(self, tmp_path, monkeypatch):
        path = tmp_path / "graph"
        write_artefact(path, "older")
        monkeypatch.setattr(files, "_exchange", lambda one, other: False)
        write_artefact(path, "newer", overwrite=True)
        assert (path / "data.txt").read_text(encoding="utf-8") == "newer"
        assert [p.name for p in tmp_path.iterdir()] == ["graph"]

    def test_a_rename_that_fails_brings_the_older_one_back(self, tmp_path, monkeypatch):
        path = tmp_path / "graph"
        write_artefact(path, "older")
        before = tree(tmp_path)
        rename, failures = Path.rename, []
        monkeypatch.setattr(files, "_exchange", lambda one, other: False)

        def fail_into_place(source, target):
            if Path(target) == path and not failures:
                failures.append(source)
                raise PermissionError(13, "Permission denied")
            return rename(source, target)

        monkeypatch.setattr(Path, "rename", fail_into_place)
        with pytest.raises(ArtefactError, match=r"graph: .*Permission denied"):
            write_artefact(path, "newer", overwrite=True)
        assert failures
        assert tree(tmp_path) == before

    def test_a_file_for_a_parent(self, tmp_path):
        (tmp_path / "file").write_text("", encoding="utf-8")
        with pytest.raises(ArtefactError, match="file/graph: cannot be written"):
            write_artefact(tmp_path / "file" / "graph")


# Writes into a folder and kills itself on the way; the arguments: folder, what, when.
KILLED = """
import os, signal, sys
from pathlib import Path
from segue import files

folder, what, moved = Path(sys.argv[1]), sys.argv[2], sys.argv[3] == "moved"
if what == "scratch":
    writing = files.scratch_folder("segue-test")
elif what == "file":
    writing = files.atomic_file(folder / "file.txt")
else:
    writing = files.atomic_artefact(folder / "graph", "graph", overwrite=True)
if moved:
    files._exchange = lambda one, other: False
    rename = Path.rename

    def rename_and_die(source, target):
        rename(source, target)
        os.kill(os.getpid(), signal.SIGKILL)

    Path.rename = rename_and_die
with writing as place:
    place = getattr(place, "folder", place)
    place = place if what == "file" else place / "data.txt"
    place.write_text("half")
    if not moved:
        os.kill(os.getpid(), signal.SIGKILL)
"""


def kill_while_writing(folder: Path, what: str, when: str = "written") -> None:
    environment = os.environ | {"TMPDIR": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(folder), what, when], env=environment, timeout=60
    )
    assert done.returncode == -9


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL")
class TestLeftovers:
    @pytest.mark.parametrize("what", ["file", "artefact", "scratch"])
    def test_the_next_process_removes_what_a_killed_one_left(self, tmp_path, what):
        kill_while_writing(tmp_path, what)
        (left,) = tmp_path.iterdir()
        assert left.name.startswith(".")
        with atomic_file(tmp_path / "another.txt") as temporary:
            temporary.write_text("", encoding="utf-8")
        assert tree(tmp_path) == {"another.txt": b""}

    def test_one_that_was_moved_away_and_not_yet_replaced_comes_back(self, tmp_path):
        write_artefact(tmp_path / "graph", "older")
        before = tree(tmp_path)
        kill_while_writing(tmp_path, "artefact", "moved")
        assert not (tmp_path / "graph").exists()
        files._tidied.clear()  # as in a new process
        with pytest.raises(InputError), atomic_file(tmp_path / "file.txt"):
            raise InputError("it is only tidied")
        assert tree(tmp_path) == before

    def test_what_may_still_be_written_stays(self, tmp_path):
        ours, other = files._MACHINE, "0123abcd"
        parent = os.getppid()
        kept = [
            f".x.segue-{ours}-{parent}-00000000.tmp",  # of a living process
            f".x.segue-{other}-1-00000000.tmp",  # of another machine, just now
            ".x.1234.tmp",
            ".x.tmp",
            "x.segue-00000000-99999999-00000000.tmp",
        ]
        old = f".x.segue-{other}-1-11111111.tmp"
        dead = f".x.segue-{ours}-{2**22 + 1}-00000000.tmp"  # above the largest process id
        for name in [*kept, old, dead]:
            (tmp_path / name).write_text("", encoding="utf-8")
        os.utime(tmp_path / old, (0, 0))
        with atomic_file(tmp_path / "file.txt") as temporary:
            temporary.write_text("", encoding="utf-8")
            files._tidied.clear()
            with atomic_file(tmp_path / "second.txt") as second:
                second.write_text("", encoding="utf-8")
        assert sorted(tree(tmp_path)) == sorted([*kept, "file.txt", "second.txt"])

    @pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
    def test_what_a_zombie_left_is_removed(self, tmp_path):
        writer = subprocess.Popen(  # ended when its output is, and not waited for before the end
            [sys.executable, "-c", "import os; print(os.getpid(), flush=True)"],
            stdout=subprocess.PIPE,
        )
        number = int(writer.stdout.read())
        while not Path(f"/proc/{number}/stat").read_text().rpartition(") ")[2].startswith("Z"):
            time.sleep(0.01)
        (tmp_path / f".x.segue-{files._MACHINE}-{number}-00000000.tmp").write_text("half")
        with atomic_file(tmp_path / "file.txt") as temporary:
            temporary.write_text("", encoding="utf-8")
        assert tree(tmp_path) == {"file.txt": b""}
        writer.wait()

    def test_a_link_is_removed_and_not_what_it_leads_to(self, tmp_path):
        (tmp_path / "mine").mkdir()
        (tmp_path / "mine" / "photo").write_text("", encoding="utf-8")
        (tmp_path / "there").mkdir()
        link = tmp_path / "there" / f".x.segue-{files._MACHINE}-{2**22 + 1}-00000000.tmp"
        link.symlink_to(tmp_path / "mine")
        with atomic_file(tmp_path / "there" / "file") as temporary:
            temporary.write_text("", encoding="utf-8")
        assert [p.name for p in (tmp_path / "there").iterdir()] == ["file"]
        assert (tmp_path / "mine" / "photo").exists()

    def test_a_long_name_can_be_written(self, tmp_path):
        path = tmp_path / ("ä" * 120 + ".txt")
        with atomic_file(path) as temporary:
            temporary.write_text("content", encoding="utf-8")
        assert [p.name for p in tmp_path.iterdir()] == [path.name]


class TestScratchFolder:
    def test_it_is_removed_at_the_end(self, tmp_path, monkeypatch):
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        with scratch_folder("segue-test") as folder:
            assert folder.parent == tmp_path
            (folder / "x").write_text("", encoding="utf-8")
        assert tree(tmp_path) == {}

    def test_nowhere_to_write(self, tmp_path, monkeypatch):
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
        expected = r"missing: cannot hold temporary files \(No such file.*TMPDIR"
        with pytest.raises(ResourceError, match=expected), scratch_folder("segue-test"):
            pass

    def test_no_folder_for_temporary_files_at_all(self, monkeypatch):
        def nowhere():
            raise FileNotFoundError("No usable temporary directory found")

        monkeypatch.setattr(tempfile, "gettempdir", nowhere)
        expected = "no folder for temporary files can be written; TMPDIR names another"
        with pytest.raises(ResourceError, match=expected), scratch_folder("segue-test"):
            pass


class TestReadManifest:
    @pytest.fixture
    def graph(self, tmp_path) -> Path:
        write_artefact(tmp_path / "graph")
        return tmp_path / "graph"

    def test_no_folder(self, tmp_path):
        with pytest.raises(ArtefactError, match=r"nowhere: there is no such folder.*Segue graph"):
            read_manifest(tmp_path / "nowhere", "graph")

    def test_a_file(self, graph):
        with pytest.raises(ArtefactError, match=r"data\.txt: there is no such folder"):
            read_manifest(graph / "data.txt", "graph")

    def test_no_manifest(self, tmp_path):
        with pytest.raises(ArtefactError, match=rf"has no {MANIFEST}.*Segue graph"):
            read_manifest(tmp_path, "graph")

    def test_another_kind(self, graph):
        with pytest.raises(ArtefactError, match="graph: is a Segue graph, expected a bundle"):
            read_manifest(graph, "bundle")

    @pytest.mark.parametrize("version", [2, FORMAT_VERSION + 1, "3", None])
    def test_another_version(self, graph, version):
        """Those before the third have no checksum."""
        content = json.loads((graph / MANIFEST).read_text(encoding="utf-8"))
        del content["checksum"]
        content["format_version"] = version
        for later in ({}, {"checksum": manifest_checksum(content)}):
            write_json(graph / MANIFEST, content | later)
            with pytest.raises(ArtefactError, match=f"is of format {version}, .* make the graph"):
                read_manifest(graph, "graph")

    @pytest.mark.parametrize("verify", [True, False])
    @pytest.mark.parametrize(
        "change",
        [
            {"options": {"k_core": 11}},
            {"kind": "bundle"},
            {"format_version": 2},
            {"made_with": {}},
            {"more": 1},
            {"checksum": None},
            {"checksum": "0" * 64},
        ],
    )
    def test_the_manifest_covers_itself(self, graph, verify, change):
        content = json.loads((graph / MANIFEST).read_text(encoding="utf-8"))
        write_json(graph / MANIFEST, content)
        read_manifest(graph, "graph", verify=verify)
        write_json(graph / MANIFEST, content | change)
        with pytest.raises(ArtefactError, match=f"{MANIFEST}: is not as it was written"):
            read_manifest(graph, "graph", verify=verify)
        del content["checksum"]
        write_json(graph / MANIFEST, content)
        with pytest.raises(ArtefactError, match=f"{MANIFEST}: is not as it was written"):
            read_manifest(graph, "graph", verify=verify)

    def test_how_it_is_spaced_does_not_matter(self, graph):
        content = json.loads((graph / MANIFEST).read_text(encoding="utf-8"))
        (graph / MANIFEST).write_text(json.dumps(content, sort_keys=True), encoding="utf-8")
        assert read_manifest(graph, "graph") == content

    @pytest.mark.parametrize(
        "name", ["../secret", "/etc/passwd", "", ".", "a/../../b", "c:\\x", "x\0y", "..\\up"]
    )
    def test_files_elsewhere_are_not_looked_at(self, graph, name):
        (graph.parent / "secret").write_text("mine", encoding="utf-8")
        content = json.loads((graph / MANIFEST).read_text(encoding="utf-8"))
        facts = {"bytes": 4, "sha256": hashlib.sha256(b"mine").hexdigest()}
        content["files"][name] = facts
        write_json(graph / MANIFEST, content | {"checksum": manifest_checksum(content)})
        with pytest.raises(ArtefactError, match="names a file outside its folder"):
            read_manifest(graph, "graph")

    @pytest.mark.parametrize("verify", [True, False])
    def test_a_missing_file(self, graph, verify):
        (graph / "empty.bin").unlink()
        with pytest.raises(ArtefactError, match=r"empty\.bin: is missing"):
            read_manifest(graph, "graph", verify=verify)

    def test_a_changed_byte(self, graph):
        (graph / "data.txt").write_text("Content", encoding="utf-8")
        with pytest.raises(ArtefactError, match=r"data\.txt: is not as it was written"):
            read_manifest(graph, "graph")
        read_manifest(graph, "graph", verify=False)

    @pytest.mark.parametrize("verify", [True, False])
    def test_another_size(self, graph, verify):
        (graph / "data.txt").write_text("conten", encoding="utf-8")
        with pytest.raises(ArtefactError, match=r"data\.txt: is not as it was written"):
            read_manifest(graph, "graph", verify=verify)

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"{",
            b"\xff{}",
            b"[]",
            b"null",
            b"3",
            b"{}",
            b'{"kind": "graph", "format_version": 1}',
            b'{"kind": "graph", "files": {}}',
            b'{"format_version": 1, "files": {}}',
            b'{"kind": "graph", "format_version": 1, "files": []}',
            b'{"kind": "graph", "format_version": 1, "files": {"data.txt": {}}}',
            b'{"kind": "graph", "format_version": 1, "files": {"data.txt": {"bytes": "x"}}}',
            b'{"kind": "graph", "format_version": 3, "files": {}, "x": NaN}',
            b'{"kind": "graph", "format_version": 3, "files": {}, "x": 1e999}',
            b'{"kind": "graph", "format_version": 3, "files": {}, "x": "\\ud800"}',
            b'{"kind": "graph", "format_version": ' + b"9" * 5000 + b', "files": {}}',
            b"[" * 100_000,
            b'{"files":' * 100_000,
            '{"kind": "graph", "format_version": 3, "files": {}}'.encode("utf-16"),
        ],
    )
    def test_not_a_manifest(self, graph, content):
        (graph / MANIFEST).write_bytes(content)
        with pytest.raises(ArtefactError, match=f"{MANIFEST}: is not the manifest"):
            read_manifest(graph, "graph")
