"""The tests of the kernels can fail: they notice each mistake that is planted in a kernel."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))  # the tests are not a package
from planting import TEXTS, cases_of, mistakes_in, planted, what_is_noticed

# Slips that a kernel's author could make: file, what is wrong, what stands there, what is planted in its place
SLIPS = [
    ("adamw.cu", "no weight decay", "shrink * params[i]", "params[i]"),
    ("adamw.cu", "a moment isn't kept", "m[i] = new_m;", ""),
    ("embedding.cu", "of a word, only the last place counts", "sum += dy", "sum = dy"),
    ("flash_attention.cu", "old weights aren't rescaled", "sums[r][f].at[i] *= rescale;", ";"),
    ("flash_attention.cu", "the old total isn't rescaled", "total[r] *= rescale;", ""),
    ("flash_attention.cu", "the scale is missing from dq", "factor[r] = scale;", "factor[r] = 1.0f;"),
    ("gated_residual.cu", "the bias's gradient lacks the gate", "db += dh_i", "db += dy[i]"),
    ("gated_residual.cu", "the gate's gradient lacks the bias", "+= dy[i] * (h[i] + bias)", "+= dy[i] * h[i]"),
    ("gelu.cu", "the derivative of u³ is u²", "3.0f * CUBIC", "CUBIC"),
    ("layernorm_modulate.cu", "nothing goes through the deviation", " - xhat * through_std", ""),
    ("layernorm_modulate.cu", "what is squared still has its mean", "= x_row[i] - row_mean;", "= x_row[i];"),
    ("mse.cu", "all have the first weight", "sum += (weight ? weight[i / per_weight]", "sum += (weight ? weight[0]"),
    ("reduce.cuh", "maxima start at zero", "(warp_max(value), LOWEST)", "(warp_max(value), 0.0f)"),
    ("softmax.cu", "the old sum isn't rescaled", "sum *= expf(scale * (largest - score));", ""),
    ("softmax.cu", "the average isn't subtracted", "(mine[key] - average)", "mine[key]"),
]  # fmt: skip


def every_mistake():
    """Parameters of a test: the file, and its text with the mistake."""
    for file, text in TEXTS.items():
        for what, wrong_text in mistakes_in(text):
            yield pytest.param(file, wrong_text, id=f"{file}: {what}")
    for file, what, right, wrong in SLIPS:
        assert TEXTS[file].count(right) == 1, (file, right)
        yield pytest.param(file, TEXTS[file].replace(right, wrong), id=f"{file}: {what}")


@pytest.mark.parametrize(("file", "text"), [*every_mistake()])
def test_a_planted_mistake_is_noticed(file, text, tmp_path):
    with planted(file, text, tmp_path):
        assert what_is_noticed(cases_of(file))


@pytest.mark.parametrize("file", TEXTS)
def test_where_nothing_is_planted_nothing_is_noticed(file, tmp_path):
    with planted(file, TEXTS[file], tmp_path):
        assert cases_of(file)
        assert what_is_noticed(cases_of(file)) is None


@pytest.mark.parametrize("file", TEXTS)
def test_mistakes_of_each_kind_are_planted(file):
    text = TEXTS[file]
    planted_here = [what for what, _ in mistakes_in(text)]
    barriers = sum("lacks its __sync" in what for what in planted_here)
    returns = sum("a thread returns" in what for what in planted_here)
    assert barriers == text.count("__syncthreads()") + text.count("__syncwarp()")
    assert returns == text.count("__global__")
    assert len(planted_here) > barriers + returns
