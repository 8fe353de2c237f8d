"""What proves that a check teaches."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Answers:
    """Answers to one exercise, written as students write them.

    Attributes:
        right: functions, or numbers, that have to pass; the first is written in another way than the reference.
        wrong: pairs (answer, name of the slip that the report has to carry), None where no name can be expected.
    """

    right: list
    wrong: list
