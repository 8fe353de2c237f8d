import pytest

from minidit.experiments.tables import all_of, in_units, markdown, number, percent_of, verdict


def test_shares_are_percent_with_their_interval():
    assert percent_of({"1111111": 97, "0010111": 3}) == "97.0 [91.5, 99.0]"
    assert percent_of({"1111111": 97, "0010111": 3}, "motion") == "100.0 [96.3, 100.0]"


def test_numbers_have_their_digits():
    assert number(-0.1234) == "-0.123"
    assert number(1, [0.5, 1.5], 2) == "1.00 [0.50, 1.50]"


@pytest.mark.parametrize(("count", "words"), [(118.6e9, "119 G"), (5.04e9, "5.04 G"), (999, "999"), (2e15, "2 P")])
def test_large_numbers_have_a_prefix(count, words):
    assert in_units(count) == words


def test_a_table_has_a_line_for_the_heads_one_for_the_sides_and_the_rows():
    assert markdown(["a", "b"], [[1, 2], ["x", "y"]]) == "| a | b |\n| --- | --: |\n| 1 | 2 |\n| x | y |"


def test_words_in_a_row():
    assert all_of(["a"]) == "a"
    assert all_of(["a", "b", "c"]) == "a, b and c"


def test_a_verdict_can_be_left_open():
    assert (verdict(True, False), verdict(False, True)) == ("Confirmed", "Refuted")
    assert verdict(False, False) == "Undecided"
