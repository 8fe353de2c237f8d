from itertools import product

import numpy as np
import pytest

from minidit import load
from minidit.backend import device
from minidit.backend.device import choose_device
from minidit.errors import UserError
from minidit.files.accepted import FRAMES
from minidit.files.tensors import read_tensors
from minidit.generation.canvas import continued
from minidit.generation.film import Shot
from minidit.generation.studio import SHIPPED, Studio, checkpoint_file
from minidit.models.checkpoint import save_model
from minidit.world import ALL_ATTRIBUTES, render

PROMPT = "a red circle moves right in the day sky"


def test_three_lines_make_a_clip(tiny_checkpoint):
    model = load(tiny_checkpoint)
    clip = model.generate(PROMPT, seed=0)
    assert clip.shape == (8, 16, 16, 3)
    assert clip.dtype == np.float32
    assert 0 <= clip.min() < clip.max() <= 1


def test_a_model_can_be_opened_on_a_device(tiny_checkpoint, capsys, monkeypatch):
    monkeypatch.setattr(device, "_announced", set())
    studio = load(tiny_checkpoint, device="simulated")
    assert studio.model.xp.__name__ == "minidit.backend.simulated.cupy"
    assert capsys.readouterr().err == "minidit: computing on a simulated GPU: its code runs on the CPU, very slowly.\n"
    expected = load(tiny_checkpoint, device="cpu").generate(PROMPT, seed=1)
    assert capsys.readouterr().err == ""  # the CPU goes without saying
    clip = studio.generate(PROMPT, seed=1)
    assert isinstance(clip, np.ndarray)
    np.testing.assert_allclose(clip, expected, atol=1e-5)


def test_the_environment_names_the_device_where_nobody_else_does(tiny_checkpoint, monkeypatch):
    monkeypatch.setenv("MINIDIT_DEVICE", "simulated")
    assert load(tiny_checkpoint).model.xp.__name__ == "minidit.backend.simulated.cupy"
    assert load(tiny_checkpoint, device="cpu").model.xp is np
    monkeypatch.delenv("MINIDIT_DEVICE")
    assert load(tiny_checkpoint).model.xp is np
    with pytest.raises(UserError, match='no device "tpu"'):
        load(tiny_checkpoint, device="tpu")


def test_a_studio_moves_between_devices(tiny_model):
    studio = Studio(tiny_model)
    moved = studio.on(choose_device("simulated"))
    assert moved.settings == studio.settings and moved.vocabulary == studio.vocabulary
    assert np.array_equal(moved.on(np).generate(PROMPT), studio.generate(PROMPT))


def test_the_callback_is_given_latents_of_the_device(tiny_model):
    xp, heard = choose_device("simulated"), []
    Studio(tiny_model.on(xp)).generate(PROMPT, steps=2, callback=lambda done, t, latents: heard.append(type(latents)))
    assert heard == [xp.ndarray] * 2


def test_the_same_seed_gives_the_same_clip_and_another_another(tiny_model):
    studio = Studio(tiny_model)
    clip = studio.generate(PROMPT, seed=1)
    assert np.array_equal(studio.generate(PROMPT, seed=1), clip)
    assert not np.allclose(studio.generate(PROMPT, seed=2), clip)


def test_a_loaded_model_makes_the_clips_of_the_saved_one(tiny_model, tiny_checkpoint):
    assert np.array_equal(load(tiny_checkpoint).generate(PROMPT), Studio(tiny_model).generate(PROMPT))


def test_a_model_that_is_saved_again_is_the_same(tiny_model, tmp_path):
    save_model(tmp_path / "a.safetensors", tiny_model, {"step": 1200, "seed": 3})
    studio = load(tmp_path / "a.safetensors")
    studio.save(tmp_path / "b.safetensors")
    (tensors, about), (again, about_again) = (read_tensors(tmp_path / f"{name}.safetensors") for name in "ab")
    assert about == about_again and about["record"] == studio.model.record
    assert tensors.keys() == again.keys() and all(np.array_equal(tensors[name], again[name]) for name in tensors)
    studio.on(choose_device("simulated")).save(tmp_path / "c.safetensors", np.float16)
    assert load(tmp_path / "c.safetensors").model.record == {"step": 1200, "seed": 3}


def test_a_studio_says_what_it_is(tiny_model, tiny_marked_model, tmp_path):
    save_model(tmp_path / "a.safetensors", tiny_marked_model, {"step": 1200})
    said = repr(load(tmp_path / "a.safetensors"))
    assert said.startswith("Studio: ") and "1,200 training steps" in said
    assert "1 or 8 frames of 32 x 32, 40 x 32, 48 x 32, 32 x 40 or 32 x 48 pixels" in said
    assert "predicts data" in said and "guidance 1.5" in said and "steps" in said
    assert "training steps" not in repr(Studio(tiny_model)) and "8 frames of 16 x 16 p" in repr(Studio(tiny_model))


def test_an_unknown_option_is_a_type_error(tiny_model):
    with pytest.raises(TypeError, match="stepz"):
        Studio(tiny_model).generate(PROMPT, stepz=3)


def test_weights_saved_in_half_precision_are_used_in_single(tiny_model, tmp_path):
    save_model(tmp_path / "half.safetensors", tiny_model, dtype=np.float16)
    clip = load(str(tmp_path / "half.safetensors")).generate(PROMPT)
    assert clip.dtype == np.float32
    np.testing.assert_allclose(clip, Studio(tiny_model).generate(PROMPT), atol=0.02)


def test_the_callback_hears_of_every_step(tiny_model):
    heard = []
    Studio(tiny_model).generate(PROMPT, steps=4, callback=lambda done, t, latents: heard.append((done, latents.shape)))
    assert heard == [(k, (1, 8, 4, 4, 4)) for k in (1, 2, 3, 4)]


def test_by_default_the_checkpoint_inside_the_package_is_opened():
    with checkpoint_file() as file:
        assert file.parts[-3:] == ("minidit", *SHIPPED)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"prompt": "a plaid zeppelin"}, "plaid"),
        ({"prompt": ["the day sky"]}, "a prompt is one string"),
        ({"prompt": None}, "a prompt is one string"),
        ({"seed": -1}, "a seed is a whole number of at least 0"),
        ({"seed": 0.5}, "a seed is a whole number of at least 0"),
        ({"seed": "3"}, "a seed is a whole number of at least 0"),
        ({"frames": "8"}, "give 1 or 8.$"),
        ({"frames": 0}, "0 frames .* give 1 or 8.$"),
        ({"size": "16"}, "give 32 x 32, .* or 32 x 48 pixels.$"),
        ({"size": (16,)}, "give 32 x 32"),
        ({"size": -16}, "give 32 x 32"),
        ({"steps": 0}, "at least 1"),
        ({"guidance": float("nan")}, "finite"),
        ({"sampler": "magic"}, "choose one of"),
    ],
)
def test_a_mistake_is_a_user_error(arguments, said, tiny_model):
    with pytest.raises(UserError, match=said):
        Studio(tiny_model).generate(**{"prompt": PROMPT} | arguments)


def test_numpys_numbers_are_numbers(tiny_model):
    studio = Studio(tiny_model)
    clip = studio.generate(PROMPT, 3, steps=2, guidance=2.0)
    whole = {"seed": np.uint8(3), "frames": np.int64(8), "steps": np.int32(2), "size": (np.int64(16), 16.0)}
    assert np.array_equal(studio.generate(PROMPT, **whole, guidance=np.float32(2)), clip)
    weights = studio.attention(PROMPT, clip, np.float32(0.5), np.int64(3))
    assert np.array_equal(weights, studio.attention(PROMPT, clip, 0.5, 3))


@pytest.mark.parametrize(
    ("method", "arguments", "said"),
    [
        ("extend", {"forward": 1, "seed": None}, "a seed is a whole number"),
        ("extend", {"forward": "1"}, "the number of frames to add forward was '1'"),
        ("extend", {"forward": float("nan")}, "the number of frames to add forward was nan"),
        ("connect", {"frames": None}, "None frames can't be put between"),
        ("animate", {"frames": "8"}, "'8' frames can't be made"),
        ("attention", {"prompt": PROMPT, "t": "1"}, "t runs from 0"),
        ("attention", {"prompt": PROMPT, "seed": -1}, "a seed is a whole number"),
    ],
)
def test_a_mistake_with_a_clip_is_a_user_error(method, arguments, said, tiny_marked_model):
    clip = np.zeros((1, 32, 32, 3))
    clips = {"connect": {"first": clip, "second": clip}, "animate": {"image": clip}}.get(method, {"clip": clip})
    with pytest.raises(UserError, match=said):
        getattr(Studio(tiny_marked_model), method)(**clips, **arguments)


def test_numbers_of_few_bits_do_not_overflow(tiny_marked_model):
    studio, clip = Studio(tiny_marked_model), np.zeros((1, 32, 32, 3))
    shots = [Shot("a red circle"), Shot("the night sky")]
    assert np.array_equal(studio.film(shots, np.uint8(255), steps=1), studio.film(shots, 255, steps=1))
    longer = studio.extend(clip, forward=np.uint8(250), backward=np.uint8(6), steps=1)
    assert len(longer) == 257


def test_what_is_too_long_is_refused_before_it_is_made(tiny_marked_model):
    studio, clip = Studio(tiny_marked_model), np.zeros((1, 32, 32, 3))
    with pytest.raises(UserError, match="the longer clip has more than 4,096 frames"):
        studio.extend(clip, forward=10**9)
    with pytest.raises(UserError, match="the film has more than 4,096 frames"):
        studio.film([Shot("the day sky")] * 10_000)


@pytest.mark.parametrize("shots", [[], None, "a red circle", [None], 3, np.array(3)])
def test_a_film_needs_shots(shots, tiny_marked_model):
    with pytest.raises(UserError, match="a film needs a list of at least one shot"):
        Studio(tiny_marked_model).film(shots)


def test_weights_are_not_saved_as_whole_numbers(tiny_model, tmp_path):
    with pytest.raises(UserError, match="can't be saved as int64: give float32, or float16"):
        Studio(tiny_model).save(tmp_path / "a.safetensors", np.int64)
    assert not any(tmp_path.iterdir())


def test_the_vocabulary_makes_prompts(tiny_model):
    studio = Studio(tiny_model)
    assert "zeppelin" not in studio.vocabulary
    for word in studio.vocabulary:
        assert studio.check(word) == word
    assert studio.check("") == ""
    assert studio.check("A crimson disc rises!") == "a red circle moves up"


def test_attention_says_who_attends_to_whom(tiny_model):
    studio, dit = Studio(tiny_model), tiny_model.settings.dit
    clip = studio.generate(PROMPT, seed=4)
    weights = studio.attention(PROMPT, clip, 0.6, seed=4)
    tokens = int(np.prod(tiny_model.dit.grid_of((1, *tiny_model.settings.latent_shape))))
    assert weights.shape == (dit.depth, dit.num_heads, tokens, tokens) and weights.min() >= 0
    np.testing.assert_allclose(weights.sum(axis=-1), 1, rtol=1e-5)
    assert np.array_equal(studio.attention(PROMPT, t=0.6, seed=4), weights)  # by default of what it makes itself
    for other in (studio.attention("the night sky", clip, 0.6, 4), studio.attention(PROMPT, clip, 0.1, 4),
                  studio.attention(PROMPT, 1 - clip, 0.6, 4), studio.attention(PROMPT, clip, 0.6, 5)):
        assert not np.allclose(other, weights, atol=1e-5)
    there = studio.on(choose_device("simulated")).attention(PROMPT, clip, 0.6, 4)
    assert isinstance(there, np.ndarray)
    np.testing.assert_allclose(there, weights, atol=1e-5)
    for t in (-0.1, 1.5, float("nan")):
        with pytest.raises(UserError):
            studio.attention(PROMPT, clip, t)


# Many uses. The numbers are random, so that these say what is kept, not what is made.


@pytest.fixture
def studio(tiny_marked_model):
    return Studio(tiny_marked_model)


@pytest.fixture
def clip(rng):
    return render(ALL_ATTRIBUTES[7], rng, 32, 8)


@pytest.mark.parametrize(
    ("frames", "size", "shape"),
    [
        (1, None, (1, 32, 32, 3)), (1, (40, 32), (1, 40, 32, 3)),
        (8, (32, 48), (8, 32, 48, 3)), (8, 32, (8, 32, 32, 3)),
    ],
)
def test_clips_of_many_sizes_are_generated(studio, frames, size, shape):
    clip = studio.generate(PROMPT, frames=frames, size=size)
    assert clip.shape == shape and clip.dtype == np.float32 and 0 <= clip.min() < clip.max() <= 1


def test_an_image_is_a_clip_of_one_frame(studio):
    assert np.array_equal(studio.image(PROMPT, 2, size=(40, 32)), studio.generate(PROMPT, 2, frames=1, size=(40, 32)))


def test_animating_begins_with_the_picture(studio, clip):
    for picture in (clip[0], clip[:1]):
        made = studio.animate(picture, PROMPT)
        assert made.shape == (8, 32, 32, 3)
        assert np.array_equal(made[0], clip[0]) and not np.array_equal(made[1], clip[1])


@pytest.mark.parametrize("length", [1, 2, 5, 8, 11, 12, 17])
def test_nothing_is_made_of_a_length_that_training_did_not_show(length, studio, rng, monkeypatch):
    clip, lengths, refused = render(ALL_ATTRIBUTES[7], rng, 32, length), [], set()

    def complete(canvas, *_, **__):
        lengths.append(len(canvas.clip))
        return canvas.clip

    monkeypatch.setattr(studio, "complete", complete)
    shots = [Shot(PROMPT, False), Shot(PROMPT, True)]
    uses = (
        lambda n: studio.generate(PROMPT, frames=n), lambda n: studio.loop(PROMPT, frames=n),
        lambda n: studio.animate(clip[0], frames=n), lambda n: studio.extend(clip, PROMPT, n),
        lambda n: studio.extend(clip, PROMPT, 0, n), lambda n: studio.extend(clip, PROMPT, n, n),
        lambda n: studio.connect(clip, clip[:3], n), lambda n: studio.connect(clip[:1], clip, n),
        lambda n: studio.film(shots), lambda n: studio.inpaint(clip, np.ones((32, 32), bool)),
    )  # fmt: skip
    for use, frames in product(uses, range(1, 20)):
        try:
            use(frames)
        except UserError as error:
            refused.add(str(error))
    assert set(lengths) <= set(FRAMES) and len(lengths) > 100
    assert all(any(words in said for words in ("1, or 8 to 16", "give 1 or 8", "put ")) for said in refused)


@pytest.mark.parametrize(("forward", "backward"), [(3, 0), (0, 5), (2, 4), (20, 0), (0, 17)])
def test_extending_keeps_the_clip(studio, clip, forward, backward):
    longer = studio.extend(clip, PROMPT, forward, backward)
    assert longer.shape == (backward + 8 + forward, 32, 32, 3)
    assert np.array_equal(longer[backward : backward + 8], clip)
    made = np.concatenate([longer[:backward], longer[backward + 8 :]])
    assert len(np.unique(made)) > 1000  # it has something in it


def test_connecting_keeps_both_clips(studio, clip, rng):
    other = render(ALL_ATTRIBUTES[8], rng, 32, 2)
    joined = studio.connect(clip, other, 5, PROMPT)
    assert joined.shape == (15, 32, 32, 3)
    assert np.array_equal(joined[:8], clip) and np.array_equal(joined[13:], other)


def test_a_loop_begins_as_its_prompt_says(studio):
    circle = studio.loop(PROMPT, seed=3)
    assert circle.shape == (16, 32, 32, 3)
    assert np.array_equal(circle[:8], studio.generate(PROMPT, seed=3))


def test_editing_is_one_look_at_the_clip(studio, clip):
    looks = []
    studio.model.dit.predict, predict = (lambda *a: looks.append(a) or predict(*a)), studio.model.dit.predict
    try:
        assert studio.edit(clip, PROMPT).shape == clip.shape
    finally:
        del studio.model.dit.predict
    ((x, times, _, known, _),) = looks
    assert np.array_equal(x, studio.model.codec.encode(clip[None])) and times == 500 and known.all()


def test_inpainting_keeps_what_the_mask_leaves(studio, clip):
    mask = np.zeros((32, 32), bool)
    mask[9:15, 9:15] = True
    made = studio.inpaint(clip, mask, PROMPT)
    assert np.array_equal(made, studio.inpaint(clip, np.broadcast_to(mask, (8, 32, 32)), PROMPT))
    changed = (made != clip).any(axis=(0, 3))
    assert changed[8:16, 8:16].any() and not changed[:8].any() and not changed[:, 16:].any()


def test_a_film_has_its_shots_in_order(studio):
    shots = [Shot(PROMPT, False), Shot("a red circle moves left in the day sky", True), Shot("the night sky", False)]
    film = studio.film(shots, seed=5)
    assert film.shape == (24, 32, 32, 3)
    assert np.array_equal(film[:8], studio.generate(PROMPT, seed=5))
    on = studio.complete(continued(film[7:8], 0, 8, studio.patch), shots[1].prompt, 6)
    assert np.array_equal(film[7:16], on)
    assert np.array_equal(film[16:], studio.generate(shots[2].prompt, seed=7))


@pytest.mark.parametrize(
    ("use", "said"),
    [
        (lambda s, c: s.generate(PROMPT, frames=17), "17 frames .* give 1 or 8, and make the clip longer with extend"),
        (lambda s, c: s.generate(PROMPT, frames=4), "4 frames can't be made at once: give 1 or 8.$"),
        (lambda s, c: s.generate(PROMPT, frames=2.5), "give 1 or 8.$"),
        (lambda s, c: s.animate(c[0], frames=9), "give 1 or 8, and make"),
        (lambda s, c: s.generate(PROMPT, size=16), "16 x 16 .* 32 x 48 pixels; 32 x 32 is nearest"),
        (lambda s, c: s.generate(PROMPT, size=(32, 37)), "37 x 32 .*; 40 x 32 is nearest"),
        (lambda s, c: s.generate(PROMPT, size=(40, 48)), "48 x 40 .*; 40 x 32 is nearest"),
        (lambda s, c: s.generate(PROMPT, size=(56, 32)), "32 x 56 .*; 32 x 48 is nearest"),
        (lambda s, c: s.generate(PROMPT, guidance=20), "from 0 to 5"),
        (lambda s, c: s.animate(c, PROMPT), "Use extend for a clip"),
        (lambda s, c: s.animate(c[0, :30], PROMPT), "32 x 30 .*; 32 x 32 is nearest"),
        (lambda s, c: s.animate((255 * c[0]).astype(np.uint8), PROMPT), "numbers from 0 to 1"),
        (lambda s, c: s.animate(255 * c[0], PROMPT), "Divide bytes by 255"),
        (lambda s, c: s.animate(c[0] * np.nan, PROMPT), "numbers from 0 to 1"),
        (lambda s, c: s.animate(c[0, ..., :2], PROMPT), "shape"),
        (lambda s, c: s.extend(c, PROMPT), "nothing to add"),
        (lambda s, c: s.extend(c, PROMPT, forward=-1), "whole number of at least 0"),
        (lambda s, c: s.extend(c[:0], PROMPT, forward=1), "shape"),
        (lambda s, c: s.connect(c, np.pad(c, ((0, 0), (0, 8), (0, 0), (0, 0)))), "clips of one size"),
        (lambda s, c: s.connect(c, c, 9), "from 1 to 8"),
        (lambda s, c: s.connect(c[:1], c[:2], 4), "4 frames between clips of 1 and 2 are 7 in all, .* put 5 between"),
        (lambda s, c: s.edit(np.concatenate([c, c, c]), PROMPT), "24 frames .* 16 is nearest"),
        (lambda s, c: s.edit(c[:5], PROMPT), "5 frames .* 8 is nearest"),
        (lambda s, c: s.inpaint(np.concatenate([c, c, c]), np.ones((32, 32), bool)), "24 frames .* 16 is nearest"),
        (lambda s, c: s.edit(c, " "), "an edit needs a prompt"),
        (lambda s, c: s.inpaint(c, np.ones((8, 8), bool)), "a mask for this clip"),
        (lambda s, c: s.inpaint(c, np.ones((32, 32))), "a mask for this clip"),
        (lambda s, c: s.inpaint(c, np.zeros((32, 32), bool)), "the mask is empty"),
        (lambda s, c: s.film([]), "at least one shot"),
        (lambda s, c: s.film([Shot(PROMPT, True)]), "first shot"),
        (lambda s, c: s.film([Shot(PROMPT, False), Shot("a plaid cat", False)]), "plaid"),
        (lambda s, c: s.edit(c, "a plaid cat"), "plaid"),
    ],
)
def test_a_mistake_in_any_use_is_a_user_error(studio, clip, use, said):
    with pytest.raises(UserError, match=said):
        use(studio, clip)


def test_a_model_without_conditioning_channels_says_what_it_takes(tiny_model):
    studio = Studio(tiny_model)
    for use in (lambda: studio.generate(PROMPT, frames=4), lambda: studio.generate(PROMPT, size=24),
                lambda: studio.extend(studio.generate(PROMPT), forward=1),
                lambda: studio.edit(studio.generate(PROMPT), PROMPT)):
        with pytest.raises(UserError, match="only make whole clips of its own size"):
            use()
