"""The house's two rules on imports, read from the source, and how light `import segue` is."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

import segue

SOURCE = Path(segue.__file__).parent
# A room imports from itself and from rooms before it.
ROOMS = (
    "console", "errors", "extras", "memory", "machine", "files", "arrays", "engine", "data",
    "synthetic", "graph", "metrics", "names", "bundle", "scoring", "evaluation", "baselines",
    "recommend", "challenge", "updating", "pictures", "models", "training", "pipeline",
    "comparison", "service", "cli", "__main__",
)  # fmt: skip
TORCH_ROOMS = {"models", "training", "pipeline", "comparison"}
TORCH = {"torch", "torch_geometric"}
# Loaded late everywhere, so that only who draws waits for them.
DRAWING = {"matplotlib", "networkx", "umap"}
# Where torch may be imported late, inside a function.
LATE_TORCH = {("graph/playlist_graph.py", "to_hetero_data")}
MODULES = sorted(SOURCE.rglob("*.py"))


class Import(NamedTuple):
    module: str
    line: int
    function: str | None  # the function around it, None at module level


def read_imports(tree: ast.AST, function: str | None = None) -> Iterator[Import]:
    """Every import that runs; `if TYPE_CHECKING:` does not."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno, function)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import in line {node.lineno}"
            if node.module == "segue":  # `from segue import metrics`
                for alias in node.names:
                    yield Import(f"segue.{alias.name}", node.lineno, function)
            else:
                yield Import(str(node.module), node.lineno, function)
        elif isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            yield from read_imports(ast.Module(node.orelse, []), function)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from read_imports(node, getattr(node, "name", "lambda"))
        else:
            yield from read_imports(node, function)


def room_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


@cache  # every module is asked for by each one that loads it
def imports_of(path: Path) -> list[Import]:
    return list(read_imports(ast.parse(path.read_text(encoding="utf-8"))))


def name(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


def test_every_module_stands_in_a_known_room():
    rooms = {room_of(path) for path in MODULES}
    assert rooms - {"__init__"} == set(ROOMS)


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_room_imports_only_from_rooms_above(path):
    room = room_of(path)
    if room == "__init__":
        loaded = {found.module for found in imports_of(path) if found.function is None}
        assert loaded == {"__future__", "importlib", "typing"}, "`import segue` loads nothing"
        return
    allowed = {*ROOMS[: ROOMS.index(room) + 1], "__init__"}
    wrong = []
    for found in imports_of(path):
        parts = found.module.split(".")
        if parts[0] != "segue":
            continue
        target = parts[1] if len(parts) > 1 else "__init__"
        if target not in allowed:
            wrong.append(f"line {found.line}: {found.module}")
    assert not wrong, f"{name(path)} ({room}) imports from a room below: {wrong}"


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_only_rooms_that_train_import_torch(path):
    wrong = [
        f"line {found.line}: {found.module}"
        for found in imports_of(path)
        if (found.module.split(".")[0] in TORCH or found.module.startswith("safetensors.torch"))
        and room_of(path) not in TORCH_ROOMS
        and (name(path), found.function) not in LATE_TORCH
    ]
    assert not wrong, f"{name(path)} imports torch: {wrong}"


def test_no_modules_import_one_another_in_a_circle():
    """Late imports and those for types count, too: they tie modules as much as others do.

    The package's face does not: it names everything, and is asked for its version.
    """
    names = {module_name(path): path for path in MODULES if room_of(path) != "__init__"}
    imported = {name: targets_of(path, set(names)) - {name} for name, path in names.items()}
    # Whatever imports nothing that is left is in no circle.
    while free := {name for name, targets in imported.items() if not targets & imported.keys()}:
        imported = {name: targets for name, targets in imported.items() if name not in free}
    assert not imported, f"in circles, or above one: {sorted(imported)}"


def module_name(path: Path) -> str:
    """As an import names it, a package by its folder."""
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def targets_of(path: Path, names: set[str]) -> set[str]:
    """The modules that one imports anywhere, under `if TYPE_CHECKING:` included."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            submodules = {f"{node.module}.{alias.name}" for alias in node.names} & names
            found |= submodules or {str(node.module)}
    return found & names


def loaded_with(path: Path) -> set[Path]:
    """The modules of segue that importing one loads: itself, and theirs in turn."""
    loaded: set[Path] = set()
    waiting = [path]
    while waiting:
        module = waiting.pop()
        if module in loaded:
            continue
        loaded.add(module)
        for found in imports_of(module):
            if found.function is None and found.module.split(".")[0] == "segue":
                place = SOURCE.joinpath(*found.module.split(".")[1:])
                files = (place.with_suffix(".py"), place / "__init__.py")
                waiting += [file for file in files if file.is_file()]
                parents = [p / "__init__.py" for p in place.parents if p.is_relative_to(SOURCE)]
                waiting += [file for file in parents if file.is_file()]
    return loaded


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_no_module_without_torch_loads_one_with_it(path):
    """What needs torch is imported late, inside a function."""
    if room_of(path) in TORCH_ROOMS:
        return
    wrong = {
        name(module): found.line
        for module in loaded_with(path)
        for found in imports_of(module)
        if found.function is None and found.module.split(".")[0] in TORCH
    }
    assert not wrong, f"importing {name(path)} loads torch by {wrong}"


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_what_draws_is_imported_late_and_by_pictures_alone(path):
    drawing = [f for f in imports_of(path) if f.module.split(".")[0] in DRAWING]
    assert all(found.function is not None for found in drawing)
    assert not drawing or room_of(path) == "pictures"


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_no_check_is_an_assert(path):
    """`python -O` would take it away."""
    tree = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    assert [node.lineno for node in tree if isinstance(node, ast.Assert)] == []


def test_the_reader_of_imports_sees_what_it_should():
    """The rules above are worth no more than the reader."""
    tree = ast.parse(
        "import a.b\nfrom c import d\nfrom segue import e\n"
        "if TYPE_CHECKING:\n    import hidden\nelse:\n    import shown\n"
        "try:\n    import f\nexcept ImportError:\n    import g\n"
        "class C:\n    import h\n    def m(self):\n        import i\n"
        "        def inner():\n            import j\n"
    )
    found = [(entry.module, entry.function) for entry in read_imports(tree)]
    at_module_level = ["a.b", "c", "segue.e", "shown", "f", "g", "h"]
    assert found == [(module, None) for module in at_module_level] + [("i", "m"), ("j", "inner")]


LIGHT = {
    "import segue": "import segue",
    "recommender": "import segue.recommend.recommender, segue.recommend.export",
    "graph": "import segue.graph.split, segue.synthetic.sample, segue.metrics",
    "service": "import segue.service.server, segue.service.app",
    "pictures": "import segue.pictures.compose, segue.pictures.save, segue.pictures.plots",
    "help": (
        "from segue.cli import main\n"
        "for command in ([], ['build'], ['train'], ['evaluate'], ['vibe'], ['demo'], ['draw'],\n"
        "                ['serve'], ['draw', 'map']):\n"
        "    main([*command, '--help'])"
    ),
    "usage error": (
        "from segue.cli import main\ntry:\n    main(['train'])\nexcept SystemExit:\n    pass"
    ),
}


@pytest.mark.parametrize("case", LIGHT)
def test_torch_is_not_loaded(case):
    heavy = sorted(
        TORCH | DRAWING | ({"scipy", "pyarrow"} if case in ("import segue", "help") else set())
    )
    program = (
        f"{LIGHT[case]}\nimport sys\nprint('LOADED', [m for m in {heavy} if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.splitlines()[-1] == "LOADED []"


def test_a_recommender_does_without_scipy_until_it_is_asked():
    """Whoever looks a name up does not wait for it."""
    program = (
        "import segue.recommend.recommender, sys\n"
        "print('LOADED', [m for m in ('scipy.sparse', 'scipy.linalg', 'segue.data.formats') "
        "if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.splitlines()[-1] == "LOADED []"
