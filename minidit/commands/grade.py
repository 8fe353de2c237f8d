"""`minidit grade`: points for the notebooks that a class handed in, without nbgrader."""

from dataclasses import replace
from pathlib import Path

from minidit.commands import arguments as shared
from minidit.errors import UserError

SUMMARY = "grade the notebooks of a class"
EXAMPLE = "minidit grade handed_in -o grades.csv --feedback feedback"
NOTES = """\
FOLDER holds a folder for each student, with notebooks called as they were handed out: 07_apply_scale_and_shift.ipynb.
A folder of nbgrader's course, with submitted/STUDENT/ASSIGNMENT, will do as well, and so will one student's folder.

Each notebook runs in a process of its own, and what is right is decided outside of it, so that a notebook which hangs,
crashes or tampers with the checks costs only its own score. It is no jail: a student's code can do to your files what
you can. Where you would not run it yourself, grade in a container. Windows has no limits of memory and processor time.

"""


def add_arguments(command):
    """Adds the arguments to the parser of this command."""
    command.add_argument("folder", type=Path, metavar="FOLDER", help="with the students' notebooks")
    command.add_argument("-o", "--out", type=Path, required=True, metavar="GRADES.csv", help="file to write")
    command.add_argument("--feedback", type=Path, metavar="FOLDER", help="also write what each student gets to read")
    command.add_argument(
        "--lessons", nargs="+", type=shared.whole_number(0), metavar="N",
        help="numbers of those to grade (default: all of which somebody has handed in a notebook)",
    )  # fmt: skip
    command.add_argument(
        "--seconds", type=shared.positive_number, default=120.0, metavar="S", help="for a notebook (default: 120)"
    )
    command.add_argument(
        "--memory", type=shared.positive_number, default=4.0, metavar="GB", help="for a notebook (default: 4)"
    )
    command.add_argument("--force", action="store_true", help="replace files that exist")
    return NOTES


def run(arguments):
    """Grades, writes the files, and prints a table.

    Raises:
        UserError: there is nothing to grade, or a file is in the way.
    """
    from minidit.commands.lessons import lessons_folder
    from minidit.commands.making import check_outputs
    from minidit.course.grading.assigned import assignments
    from minidit.course.grading.process import Limits
    from minidit.course.grading.results import as_csv, feedback, table
    from minidit.course.grading.roster import roster
    from minidit.course.report import say
    from minidit.files.whole import make_folder, write_whole

    known = assignments(lessons_folder())
    handed_in = roster(arguments.folder, known)
    chosen = chosen_lessons(arguments.lessons, known, handed_in)
    check_outputs([arguments.out], arguments.force)
    texts = feedback_files(arguments.feedback, handed_in, arguments.force)
    limits = Limits(arguments.seconds, int(arguments.memory * 2**30))
    results = graded(handed_in, chosen, limits)
    make_folder(arguments.out.parent)
    write_whole(arguments.out, as_csv(results))
    for student, path in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, feedback(student, results[student]).encode())
    say(table(results))
    for line in remarkable(results):
        say(line)
    say(f"\n{arguments.out}")


def chosen_lessons(numbers, known, handed_in):
    """The Assignments to grade.

    Raises:
        UserError: there is no such lesson, or it has no exercises.
    """
    if not numbers:
        return [known[number] for number in sorted({number for those in handed_in.values() for number in those})]
    names = [f"{number:02}" for number in sorted(set(numbers))]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UserError(f"there are no exercises in a lesson {int(unknown[0])}. Choose from: {', '.join(known)}.")
    return [known[name] for name in names]


def feedback_files(folder, students, force):
    """Where each student's feedback goes: {student: Path}.

    Raises:
        UserError: one of them exists and `force` is not given.
    """
    if folder is None:
        return {}
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file. Give --feedback the name of a folder.")
    files = {student: folder / f"{student}.md" for student in students}
    there = [path for path in files.values() if path.exists()]
    if there and not force:
        raise UserError(f"{there[0]} exists already. Replace it by --force, or choose another folder by --feedback.")
    return files


def graded(handed_in, chosen, limits):
    """Grades all notebooks, behind a progress bar: {student: Grades}."""
    from tqdm import tqdm

    from minidit.course.grading.notebook import grade_notebook
    from minidit.course.grading.results import MISSING, none

    results = {student: [] for student in handed_in}
    pairs = [(student, assignment) for student in handed_in for assignment in chosen]
    bar = tqdm(pairs, desc="grade", unit="notebook", leave=False, disable=None)
    for student, assignment in bar:
        bar.set_postfix_str(f"{student} {assignment.number}")
        submission = handed_in[student].get(assignment.number)
        if submission is None:
            grades = none(assignment, MISSING, f"no notebook of lesson {int(assignment.number)} was handed in.")
        else:
            grades = grade_notebook(submission.path, assignment, limits)
            if submission.others:
                words = f"{submission.path.name} was graded, not {', '.join(submission.others)}"
                grades = [replace(one, note="; ".join(filter(None, (one.note, words)))) for one in grades]
        results[student] += grades
    return results


def remarkable(results):
    """Lines about notebooks that did not run, and about answers that a teacher may want to look at."""
    from minidit.course.grading.wire import plain
    from minidit.course.report import NOT_STARTED, PASSED, WRONG

    lines = []
    for student, grades in results.items():
        for verdict in dict.fromkeys(grade.verdict for grade in grades):
            if verdict not in (PASSED, WRONG, NOT_STARTED):
                names = [grade.exercise for grade in grades if grade.verdict == verdict]
                more = f" and {len(names) - 3} more" if len(names) > 3 else ""
                lines.append(f"{plain(student)}: {verdict}: {', '.join(names[:3])}{more}")
        for note in dict.fromkeys(grade.note for grade in grades if grade.note):
            lines.append(f"{plain(student)}: {note}")
    return ["", *lines] if lines else []
