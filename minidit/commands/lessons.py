"""`minidit lessons`: the lessons in JupyterLab."""

from pathlib import Path

from minidit.errors import UserError
from minidit.files.places import in_clone

SUMMARY = "open the lessons in JupyterLab"
EXAMPLE = "minidit lessons"
FRONT_PAGE = "README.md"
FIRST_LESSON = "self_study/00_*.ipynb"


def add_arguments(command):
    """Adds the arguments to the parser of this command."""
    command.add_argument(
        "options", nargs="*", metavar="OPTION", help="for JupyterLab, after --, as in: minidit lessons -- --no-browser"
    )


def run(arguments):
    """Runs JupyterLab on the folder of lessons until it is closed.

    Raises:
        UserError: JupyterLab or the folder is missing.
    """
    try:
        from jupyterlab.labapp import LabApp
    except ModuleNotFoundError as error:
        raise UserError(
            "the lessons open in JupyterLab, which is not installed: pip install 'minidit[lessons]'"
        ) from error
    folder = lessons_folder()
    page = f"--LabApp.default_url=/lab/tree/{first_page(folder)}"
    LabApp.launch_instance([str(folder), page, *arguments.options])


def first_page(folder):
    """What to open in the folder of lessons: the first lesson, for self-study; before it is built, the front page."""
    lesson = min(folder.glob(FIRST_LESSON), default=folder / FRONT_PAGE)
    return lesson.relative_to(folder).as_posix()


def lessons_folder():
    """The folder `lessons` of a clone.

    Raises:
        UserError: there is none, as an installed wheel has no lessons.
    """
    page = in_clone(Path("lessons", FRONT_PAGE))
    if page is None:
        raise UserError("there is no folder of lessons here. Run this command in a clone of minidit's repository.")
    return page.parent
