"""`minidit build-lessons`: the lessons' notebooks, from their sources."""

SUMMARY = "build the lessons' notebooks from their sources"
EXAMPLE = "minidit build-lessons 07_apply_scale_and_shift"
NOTES = """\
From every lessons/source/NN_name.py come a notebook for self-study, with solutions folded away, one for the
classroom, without them, and an executed one with them. Notebooks of the same names are replaced.

"""


def add_arguments(command):
    """Adds the arguments to the parser of this command."""
    command.add_argument("names", nargs="*", metavar="LESSON", help="name or number of a lesson (default: all)")
    command.add_argument(
        "--check", action="store_true", help="write nothing; say what differs from the notebooks that are there"
    )
    command.add_argument(
        "--no-execute", action="store_true", help="don't execute the solutions, which then lack their outputs"
    )
    return NOTES


def run(arguments):
    """Builds the lessons of this clone, or checks them."""
    from minidit.commands.lessons import lessons_folder
    from minidit.course.builder import build_lessons, check_lessons

    work = check_lessons if arguments.check else build_lessons
    work(lessons_folder(), arguments.names, executing=not arguments.no_execute)
    if arguments.check:
        print("All notebooks are as their sources make them.")
