"""Which checks a student has passed: kept in their home folder, and never lost by running a cell again.

The file has a line for each check that was passed for the first time. Lines are only ever added, so two notebooks can't
overwrite each other, and an unreadable line doesn't affect the others.
"""

import json
import os
from datetime import datetime
from pathlib import Path

VARIABLE = "MINIDIT_PROGRESS"  # environment variable: a different file


def progress_file():
    """Where it is kept."""
    if os.environ.get(VARIABLE):
        return Path(os.environ[VARIABLE])
    home = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(home) / "minidit" / "progress.jsonl"


def passed():
    """Name of exercise -> when it was first passed, as an ISO date and time; empty if there is no record."""
    try:
        lines = progress_file().read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    found = {}
    for line in lines:
        try:
            entry = json.loads(line)
            found.setdefault(str(entry["exercise"]), str(entry["passed"]))
        except (ValueError, KeyError, TypeError):
            continue
    return found


def note(report):
    """Records a passed check; an earlier record stays as it is."""
    if not report.passed or report.name in passed():
        return
    entry = {"exercise": report.name, "passed": datetime.now().isoformat(timespec="seconds")}
    path = progress_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(f"\n{json.dumps(entry)}")  # the newline first: this line is whole even after a cut-off one
    except OSError:
        pass  # a check still gives its verdict if nothing can be stored
