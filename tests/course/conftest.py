import pytest


@pytest.fixture(autouse=True)
def own_progress(monkeypatch, tmp_path):
    """No test notes anything in the home folder. Returns the file that is used instead."""
    path = tmp_path / "home" / "progress.jsonl"
    monkeypatch.setenv("MINIDIT_PROGRESS", str(path))
    return path
