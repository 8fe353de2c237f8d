"""Who handed in a file, by the names that learning platforms give to the files of a download.

    Canvas       lovelaceada_12345_67890_NAME, lovelaceada_LATE_12345_67890_NAME, anon_Ab12C_67890_NAME
    Moodle       Ada Lovelace_12345_assignsubmission_file/NAME, or _NAME instead of a folder
    Brightspace  12345-67890 - Ada Lovelace - Nov 28, 2026 1200 PM/NAME, or " - NAME" instead of a folder
    Blackboard   ASSIGNMENT_USER_attempt_2026-11-28-12-00-00_NAME
    Gradescope   submission_5678/NAME, beside submission_metadata.yml

Sources: Canvas' content_zipper.rb, Moodle's mod/assign/classes/downloader.php, and downloads of the others.
"""

import re
from dataclasses import dataclass
from datetime import datetime

from minidit.course.grading.wire import plain
from minidit.errors import UserError

CANVAS = re.compile(
    r"(?:(?P<name>(?!LATE_|anon_)\w+?)_)?(?:LATE_|late_)?(?P<id>\d{2,}|anon_[^\W_]+)_(?P<order>\d{3,})_(?P<file>.+)"
)
MOODLE = re.compile(r"(?P<name>.+?)(?:_(?P<id>\d+))?_assignsubmission_[a-z]+(?:_(?P<file>.*))?")
BRIGHTSPACE = re.compile(
    r"(?P<download>\d+-\d+) - (?P<name>.+?) - (?P<order>[^-]*\d{4} \d{3,4}(?: ?[AP]M)?)(?: - (?P<file>.+))?"
)
BLACKBOARD = re.compile(r".+_(?P<name>[^_]+)_attempt_(?P<order>\d{4}(?:-\d\d){5})(?:_(?P<file>.+)|\.txt)?")
NAMES = CANVAS, MOODLE, BRIGHTSPACE, BLACKBOARD
METADATA = "submission_metadata.yml"  # of Gradescope


@dataclass(frozen=True)
class Handed:
    """What a name says.

    Attributes:
        student: the name.
        identity: the platform's number or word for the student, or "".
        order: a later submission of a student has a larger one.
    """

    student: str
    identity: str = ""
    order: tuple = ()


def handed_in_as(name):
    """Handed, of the name that a platform gave to a file or folder; None if none did."""
    for pattern in NAMES:
        found = pattern.fullmatch(name)
        if found:
            parts = found.groupdict()
            identity = parts.get("id") or ""
            student = (parts["name"] or identity).strip() or identity
            return Handed(student, identity if identity != student else "", when(parts.get("order")))
    return None


def when(text):
    """An order by what a platform says of the time: a number that grows, or a date."""
    date = re.fullmatch(r"(\w+ \d+, \d{4}) (\d{3,4})(?: ?([AP]M))?", text or "")
    if date:
        try:
            clock = f"{date[2].zfill(4)}{date[3] or ''}"
            found = datetime.strptime(f"{date[1]} {clock}", f"%b %d, %Y {'%I%M%p' if date[3] else '%H%M'}")
            return found.year, found.month, found.day, found.hour, found.minute
        except ValueError:  # in a language that we don't read
            return ()
    return tuple(map(int, text.split("-"))) if re.fullmatch(r"\d+(-\d+)*", text or "") else ()


def gradescope_students(data):
    """The students of each submission of Gradescope's.

    Args:
        data: bytes of submission_metadata.yml.
    Returns:
        {name of a submission's folder: [Handed, one for each of its students]}.
    Raises:
        UserError: it can't be read.
    """
    try:
        import yaml
    except ModuleNotFoundError as error:
        raise UserError(f"reading Gradescope's {METADATA} needs PyYAML: pip install 'minidit[lessons]'") from error

    try:
        submissions = yaml.load(data, getattr(yaml, "CBaseLoader", yaml.BaseLoader))  # which makes nothing but text
        found = {}
        for folder, about in submissions.items():
            students = [one for one in about[":submitters"] if isinstance(one, dict)]
            found[folder] = [one for one in map(gradescope_student, students) if one]
        return found
    except (yaml.YAMLError, AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise UserError(f"can't read {METADATA}, in which Gradescope says who handed in what.") from error


def gradescope_student(about):
    """Handed, of a submitter of Gradescope's; None if there is no name."""
    name, number, address = (plain(about.get(key) or "").strip() for key in (":name", ":sid", ":email"))
    identity = next((one for one in (number, address) if one not in ("", "null", "~")), "")
    return Handed(name or identity, identity if name else "") if name or identity else None
