"""`minidit grade`: points for the notebooks that a class handed in, without nbgrader."""

from pathlib import Path

from minidit.commands import arguments as shared
from minidit.errors import Interrupted, UserError

SUMMARY = "grade the notebooks of a class"
EXAMPLE = "minidit grade handed_in -o grades.csv --feedback feedback"
NOTES = """\
FOLDER holds a folder for each student, or is what a learning platform gives to download (Canvas, Moodle, Brightspace,
Blackboard, Gradescope), unpacked or as it is: a .zip. A folder of nbgrader's course, with submitted/STUDENT/ASSIGNMENT,
will do as well, and so will one student's folder. A notebook is known by its exercises, whatever its name.

--against compares the students' code, in the class and with another one, such as last year's. It leaves out what is
short, near the stub or near the published solution, and needs no -o.

Results are written as they come. A second run takes over what was graded and has not changed; --force grades all again.

Each notebook runs in a process of its own, and what is right is decided outside of it, so that a notebook which hangs,
crashes or tampers with the checks costs only its own score. It is no jail: a student's code can do to your files what
you can. Where you would not run it yourself, grade in a container. Windows has no limits of memory and processor time.

"""


def add_arguments(command):
    """Adds the arguments to the parser of this command."""
    command.add_argument("folder", type=Path, metavar="FOLDER", help="with the students' notebooks, or a .zip of it")
    command.add_argument("-o", "--out", type=Path, metavar="GRADES.csv", help="file to write")
    command.add_argument("--feedback", type=Path, metavar="FOLDER", help="also write a page for each student to read")
    command.add_argument(
        "--lessons", nargs="+", type=shared.whole_number(0), metavar="N",
        help="numbers of those to grade (default: all of which somebody has handed in a notebook)",
    )  # fmt: skip
    command.add_argument(
        "--jobs", type=shared.whole_number(1, shared.MOST_THREADS), metavar="N",
        help="notebooks at a time (default: one on each core)",
    )  # fmt: skip
    command.add_argument(
        "--seconds", type=shared.positive_number, default=120.0, metavar="S", help="for a notebook (default: 120)"
    )
    command.add_argument(
        "--memory", type=shared.positive_number, default=4.0, metavar="GB", help="for a notebook (default: 4)"
    )
    command.add_argument(
        "--against", nargs="?", const=None, action="append", type=Path, metavar="FOLDER",
        help="show pairs of near-identical answers: in the class, and with another one in FOLDER, if it is given",
    )  # fmt: skip
    command.add_argument(
        "--pairs", type=Path, metavar="FILE.html", help="with --against, also write their answers side by side"
    )
    command.add_argument("--force", action="store_true", help="grade all again, and replace files that exist")
    return NOTES


def run(arguments):
    """Grades a class, or compares its answers, or both.

    Raises:
        UserError: there is nothing to grade, or a file is in the way.
        Interrupted: Ctrl-C; what was graded is kept.
    """
    from minidit.commands.lessons import lessons_folder
    from minidit.commands.making import check_outputs
    from minidit.course.grading.assigned import assignments
    from minidit.course.grading.journal import journal_of
    from minidit.course.grading.roster import roster
    from minidit.course.report import say

    if arguments.out is None and arguments.against is None:
        raise UserError(f"this needs -o GRADES.csv. For example: {EXAMPLE}")
    if arguments.pairs:
        check_outputs([arguments.pairs], arguments.force)
    lessons = lessons_folder()
    known = assignments(lessons)
    own = [arguments.feedback, arguments.pairs, *([arguments.out, journal_of(arguments.out)] if arguments.out else [])]
    the_class = roster(arguments.folder, known, [path for path in own if path])
    chosen = chosen_lessons(arguments.lessons, known, the_class.students)
    others = {str(folder): roster(folder, known).students for folder in arguments.against or () if folder}
    if arguments.out:
        grade_class(arguments, the_class.students, chosen, lessons)
    for line in not_graded(the_class.left_out):
        say(line)
    if arguments.against is not None:
        compare({"": the_class.students} | others, chosen, lessons, arguments.pairs)
    if arguments.out:
        say(f"\n{arguments.out}")


def grade_class(arguments, students, chosen, lessons):
    """Grades, writes the files, and prints a table.

    Raises:
        UserError: a file is in the way, can't be written, or no notebook can be graded here.
        Interrupted: Ctrl-C; what was graded is kept.
    """
    from minidit.commands.making import check_outputs
    from minidit.course.grading.gradebook import Gradebook, page_names
    from minidit.course.grading.journal import Journal, journal_of
    from minidit.course.grading.process import Limits
    from minidit.course.grading.results import harmless, lessons_in_csv, table
    from minidit.course.report import say

    out, pages, force = arguments.out, arguments.feedback, arguments.force
    check_outputs([out], force=True)
    if pages and pages.exists() and not pages.is_dir():
        raise UserError(f"{pages} is a file. Give --feedback the name of a folder.")
    files = [pages / name for name in page_names(students)] if pages else []
    journal = Journal(journal_of(out), afresh=force)
    for path in (out, *files):
        if path.exists() and not force and not journal.wrote(path):
            raise UserError(f"{path} exists already, and not as minidit left it. Replace it by --force, or move it.")
    if out.exists() and not force:
        kept = {(harmless(student.name), one.number) for student in students for one in chosen}
        lost = sorted(lessons_in_csv(out.read_bytes()) - kept)
        if lost:
            student, number = lost[0]
            raise UserError(
                f"{out} also has lesson {int(number)} of {student}, which is not graded now. Choose another name by "
                "-o, or replace it by --force."
            )
    journal.begin()
    limits = Limits(arguments.seconds, int(arguments.memory * 2**30))
    book = Gradebook(students, chosen, limits, journal, out, files)
    grade(book, lessons, arguments.jobs or shared.available_cores())
    say(table(book.sheets()))
    for line in remarkable(book.sheets()):
        say(line)


def compare(groups, chosen, lessons, page):
    """Says which pairs of students have near-identical answers, and writes them side by side.

    Args:
        groups: {"": Students of the class, folder: those of another one}.
        chosen: Assignments.
        lessons: Path of the folder of lessons.
        page: Path of the page to write, or None.
    """
    from minidit.course.grading.pages import side_by_side
    from minidit.course.grading.similar import pairs
    from minidit.course.report import say
    from minidit.files.whole import make_folder, write_whole

    found = pairs(groups, chosen, lessons)
    say("\nNearly the same, for a conversation and not a verdict:" if found else "\nNo two students write alike.")
    for pair in found:
        say(f"  {pair}")
    if page:
        make_folder(page.parent)
        write_whole(page, side_by_side(found))
        say(f"\n{page}")


def chosen_lessons(numbers, known, students):
    """The Assignments to grade.

    Raises:
        UserError: there is no such lesson, or it has no exercises.
    """
    if not numbers:
        return [known[number] for number in sorted({number for one in students for number in one.submissions})]
    names = [f"{number:02}" for number in sorted(set(numbers))]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UserError(f"there are no exercises in a lesson {int(unknown[0])}. Choose from: {', '.join(known)}.")
    return [known[name] for name in names]


def grade(book, lessons, jobs):
    """Grades what isn't yet, behind a progress bar, and says what each notebook got as soon as it is known.

    Raises:
        UserError: a file can't be written, or no notebook can be graded here.
        Interrupted: Ctrl-C; what was graded is kept.
    """
    from tqdm import tqdm

    from minidit.course.grading.workers import graded
    from minidit.course.report import say

    tasks = book.tasks(lessons)
    book.write()
    bar = tqdm(total=len(tasks), desc="grade", unit="notebook", leave=False, disable=None)
    done = 0
    try:
        with bar:
            for task, grades in graded(tasks, jobs):
                lines = book.take(task, grades)
                done += 1
                with tqdm.external_write_mode():
                    for line in lines:
                        say(line)
                bar.update()
    except KeyboardInterrupt as stop:
        raise Interrupted(
            f"stopped. {done} of {len(tasks)} notebooks were graded; the same command goes on from there."
        ) from stop
    book.write(insist=True)


def remarkable(sheets):
    """Lines about notebooks that did not run, and about answers that a teacher may want to look at."""
    from minidit.course.report import NOT_STARTED, PASSED, WRONG

    lines = []
    for sheet in sheets:
        for verdict in dict.fromkeys(one.verdict for one in sheet.grades):
            if verdict not in (PASSED, WRONG, NOT_STARTED):
                names = [one.label for one in sheet.grades if one.verdict == verdict]
                more = f" and {len(names) - 3} more" if len(names) > 3 else ""
                lines.append(f"{sheet.student}: {verdict}: {', '.join(names[:3])}{more}")
        lines += [f"{sheet.student}: {one.label}: {one.note}" for one in sheet.grades if one.note]
    return ["", *lines] if lines else []


def not_graded(left_out):
    """Lines about the files that were left out."""
    return ["", "Not graded:", *(f"  {line}" for line in left_out)] if left_out else []
