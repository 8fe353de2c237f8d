"""The whole way, small: train from nothing, save, load, generate, evaluate. Takes some ten seconds."""

import numpy as np
import pytest

from minidit import load
from minidit.evaluation.evaluate import evaluate
from minidit.generation.text_to_video import generate
from minidit.models.checkpoint import load_model
from minidit.presets import PRESETS
from minidit.training.trainer import MODEL, Run
from minidit.world import HELD_OUT, caption, verify_batch


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of the tiny preset: 600 steps of the codec and 300 of the DiT."""
    run = Run(PRESETS["tiny"], tmp_path_factory.mktemp("runs") / "tiny", progress=False)
    run.start()
    run.train()
    return run


@pytest.fixture(scope="module")
def model(run):
    return load_model(run.folder / MODEL)


def test_the_codec_learns_to_reconstruct(run):
    assert run.codec_psnr > 20  # of 21.9 dB


def test_the_loss_falls_and_goes_on_falling(run):
    losses = [loss for _, loss in run.state.history]
    first, middle, last = losses[0], losses[len(losses) // 2], losses[-1]
    assert last < 0.39  # of 0.32, a mean over 25 steps
    assert last < 0.9 * middle < 0.4 * first


def test_held_out_prompts_get_clips_of_the_right_colour_and_sky(model):
    """Which it has composed by itself. For shapes and motions these few steps are not enough."""
    clips = generate(model, [caption(attributes) for attributes in HELD_OUT], list(range(len(HELD_OUT))))
    assert clips.shape == (len(HELD_OUT), 8, 16, 16, 3)
    readings = verify_batch(clips)
    pairs = list(zip(readings, HELD_OUT, strict=True))
    assert np.mean([reading.sky == attributes.sky for reading, attributes in pairs]) > 0.9  # chance is 1/3
    assert np.mean([reading.color == attributes.color for reading, attributes in pairs]) > 0.8  # chance is 1/5


def test_a_run_can_be_opened_in_three_lines(run):
    model = load(run.folder)
    clip = model.generate("a red circle moves right in the day sky", seed=0)
    assert clip.shape == (8, 16, 16, 3)
    assert 0 <= clip.min() < clip.max() <= 1


def test_an_evaluation_agrees_and_knows_its_controls(model):
    report = evaluate(model, prompts=40, seeds=1, steps=10, fitted=8, progress=False)
    for split in ("seen", "held_out"):
        assert report[f"attributes_{split}"]["sky"] > 0.9
        assert 0 <= report[f"strict_{split}"] <= report[f"right_{split}"] <= 1
    assert report["control_real"]["right"] > 0.95
    assert report["control_codec"]["right"] > 0.6  # of 0.86 to 0.97
    assert report["control_shuffled"]["sky"] < 0.6
    near = report["nearest_training_clip"]
    assert near["generated"] > 0.3 * near["real"]  # it does not replay clips
