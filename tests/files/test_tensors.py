import numpy as np

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
