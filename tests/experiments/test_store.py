import json

import pytest

from minidit.errors import UserError
from minidit.experiments.store import FORMAT, Store, agrees


@pytest.fixture
def store(tmp_path):
    found = Store(tmp_path / "claims.json")
    found.put("a/1", {"steps": 3, "patch": (8, 1, 1)}, {"loss": 0.5})
    return found


def test_a_result_is_on_disk_at_once(store):
    again = Store(store.path)
    assert again.get("a/1", {"steps": 3, "patch": (8, 1, 1)}) == {"loss": 0.5}
    assert again.get("a/2", {}) is None


def test_a_result_of_another_plan_is_refused_and_stays(store):
    with pytest.raises(UserError, match="holds a/1, but measured in another way"):
        store.get("a/1", {"steps": 4, "patch": (8, 1, 1)})
    assert Store(store.path).entries["a/1"]["result"] == {"loss": 0.5}


@pytest.mark.parametrize(
    ("now", "same"),
    [
        ({"a": {"b": [1, 2]}}, True),
        ({"a": {"b": (1, 2), "later": 5}, "new": 1}, True),
        ({"a": {"b": [1, 3]}}, False),
        ({"a": {}}, False),
        ({}, False),
    ],
)
def test_a_plan_agrees_if_all_that_was_said_of_it_is_the_same(now, same):
    assert agrees({"a": {"b": [1, 2]}}, now) is same


def test_quick_results_and_others_don_t_mix(store):
    with pytest.raises(UserError, match="holds full measurements, made without --quick"):
        Store(store.path, quick=True)
    assert Store(store.path, quick=True, force=True).entries == {}


HEAD = f'{{"format": "{FORMAT}"'


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"format": "other"}',
        '{"format": "minidit-claims-1", "quick": false, "entries": {}}',
        HEAD + "}",
        HEAD + ', "quick": false}',
        HEAD + ', "quick": false, "entries": []}',
        HEAD + ', "quick": false, "entries": {"a": 1}}',
        HEAD + ', "quick": false, "entries": {"a": {"result": 1}}}',
    ],
)
def test_a_foreign_or_damaged_file_is_refused_and_stays(text, tmp_path):
    path = tmp_path / "results.json"
    path.write_text(text)
    with pytest.raises(UserError, match=r"results\.json .*Choose another --out, or remove that file\.$") as error:
        Store(path)
    assert "claims" not in str(error.value)  # `minidit ablate` keeps such a file as well
    assert path.read_text() == text
    assert Store(path, force=True).entries == {}


def test_bytes_that_are_no_text_are_refused(tmp_path):
    (tmp_path / "results.json").write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match="can't read .*results.json"):
        Store(tmp_path / "results.json")


def test_the_file_is_written_whole_or_not_at_all(store, monkeypatch):
    before = store.path.read_bytes()

    def full(*arguments):
        raise OSError("no space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises((OSError, UserError)):
        store.put("a/2", {}, 1)
    assert store.path.read_bytes() == before
    assert store.entries.keys() == {"a/1"}


def test_nan_is_no_result(store):
    with pytest.raises(ValueError):
        store.put("a/3", {}, {"loss": float("nan")})
    assert json.loads(store.path.read_text())["entries"].keys() == {"a/1"}
    store.put("a/4", {}, 4)  # and it isn't in the way of others
    assert json.loads(store.path.read_text())["entries"].keys() == {"a/1", "a/4"}
