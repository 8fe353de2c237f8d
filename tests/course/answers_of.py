"""What proves that a check teaches."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Answers:
    """Answers to one exercise, written as students write them.

    Attributes:
        right: functions, or numbers, that have to pass; the first is written in another way than the reference.
        wrong: pairs (answer, names of the slips that were made). The report has to carry the name, or one of a tuple of
            names that are all true of that answer. With None no name can be expected, and none may be said but a fact
            (see FACTS in minidit/course/self_test.py).
    """

    right: list
    wrong: list
