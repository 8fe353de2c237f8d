import numpy as np
import pytest

from minidit.backend.device import choose_device
from minidit.errors import UserError
from minidit.files.tensors import read_tensors, write_tensors
from minidit.training.state import VECTORS, TrainingState


@pytest.fixture
def state(rng):
    return TrainingState(*rng.random((4, 6), dtype=np.float32), step=7, history=[[5, 0.5]], losses=[0.25, 0.125])


def test_a_run_starts_with_the_parameters_as_their_average_and_no_moments(rng):
    params = rng.random(5, dtype=np.float32)
    state = TrainingState.start(params)
    assert np.array_equal(state.params, params) and np.array_equal(state.ema, params)
    assert not state.m.any() and not state.v.any()
    assert (state.step, state.history, state.losses) == (0, [], [])
    arrays = [params, *state.vectors.values()]
    assert not any(np.shares_memory(a, b) for i, a in enumerate(arrays) for b in arrays[:i])


def test_vectors_go_to_a_gpu_and_back(state):
    xp = choose_device("simulated")
    there, back = TrainingState.zeros(6, xp), TrainingState.zeros(6)
    there.copy_vectors(state)
    back.copy_vectors(there)
    for name in VECTORS:
        assert isinstance(there.vectors[name], xp.ndarray)
        assert np.array_equal(back.vectors[name], state.vectors[name])
    assert (back.step, back.history) == (0, [])
    assert isinstance(TrainingState.start(state.params, xp).m, xp.ndarray)


def test_what_is_saved_is_loaded_bit_for_bit_with_what_else_was_given(state, tmp_path):
    state.save(tmp_path / "state", {"seed": 3}, {"codec.weight": np.ones(2, np.float32)})
    again, tensors, metadata = TrainingState.load(tmp_path / "state", 6, {"codec.weight": (2,)})
    for name, vector in state.vectors.items():
        assert again.vectors[name].tobytes() == vector.tobytes()
    assert (again.step, again.history, again.losses) == (7, [[5, 0.5]], [0.25, 0.125])
    assert metadata["seed"] == 3
    assert list(tensors) == ["codec.weight"] and tensors["codec.weight"].tolist() == [1, 1]


def test_the_moments_of_earlier_versions_have_other_names(state, tmp_path):
    state.save(tmp_path / "state", {})
    tensors, metadata = read_tensors(tmp_path / "state")
    tensors["state.first"], tensors["state.second"] = tensors.pop("state.m"), tensors.pop("state.v")
    del metadata["losses"]
    write_tensors(tmp_path / "state", tensors, metadata)
    again, others, _ = TrainingState.load(tmp_path / "state", 6)
    assert np.array_equal(again.m, state.m) and np.array_equal(again.v, state.v)
    assert (again.losses, others) == ([], {})


def test_what_is_no_state_or_lacks_a_vector_is_refused_in_a_sentence(state, tmp_path):
    write_tensors(tmp_path / "model", {}, {"kind": "model"})
    with pytest.raises(UserError, match="is not the state of a training run"):
        TrainingState.load(tmp_path / "model", 6)
    state.save(tmp_path / "state", {})
    tensors, metadata = read_tensors(tmp_path / "state")
    del tensors["state.ema"]
    write_tensors(tmp_path / "state", tensors, metadata)
    with pytest.raises(UserError, match="lacks the vector ema"):
        TrainingState.load(tmp_path / "state", 6)


@pytest.mark.parametrize(
    ("size", "further", "notes", "said"),
    [
        (7, {}, {}, r"state.params has shape \(6,\), expected \(7,\)"),
        (6, {"codec.weight": (2,)}, {}, "missing codec.weight"),
        (6, {}, {"history": [[1]]}, "history has 1 entries, not 2"),
        (6, {}, {"step": -1}, "step is -1, not a number from 0"),
        (6, {}, {"losses": [None]}, "losses is None, not of type float"),
    ],
)
def test_a_state_of_another_size_or_with_senseless_notes_is_refused(size, further, notes, said, state, tmp_path):
    state.save(tmp_path / "state", {})
    tensors, metadata = read_tensors(tmp_path / "state")
    write_tensors(tmp_path / "state", tensors, metadata | notes)
    with pytest.raises(UserError, match=f"does not fit its own settings .*{said}"):
        TrainingState.load(tmp_path / "state", size, further)
