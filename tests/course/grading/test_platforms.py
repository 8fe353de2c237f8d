"""Names as the learning platforms give them, from their sources and from downloads that people have published."""

import pytest

from minidit.course.grading.platforms import Handed, gradescope_students, handed_in_as
from minidit.errors import UserError


@pytest.mark.parametrize(
    ("name", "handed"),
    [
        # Canvas
        ("lovelaceada_12345_67890_07_apply_scale_and_shift-2.ipynb", Handed("lovelaceada", "12345", (67890,))),
        ("lovelaceada_LATE_12345_67890_name.ipynb", Handed("lovelaceada", "12345", (67890,))),
        ("müllerzoë_12345_67890_my notebook (1).ipynb", Handed("müllerzoë", "12345", (67890,))),
        ("de_la_cruz_LATE_12345_67890_x_1_2.ipynb", Handed("de_la_cruz", "12345", (67890,))),
        ("anon_x3bQz_67890_name.ipynb", Handed("anon_x3bQz", "", (67890,))),
        ("LATE_anon_x3bQz_67890_name.ipynb", Handed("anon_x3bQz", "", (67890,))),
        # Moodle
        ("Ada Lovelace_12345_assignsubmission_file", Handed("Ada Lovelace", "12345")),
        ("Ada Lovelace_12345_assignsubmission_file_", Handed("Ada Lovelace", "12345")),
        ("Ada Lovelace_12345_assignsubmission_file_notebook.ipynb", Handed("Ada Lovelace", "12345")),
        ("Ada Lovelace_12345_assignsubmission_onlinetext", Handed("Ada Lovelace", "12345")),
        ("Ada Lovelace_12345_assignsubmission_onlinetext_onlinetext.html", Handed("Ada Lovelace", "12345")),
        ("Teilnehmerin_12345_assignsubmission_file", Handed("Teilnehmerin", "12345")),
        ("Default group_assignsubmission_file", Handed("Default group")),
        # Brightspace
        ("39786-640693 - Aiden O'Neil - Oct 10, 2025 1022 AM", Handed("Aiden O'Neil", "", (2025, 10, 10, 10, 22))),
        ("12345-67890 - Ada L. - Nov 28, 2026 1200 PM - file.ipynb", Handed("Ada L.", "", (2026, 11, 28, 12, 0))),
        ("12345-67890 - Ada L. - Nov 28, 2026 126 PM - a - b.ipynb", Handed("Ada L.", "", (2026, 11, 28, 13, 26))),
        ("12345-67890 - Ada Lovelace - 28 novembre 2026 1200 - file.ipynb", Handed("Ada Lovelace")),
        # Blackboard
        ("Week 4_ada01_attempt_2026-11-28-12-00-01_my_file.ipynb", Handed("ada01", "", (2026, 11, 28, 12, 0, 1))),
        ("Week_4_ada01_attempt_2026-11-28-12-00-01.txt", Handed("ada01", "", (2026, 11, 28, 12, 0, 1))),
        # none
        ("ada", None), ("07_apply_scale_and_shift.ipynb", None), ("07_apply_scale_and_shift-Copy1.ipynb", None),
        ("week_1_2_name.ipynb", None), ("2026_11_28_notes.ipynb", None), ("submission_5678", None), ("", None),
    ],
)  # fmt: skip
def test_who_handed_it_in(name, handed):
    assert handed_in_as(name) == handed


METADATA = """\
---
submission_5678:
  :submitters:
  - :name: Ada Lovelace
    :sid: '0042'
    :email: ada@example.org
  :created_at: 2026-11-28 12:00:00.178484000 Z
  :score: 5.0
  :status: processed
  :history:
  - :id: 5600
    :submitters: &1
    - :name: Ada Lovelace
  :results: !ruby/object:OpenStruct
    table: {}
submission_5679:
  :submitters:
  - :name: "Zo\\xEB O'Hara"
    :sid:
    :email: zoe@example.org
  - :name:
    :sid: 7
    :email:
"""


def test_gradescopes_metadata_name_the_students():
    assert gradescope_students(METADATA.encode()) == {
        "submission_5678": [Handed("Ada Lovelace", "0042")],
        "submission_5679": [Handed("Zoë O'Hara", "zoe@example.org"), Handed("7")],
    }


@pytest.mark.parametrize("data", [b"", b"[1]", b"a: [", b"submission_1: 3", b"\xff\xfe\x00", b"- :submitters:"])
def test_what_is_no_metadata_is_said_to_be_none(data):
    with pytest.raises(UserError, match="can't read submission_metadata.yml"):
        gradescope_students(data)
