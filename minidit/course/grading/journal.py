"""What was graded already: a file of lines beside the grades, written as they come.

A line is added for each notebook as soon as it is graded, so that whatever ends the command (Ctrl-C, a full disk, a
power cut) costs only what was being graded. The next run takes from here what has not changed: the notebook's code, the
lesson, the checks and the limits. It also knows by their digests which files it wrote, and replaces only those.
"""

import functools
import hashlib
import json
import os
from dataclasses import asdict
from pathlib import Path

import minidit
from minidit.course.grading.results import Grade
from minidit.errors import UserError
from minidit.files.places import PACKAGE
from minidit.files.whole import make_folder, write_whole

HEADER = {"minidit grade": 1}


def journal_of(out):
    """The journal's file, for a file of grades."""
    return out.with_name(f"{out.stem}.graded.jsonl")


class Journal:
    """What was graded already.

    Args:
        path: of its file.
        afresh: whether to forget all of it.
    Attributes:
        grades: {key of a notebook: its Grades}.
        written: digests of files that were written.
        whole: the lines of the file.
    Raises:
        UserError: the file can't be read or written, or is something else.
    """

    def __init__(self, path, afresh=False):
        self.path, self.grades, self.written = Path(path), {}, set()
        self.whole = b"" if afresh or not self.path.exists() else self.read()

    def read(self):
        """Takes in the file's lines. Returns them without the last one, if that was cut off."""
        try:
            data = self.path.read_bytes()
        except OSError as error:
            raise UserError(f"can't read {self.path}: {error.strerror}.") from error
        kept = data[: data.rfind(b"\n") + 1]
        lines = [entry_in(line) for line in kept.splitlines()]
        if lines[:1] != [HEADER] and not line_of(HEADER).startswith(data):
            raise UserError(f"{self.path} is in the way. Move it, or choose another name by -o.")
        for entry in lines[1:]:
            try:
                if "wrote" in entry:
                    self.written.add(entry["wrote"])
                else:
                    self.grades[entry["key"]] = [grade_of(one) for one in entry["grades"]]
            except (KeyError, TypeError):
                continue
        return kept

    def begin(self):
        """Begins the file, or goes on where it is whole."""
        make_folder(self.path.parent)
        write_whole(self.path, self.whole or line_of(HEADER))

    def add(self, entry):
        """Adds a line, and makes sure that it is on the disk.

        Raises:
            UserError: it can't be written.
        """
        try:
            with self.path.open("ab") as file:
                file.write(line_of(entry))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise UserError(
                f"can't write {self.path}: {error.strerror}. What was graded before is in it: "
                "make room, and give the same command again."
            ) from error

    def note(self, key, grades):
        """Keeps the Grades of a notebook."""
        self.grades[key] = grades
        self.add({"key": key, "grades": [asdict(one) for one in grades]})

    def write(self, path, data):
        """Writes a file whole, unless it is as it should be."""
        if path.is_file() and path.read_bytes() == data:
            return
        digest = hashlib.sha256(data).hexdigest()
        if digest not in self.written:
            self.written.add(digest)
            self.add({"wrote": digest})
        write_whole(path, data)

    def wrote(self, path):
        """Whether a file is as this command wrote it."""
        try:
            return hashlib.sha256(path.read_bytes()).hexdigest() in self.written
        except OSError:
            return False


def line_of(entry):
    """A dict as a line."""
    return json.dumps(entry).encode() + b"\n"


def entry_in(line):
    """What a line holds; None if that isn't JSON."""
    try:
        return json.loads(line)
    except ValueError:
        return None


def grade_of(entry):
    """The Grade of a dict."""
    return Grade(**entry | {"details": tuple(entry["details"])})


def key_of(cells, assignment, limits):
    """What tells whether a notebook has to be graded again: a digest of all that its grades depend on."""
    asked = sorted(assignment.cells), [(one.name, one.argument, one.heading) for one in assignment.questions]
    whole = [checks_digest(), assignment.name, asked, asdict(limits), [asdict(cell) for cell in cells]]
    return hashlib.sha256(json.dumps(whole).encode()).hexdigest()


@functools.cache
def checks_digest():
    """A digest of the checks and of what grades, and the version."""
    digest = hashlib.sha256(minidit.__version__.encode())
    for path in sorted((PACKAGE / "course").rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
