import numpy as np
import pytest

from minidit import load
from minidit.backend import device
from minidit.backend.device import choose_device
from minidit.errors import UserError
from minidit.studio import SHIPPED, Studio, checkpoint_file
from minidit.training.checkpoint import save_model

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
        ({"steps": 0}, "at least 1"),
        ({"guidance": float("nan")}, "finite"),
        ({"sampler": "magic"}, "choose one of"),
    ],
)
def test_a_mistake_is_a_user_error(arguments, said, tiny_model):
    with pytest.raises(UserError, match=said):
        Studio(tiny_model).generate(**{"prompt": PROMPT} | arguments)


def test_the_vocabulary_makes_prompts(tiny_model):
    studio = Studio(tiny_model)
    assert "zeppelin" not in studio.vocabulary
    for word in studio.vocabulary:
        studio.check(word)
    studio.check("")
