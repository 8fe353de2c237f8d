import json

import pytest

from minidit.claims.store import Store, agrees
from minidit.errors import UserError


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


@pytest.mark.parametrize("text", ["{", "[]", '{"format": "other"}'])
def test_a_foreign_file_is_refused_and_stays(text, tmp_path):
    path = tmp_path / "claims.json"
    path.write_text(text)
    with pytest.raises(UserError, match="claims.json"):
        Store(path)
    assert path.read_text() == text


def test_nan_is_no_result(store):
    with pytest.raises(ValueError):
        store.put("a/3", {}, {"loss": float("nan")})
    assert json.loads(store.path.read_text())["entries"].keys() == {"a/1"}
