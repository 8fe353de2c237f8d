import numpy as np
import pytest

from minidit.experiments import trials
from minidit.experiments.abilities import SIZES, USES
from minidit.experiments.trials import Trials
from minidit.generation.canvas import in_pixels
from minidit.world import SEEN, SHAPES, attributes_in

COUNT = 5


@pytest.fixture
def tried(tiny_marked_model):
    """Trials of a model of random numbers."""
    return Trials(tiny_marked_model, SEEN, COUNT, [1])


@pytest.fixture
def asked(monkeypatch):
    """The canvases and prompts that a trial asks for; in place of being made, what isn't known is grey."""
    calls = []

    def grey(model, prompts, seeds, canvases):
        calls.append((canvases, prompts))
        known = [in_pixels(c.known[None], (1, 8, 8))[0][..., None] for c in canvases]
        return np.stack([np.where(k, c.clip, np.float32(0.5)) for k, c in zip(known, canvases, strict=True)])

    monkeypatch.setattr(trials, "generate", grey)
    return calls


@pytest.mark.parametrize("use", {**USES, "large": SIZES["8 frames of 48 x 32"]})
def test_every_use_gives_a_number_for_each_case(tried, use):
    name, settings = USES.get(use, SIZES["8 frames of 48 x 32"])
    scores = getattr(tried, name)(**settings)
    assert scores and all(np.shape(values) == (COUNT,) for values in scores.values())
    for measure in ("right", "as_asked", "shape_kept", "no_jump"):  # of random numbers nothing comes out right
        assert np.nansum(scores.get(measure, 0)) < COUNT


def test_a_trial_follows_from_its_seed(tiny_marked_model):
    first, again, other = (Trials(tiny_marked_model, SEEN, COUNT, [seed]) for seed in (1, 1, 2))
    assert first.prompts == again.prompts != other.prompts
    a, b = first.inpaint()["made_psnr"], again.inpaint()["made_psnr"]
    assert np.array_equal(a, b)


def known_frames(canvas):
    assert np.array_equal(canvas.known.all(axis=(1, 2)), canvas.known.any(axis=(1, 2)))
    return canvas.known.all(axis=(1, 2)).astype(int).tolist()


def test_what_each_use_is_given(tried, asked):
    gap, middle = [1] * 4 + [0] * 8 + [1] * 4, [1] * 2 + [0] * 4 + [1] * 2
    given = {  # a list of frames for each piece, see `minidit.generation.joining`
        "animate": [[1] + [0] * 7],
        "extend": [[0] * 4 + [1] * 8 + [0] * 4, [1] * 12 + [0] * 4],
        "connect": [gap, middle],
        "generate": [[0] * 8],
        "loop": [[0] * 8, gap, middle],
        "film": [[0] * 8, [1] + [0] * 8],
    }
    for name, pieces in given.items():
        asked.clear()
        getattr(tried, name)()
        assert len(asked) == len(pieces), name
        for (canvases, prompts), frames in zip(asked, pieces, strict=True):
            assert len(canvases) == len(prompts) == COUNT
            assert all(known_frames(canvas) == frames for canvas in canvases), name
            unprompted = name == "connect" or (name == "loop" and frames != [0] * 8)
            assert all((prompt == "") == unprompted for prompt in prompts), name


def test_frames_are_made_before_a_clip_too(tried, asked):
    tried.extend(backward=True)
    (first, _), (second, _) = asked
    assert known_frames(first[0]) == [0] * 4 + [1] * 8 + [0] * 4
    assert known_frames(second[0]) == [0] * 4 + [1] * 12
    assert np.array_equal(second[0].clip[8:12], first[0].clip[4:8])  # what was made last, and how the clip begins


def test_an_edit_asks_for_the_next_values_in_a_sentence_or_by_themselves(tried, monkeypatch):
    calls = []
    monkeypatch.setattr(trials, "edited", lambda model, prompts, clips: calls.append(prompts) or clips)
    scores = tried.edit(("color", "sky")), tried.edit(("shape",), short=True)
    whole, short = calls
    for a, sentence, word in zip(tried.attributes, whole, short, strict=True):
        said = attributes_in(sentence)
        assert (said.shape, said.motion) == (a.shape, a.motion) and said.color != a.color and said.sky != a.sky
        assert word in SHAPES and word != a.shape
    assert all(s["changed"].sum() == 0 and s["kept"].all() and s["as_asked"].sum() == 0 for s in scores)


def test_nothing_but_the_given_clip_scores_as_nothing(tried, asked):
    assert tried.extend()["lost"].mean() == 1
    assert tried.animate()["right"].sum() == 0
    assert tried.inpaint()["made_psnr"].max() < tried.inpaint()["codec_psnr"].min() + 100


def test_half_of_the_latents_are_missing_by_chance(tried, asked):
    tried.inpaint(by_chance=True)
    shares = [canvas.known.mean() for canvas in asked[-1][0]]
    assert 0.3 < min(shares) <= max(shares) < 0.7
    tried.inpaint()
    assert {canvas.known.mean() for canvas in asked[-1][0]} == {0.75}
