import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from minidit.evaluation.cases import draw_cases
from minidit.evaluation.pixels import psnr
from minidit.experiments import robustness
from minidit.experiments.robustness import (
    COMPLETED,
    KINDS,
    Harm,
    decoded,
    draw,
    harmed_input,
    harmed_inside,
    harmed_noise,
    harms,
    measure,
    note,
    sentences,
    tables,
    tasks,
)
from minidit.experiments.tasks import Options
from minidit.generation.canvas import in_pixels
from minidit.generation.text_to_video import generate, starting_noise
from minidit.models.checkpoint import save_model
from minidit.world import SEEN

RIGHT, WRONG = "1111111", "0000000"


@pytest.fixture
def part(rng):
    return draw_cases(SEEN, 3, rng)


@pytest.fixture(scope="module")
def marked(tiny_marked_model, tmp_path_factory):
    path = tmp_path_factory.mktemp("marked") / "model.safetensors"
    save_model(path, tiny_marked_model)
    return path


def made_up(rights=lambda harm: 195, of=200, fall=lambda harm: 0.0):
    """Results of all harms, with as many right and so many dB of fidelity lost as functions say."""
    decibels = np.linspace(29, 33, 101)
    near = {"count": of, "mean": 40.0, "std": 3.0, "least": 20.0}
    return {
        f"robustness/{harm.what}/{harm.label}": {
            "what": harm.what, "how": harm.how, "amount": harm.amount, "label": harm.label, "mild": harm.mild,
            "scores": {RIGHT: rights(harm), WRONG: of - rights(harm)},
            "fidelity": (decibels - fall(harm)).tolist(),
            "control": None if harm.what in ("weights", "start") else {RIGHT: 100, WRONG: 100},
            "psnr": near if harm.what in ("weights", "start") else None,
        }
        for harm in harms(True)
    }  # fmt: skip


def test_every_kind_has_a_line_without_harm_and_mild_ones():
    for what in KINDS:
        of_it = [harm for harm in harms(True) if harm.what == what]
        assert of_it[0].how == "none"
        assert any(harm.mild for harm in of_it)
        assert len({harm.label for harm in of_it}) == len(of_it)


def test_a_model_without_marks_is_spared_what_it_cannot_do(tmp_path):
    whats = {task.name.split("/")[1] for task in tasks(Options(tmp_path, tmp_path, "", completes=False))}
    assert whats == set(KINDS) - set(COMPLETED)


@pytest.mark.parametrize("sampler", ["euler", "ddpm"])  # which draws noise on its way
def test_no_harm_is_what_generate_makes(sampler, tiny_model, part, monkeypatch):
    monkeypatch.setattr(tiny_model, "settings", replace(tiny_model.settings, sampler=sampler))
    noise = starting_noise(tiny_model.settings.latent_shape, part.seeds)
    assert decoded(tiny_model, part, noise) == pytest.approx(generate(tiny_model, part.prompts, part.seeds))
    made, unharmed = harmed_inside(tiny_model, Harm("weights", "none"), part, np.random.default_rng(0))
    assert (made == unharmed).all()


@pytest.mark.parametrize("what", ["weights", "start"])
def test_more_harm_inside_is_farther_from_the_clip_without(what, tiny_model, part):
    harder = {"weights": [Harm(what, "float16"), Harm(what, "whole", 8), Harm(what, "whole", 4)],
              "start": [Harm(what, "mixed", 0.1), Harm(what, "mixed", 1)]}[what]  # fmt: skip
    found = [psnr(*harmed_inside(tiny_model, harm, part, np.random.default_rng(0))).mean() for harm in harder]
    assert found == sorted(found, reverse=True)
    assert len(set(found)) == len(found)


def test_scaled_noise_is_scaled(part):
    noise = starting_noise((8, 2, 2, 4), part.seeds)
    assert (harmed_noise(Harm("start", "scaled", 0.5), noise, part.seeds) == 0.5 * noise).all()


def test_the_psnr_of_equal_clips_is_a_number_that_json_has(marked):
    assert measure(marked, 3, Harm("weights", "none"))["psnr"] == {"count": 3, "mean": 100, "std": 0, "least": 100}


@pytest.fixture
def given(tiny_marked_model, part, monkeypatch):
    """What a harm gives the model to complete: canvases and prompts; and what the eye sees, what is asked for."""

    def capture(harm):
        calls = {}

        def generate(model, prompts, seeds, canvases):
            calls.update(canvases=canvases, prompts=prompts)
            return np.stack([canvas.clip for canvas in canvases])

        monkeypatch.setattr(robustness, "generate", generate)
        _, seen, wanted = harmed_input(tiny_marked_model, harm, part, np.random.default_rng(0))
        return calls["canvases"], calls["prompts"], seen, wanted

    return capture


def test_animate_is_given_the_first_frame_alone_less_what_is_lost(given):
    canvases, *_ = given(Harm("animate", "none"))
    assert all(canvas.known[0].all() and not canvas.known[1:].any() for canvas in canvases)
    canvases, _, seen, _ = given(Harm("animate", "lost", 0.5))
    known = np.stack([canvas.known for canvas in canvases])
    assert 0 < known[:, 0].mean() < 1 and not known[:, 1:].any()
    assert (seen[:, 0][~in_pixels(known, (1, 8, 8))[:, 0]] == 0.5).all()
    assert not given(Harm("animate", "lost", 1))[0][0].known.any()


def test_inpaint_is_given_half_less_what_is_lost(given):
    half, most = (np.stack([c.known for c in given(harm)[0]]) for harm in
                  (Harm("inpaint", "none"), Harm("inpaint", "lost", 0.75)))  # fmt: skip
    assert half.mean() == pytest.approx(0.5, abs=0.1)
    assert most.mean() == pytest.approx(0.125, abs=0.06)


def test_noise_comes_where_something_is_given_and_the_control_has_it_there_alone(given):
    clean = given(Harm("inpaint", "none"))
    noisy = given(Harm("inpaint", "noisy", 0.2))
    known = in_pixels(np.stack([canvas.known for canvas in noisy[0]]), (1, 8, 8))
    assert (noisy[2][known] == np.stack([canvas.clip for canvas in noisy[0]])[known]).all()
    real = np.stack([canvas.clip for canvas in clean[0]])
    assert np.abs(np.stack([canvas.clip for canvas in noisy[0]]) - real)[known].mean() > 0.02
    assert np.abs(noisy[2][~known] - np.stack([c.clip for c in clean[0]])[~known]).max() == 0


def test_edit_asks_for_another_colour_of_what_is_left(tiny_marked_model, part, monkeypatch):
    asked = []
    monkeypatch.setattr(robustness, "edited", lambda model, *arguments: asked.append(arguments) or arguments[-1])
    _, seen, wanted = harmed_input(tiny_marked_model, Harm("edit", "lost", 0.5), part, np.random.default_rng(0))
    ((prompts, clips),) = asked
    assert (clips == seen).all() and (clips == 0.5).all(axis=-1).any()
    for old, new, prompt in zip(part.attributes, wanted, prompts, strict=True):
        assert new.color != old.color and new[1:] == old[1:]
        assert new.color in prompt


@pytest.mark.parametrize(
    "harm", [Harm("weights", "whole", 8), Harm("animate", "lost", 0.5), Harm("edit", "noisy", 0.1)], ids=str
)
def test_a_harm_is_measured(harm, marked):
    result = measure(marked, 3, harm)
    assert sum(result["scores"].values()) == len(result["fidelity"]) == 3
    assert (result["control"] is None) == (harm.what == "weights") == (result["psnr"] is not None)
    assert result == measure(marked, 3, harm) | {"core_seconds": result["core_seconds"]}


@pytest.mark.parametrize(
    ("rights", "said"),
    [
        (lambda harm: 195, "Confirmed"),
        (lambda harm: 100 if harm.how == "float16" else 195, "Refuted"),
        (lambda harm: 188 if harm.mild else 195, "Undecided"),
        (lambda harm: 183 if harm.mild else 195, "Undecided"),
        (lambda harm: 195 if harm.mild or harm.how == "none" else 0, "Confirmed"),
    ],
    ids=["never less", "float16 hurts", "a little less", "six points less", "only strong harm hurts"],
)
def test_the_verdict_follows_from_mild_harm(rights, said):
    assert sentences(made_up(rights))[0].startswith(f"{said}: ")


@pytest.mark.parametrize(
    ("fall", "said"),
    [
        (lambda harm: 5.0 if harm.label == "int8" else 0.0, "Partly confirmed"),
        (lambda harm: 5.0 if harm.label == "int4" else 0.0, "Confirmed"),
    ],
    ids=["mild", "strong"],
)
def test_fidelity_tells_harms_apart_where_all_clips_are_right(fall, said):
    first, weights, start, *_ = sentences(made_up(lambda harm: 200, fall=fall))
    assert first.startswith(f"{said}: ")
    assert first.endswith(f"less than 1 dB of fidelity for {5 - (said != 'Confirmed')} of them.")
    assert "more than 1 dB is surely lost under int" in weights
    assert start.endswith("mild harm costs at most 0.00 [0.00, 0.00] dB, and no harm surely costs more than 1 dB.")


def test_what_halves_the_accuracy_is_named():
    said = sentences(made_up(lambda harm: 20 if harm.label == "int4" else 195))
    assert "Accuracy falls below half under int4." in said[1]
    assert "No harm brings it below half." in said[2]


def test_the_tables_have_a_line_for_each_harm():
    found = tables(made_up())
    assert sum(table.count("\n") - 1 for table in found) == len(harms(True))
    assert "| int8 (mild) | 97.5 [94.3, 98.9] | 97.5 [94.3, 98.9] | 31.0 [" in found[0]
    assert "| 40.0 [39.6, 40.4] |" in found[0]
    assert "| 50.0 [43.1, 56.9] |" in found[2]


def test_the_note_states_the_rule_of_the_verdict():
    assert "confirmed if every mild harm surely costs less than 5 points and less than 1 dB" in note(made_up())


def test_the_note_says_what_was_left_out():
    some = {name: result for name, result in made_up().items() if result["what"] not in COMPLETED}
    assert "Left out, as the model can't complete clips: animate, inpaint and edit." in note(some)
    assert "Left out" not in note(made_up())


def test_the_figure_has_a_chart_for_each_input():
    assert Image.open(io.BytesIO(draw(made_up()))).size == (2100, 1450)


def test_quick_spares_strong_harm(tmp_path):
    full, quick = (tasks(Options(tmp_path, tmp_path, "", completes=True, quick=quick)) for quick in (False, True))
    assert {task.name for task in quick} < {task.name for task in full}
    assert all(harm.mild or harm.how == "none" for harm in (task.arguments[2] for task in quick))
    assert all(task.plan["amount"] == task.arguments[2].amount for task in full)


def test_every_clip_has_other_noise_of_its_own(part):
    noise = starting_noise((8, 2, 2, 4), part.seeds)
    other = harmed_noise(Harm("start", "mixed", 1), noise, part.seeds)
    assert not np.array_equal(other[0], other[1])
    assert not np.array_equal(other, noise)


def test_an_edit_is_judged_by_the_new_colour(marked, monkeypatch):
    controls, scored = [], []

    def judge(readings, wanted):
        controls.append([a.color for a in wanted])
        return np.ones((len(wanted), 7), bool)

    monkeypatch.setattr(robustness, "judge", judge)
    monkeypatch.setattr(
        robustness, "scored", lambda clips, wanted: scored.append([a.color for a in wanted]) or ({}, [])
    )
    measure(marked, 3, Harm("edit", "none"))
    measure(marked, 3, Harm("animate", "none"))
    assert scored == controls
    assert all(new != old for new, old in zip(*scored, strict=True))


def test_results_are_told_in_the_usual_order_however_they_came():
    found = made_up(lambda harm: 195 if harm.how == "none" else 190)
    late = dict(reversed(found.items()))
    assert sentences(late) == sentences(found)
    assert tables(late) == tables(found)
