import inspect
import time

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from minidit import load
from minidit.course import move
from minidit.course.moving import learning
from minidit.course.moving.given import Given
from minidit.course.moving.panels import Clip, Map

WITHOUT_MODEL = ("patches", "sizes", "wrong_gradient")


@pytest.fixture(scope="module")
def made(tiny_marked_model):
    """Name -> a moving thing, each made once."""
    found = {}

    def make(name):
        if name not in found:
            arguments = () if name in WITHOUT_MODEL else (tiny_marked_model,)
            found[name] = getattr(move, name)(*arguments)
        return found[name]

    return make


@pytest.fixture(scope="module")
def shipped():
    with threadpool_limits(1):
        yield load()


def scene_of(moving, **indices):
    return moving.at([indices.get(control.name, control.start) for control in moving.controls])


@pytest.mark.parametrize("name", move.__all__)
def test_every_end_of_every_control_shows_something_else(name, made):
    moving = made(name)
    start = moving.packed(moving.start)
    for control in [control for control in moving.controls if len(control.values) > 1]:
        ends = {moving.packed(moving.start | {control.name: index}) for index in (0, len(control.values) - 1)}
        assert len(ends | {start}) > 1, control.name


@pytest.mark.parametrize("name", move.__all__)
def test_clips_are_colours_and_titles_fit(name, made):
    panels, said = scene_of(made(name))
    assert said.endswith((".", "”")) and made(name).alt
    for panel in panels:
        assert len(panel.title) <= 30
        if isinstance(panel, Clip):
            assert panel.clip.ndim == 4 and 0 <= panel.clip.min() <= panel.clip.max() <= 1
        if isinstance(panel, Map):
            assert np.isfinite(panel.values).all()
        if getattr(panel, "picks", ""):
            assert panel.picks in [control.name for control in made(name).controls if control.kind == "pick"]


@pytest.mark.parametrize("name", move.__all__)
def test_the_lessons_say_which_lesson_it_is_for(name):
    assert inspect.getdoc(getattr(move, name)).startswith("Lesson ")


def test_at_t_1_nothing_of_the_noise_is_left_and_at_0_nothing_of_the_clip(tiny_marked_model):
    given = Given(tiny_marked_model)
    assert np.array_equal(given.at(1.0), given.latents) and np.array_equal(given.at(0.0), given.noise)


def test_the_guess_is_the_networks(tiny_marked_model, made):
    given = Given(tiny_marked_model)
    panels, _ = scene_of(made("noise"), t=8)
    t = made("noise").controls[0].values[8]
    y = tiny_marked_model.dit.predict(given.at(t), np.array([1000 * t], np.float32), given.words)
    assert np.allclose(panels[2].clip, tiny_marked_model.codec.decode(y)[0], atol=1e-5)


def test_halfway_between_two_prompts_are_the_means_of_their_scales_and_shifts(made):
    first, half, last = (scene_of(made("modulation"), mix=mix)[0] for mix in (0, 10, 20))
    for k in range(2):
        assert np.allclose(half[k].values, (first[k].values + last[k].values) / 2, atol=1e-5)
        assert not np.allclose(first[k].values, last[k].values)


def test_at_a_strength_of_1_it_is_the_network_as_it_is(tiny_marked_model, made):
    moving = made("strength")
    panels, _ = scene_of(moving, times=moving.controls[0].values.index(1.0))
    given = Given(tiny_marked_model)
    assert np.allclose(panels[1].clip, given.pixels(given.guess(0.3)), atol=1e-5)


def test_the_patch_that_asks_shares_out_all_its_attention(made):
    panels, _ = scene_of(made("attention"), token=3)
    assert panels[1].weights.sum() == pytest.approx(1, abs=1e-5)


def test_a_head_switched_off_is_back_for_the_next(tiny_marked_model, made):
    before = tiny_marked_model.dit.params.flat.copy()
    one, two, again = (scene_of(made("heads"), head=head)[0][1].clip for head in (0, 1, 0))
    assert np.array_equal(one, again) and not np.array_equal(one, two)
    assert np.array_equal(tiny_marked_model.dit.params.flat, before)


def test_the_hidden_numbers_are_those_of_the_network(tiny_marked_model):
    from minidit.course.moving.networking import hidden
    from minidit.layers import gelu_forward

    given = Given(tiny_marked_model)
    dit, (before,) = tiny_marked_model.dit, hidden(given, 0.3)
    inputs = dit.block_inputs(given.latents.shape, given.words)
    h, _ = dit.tokens_forward(given.at(0.3), given.time(0.3))
    c, _ = dit.condition_forward(given.time(0.3), given.words)
    _, ((block, *_), *_) = dit.blocks_forward(h, c, inputs)
    _, _, _, (_, _, ((after, _), _)), _ = block
    assert np.allclose(gelu_forward(before)[0], after.reshape(before.shape), atol=1e-5)


def test_what_is_known_around_a_hole_stays(made):
    moving = made("hole")
    panels, _ = scene_of(moving, place=0, size=1)
    hole = (panels[0].clip == 0.5).all(axis=-1)
    assert 0 < hole.mean() < 0.5
    assert np.array_equal(panels[1].clip[~hole], panels[2].clip[~hole])


def test_patches_count_what_attention_compares(made):
    _, said = scene_of(made("patches"), side=1, depth=0)
    assert said.startswith("16 tokens of 1536 numbers.") and "256 pairs" in said


@pytest.mark.parametrize("slip", learning.SLIPS)
def test_a_slip_is_seen_in_the_loss_unless_it_is_said_that_it_hides(slip, made):
    panels, said = scene_of(made("wrong_gradient"), slip=list(learning.SLIPS).index(slip))
    right, wrong = panels[0].lines.values()
    assert right[-1] < 0.5 * right[0]
    hides = slip == "a weight's gradient transposed"
    assert (wrong[-1] < 1.2 * right[-1]) == hides == said.startswith("The loss falls")


@pytest.mark.parametrize("name", move.__all__)
def test_a_move_of_the_shipped_model_is_fast_enough_to_drag(name, shipped):
    """In 100 ms of one core's time; the best of three moves, as the machine may do other things, too."""
    moving = getattr(move, name)(*(() if name in WITHOUT_MODEL else (shipped,)))
    taken = []
    for part in (0.3, 0.6, 0.9):
        begin = time.process_time()
        moving.packed({control.name: int(part * len(control.values)) for control in moving.controls})
        taken.append(time.process_time() - begin)
    assert min(taken) < 0.1
