import numpy as np
import pytest

from minidit.errors import UserError
from minidit.world import (
    ALL_ATTRIBUTES,
    PLAIN_SKIES,
    VOCABULARY,
    Attributes,
    attributes_in,
    caption,
    wordings,
)
from minidit.world.captions import ANY_SKY, GRAMMAR_WORDS


def test_the_plain_wordings():
    assert caption(Attributes("red", "circle", "right", "day")) == "a red circle moves right in the day sky"
    assert caption(Attributes("red", "ring", "still", "night")) == "a red ring stays still in the night sky"
    assert caption(PLAIN_SKIES[1]) == "the night sky"


def test_there_are_at_least_eight_wordings_all_different():
    for attributes in ALL_ATTRIBUTES:
        assert len(set(wordings(attributes))) == len(wordings(attributes)) >= 8


def test_every_attribute_can_be_read_back_from_every_wording():
    for attributes in ALL_ATTRIBUTES + PLAIN_SKIES:
        for text in wordings(attributes):
            if text != ANY_SKY:
                assert attributes_in(text) == attributes, text


def test_sora_is_sky_fits_every_plain_sky_and_names_none():
    assert all(ANY_SKY in wordings(sky) for sky in PLAIN_SKIES)
    assert not any(ANY_SKY in wordings(attributes) for attributes in ALL_ATTRIBUTES)
    assert attributes_in(ANY_SKY) == (None, None, None, None)


def test_the_vocabulary_is_exactly_the_words_in_use_and_small():
    used = {word for a in ALL_ATTRIBUTES + PLAIN_SKIES for text in wordings(a) for word in text.split(" ")}
    assert used | set(GRAMMAR_WORDS) == set(VOCABULARY) and VOCABULARY[len(used) :] == GRAMMAR_WORDS
    assert len(VOCABULARY) == len(set(VOCABULARY)) <= 60
    assert all(word == word.lower() and word.isalpha() for word in VOCABULARY)


def test_with_a_generator_every_wording_comes_up(rng):
    for attributes in (ALL_ATTRIBUTES[0], ALL_ATTRIBUTES[-1], PLAIN_SKIES[0]):
        assert {caption(attributes, rng) for _ in range(300)} == set(wordings(attributes))


def test_the_same_seed_gives_the_same_captions():
    first, second = (
        [caption(attributes, generator) for attributes in ALL_ATTRIBUTES]
        for generator in (np.random.default_rng(1), np.random.default_rng(1))
    )
    assert first == second


def test_attributes_the_world_lacks_have_no_caption():
    with pytest.raises(UserError, match="the toy world has no"):
        caption(Attributes("red", "dog", "right", "day"))
