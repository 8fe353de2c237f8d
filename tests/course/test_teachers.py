"""The page for teachers agrees with the course."""

import re
from pathlib import Path

import pytest

from minidit.course.builder import sources
from minidit.course.exercises import LESSONS, by_lesson

FOLDER = Path(__file__).parents[2] / "lessons"
PAGE = (FOLDER / "teachers.md").read_text(encoding="utf-8")
TIMES = {"an hour": 60}
WEEKS = "12345678+"  # the last is for those who go further
ROWS = re.findall(r"^\| (\d|\+) \| (.*) \|$", PAGE, re.MULTILINE)[: len(WEEKS)]


def minutes_in_all(number):
    """The minutes that a lesson says of itself."""
    (path,) = (path for path in sources(FOLDER) if int(path.stem[:2]) == number)
    about = re.search(r"\*\*Time:?\*\*:? about (an hour|(\d+) minutes)", path.read_text(encoding="utf-8"))
    return TIMES.get(about[1]) or int(about[2])


def lessons_of(cell):
    """The numbers in a row's second column."""
    return [int(number) for number in re.findall(r"\d+", cell)]


@pytest.mark.parametrize("row", ROWS, ids=[f"week {week}" for week, _ in ROWS])
def test_a_week_counts_what_its_lessons_have(row):
    lessons, *counts, _ = row[1].split(" | ")
    numbers = lessons_of(lessons)
    assert lessons == ", ".join(f"{number} {LESSONS[number]}" for number in numbers)
    exercises = [one for number in numbers for one in by_lesson()[number]]
    minutes, points = sum(one.minutes for one in exercises), sum(one.points for one in exercises)
    assert [int(count) for count in counts] == [len(exercises), minutes, sum(map(minutes_in_all, numbers)), points]
    assert minutes <= 120


def test_the_weeks_have_every_lesson_once_in_order():
    assert [week for week, _ in ROWS] == list(WEEKS)
    assert [number for _, row in ROWS for number in lessons_of(row.split(" | ")[0])] == list(range(len(LESSONS)))


def test_it_says_of_every_lesson_where_students_stumble():
    rows = re.findall(r"^\| (\d+) \| \S", PAGE.split("## Where students stumble")[1], re.MULTILINE)
    assert [int(row) for row in rows] == list(range(len(LESSONS)))


def test_its_links_lead_somewhere():
    titles = re.findall(r"^#+ (.*)$", PAGE, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}
    for link in re.findall(r"\]\((?!https)([^)]*)\)", PAGE):
        path, _, anchor = link.partition("#")
        if path:
            assert (FOLDER / path).exists() or path in ("classroom", "solutions"), link
        else:
            assert anchor in anchors, link
