"""Runs a notebook in a kernel of this Python, and keeps only outputs that are the same every time."""

import os
import re
import sys
import tempfile
from pathlib import Path

from minidit.course.progress import VARIABLE
from minidit.course.source import first_line
from minidit.errors import UserError

SECONDS = 1800  # for one cell; on an idle machine a lesson takes less than a minute, the capstone a few
QUICK = "MINIDIT_QUICK"  # environment variable: the capstone trains only for a moment
ADDRESS = re.compile(r" at 0x[0-9a-f]+")
IMAGE = re.compile(r"<img\b[^>]*>")
WIDGET = "application/vnd.jupyter.widget-view+json"
ALT = re.compile(r'\balt="[^"]')


def execute(notebook, folder, lesson, keep_going=False, quick=False):
    """Runs all cells of a notebook, in place.

    This doesn't touch the student progress of whoever builds the lessons.

    Args:
        notebook: from `editions.edition_of`.
        folder: where it runs.
        lesson: its name, for the sentence about a failure.
        keep_going: whether to leave a failing cell with its error and run the others.
        quick: whether to cut training short, to see that everything runs, whatever the results.
    Raises:
        UserError: a cell failed, or showed a picture without alt text, or an exercise wrote to standard error; or
            Jupyter's packages are missing.
    """
    try:
        from ipykernel.kernelspec import make_ipkernel_cmd
        from jupyter_client.kernelspec import KernelSpec
        from jupyter_client.manager import AsyncKernelManager
        from nbclient import NotebookClient
        from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
    except ModuleNotFoundError as error:
        raise UserError("executing the lessons needs Jupyter's kernel: pip install 'minidit[lessons]'") from error

    manager = AsyncKernelManager()
    # Not the machine's python3, which may be a different Python.
    command = make_ipkernel_cmd(executable=sys.executable, extra_arguments=["--log-level=ERROR"])
    manager._kernel_spec = KernelSpec(argv=command, language="python")
    client = NotebookClient(
        notebook, km=manager, timeout=SECONDS, record_timing=False, allow_errors=keep_going,
        resources={"metadata": {"path": str(folder)}},
    )  # fmt: skip
    metadata = dict(notebook.metadata)
    with tempfile.TemporaryDirectory() as scratch:
        own = {
            "MPLBACKEND": "module://matplotlib_inline.backend_inline",
            "IPYTHONDIR": scratch,  # not the settings of whoever builds
            VARIABLE: str(Path(scratch) / "progress"),
            QUICK: "1" if quick else "",
            "OPENBLAS_NUM_THREADS": "1",  # more threads would wait for each other if something else is running
        }
        try:
            client.execute(env=os.environ | own, cleanup_kc=True)  # the kernel ends with its notebook
        except CellExecutionError as error:
            cell = next(cell for cell in notebook.cells if errors_of(cell))
            said = f"{error.ename}: {error.evalue}".rstrip(": ").split("\n")[0]
            raise UserError(f"lesson {lesson}: {described(cell)} raised {said}") from error
        except CellTimeoutError as error:
            raise UserError(f"lesson {lesson}: a cell did not end in {SECONDS} seconds.") from error
        except DeadKernelError as error:
            raise UserError(f"lesson {lesson}: Python itself ended while it ran.") from error
    notebook.metadata.clear()
    notebook.metadata.update(metadata)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            if "nbgrader" in cell.metadata and any(output.get("name") == "stderr" for output in cell.outputs):
                raise UserError(
                    f"lesson {lesson}: {described(cell)} writes to standard error, for which graders give no points."
                )
            cell.outputs = tidy(cell.outputs)
            without = next(filter(lacks_alt, cell.outputs), None)
            if without:
                raise UserError(f"lesson {lesson}: {described(cell)} shows a picture without alt text.")


def described(cell):
    """Which cell is meant, in words."""
    return f"the cell {cell.id} ({first_line(cell.source)})"


def errors_of(cell):
    """The errors among a cell's outputs."""
    return [output for output in cell.get("outputs", ()) if output.output_type == "error"]


def tidy(outputs):
    """Outputs without the parts that differ from run to run: progress messages, boundaries between writes, addresses.

    Players lose their script and moving things their widget, because code hosts and untrusted notebooks run neither,
    and a widget is of no use without its kernel. Both keep their picture.
    """
    kept = []
    for output in outputs:
        if output.output_type == "stream":
            if output.name != "stdout":
                continue
            output.text = ADDRESS.sub("", output.text)
            if kept and kept[-1].output_type == "stream":
                kept[-1].text += output.text
                continue
        data = output.get("data", {})
        if "text/plain" in data:
            data["text/plain"] = ADDRESS.sub("", data["text/plain"])
        data.pop(WIDGET, None)
        if "<script" in data.get("text/html", "") and IMAGE.search(data["text/html"]):
            data["text/html"] = IMAGE.search(data["text/html"])[0]
        kept.append(output)
    return kept


def lacks_alt(output):
    """Whether an output is a picture without alt text."""
    data, metadata = output.get("data", {}), output.get("metadata", {})
    if any(not ALT.search(image) for image in IMAGE.findall(data.get("text/html", ""))):
        return True
    return any(kind.startswith("image/") and not metadata.get(kind, {}).get("alt") for kind in data)


def said(cell):
    """All the text that a cell printed."""
    return "".join(
        output.get("text") or output.get("data", {}).get("text/plain", "") for output in cell.get("outputs", ())
    )
