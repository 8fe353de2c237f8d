"""`minidit progress`: which checks of the course were passed."""

SUMMARY = "show which checks of the lessons you have passed"
EXAMPLE = "minidit progress"
WIDTH = 16  # of a bar, in characters


def add_arguments(command):
    """There are none."""


def run(arguments):
    """Prints a line for each lesson: a bar, how many of its checks were passed, and which is next."""
    from minidit.course.exercises import LESSONS, by_lesson
    from minidit.course.progress import passed, progress_file
    from minidit.course.report import say

    known = passed()
    total = done = 0
    for number, exercises in by_lesson().items():
        count = sum(exercise.name in known for exercise in exercises)
        open_ones = [exercise.name for exercise in exercises if exercise.name not in known]
        title = f"{number:2}  {LESSONS[number]}"
        after = f"next: {open_ones[0]}" if open_ones else "✓"
        say(f"{title:<30}{bar(count, len(exercises))}  {count:2} of {len(exercises):2}  {after}")
        total, done = total + len(exercises), done + count
    title = "    all lessons"
    say(f"{title:<30}{bar(done, total)}  {done:2} of {total:2}")
    say(f"Kept in {progress_file()}. Running a cell again takes nothing away.")


def bar(count, total):
    """A bar of WIDTH characters; full only if all are there, and empty only if none is."""
    filled = 0 if not count else min(max(1, count * WIDTH // total), WIDTH)
    return "█" * filled + "░" * (WIDTH - filled)
