from dataclasses import asdict

import pytest

from minidit.errors import UserError
from minidit.experiments.small import compute_of, grid_of, step_products
from minidit.experiments.variants import (
    BASE,
    PATCHES,
    TARGETS,
    VARIANTS,
    base_settings,
    checked_names,
    steps_of,
)
from minidit.models.dit_settings import CHOICES
from minidit.training.settings import DiffusionTraining


@pytest.fixture(params=VARIANTS)
def variant(request):
    return VARIANTS[request.param]


def test_a_variant_differs_from_the_base_in_what_it_says(variant):
    base = base_settings()
    settings = variant.settings(base)
    before, after = asdict(base), asdict(settings)
    changed = {name for name in before["dit"] if before["dit"][name] != after["dit"][name]}
    assert changed == {name for name, value in variant.choices.items() if value != before["dit"][name]}
    assert {name for name in before if before[name] != after[name]} - {"dit"} == (
        {"prediction"} if variant.target != "data" else set()
    )


def test_every_choice_and_every_target_with_every_patch_is_among_them():
    alone = [variant.choices for variant in VARIANTS.values() if len(variant.choices) == 1]
    for name, (_, *others) in CHOICES.items():
        assert all({name: value} in alone for value in others)
    found = {(v.choices.get("patch", PATCHES[0]), v.target) for v in VARIANTS.values() if not v.known_starts}
    assert found == {(patch, target) for patch in PATCHES for target in TARGETS}


def test_all_have_several_tokens_in_time(variant):
    settings = variant.settings(base_settings())
    assert grid_of(settings)[0] >= 2
    assert compute_of(settings, DiffusionTraining())["tokens"] in (32, 64)


def test_all_get_the_same_compute_to_half_a_step(variant):
    base = base_settings()
    settings = variant.settings(base)
    steps = steps_of(settings, base, 800, batch=16)
    budget = 800 * step_products(base, 16)
    assert abs(steps * step_products(settings, 16) - budget) <= step_products(settings, 16) / 2


def test_one_that_costs_more_gets_fewer_steps():
    base = base_settings()
    assert steps_of(base, base, 800, 16) == 800
    assert steps_of(VARIANTS["cross"].settings(base), base, 800, 16) < 700
    assert steps_of(VARIANTS["data-4x1x1"].settings(base), base, 800, 16) > 1200
    assert steps_of(VARIANTS["cross"].settings(base), base, 1, 16) == 1


def test_the_base_is_always_among_those_that_are_trained():
    assert checked_names(None) == list(VARIANTS)
    assert checked_names(["rope", "qk-norm"]) == [BASE, "qk-norm", "rope"]


def test_an_unknown_variant_is_refused_with_a_list():
    with pytest.raises(UserError, match='no variant "rotary". Choose from: base, rmsnorm'):
        checked_names(["rope", "rotary"])
