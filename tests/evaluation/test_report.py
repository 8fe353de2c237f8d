import pytest

from minidit.evaluation.report import accuracy_cell, aligned, decibel_cell, examined_lines, share_cell


def scores(**more):
    ends = {"median_interval": [29.5, 30.5], "worst_tenth_interval": [26, 28]}
    return {"median": 30.04, "worst_tenth": 27} | ends | more


@pytest.fixture
def report():
    told = {"accuracy": 0.75, "interval": [0.7, 0.8], "clips": 100}
    kinds = ("generated_seen", "generated_held_out", "real", "codec")
    return {
        "fitted_per_split": 50,
        "fidelity": {kind: scores(right=0.98, right_interval=[0.9, 1.0]) for kind in kinds} | {"shuffled": scores()},
        "seam_ratio": dict.fromkeys(kinds, 1.234),
        "two_sample": {kind: told for kind in (*kinds, "generated_seen_from_codec", "generated_held_out_from_codec")},
    }


def test_each_kind_has_a_row(report):
    lines = examined_lines(report)
    cells = "seen combinations 30.0 [29.5, 30.5] 27.0 [26.0, 28.0] 98.0 [90.0, 100.0] 1.23 75.0 [70.0, 80.0]"
    assert cells in [" ".join(line.split()) for line in lines]
    assert sum(line.startswith("real clips ") for line in lines) == 1
    assert next(line for line in lines if line.startswith("other clips'")).split()[-3:] == ["-", "-", "-"]
    assert lines[-1].endswith("through the codec: 75.0 [70.0, 80.0], 75.0 [70.0, 80.0]")


def test_a_missing_classifier_and_a_patch_without_borders_leave_gaps(report):
    report["seam_ratio"]["real"] = None
    report["two_sample"] = dict.fromkeys(report["two_sample"], {"missing": "scikit-learn is missing."})
    lines = examined_lines(report)
    assert lines[-1] == "scikit-learn is missing."
    assert next(line for line in lines if line.startswith("real clips")).split()[-2:] == ["-", "-"]


def test_cells():
    assert decibel_cell(scores(), "median") == "30.0 [29.5, 30.5]"
    assert accuracy_cell(None) == accuracy_cell({"accuracy": None, "interval": None, "clips": 2}) == "-"
    assert share_cell({}, "right") == "-" and share_cell({"right": 0.5}, "right") == "50.0"
    assert aligned([("a", "b"), ("long", "wide")]) == ["a        b", "long  wide"]
