"""The capstone's cells fill with what passed before."""

import linecache
import sys
import types

import nbformat
import pytest
from ipykernel.kernelspec import make_ipkernel_cmd
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

from minidit.course import check, collecting
from minidit.course.kept import NOTEBOOK, kept_file

CELL = """\
capstone.collect()


def linear_forward(x, w, b):
    raise NotImplementedError


def linear_backward(dy, cache):
    x, w = cache
    raise NotImplementedError


both = linear_forward, linear_backward
"""
STUB = """\
def linear_forward(x, w, b):
    raise NotImplementedError"""
FORWARD = """\
def add(y, b):
    return y + b


def linear_forward(x, w, b):
    return add(x @ w, b), (x, w)
"""
BACKWARD = """\
import numpy as np


def rows(x):
    return x.reshape(-1, x.shape[-1])


def linear_backward(dy, cache):
    x, w = cache
    return dy @ w.T, rows(x).T @ rows(dy), np.sum(rows(dy), axis=0)
"""


def defines(code, name):
    """What a notebook's cell calls this."""
    file = f"cell {hash(code)}"
    module = types.ModuleType(NOTEBOOK)
    linecache.cache[file] = len(code), None, code.splitlines(keepends=True), file
    exec(compile(code, file, "exec"), vars(module))
    return vars(module)[name]


@pytest.fixture
def run(monkeypatch, capsys):
    """Runs a cell that collects; returns (the cell as it is then, or None if it didn't change; what was said)."""

    def run(cell, **namespace):
        inputs = []
        shell = types.SimpleNamespace(user_ns=namespace, set_next_input=lambda text, replace: inputs.append(text))
        monkeypatch.setattr(collecting, "this_cell", lambda frame: (cell, shell))
        capsys.readouterr()
        collecting.collect()
        return inputs[0] if inputs else None, capsys.readouterr().out

    return run


def test_both_functions_are_filled_in_with_their_helpers(run):
    import numpy as np

    check.linear_forward(defines(FORWARD, "linear_forward"))
    check.linear_backward(defines(BACKWARD, "linear_backward"))
    cell, said = run(CELL, np=np)
    after = BACKWARD.removeprefix("import numpy as np\n\n\n")
    assert cell == f"{FORWARD}\n\n{after}\n\nboth = linear_forward, linear_backward\n"
    assert said == "✓ collected: linear_forward, linear_backward. Run this cell again, with your code in it.\n"


def test_what_the_notebook_lacks_is_imported(run):
    check.linear_backward(defines(BACKWARD, "linear_backward"))
    cell, _ = run(CELL)
    assert "import numpy as np\n" in cell


def test_what_is_missing_stays_a_stub_and_is_listed_with_its_lesson(run):
    check.linear_forward(defines(FORWARD, "linear_forward"))
    cell, said = run(CELL)
    assert cell.startswith("capstone.collect()\n")  # to collect the rest later
    assert "    x, w = cache\n    raise NotImplementedError\n" in cell
    assert said.splitlines()[1] == "○ not collected: linear_backward (write it in lesson 3)."


def test_nothing_kept_changes_nothing(run):
    cell, said = run(CELL)
    assert cell is None
    assert said.count("write it in lesson 3") == 2


def test_what_is_written_already_stays(run):
    check.linear_forward(defines(FORWARD, "linear_forward"))
    check.linear_backward(defines(BACKWARD, "linear_backward"))
    own = CELL.replace("    raise NotImplementedError", "    return x @ w + b, (x, w)", 1)
    cell, said = run(own)
    assert "add(" not in cell and "return x @ w + b, (x, w)" in cell
    assert "collected: linear_backward." in said


def test_a_whole_cell_says_nothing(run):
    assert run(FORWARD) == (None, "")
    cell, said = run("%time 1\n" + CELL)
    assert cell is None
    assert said.startswith("○ nothing collected: this cell has lines that are not Python")


def test_helpers_of_one_name_that_differ_are_not_mixed(run):
    check.linear_forward(defines(FORWARD.replace("add", "rows"), "linear_forward"))
    check.linear_backward(defines(BACKWARD, "linear_backward"))
    cell, said = run(CELL)
    assert "x, w = cache\n    raise NotImplementedError" in cell
    assert "linear_backward (copy it from lesson 3: its rows differs from another function's)" in said


def test_what_passed_without_being_kept_is_told(run):
    check.linear_forward(defines(FORWARD, "linear_forward"))
    kept_file("linear_forward").unlink()
    _, said = run(CELL)
    assert "linear_forward (it passed, but its code was not kept: run its check in lesson 3 again, or copy it)" in said


def test_a_script_prints_the_code(capsys, tmp_path):
    check.linear_forward(defines(FORWARD, "linear_forward"))
    capsys.readouterr()
    code = "from minidit.course import capstone\n" + CELL
    linecache.cache["script"] = len(code), None, code.splitlines(keepends=True), "script"
    exec(compile(code, "script", "exec"), {})
    assert "return add(x @ w, b), (x, w)" in capsys.readouterr().out


def test_a_real_kernel_asks_the_front_end_to_replace_the_running_cell(tmp_path):
    """As a front end is told it: in the reply to the cell."""
    payloads = []
    first = f"from minidit.course import capstone, check\n\n\n{FORWARD}\n\ncheck.linear_forward(linear_forward)"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code) for code in (first, CELL)])
    manager = AsyncKernelManager()
    manager._kernel_spec = KernelSpec(argv=make_ipkernel_cmd(executable=sys.executable), language="python")
    client = NotebookClient(
        notebook,
        km=manager,
        resources={"metadata": {"path": str(tmp_path)}},
        on_cell_executed=lambda cell, cell_index, execute_reply: payloads.append(execute_reply["content"]["payload"]),
    )
    client.execute(cleanup_kc=True)
    (payload,) = payloads[1]
    assert (payload["source"], payload["replace"]) == ("set_next_input", True)
    assert payload["text"].strip() == CELL.replace(STUB, FORWARD.strip()).strip()
    folded, said = notebook.cells[1].outputs
    assert "<details>" in folded.data["text/html"] and "add(x @ w, b)" in folded.data["text/plain"]
    assert said.text.startswith("✓ collected: linear_forward. ")
