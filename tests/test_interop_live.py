"""Agreement with PyTorch itself, where it is installed; the golden file says the same without it."""

import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

from minidit.interop import from_pytorch_dit

sys.path.append(str(Path(__file__).parent))  # the tests are not a package
from pytorch_parity import (
    CASES,
    TOLERANCE,
    Sizes,
    assert_agree,
    fingerprint,
    golden_results,
    our_results,
    random_inputs,
    random_state_dict,
    state_dict_shapes,
)

torch = pytest.importorskip("torch")
from pytorch_dit import pytorch_results, reference  # noqa: E402  it imports PyTorch

SCRIPT = Path(__file__).parents[1] / "scripts" / "load_dit_weights.py"

# Widths, heads and patches of the published sizes, with a single block.
PUBLISHED = {
    "S/8": Sizes(32, 8, 4, 384, depth=1, num_heads=6, num_classes=1000),
    "B/4": Sizes(32, 4, 4, 768, depth=1, num_heads=12, num_classes=1000),
    "XL/8": Sizes(16, 8, 4, 1152, depth=1, num_heads=16, num_classes=10),
}


def tensors(state_dict):
    return {name: torch.from_numpy(array) for name, array in state_dict.items()}


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("case", CASES)
def test_outputs_and_every_gradient_agree(case, dtype):
    assert_agree(our_results(CASES[case], dtype), pytorch_results(CASES[case], dtype), TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_widths_agree(name, dtype):
    assert_agree(our_results(PUBLISHED[name], dtype), pytorch_results(PUBLISHED[name], dtype), TOLERANCE[dtype])


@pytest.mark.parametrize("case", CASES)
def test_the_golden_file_is_what_pytorch_gives_today(case):
    assert_agree(fingerprint(pytorch_results(CASES[case], np.float64)), golden_results(case), 1e-12)


@pytest.mark.parametrize("case", CASES)
def test_the_shapes_written_out_are_those_of_the_pytorch_model(case):
    model = reference(CASES[case])
    assert {name: tuple(a.shape) for name, a in model.state_dict().items()} == state_dict_shapes(CASES[case])


@pytest.mark.parametrize("of", [torch.nn.Module.state_dict, lambda model: dict(model.named_parameters())])
def test_tensors_load_as_they_are(of):
    sizes = CASES["patch_4"]
    model = reference(sizes)
    model.load_state_dict(tensors(random_state_dict(sizes, np.float32)))
    x, t, labels, _ = random_inputs(sizes, np.float32)
    ours, _ = from_pytorch_dit(of(model), sizes.num_heads).forward(x, t, labels)
    theirs, _ = from_pytorch_dit(random_state_dict(sizes, np.float32), sizes.num_heads).forward(x, t, labels)
    np.testing.assert_array_equal(ours, theirs)


def test_the_comparison_catches_a_wrong_pytorch_too(monkeypatch):
    monkeypatch.setattr(torch.nn.functional, "silu", lambda x, inplace=False: torch.relu(x))
    with pytest.raises(AssertionError, match="^y differs from PyTorch's"):
        assert_agree(our_results(CASES["patch_2"], np.float64), pytorch_results(CASES["patch_2"], np.float64), 1e-10)


# The script that loads published weights


@pytest.fixture
def load_dit_weights():
    return runpy.run_path(str(SCRIPT))["main"]


@pytest.mark.parametrize("wrap", [dict, lambda weights: {"model": {}, "ema": weights}])
def test_the_script_loads_a_file_of_weights(wrap, load_dit_weights, tmp_path, capsys):
    sizes = PUBLISHED["S/8"]
    torch.save(wrap(tensors(random_state_dict(sizes, np.float32))), tmp_path / "dit.pt")
    assert load_dit_weights([str(tmp_path / "dit.pt")]) == 0
    printed = capsys.readouterr().out
    assert "1 blocks of width 384 with 6 heads, 8 × 8 patches of 4 × 32 × 32 latents" in printed
    assert "correlate" in printed


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (None, [], "can't be read as PyTorch weights"),
        (b"not a checkpoint", [], "can't be read as PyTorch weights"),
        ({"conv.weight": np.ones((2, 2), np.float32)}, ["--heads", "6"], "not the state dict"),
        ({"conv.weight": np.ones((2, 2), np.float32)}, [], "say --heads"),
        (random_state_dict(CASES["patch_2"], np.float32), [], "say --heads"),
        (random_state_dict(CASES["patch_2"], np.float32), ["--heads", "5"], "does not divide into 5 heads"),
        (random_state_dict(CASES["patch_2"], np.float32), ["--heads", "4"], "labels should be whole numbers"),
    ],
)
def test_the_script_says_what_is_wrong(content, options, message, load_dit_weights, tmp_path, capsys):
    path = tmp_path / "dit.pt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(tensors(content), path)
    assert load_dit_weights([str(path), *options]) == 2
    printed = capsys.readouterr().err
    assert message in printed
    assert len(printed.splitlines()) == 1
