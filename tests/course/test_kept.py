"""The code of what passed is kept, with what it uses of the notebook and nothing else."""

import linecache
import types

import numpy as np
import pytest

from minidit.course import check
from minidit.course.kept import NOTEBOOK, kept, kept_file
from minidit.course.report import WRONG

NEEDED = """\
import math
import numpy as np
from minidit import layers
from minidit.layers import linear_forward as ours

EPS = 0.0
unused = 5


def root_two_over_pi():
    return math.sqrt(2)


def mean(x):
    return x.sum(axis=1) / x.shape[1] + EPS


def row_means(x):
    return mean(x)
"""


def notebook(code, name="cell"):
    """What a notebook's cell defines, with its source where Python looks for it."""
    module = types.ModuleType(NOTEBOOK)
    linecache.cache[name] = len(code), None, code.splitlines(keepends=True), name
    exec(compile(code, name, "exec"), vars(module))
    return vars(module)


def test_a_function_is_kept_with_its_helpers_and_nothing_else():
    check.row_means(notebook(NEEDED)["row_means"])
    assert kept("row_means") == (
        "EPS = 0.0\n\n\ndef mean(x):\n    return x.sum(axis=1) / x.shape[1] + EPS\n\n\n"
        "def row_means(x):\n    return mean(x)\n"
    )


def test_what_is_kept_runs_by_itself():
    code = NEEDED.replace("return mean(x)", "return ours(mean(x), np.eye(len(x)), layers.np.zeros(1) * math.pi)[0]")
    code = code.replace("from minidit import layers", "from minidit import layers\nlayers.np = np")
    check.row_means(notebook(code)["row_means"])
    namespace = {}
    exec(kept("row_means"), namespace)
    assert np.allclose(namespace["row_means"](np.array([[1.0, 3.0], [2.0, 4.0]])), [2, 3])
    lines = kept("row_means").splitlines()
    assert {"import math", "import numpy as np", "from minidit import layers"} <= set(lines)
    assert any(line.startswith("from minidit.layers.") and line.endswith(" linear_forward as ours") for line in lines)


@pytest.mark.parametrize(
    ("code", "last"),
    [
        ("row_means = lambda x: x.mean(axis=1)\n", "row_means = lambda x: x.mean(axis=1)"),
        ("def means(x):\n    return x.mean(axis=1)\n\n\nrow_means = means\n", "row_means = means"),
        (
            "import numpy as np\nONE, SHAPE = np.float64(1), (1, -1)\n\n\ndef row_means(x):\n"
            "    return x.mean(SHAPE[0]) * ONE\n",
            "    return x.mean(SHAPE[0]) * ONE",
        ),
        ("AXIS = 1\n\n\ndef row_means(x, axis=AXIS):\n    return x.mean(axis)\n", "    return x.mean(axis)"),
    ],
)
def test_however_it_is_written(code, last):
    check.row_means(notebook(code)["row_means"])
    assert kept("row_means").splitlines()[-1] == last
    namespace = {}
    exec(kept("row_means"), namespace)
    assert namespace["row_means"](np.ones((2, 3))).tolist() == [1, 1]


def test_a_later_pass_replaces_what_was_kept_and_a_wrong_answer_does_not():
    for body in ("x.mean(axis=1)", "x.mean(1)"):
        check.row_means(notebook(f"def row_means(x):\n    return {body}\n", body)["row_means"])
        assert body in kept("row_means")
    report = check.row_means(notebook("def row_means(x):\n    return x.sum(1)\n", "wrong")["row_means"])
    assert report.verdict == WRONG
    assert "x.mean(1)" in kept("row_means")


@pytest.mark.parametrize(
    "code",
    [
        "import numpy as np\nweights = np.ones(3)\n\n\ndef row_means(x):\n    weights\n    return x.mean(1)\n",
        "def make(n):\n    def f(x):\n        return x.mean(n)\n    return f\n\n\nrow_means = make(1)\n",
    ],
)
def test_what_can_not_be_written_down_is_not_kept_and_costs_nothing(code):
    assert check.row_means(notebook(code)["row_means"]).passed
    assert kept("row_means") == ""


def test_a_function_of_a_package_is_not_kept():
    def row_means(x):
        return x.mean(1)

    assert check.row_means(row_means).passed
    assert not kept_file("row_means").exists()


def test_a_folder_that_can_not_be_written_costs_nothing(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MINIDIT_PROGRESS", str(tmp_path / "file" / "progress.jsonl"))
    assert check.row_means(notebook(NEEDED)["row_means"]).passed
    assert kept("row_means") == ""
