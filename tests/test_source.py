"""Rules of the house that a glance at the source can check."""

import ast
from pathlib import Path

import pytest

import minidit

PACKAGE = Path(minidit.__file__).parent
EVERY_FILE = sorted(PACKAGE.rglob("*.py"))
NETWORK = [path for path in EVERY_FILE if path.parent.name in ("layers", "models", "diffusion", "training")]
FLOORS = [
    "backend", "layers", "models", "diffusion", "training",
    "studio", "benchmark", "figures", "course", "commands", "cli",
]  # fmt: skip


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


def imports_of(path):
    """The sub-packages and files of minidit that a file imports, by their first name."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("minidit."):
            yield node.module.split(".")[1]


@pytest.mark.parametrize("floor", FLOORS[:5])
def test_imports_run_downward_only(floor):
    above = set(FLOORS[FLOORS.index(floor) + 1 :])
    for path in (PACKAGE / floor).rglob("*.py"):
        assert not above & set(imports_of(path)), path


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
        assert set(imports_of(path)) <= {"world", "errors"}, path
