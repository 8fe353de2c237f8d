#!/usr/bin/env bash
# nbclient 0.11.0 (jupyter_client 8.10.0, ipykernel 7.4.0): a NotebookClient that is given a kernel manager which has no
# kernel yet starts one for the notebook, and leaves it running after execute().
#
# Expected: who starts a kernel ends it. The docstring of `async_setup_kernel` says that it shuts the kernel down when
# the notebook is done. A program that runs a course of eighteen notebooks, each with a manager of its own,
# should hold one kernel at a time.
# Seen: one more kernel for each notebook, until the program ends. Only a manager that nbclient made itself is cleaned
# up by default; execute(cleanup_kc=True) ends the kernel in either case.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q nbclient==0.11.0 jupyter_client==8.10.0 ipykernel==7.4.0 nbformat==5.10.4
"$folder/venv/bin/python" - <<'PY'
import os

import nbformat
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient


def alive_after(own_manager, **options):
    """Runs a notebook of one cell. Whether its kernel is still there."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("import os; print(os.getpid())")])
    manager = AsyncKernelManager() if own_manager else None
    assert manager is None or not manager.has_kernel
    NotebookClient(notebook, km=manager).execute(**options)
    try:
        os.kill(int(notebook.cells[0].outputs[0].text), 0)
    except ProcessLookupError:
        return False
    return True


seen = {
    "nbclient's own manager": alive_after(False),
    "a manager without a kernel": alive_after(True),
    "the same, cleanup_kc=True": alive_after(True, cleanup_kc=True),
}
for name, alive in seen.items():
    print(f"{name}: the kernel {'still runs' if alive else 'has ended'}")
assert list(seen.values()) == [False, True, False], "nbclient has changed"
PY
