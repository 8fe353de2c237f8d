"""The file that is everything computes what the package computes: loss, gradients, codec, samples, updates."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minidit import reference
from minidit.diffusion import (
    RectifiedFlow,
    diffusion_loss_backward,
    diffusion_loss_forward,
    estimator,
    guided,
    network_time,
    sample,
)
from minidit.experiments.small import small_settings
from minidit.models.codec import Codec
from minidit.models.video_model import VideoModel
from minidit.training.codec import codec_loss_and_gradients
from minidit.training.optimizer import AdamWSettings, adamw_ema_update, ema_decay
from minidit.training.settings import CodecTraining

SETTINGS = small_settings(128, 4, 4, (8, 1, 1), text_width=64)
PATH = RectifiedFlow()
PROMPTS = ["a red circle moves right in the day sky", "the night sky", ""]
DTYPES = {np.float64: 1e-12, np.float32: 1e-5}  # how far two roundings may lead apart, of the largest number

both_dtypes = pytest.mark.parametrize("dtype", DTYPES, ids=["float64", "float32"])


def assert_close(found, expected, name=""):
    """Equal in shape and dtype, and to rounding in value."""
    found, expected = np.asarray(found), np.asarray(expected)
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype), name
    apart, size = np.abs(found - expected).max(), np.abs(expected).max()
    assert 0 < size and apart < DTYPES[expected.dtype.type] * size, f"{name}: {apart} of {size}"


def assert_same_gradients(found, expected):
    assert found.keys() == expected.keys()
    for name in expected:
        assert_close(found[name], expected[name], name)


@pytest.fixture
def model(dtype):
    """A model of these sizes with every parameter away from zero, so that no closed gate hides a mistake."""
    rng = np.random.default_rng(0)
    model = VideoModel(SETTINGS, rng, dtype)
    model.dit.params.flat[...] = rng.normal(0, 0.05, model.dit.params.flat.shape)
    model.codec.params.flat[...] = rng.normal(0, 0.1, model.codec.params.flat.shape)
    model.codec.latent_mean[...] = rng.normal(size=model.codec.latent_mean.shape)
    model.codec.latent_std[...] = rng.uniform(0.5, 1, model.codec.latent_std.shape)
    return model


def drawn_batch(dtype):
    """data and noise (3, *LATENTS), t (3,), the last where the loss's weight is capped, and word ids (3, L)."""
    data, noise = np.random.default_rng(1).normal(size=(2, 3, *reference.LATENTS)).astype(dtype)
    return data, noise, np.array([0.1, 0.5, 0.97], dtype), reference.tokenize(PROMPTS)


def compare_dit(model, dtype):
    """Loss and every gradient of a batch."""
    data, noise, t, ids = drawn_batch(dtype)
    prediction, cache = model.dit.forward(PATH.noised(data, noise, t), network_time(t), ids)
    loss, loss_cache = diffusion_loss_forward(prediction, "data", PATH, data, noise, t)
    _, grads = model.dit.backward(diffusion_loss_backward(1.0, loss_cache), cache)

    found, found_cache = reference.diffusion_loss_forward(data, noise, t, ids, dict(model.dit.params))
    assert_close(found, loss, "loss")
    assert_same_gradients(reference.diffusion_loss_backward(found_cache), grads)


def compare_codec(model, dtype):
    """Loss and every gradient of some patches."""
    rng, codec = np.random.default_rng(2), model.codec
    grid = (1, 1, 1, 5)  # the reference sees patches in a row
    patches, noise = rng.uniform(-1, 1, (*grid, 48)).astype(dtype), rng.normal(size=(*grid, 16)).astype(dtype)
    loss, _, dreconstruction, dmean, dlog_variance, cache = codec_loss_and_gradients(
        codec, patches, noise, CodecTraining().noise_std
    )
    found, found_cache = reference.codec_loss_forward(patches[0, 0, 0], noise[0, 0, 0], dict(codec.params))
    assert_close(dtype(found), dtype(loss), "loss")
    grads = codec.backward(dreconstruction, dmean, dlog_variance, cache)
    assert_same_gradients(reference.codec_loss_backward(found_cache), grads)


def compare_updates(model, dtype):
    """Parameters and moving average after five updates, of which the first have a gradient that is clipped."""
    rng, count = np.random.default_rng(3), model.codec.params.flat.size
    params, average = model.codec.params.flat.copy(), model.codec.params.flat.copy()
    moments = np.zeros((2, count), dtype)
    names = model.codec.params.shapes

    def by_name(vector):
        codec = Codec(SETTINGS.codec, dtype=dtype)
        codec.params.flat[...] = vector
        return {name: codec.params[name] for name in names}

    state = tuple(map(by_name, (params, *moments, average)))
    for step, size in enumerate((1.0, 0.1, 0.01, 1e-4, 1e-5)):
        grads = rng.normal(0, size, count).astype(dtype)
        adamw_ema_update(
            params, grads, *moments, average, step + 1, 0.01, AdamWSettings(), ema_decay(step, 0.999),
            float(grads @ grads), 1.0,
        )  # fmt: skip
        reference.optimizer_step(state, by_name(grads), step + 1, 0.01)
    for found, expected in zip(state, (params, *moments, average), strict=True):
        assert_same_gradients(found, by_name(expected))


@both_dtypes
@pytest.mark.parametrize("compare", [compare_dit, compare_codec, compare_updates])
def test_it_computes_what_the_package_computes(compare, model, dtype):
    compare(model, dtype)


def layernorm_without_mean_term(dxhat, cache):
    xhat, rstd = cache
    return rstd * (dxhat - xhat * (dxhat * xhat).mean(axis=-1, keepdims=True))


def layernorm_without_std_term(dxhat, cache):
    return cache[1] * (dxhat - dxhat.mean(axis=-1, keepdims=True))


def softmax_without_average(dy, cache):
    return cache[0] * dy


def gate_forgotten(dy, cache):
    h, _ = cache
    return dy, dy, (dy * h).sum(axis=-2)


def no_bias_correction(p, g, m, v, step, *others, adamw_update=reference.adamw_update, **options):
    return adamw_update(p, g, m, v, 1000, *others, **options)


def scale_without_gradient(dy, cache, modulate_backward=reference.modulate_backward):
    dx, dshift, dscale = modulate_backward(dy, cache)
    return dx, dshift, 0 * dscale


@pytest.mark.parametrize("dtype", [np.float64], ids=["float64"])
@pytest.mark.parametrize(
    ("function", "slip", "compare"),
    [
        ("layernorm_backward", layernorm_without_mean_term, compare_dit),
        ("layernorm_backward", layernorm_without_std_term, compare_dit),
        ("softmax_backward", softmax_without_average, compare_dit),
        ("modulate_backward", scale_without_gradient, compare_dit),
        ("gated_residual_backward", gate_forgotten, compare_dit),
        ("relu_backward", lambda dy, cache: dy, compare_codec),
        ("adamw_update", no_bias_correction, compare_updates),
    ],
)
def test_the_comparison_notices_a_mistake(monkeypatch, function, slip, compare, model, dtype):
    monkeypatch.setattr(reference, function, slip)
    for activations in ("RELU", "SILU", "GELU"):
        names = getattr(reference, activations)
        monkeypatch.setattr(reference, activations, tuple(getattr(reference, pair.__name__) for pair in names))
    with pytest.raises(AssertionError):
        compare(model, dtype)


@both_dtypes
def test_its_codec_is_the_packages_both_ways(model, dtype, rng):
    clips = rng.uniform(size=(2, *SETTINGS.latent_shape[:1], 16, 16, 3)).astype(dtype)
    codec = {**model.codec.params, "latent_mean": model.codec.latent_mean, "latent_std": model.codec.latent_std}
    latents = model.codec.encode(clips)
    assert_close(reference.encode(clips, codec), latents)
    assert_close(reference.decode(latents, codec), model.codec.decode(latents))


@both_dtypes
def test_its_guided_samples_are_the_packages(model, dtype, rng):
    noise = rng.normal(size=(2, *reference.LATENTS)).astype(dtype)
    ids = model.tokenizer.encode([*PROMPTS[:2], ""])

    def network(x, t, ids):
        return model.dit.forward(x, np.full(len(x), network_time(t), x.dtype), ids)[0]

    settings = SETTINGS
    network = guided(network, ids[:2], ids[2], settings.guidance, settings.interval)
    predict = estimator(network, settings.prediction, PATH)
    expected = sample(predict, noise, PATH, settings.steps, shift=settings.shift)
    assert_close(reference.denoise(noise, PROMPTS[:2], dict(model.dit.params)), expected)


def test_it_has_the_sizes_and_the_beginning_of_its_model():
    model = VideoModel(SETTINGS, np.random.default_rng(0))
    assert model.settings.latent_shape == reference.LATENTS
    assert np.array_equal(model.tokenizer.encode(PROMPTS), reference.tokenize(PROMPTS))
    initial = reference.initial_dit(np.random.default_rng(0))
    assert {name: array.shape for name, array in initial.items()} == dict(model.dit.params.shapes)
    assert {array.dtype for array in initial.values()} == {np.dtype(np.float32)}
    assert {name for name in initial if initial[name].any()} == {
        name for name in initial if model.dit.params[name].any()
    }


def test_steps_of_training_lower_the_loss():
    p = reference.initial_dit(np.random.default_rng(0))
    state = (p, *({name: np.zeros_like(array) for name, array in p.items()} for _ in range(3)))
    losses = []
    for step in range(1, 31):
        loss, cache = reference.diffusion_loss_forward(*drawn_batch(np.float32), p)
        reference.optimizer_step(state, reference.diffusion_loss_backward(cache), step, 2e-3)
        losses.append(loss)
    assert losses[-1] < 0.5 * losses[0]


def test_its_command_trains_and_writes_a_clip(tmp_path):
    command = [sys.executable, "-m", "minidit.reference", "--minutes", "0.01"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "codec: step 1, loss" in done.stdout and "DiT: step 1, loss" in done.stdout
    with Image.open(tmp_path / "reference.gif") as clip:
        assert clip.n_frames == 8 and clip.width == 4 * clip.height  # eight clips side by side, in two rows


def test_it_is_a_few_pages_of_numpy():
    source = Path(reference.__file__).read_text(encoding="utf-8")
    lines = source.splitlines()
    assert len(lines) <= 520 and max(map(len, lines)) <= 120
    imported = {
        node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
        for node in ast.parse(source).body
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert imported - sys.stdlib_module_names == {"numpy", "minidit.world"}


def test_only_the_course_imports_it():
    package = Path(reference.__file__).parent
    imports = re.compile(r"^\s*from (minidit\.reference import|minidit import .*\breference\b)", re.MULTILINE)
    importing = {
        path.relative_to(package).parts[0]
        for path in package.rglob("*.py")
        if imports.search(path.read_text(encoding="utf-8"))
    }
    assert importing == {"course"}
