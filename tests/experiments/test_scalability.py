import io
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from minidit.experiments import scalability
from minidit.experiments.scalability import (
    PATCHES,
    REAL_CLIPS,
    SIZES,
    TRAINING,
    draw,
    law_of,
    loss_on,
    measure,
    models_of,
    note,
    papers_count,
    sentences,
    tables,
    tasks,
    times_of,
)
from minidit.experiments.small import RealClips, grid_of, small_settings, step_products
from minidit.experiments.tasks import Options
from minidit.models.video_model import VideoModel
from minidit.world import HELD_OUT

RIGHT, WRONG = "1111111", "0000000"


def made_up(exponent, rights, noise=0.0, rise=0.5):
    """Nine models on a planted power law, with so many of 100 held-out prompts right for each, and with fidelities that
    rise by so many dB with each doubling of compute."""
    rng, other, found = np.random.default_rng(0), np.random.default_rng(1), {}
    for i, right in enumerate(rights):
        products = 10 ** (8 + i / 4)
        loss = 10 * (1000 * products) ** -exponent * np.exp(noise * rng.standard_normal())
        counts = {RIGHT: right, WRONG: 100 - right}
        decibels = [20 + rise * np.log2(products / 1e8) + noise * other.standard_normal() + x for x in range(5)]
        found[f"scalability/{i}/seed 0"] = {
            "width": SIZES[i // 3][0], "depth": SIZES[i // 3][1], "patch": list(PATCHES[i % 3]), "tokens": 4,
            "parameters": 1000, "step_products": products, "steps": 1000, "seen": counts, "held_out": counts,
            "curve": [[500, 2 * loss, 2 * loss], [1000, loss, loss]], "core_seconds": 1.0,
            "fidelity": {"seen": decibels, "held_out": decibels}, "codec_fidelity": [33.0, 35.0, 34.0],
        }  # fmt: skip
    return found


@pytest.fixture
def grows():
    return made_up(0.2, [1, 5, 9, 20, 30, 50, 70, 80, 90], noise=0.02)


def test_at_least_six_models_span_two_orders_of_magnitude(tmp_path):
    found = tasks(Options(tmp_path, tmp_path, ""))
    assert len(found) == len(SIZES) * len(PATCHES) >= 6
    assert max(t.cost for t in found) / min(t.cost for t in found) >= 100
    assert len({task.name for task in found} | {task.state for task in found}) == 2 * len(found)


def test_a_seed_adds_tasks_and_keeps_those_that_were(tmp_path):
    one, two = ({t.name for t in tasks(Options(tmp_path, tmp_path, "", seeds=n))} for n in (1, 2))
    assert one < two and len(two) == 2 * len(one)


def test_a_smaller_patch_is_more_compute_at_about_as_many_parameters():
    counted = [small_settings(*SIZES[1], patch) for patch in PATCHES]
    products = [step_products(s, 32) for s in counted]
    assert products == sorted(products)
    assert [int(np.prod(grid_of(s))) for s in counted] == [4, 16, 32]


def test_the_count_is_the_papers():
    assert papers_count() == pytest.approx(118.64, abs=0.005)


def test_the_times_are_spread_over_what_training_draws(rng):
    times = times_of(TRAINING, 4)
    drawn = 1 / (1 + np.exp(-(TRAINING.time_mean + rng.standard_normal(40_000))))
    assert [np.mean(drawn < t) for t in times] == pytest.approx([0.125, 0.375, 0.625, 0.875], abs=0.01)


def test_the_loss_is_always_the_same_and_of_the_weights(smallest_settings, rng):
    model = VideoModel(smallest_settings, rng)
    real = RealClips.draw(smallest_settings, HELD_OUT, 5, REAL_CLIPS)
    before = loss_on(model, TRAINING, real)
    assert before == loss_on(model, TRAINING, RealClips.draw(smallest_settings, HELD_OUT, 5, REAL_CLIPS))
    model.dit.params.flat += 0.1
    assert loss_on(model, TRAINING, real) != before


def test_a_model_is_trained_and_measured(smallest_settings, codec_file, tmp_path):
    training = replace(TRAINING, steps=4, batch=8)
    result = measure(smallest_settings, training, 0, codec_file, tmp_path / "state", clips=3, prompts=4, looks=2)
    assert [step for step, *_ in result["curve"]] == [2, 4]
    assert sum(result["seen"].values()) == sum(result["held_out"].values()) == 4
    assert [len(result["fidelity"][split]) for split in ("seen", "held_out")] == [4, 4]
    assert len(result["codec_fidelity"]) == 3
    assert result["tokens"] == 4
    assert result["step_products"] == step_products(smallest_settings, 8)


def test_the_planted_law_is_found(grows):
    law = law_of(models_of(grows))
    assert law.plain_interval[0] < 0.2 < law.plain_interval[1]
    assert law.correlation < -0.9
    assert law.rise_interval[0] < 0.5 < law.rise_interval[1] and law.rise == pytest.approx(0.5, abs=0.02)


def test_a_claim_that_holds_is_said_to(grows):
    first, *_ = sentences(grows)
    assert first.startswith("Confirmed: over a factor of 100 in training compute (9 models)")
    assert "90.0 [82.6, 94.5] %" in sentences(grows)[2]


@pytest.mark.parametrize(
    ("exponent", "rise", "said", "direction"),
    [
        (0.2, 0.5, "Confirmed", "rises"),
        (0.2, 0, "Undecided", "does not surely rise or fall"),
        (0.0, 0.5, "Undecided", "rises"),
        (-0.2, 0.5, "Refuted", "rises"),
        (0.2, -0.5, "Refuted", "falls"),
    ],
    ids=["both gain", "fidelity stays", "the loss stays", "the loss rises", "fidelity falls"],
)
def test_the_verdict_follows_from_loss_and_fidelity_even_if_all_prompts_are_right(exponent, rise, said, direction):
    first, second, *_ = sentences(made_up(exponent, [100] * 9, noise=0.02, rise=rise))
    assert first.startswith(f"{said}: ")
    assert second.startswith(f"Fidelity on held-out prompts {direction} with compute: ")
    assert second.endswith("Real clips through the codec alone have 34.0 [33.0, 35.0] dB.")


def test_the_tables_have_all_models_and_the_fits(grows):
    models, fits, rise = tables(grows)
    assert models.splitlines()[0].endswith("| fidelity, held out, dB | its worst tenth, dB |")
    assert "| median | 0.50 [" in rise
    assert models.count("\n") == 9 + 1
    assert "| loss ~ compute^-a | 0.199 [" in fits
    assert "118.6 G" in note(grows)


def test_the_figure_has_every_point_where_it_was_measured(grows, monkeypatch):
    drawn = []
    monkeypatch.setattr(scalability, "png_bytes", lambda figure: drawn.append(figure) or b"")
    draw(grows)
    left, decibels, middle, right = drawn[0].axes
    medians = [container.lines[0].get_ydata().tolist() for container in decibels.containers]
    assert medians == [[run["decibels"] for run in models_of(grows)]] * 2
    assert decibels.lines[-1].get_ydata()[0] == 34
    dots = sorted((line.get_xdata()[0], line.get_ydata()[0]) for line in left.lines if len(line.get_xdata()) == 1)
    assert dots == [(run["compute"], run["loss"]) for run in models_of(grows)]
    assert len(right.lines) == 9
    shares = [container.lines[0].get_ydata().tolist() for container in middle.containers]
    assert shares == [pytest.approx([1, 5, 9, 20, 30, 50, 70, 80, 90])] * 2


def test_the_figure_is_a_png(grows):
    assert Image.open(io.BytesIO(draw(grows))).size == (2400, 720)


def test_the_exponent_and_its_interval_have_the_sign_of_the_slope(grows):
    ends = re.search(r"to the power of (-[.0-9]+) \[(-[.0-9]+), (-[.0-9]+)\]", sentences(grows)[0])
    value, low, high = map(float, ends.groups())
    assert low < value < high < 0


def test_compute_is_that_of_the_whole_training(grows):
    assert models_of(grows)[0]["compute"] == 1e8 * 1000


def test_the_best_model_need_not_be_the_largest():
    said = sentences(made_up(0.2, [1, 5, 9, 20, 30, 99, 70, 80, 85]))[2]
    assert "The best model is width 72, depth 3, patch 4x1x1" in said


def test_the_loss_on_held_out_clips_is_told_from_that_on_seen_ones(
    smallest_settings, codec_file, tmp_path, monkeypatch
):
    def loss_on(model, training, real):
        return 1.5 if real.attributes[0] in HELD_OUT else 0.5

    monkeypatch.setattr(scalability, "loss_on", loss_on)
    training = replace(TRAINING, steps=4, batch=8)
    result = measure(smallest_settings, training, 0, codec_file, tmp_path / "state", clips=3, prompts=2, looks=2)
    assert result["curve"] == [[2, 1.5, 0.5], [4, 1.5, 0.5]]
