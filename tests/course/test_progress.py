"""What was passed is kept, and nothing takes it away again."""

from minidit.course.progress import note, passed, progress_file
from minidit.course.report import PASSED, WRONG, Report


def test_nothing_is_known_at_first():
    assert passed() == {}


def test_a_pass_is_kept_with_its_time():
    note(Report("f", PASSED))
    assert passed()["f"].startswith("20")


def test_a_second_run_changes_nothing(own_progress):
    note(Report("f", PASSED))
    before = own_progress.read_bytes()
    note(Report("f", WRONG))
    note(Report("f", PASSED))
    assert own_progress.read_bytes() == before


def test_what_is_wrong_is_not_noted(own_progress):
    note(Report("f", WRONG))
    assert not own_progress.exists()


def test_lines_that_can_not_be_read_take_no_others_with_them(own_progress):
    note(Report("f", PASSED))
    with own_progress.open("ab") as file:
        file.write(b'\n[1, 2]\n{"exercise": 3}\n"text"\n\xff\xfe\n{"exercise": "g", "pass')  # cut off
    note(Report("h", PASSED))
    assert list(passed()) == ["f", "h"]


def test_two_notebooks_do_not_lose_each_others(own_progress):
    note(Report("f", PASSED))
    other = own_progress.read_text()
    note(Report("g", PASSED))
    assert own_progress.read_text().startswith(other)
    assert set(passed()) == {"f", "g"}


def test_a_folder_that_can_not_be_written_costs_nothing(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MINIDIT_PROGRESS", str(tmp_path / "file" / "progress.jsonl"))
    note(Report("f", PASSED))
    assert passed() == {}


def test_it_is_in_the_home_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("MINIDIT_PROGRESS")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert progress_file() == tmp_path / "minidit" / "progress.jsonl"
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setattr("pathlib.Path.home", lambda: tmp_path)
    assert progress_file() == tmp_path / ".local" / "share" / "minidit" / "progress.jsonl"
