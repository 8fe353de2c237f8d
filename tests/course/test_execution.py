import os

import nbformat
import pytest

from minidit.course.execution import execute


@pytest.mark.skipif(os.name != "posix", reason="signal 0 asks whether a process is there")
def test_a_kernel_ends_with_its_notebook(tmp_path):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("import os; print(os.getpid())")])
    execute(notebook, tmp_path, "one cell")
    kernel = int(notebook.cells[0].outputs[0].text)
    with pytest.raises(ProcessLookupError):
        os.kill(kernel, 0)
