import json
from types import SimpleNamespace

import numpy as np
import pytest

from minidit.errors import UserError
from minidit.evaluation import measure
from minidit.evaluation.cases import training_clips
from minidit.evaluation.evaluate import evaluate as evaluate_many
from minidit.evaluation.evaluate import tune_guidance
from minidit.evaluation.report import report_table
from minidit.models import VideoModel
from minidit.presets import PRESETS
from minidit.world import COLORS, HELD_OUT, SEEN, attributes_in, render, verify

SETTINGS = SimpleNamespace(
    size=16,
    frames=8,
    steps=5,
    guidance=1.5,
    interval=(0.0, 0.5),
    shift=3.0,
    sampler="euler",
    codec=SimpleNamespace(patch=(1, 4, 4)),
)
SCORES = ("right_seen", "right_held_out", "strict_seen", "strict_held_out")


def evaluate(model, fitted=1, **options):
    """Without many fits, which take most of the time."""
    return evaluate_many(model, fitted=fitted, **options)


@pytest.fixture
def model():
    """What `evaluate` asks of a model beside `generate`: settings, and a codec that adds a little to every pixel."""
    codec = SimpleNamespace(encode=lambda clips: clips, decode=lambda latents: latents + 0.01)
    codec.reconstruct = lambda clips: codec.decode(codec.encode(clips))
    return SimpleNamespace(settings=SETTINGS, codec=codec)


@pytest.fixture
def make_with(monkeypatch):
    """Replaces generation: the function given draws one clip from (attributes, seed, guidance)."""

    def replace(draw):
        calls = []

        def generate(model, prompts, seeds, sampling):
            calls.append((prompts, seeds, sampling.steps, sampling.guidance, sampling.sampler))
            shown = zip(map(attributes_in, prompts), seeds, strict=True)
            return np.stack([draw(attributes, seed, sampling.guidance) for attributes, seed in shown])

        monkeypatch.setattr(measure, "generate", generate)
        return calls

    return replace


def draw_real(attributes, seed, guidance=None):
    return render(attributes, np.random.default_rng(seed), 16, 8)


def draw_wrong(attributes, seed, guidance=None):
    other = COLORS[(COLORS.index(attributes.color) + 1) % len(COLORS)]
    return draw_real(attributes._replace(color=other), seed)


def draw_memorised(attributes, seed, guidance=None):
    return training_clips(attributes, 0, SETTINGS)[seed % 6]


def without_times(report):
    return {key: value for key, value in report.items() if key != "seconds_per_clip"}


def test_a_model_that_draws_real_clips_passes_and_is_as_far_from_training_as_real_clips(model, make_with):
    make_with(draw_real)
    report = evaluate(model, prompts=100, seeds=2, progress=False)
    for name in SCORES:
        assert report[name] > 0.98
        assert report[f"{name}_interval"][0] <= report[name] <= report[f"{name}_interval"][1]
        assert np.mean(report[f"{name}_by_seed"]) == pytest.approx(report[name])
        assert len(report[f"{name}_by_seed"]) == 2
    assert report["control_real"]["right"] > 0.98 and report["control_codec"]["strict"] > 0.98
    assert report["control_codec"]["psnr"] == pytest.approx(40, abs=0.01)  # 20 log10(1 / 0.01)
    assert report["control_shuffled"]["right"] < 0.05
    assert report["control_chance"]["right"] == pytest.approx(1 / 375)
    nearest, frechet = report["nearest_training_clip"], report["frechet_distance"]
    assert nearest["generated"] == pytest.approx(nearest["real"], rel=0.1) and nearest["clips"] == 200
    assert frechet["generated_seen"] == pytest.approx(frechet["real_seen"], rel=0.3)


def test_a_model_that_draws_the_wrong_color_fails_by_color_alone(model, make_with):
    make_with(draw_wrong)
    report = evaluate(model, prompts=60, seeds=1, progress=False)
    assert [report[name] for name in SCORES] == [0, 0, 0, 0]
    for split in ("seen", "held_out"):
        scores = report[f"attributes_{split}"]
        assert scores["color"] == 0 and min(scores[name] for name in ("shape", "motion", "sky", "whole")) > 0.95


def test_a_codec_that_loses_the_object_shows_in_its_control_alone(model, make_with):
    make_with(draw_real)
    model.codec.decode = lambda latents: np.broadcast_to(latents.mean(axis=(2, 3), keepdims=True), latents.shape)
    report = evaluate(model, prompts=30, seeds=1, progress=False)
    assert report["control_codec"]["right"] == 0 and report["control_codec"]["psnr"] < 20
    assert report["right_seen"] > 0.95 and report["control_real"]["right"] > 0.95


def test_a_perfect_codec_has_a_finite_psnr(model, make_with):
    make_with(draw_real)
    model.codec.decode = lambda latents: latents
    assert evaluate(model, prompts=2, seeds=1, progress=False)["control_codec"]["psnr"] == pytest.approx(100)


def test_one_split_alone_can_fail(model, make_with):
    make_with(lambda a, seed, guidance: (draw_wrong if a in HELD_OUT else draw_real)(a, seed))
    report = evaluate(model, prompts=60, seeds=1, progress=False)
    assert report["right_seen"] > 0.95 and report["right_held_out"] == 0


def test_a_model_that_repeats_training_clips_shows_as_memorising(model, make_with):
    make_with(draw_memorised)
    report = evaluate(model, prompts=40, seeds=1, progress=False)
    nearest = report["nearest_training_clip"]
    assert nearest["generated"] == nearest["generated_least"] == 0 and nearest["real_least"] > 0.001
    assert report["right_seen"] > 0.95  # the scores alone would not have told


def test_clips_that_all_look_alike_are_far_from_the_real_ones(model, make_with):
    make_with(lambda a, seed, guidance: np.full((8, 16, 16, 3), 0.5, np.float32))
    frechet = evaluate(model, prompts=100, seeds=1, progress=False)["frechet_distance"]
    assert frechet["generated_seen"] > 2 * frechet["real_seen"]


def test_every_clip_has_prompt_and_seed_of_its_own_and_batches_are_small(model, make_with):
    calls = make_with(draw_real)
    evaluate(model, prompts=70, seeds=2, guidance=3.0, sampler="heun", progress=False)
    assert [len(prompts) for prompts, *_ in calls] == [64, 6] * 4
    seeds = [seed for _, part, *_ in calls for seed in part]
    assert len(set(seeds)) == 280
    assert {call[2:] for call in calls} == {(5, 3.0, "heun")}
    asked = [attributes_in(prompt) for prompts, *_ in calls for prompt in prompts]
    assert set(asked[:140]) <= set(SEEN) and set(asked[140:]) == set(HELD_OUT)


def test_the_same_seed_gives_the_same_report_and_another_a_different_one(model, make_with):
    make_with(draw_real)
    first, again, other = (evaluate(model, prompts=20, seeds=1, seed=s, progress=False) for s in (1, 1, 2))
    assert without_times(first) == without_times(again)
    assert first["nearest_training_clip"] != other["nearest_training_clip"]


def test_a_repetition_does_not_depend_on_how_many_follow(model, make_with):
    make_with(lambda a, seed, guidance: (draw_real if seed % 10 < 6 else draw_wrong)(a, seed))
    few, many = (evaluate(model, prompts=37, seeds=seeds, progress=False) for seeds in (1, 3))
    assert many["right_seen_by_seed"][0] == few["right_seen_by_seed"][0]
    assert len(set(many["right_seen_by_seed"])) > 1


def test_an_untrained_model_scores_next_to_nothing_and_reports_everything(rng):
    model = VideoModel(PRESETS["tiny"].model, rng)
    for array in model.dit.params.values():
        array += rng.normal(0, 0.05, array.shape).astype(array.dtype)
    report = evaluate(model, 10, prompts=10, seeds=2, steps=2, checkpoint="tiny.safetensors", progress=False)
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    assert max(report[name] for name in SCORES) < 0.1
    assert {
        *(name + end for name in SCORES for end in ("", "_interval", "_by_seed")),
        *("attributes_seen", "attributes_held_out", "fidelity", "seam_ratio", "two_sample", "fitted_per_split"),
        *("control_real", "control_codec", "control_shuffled", "control_chance"),
        *("nearest_training_clip", "frechet_distance", "seconds_per_clip", "clips_per_split"),
        *("checkpoint", "prompts", "seeds", "seed", "steps", "guidance", "sampler", "size", "frames"),
    } == set(report)
    assert report["steps"] == 2 and report["guidance"] == model.settings.guidance
    assert report["checkpoint"] == "tiny.safetensors" and report["clips_per_split"] == 20
    assert report["control_real"]["right"] > 0.9 and report["seconds_per_clip"] > 0
    fidelity = report["fidelity"]
    assert report["fitted_per_split"] == fidelity["generated_seen"]["clips"] == 10 and fidelity["real"]["clips"] == 20
    assert fidelity["generated_seen"]["median"] < 20 and fidelity["real"]["worst_tenth"] > 45
    assert 10 < fidelity["codec"]["median"] < 40 and fidelity["real"]["right"] == 1
    assert report["two_sample"]["generated_seen"]["accuracy"] > 0.8


def test_the_second_examiner_sees_what_is_wrong_and_what_the_controls_are_worth(model, make_with):
    make_with(lambda a, seed, guidance: np.clip(draw_real(a, seed) + 0.05 * (np.arange(16) % 4 == 3)[:, None], 0, 1))
    report = evaluate(model, 24, prompts=24, seeds=1, progress=False)
    fidelity, seam = report["fidelity"], report["seam_ratio"]
    assert fidelity["real"]["worst_tenth"] > 45 and fidelity["real"]["right"] == 1
    assert 42 < fidelity["codec"]["worst_tenth"]  # 0.01 everywhere is 40 dB, but a brighter sky takes most of it
    for split in ("seen", "held_out"):
        made = fidelity[f"generated_{split}"]
        assert made["median"] == pytest.approx(32.5, abs=1)  # 0.05 in a quarter of the columns is 32.0 dB
        low, high = made["median_interval"]
        assert low <= made["median"] <= high and made["worst_tenth"] <= made["median"] and made["clips"] == 24
        assert made["right"] == 1 and seam[f"generated_{split}"] > 1.1 * seam["real"]
        assert report["two_sample"][f"generated_{split}"]["accuracy"] > 0.9
        assert report["two_sample"][f"generated_{split}_from_codec"]["accuracy"] > 0.9
    assert fidelity["shuffled"]["median"] < 20
    assert report["two_sample"]["real"]["accuracy"] == pytest.approx(0.5, abs=0.2)


def test_a_single_clip_of_each_split_is_enough(model, make_with):
    make_with(draw_real)
    report = evaluate(model, prompts=1, seeds=1, progress=False)
    assert json.dumps(report, allow_nan=False) and report["control_shuffled"]["right"] == 0


def test_the_table_shows_the_scores_and_the_bar_stays_off_standard_output(model, make_with, capsys):
    make_with(draw_wrong)
    report = evaluate(model, prompts=8, seeds=1)
    output = capsys.readouterr()
    assert output.out == "" and "16/16" in output.err
    printed = report_table(report)
    assert printed.isascii() and max(map(len, printed.splitlines())) <= 120
    assert "seen combinations" in printed and "held-out combinations" in printed
    assert printed.splitlines()[3].startswith("fidelity in dB")
    for control in ("real clips", "codec", "other clips' prompts", "chance"):
        assert f"control: {control}" in printed or f"control: through the {control}" in printed
    examined, row = (line for line in printed.splitlines() if line.startswith("seen combinations"))
    made = report["fidelity"]["generated_seen"]
    assert f" {made['median']:.1f} [" in examined and f" {made['worst_tenth']:.1f} [" in examined
    low, high = report["right_seen_interval"]
    assert f"{100 * report['right_seen']:.1f} [{100 * low:.1f}, {100 * high:.1f}]" in row


@pytest.mark.parametrize("bad", [0, -1, 2.5, float("nan"), float("inf")])
def test_a_count_that_is_none_is_refused_in_words(model, bad):
    with pytest.raises(UserError, match=f"number of prompts was {bad}"):
        evaluate(model, prompts=bad)
    with pytest.raises(UserError, match=f"number of seeds was {bad}"):
        evaluate(model, seeds=bad)
    with pytest.raises(UserError, match="number of fitted clips"):
        evaluate(model, fitted=bad)
    with pytest.raises(UserError, match="number of prompts"):
        tune_guidance(model, prompts=bad)


def test_guidance_is_chosen_by_strict_score_and_of_equals_the_smallest(model, make_with):
    calls = make_with(lambda a, seed, guidance: (draw_real if guidance > 1.5 else draw_wrong)(a, seed))
    tuned = tune_guidance(model, candidates=(4.0, 1.0, 2.0), prompts=30, progress=False)
    strict = {row["guidance"]: row["strict"] for row in tuned["table"]}
    assert tuned["guidance"] == 2.0 and strict[1.0] == 0 and strict[2.0] == strict[4.0] > 0.95
    assert json.loads(json.dumps(tuned, allow_nan=False)) == tuned
    assert {tuple(prompts) for prompts, *_ in calls} == {tuple(calls[0][0])}  # all candidates get the same
    assert {attributes_in(prompt) for prompt in calls[0][0]} <= set(SEEN)


def test_guidance_needs_candidates(model):
    with pytest.raises(UserError, match="number of candidates was 0"):
        tune_guidance(model, candidates=(), progress=False)


def test_the_stand_ins_draw_what_they_promise():
    assert verify(draw_real(SEEN[5], 1)).right(SEEN[5])
    assert verify(draw_wrong(SEEN[5], 1)).color != SEEN[5].color
    assert verify(draw_memorised(SEEN[5], 1)).right(SEEN[5])
