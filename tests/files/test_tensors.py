import hashlib
import json

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from minidit.errors import UserError
from minidit.files.tensors import read_tensors, write_tensors


def test_arrays_and_notes_come_back_bit_for_bit(tmp_path, rng):
    path = tmp_path / "state.safetensors"
    tensors = {
        "a.b": rng.standard_normal((3, 4), dtype=np.float32),
        "half": rng.normal(size=5).astype(np.float16),
        "transposed": rng.normal(size=(2, 3)).T,
        "smallest": np.array([5e-324, -0.0]),
    }
    notes = {"kind": "state", "step": 7, "history": [[25, 0.1], [50, 1 / 3]], "psnr": None, "name": "Fréchet"}
    write_tensors(path, tensors, notes)
    read, read_notes = read_tensors(path)
    assert read_notes == notes
    assert read.keys() == tensors.keys()
    for name, array in tensors.items():
        assert read[name].dtype == array.dtype
        assert read[name].tobytes() == np.ascontiguousarray(array).tobytes()


@pytest.fixture
def saved(tmp_path, rng):
    path = tmp_path / "a.safetensors"
    write_tensors(path, {"w": rng.standard_normal((30, 40), dtype=np.float32), "b": np.ones(3)}, {"kind": "x", "n": 1})
    return path


def test_the_same_arrays_and_notes_give_the_same_bytes(saved, tmp_path):
    tensors, notes = read_tensors(saved)
    digests = set()
    for _ in range(20):  # safetensors itself writes its metadata in an order that differs
        tensors, notes = dict(reversed(tensors.items())), dict(reversed(notes.items()))
        write_tensors(tmp_path / "b.safetensors", tensors, notes)
        digests.add(hashlib.sha256((tmp_path / "b.safetensors").read_bytes()).hexdigest())
    assert digests == {hashlib.sha256(saved.read_bytes()).hexdigest()}


def test_safetensors_own_reader_takes_the_file(saved):
    own, (tensors, _) = load_file(saved), read_tensors(saved)
    assert own.keys() == tensors.keys()
    assert all(np.array_equal(own[name], tensors[name]) for name in own)


def test_any_flipped_bit_of_the_arrays_is_found(saved, rng):
    data = saved.read_bytes()
    first = 8 + int.from_bytes(data[:8], "little")
    for place in rng.integers(first, len(data), 200):
        changed = bytearray(data)
        changed[place] ^= 1 << rng.integers(8)
        saved.write_bytes(changed)
        with pytest.raises(UserError, match="a.safetensors is damaged: its numbers or settings are not those"):
            read_tensors(saved)


def test_changed_notes_are_found(saved):
    saved.write_bytes(saved.read_bytes().replace(rb"\"n\": 1", rb"\"n\": 2"))
    with pytest.raises(UserError, match="is damaged"):
        read_tensors(saved)


def test_a_file_without_a_digest_is_read_and_that_is_said_once(tmp_path, capsys):
    path = tmp_path / "old.safetensors"
    save_file({"w": np.ones(3, np.float32)}, path, {"format": "minidit-1", "minidit": "{}"})
    for _ in range(2):
        tensors, notes = read_tensors(path)
        assert tensors["w"].tolist() == [1, 1, 1] and notes == {}
    said = capsys.readouterr().err
    assert "old.safetensors is of an earlier version and has no digest" in said and said.count("\n") == 1


@pytest.mark.parametrize(
    ("notes", "said"),
    [(None, "'minidit'"), ("", "Expecting value"), ("[1]", "no set of names"), ("[" * 10**5, "recursion")],
)
def test_notes_that_cannot_be_read_are_a_users_error(notes, said, tmp_path):
    metadata = {"format": "minidit-1"} | ({} if notes is None else {"minidit": notes})
    save_file({"w": np.ones(3, np.float32)}, tmp_path / "a", metadata)
    with pytest.raises(UserError, match=f"what it says about itself can't be read.*{said}"):
        read_tensors(tmp_path / "a")


@pytest.mark.parametrize("kind", ["BF16", "F8_E4M3", "I32", "BOOL"])
def test_numbers_of_another_kind_are_refused_in_a_sentence(kind, tmp_path):
    size = {"BF16": 2, "I32": 4}.get(kind, 1)
    about = {"format": "minidit-1", "minidit": "{}"}
    header = {"__metadata__": about, "w": {"dtype": kind, "shape": [3], "data_offsets": [0, 3 * size]}}
    text = json.dumps(header).encode()
    (tmp_path / "a").write_bytes(len(text).to_bytes(8, "little") + text + bytes(3 * size))
    with pytest.raises(UserError, match=f"holds w as {kind}: minidit reads F16, F32, F64"):
        read_tensors(tmp_path / "a")


def test_numbers_that_float32_does_not_hold_are_refused(tmp_path):
    write_tensors(tmp_path / "a", {"w": np.array([1e39])}, {})
    with pytest.raises(UserError, match="numbers in w that are too large for float32"):
        read_tensors(tmp_path / "a")


def test_the_notes_and_shapes_are_checked_before_an_array_is_read(saved, monkeypatch):
    def check(notes, shapes):
        assert notes == {"kind": "x", "n": 1} and shapes == {"w": (30, 40), "b": (3,)}
        raise ValueError("w is too wide")

    monkeypatch.setattr("minidit.files.tensors.digest_of", None)  # nothing is computed of the arrays
    with pytest.raises(UserError, match=r"does not fit its own settings \(w is too wide\)"):
        read_tensors(saved, check)
