"""Rules of the house that a glance at the source can check."""

import ast
import runpy
from pathlib import Path

import pytest

import minidit

PACKAGE = Path(minidit.__file__).parent
EVERY_FILE = sorted(PACKAGE.rglob("*.py"))
NETWORK = [path for path in EVERY_FILE if path.parent.name in ("layers", "models", "diffusion", "training")]
# From top to bottom. A file imports from its own floor and those below it.
FLOORS = """
cli commands
course experiments figures gpu benchmark interop presets gradient_check
training evaluation generation
diffusion models layers
files
worksheet_text worksheet
reference
world
backend errors
""".split()


def slow_calls(tree):
    """What is slow in NumPy and easily avoided: an einsum, a power with a whole exponent above 2."""
    for node in ast.walk(tree):
        if getattr(node, "attr", getattr(node, "id", None)) == "einsum":
            yield f"line {node.lineno}: einsum; write it as a matmul"
        match node:
            case ast.BinOp(left=ast.Constant(), op=ast.Pow()):
                pass  # such as 2**31, a number
            case ast.BinOp(op=ast.Pow(), right=ast.Constant(value=int(power))) if power > 2:
                yield f"line {node.lineno}: a power of {power}; multiply instead"


def float64_constants(tree):
    """What would turn a float32 network into float64: a scalar of NumPy's."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "float64":
            yield f"line {node.lineno}: np.float64(...); a Python float keeps the dtype"


def pickles(tree):
    """Imports of modules that can run foreign code when a file is read."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = {alias.name for alias in node.names} | {getattr(node, "module", None)}
            if names & {"pickle", "dill", "joblib", "shelve"}:
                yield f"line {node.lineno}: pickle"


@pytest.mark.parametrize("path", NETWORK, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_the_network_does_without_einsum_and_powers_and_float64_constants(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert not [*slow_calls(tree), *float64_constants(tree)]


def test_nothing_is_pickled():
    found = [(path.name, *pickles(ast.parse(path.read_text(encoding="utf-8")))) for path in EVERY_FILE]
    assert [entry for entry in found if len(entry) > 1] == []


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        ("y = np.einsum('ij,jk->ik', a, b)", slow_calls),
        ("from numpy import einsum\ny = einsum('i,i', a, b)", slow_calls),
        ("y = 0.5 * u**3", slow_calls),
        ("k = np.float64(0.044715)", float64_constants),
        ("import pickle", pickles),
        ("from joblib import load", pickles),
    ],
)
def test_each_rule_catches_what_it_is_for(code, rule):
    assert len(list(rule(ast.parse(code)))) == 1


def test_what_is_allowed_passes():
    code = "y = x**0.5 + x**2 + b1**step + 2**31\nz = np.zeros(3, np.float64)"
    assert not [*slow_calls(ast.parse(code)), *float64_constants(ast.parse(code))]


def imports_of(tree):
    """The sub-packages and files of minidit that a file imports, inside functions too, by their first name."""
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module="minidit"):
                names = [f"minidit.{alias.name}" for alias in node.names]
            case ast.Import() | ast.ImportFrom(level=0):
                names = names_imported_by(node)
            case _:
                continue
        yield from (name.split(".")[1] for name in names if name.startswith("minidit."))


def floor_of(path):
    """The sub-package that a file is in, or the file's own name."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def upward(path, tree):
    """What a file imports from above its floor. A file that this package doesn't know counts as above."""
    below = FLOORS[FLOORS.index(floor_of(path)) :]
    return {name for name in imports_of(tree) if name not in below}


def test_imports_run_downward_only():
    inside = [path for path in EVERY_FILE if path.name not in ("__init__.py", "__main__.py") or path.parent != PACKAGE]
    found = {
        (path.relative_to(PACKAGE).as_posix(), name)
        for path in inside
        for name in upward(path, ast.parse(path.read_text(encoding="utf-8")))
    }
    assert found == set()


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("from minidit.training.settings import DiffusionTraining", {"training"}),
        ("def f():\n    from minidit.generation import studio", {"generation"}),
        ("import minidit.cli", {"cli"}),
        ("from minidit import figures, world", {"figures"}),
        ("from minidit.layers import linear_forward\nimport minidit\nimport numpy.random", set()),
    ],
)
def test_an_import_that_runs_upward_is_found(code, expected):
    assert upward(PACKAGE / "models" / "dit.py", ast.parse(code)) == expected


def test_no_import_is_relative_so_that_none_escapes():
    for path in EVERY_FILE:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            assert not isinstance(node, ast.ImportFrom) or node.level == 0, path


def test_pytorch_is_imported_by_the_benchmark_alone():
    importing = {
        path.parent.name
        for path in EVERY_FILE
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        and any(name.partition(".")[0] == "torch" for name in names_imported_by(node))
    }
    assert importing == {"benchmark"}


def names_imported_by(node):
    """The modules that an import statement names."""
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]


def test_the_world_knows_nothing_of_the_model():
    for path in (PACKAGE / "world").rglob("*.py"):
        assert set(imports_of(ast.parse(path.read_text(encoding="utf-8")))) <= {"world", "errors"}, path


def test_what_is_called_slow_is_there():
    tests = Path(__file__).parent
    slow = runpy.run_path(str(tests / "conftest.py"))["SLOW"]
    assert [path for path in slow if not (tests / path).exists()] == []
