import numpy as np
import pytest

from minidit.errors import UserError
from minidit.evaluation.wordings import OUTSIDE, OUTSIDE_STILL
from minidit.world import (
    ALL_ATTRIBUTES,
    PICTURES,
    PLAIN_SKIES,
    VOCABULARY,
    Attributes,
    attributes_in,
    random_caption,
    wordings,
)
from minidit.world.captions import GRAMMAR_WORDS
from minidit.world.grammar import short_caption

DRAWS = 20_000


def drawn(pool, count, seed=0):
    rng = np.random.default_rng(seed)
    return [(a, random_caption(a, rng)) for a in (pool[rng.integers(len(pool))] for _ in range(count))]


@pytest.fixture(scope="module")
def moving():
    return drawn(ALL_ATTRIBUTES, DRAWS)


@pytest.fixture(scope="module")
def everything(moving):
    return moving + drawn(PICTURES, 3000, 1) + drawn(PLAIN_SKIES, 1000, 2)


def test_what_is_named_is_what_the_clip_shows_and_is_named_once(everything):
    for attributes, text in everything:
        for named, shown in zip(attributes_in(text), attributes, strict=True):
            assert named in (None, shown), (text, attributes)
        words = text.split()
        assert all(words.count(value) <= 1 for value in attributes), text


def test_sentences_are_short_and_of_known_words_alone(everything):
    for _, text in everything:
        words = text.split(" ")
        assert 1 <= len(words) <= 19 and set(words) <= set(VOCABULARY), text


def test_every_word_of_the_grammar_comes_up(everything):
    assert set(GRAMMAR_WORDS) <= {word for _, text in everything for word in text.split()}


def test_nothing_said_contradicts_the_clip(everything):
    at_rest, on_the_way = {"stays", "staying", "hangs"}, {"moves", "moving", "goes", "going", "drifts"}
    for attributes, text in everything:
        words = set(text.split())
        assert attributes.motion not in (None, "still") or not words & on_the_way, text
        assert attributes.motion == "still" or not words & at_rest, text
        assert attributes.shape is None or "empty" not in words, text
        assert attributes.shape or not words & {*GRAMMAR_WORDS} - {"at"}, text


@pytest.mark.parametrize(("name", "least", "most"), [("color", 0.7, 0.85), ("motion", 0.7, 0.85), ("sky", 0.7, 0.85)])
def test_attributes_are_left_out_now_and_then(moving, name, least, most):
    assert least < np.mean([getattr(attributes_in(text), name) is not None for _, text in moving]) < most


def test_shapes_are_left_out_seldom(moving):
    assert 0.87 < np.mean([attributes_in(text).shape is not None for _, text in moving]) < 0.93


def test_every_set_of_attributes_is_named_by_some_sentence(moving):
    assert len({tuple(value is not None for value in attributes_in(text)) for _, text in moving}) >= 15  # none is rare


def test_there_are_many_structures(moving):
    structures = set()
    for attributes, text in moving:
        names = {value: f"{{{name}}}" for name, value in attributes._asdict().items()}
        structures.add(" ".join(names.get(word, word) for word in text.split()))
    assert len(structures) > 3000


def test_an_object_is_never_captioned_like_an_empty_sky(everything):
    empty = {text for sky in PLAIN_SKIES for text in wordings(sky)} | {text for _, text in drawn(PLAIN_SKIES, 2000, 3)}
    assert not {text for attributes, text in everything if attributes.shape} & empty


def test_sentences_kept_for_testing_never_come_up(moving):
    kept = {text.format(**a._asdict()) for a in ALL_ATTRIBUTES for text in held_back(a)}
    captions = {text for a in ALL_ATTRIBUTES for text in wordings(a)}
    assert len(kept) == 4 * len(ALL_ATTRIBUTES) and not kept & captions
    assert not kept & {text for _, text in moving}
    assert {word for text in kept for word in text.split()} <= set(VOCABULARY)


def held_back(attributes):
    return OUTSIDE_STILL if attributes.motion == "still" else OUTSIDE


def test_the_same_seed_gives_the_same_sentences():
    assert drawn(ALL_ATTRIBUTES, 50, 7) == drawn(ALL_ATTRIBUTES, 50, 7) != drawn(ALL_ATTRIBUTES, 50, 8)


def test_no_color_stands_where_it_would_describe_the_sky(everything):
    for attributes, text in everything:
        assert f"{attributes.color} sky" not in text and f"sky is {attributes.color}" not in text, text


def test_attributes_the_world_lacks_have_no_sentence(rng):
    with pytest.raises(UserError, match="the toy world has no"):
        random_caption(Attributes("red", "dog", "right", "day"), rng)


def test_a_short_caption_names_what_it_should_and_nothing_else(rng):
    drawn = set()
    for a in ALL_ATTRIBUTES:
        for _ in range(8):
            named = Attributes(*(value if rng.random() < 0.5 else None for value in a))
            if any(named):
                text = short_caption(named, rng)
                assert attributes_in(text) == named and set(text.split()) <= set(VOCABULARY), (named, text)
                drawn.add(text)
    assert {"blue", "a ring", "at night"} & drawn and len(drawn) > 500
