import numpy as np
import pytest

from minidit.errors import UserError
from minidit.models.tokenizer import PAD, SPECIAL, START, Tokenizer
from minidit.world import ALL_ATTRIBUTES, VOCABULARY, random_caption
from minidit.world.captions import caption, wordings

WORDS = ("red", "green", "circle", "square", "moves", "sky")


@pytest.fixture
def tokenizer():
    return Tokenizer(WORDS, max_length=5)


def test_prompts_start_with_the_start_word_and_end_padded(tokenizer):
    ids = tokenizer.encode(["red circle", "sky"])
    np.testing.assert_array_equal(ids, [[START, 2, 4], [START, 7, PAD]])
    assert ids.dtype == np.int64


def test_the_empty_prompt_is_the_start_word_alone(tokenizer):
    np.testing.assert_array_equal(tokenizer.encode([""]), [[START]])
    np.testing.assert_array_equal(tokenizer.encode(["red sky", " "]), [[START, 2, 7], [START, PAD, PAD]])


def test_case_spaces_commas_and_full_stops_do_not_matter(tokenizer):
    np.testing.assert_array_equal(tokenizer.encode(["  Red,circle SKY. "]), tokenizer.encode(["red circle sky"]))


def test_every_word_has_an_id_of_its_own_after_the_special_ones(tokenizer):
    ids = [tokenizer.encode([word])[0, 1] for word in WORDS]
    assert ids == list(range(len(SPECIAL), len(SPECIAL) + len(WORDS)))
    assert len(tokenizer) == len(SPECIAL) + len(WORDS)


def test_an_unknown_word_is_named_with_the_nearest_known_ones(tokenizer):
    with pytest.raises(UserError) as raised:
        tokenizer.encode(["red sky", "red cirle"])
    assert str(raised.value) == 'I don\'t know the word "cirle". For "cirle", did you mean circle?'


def test_all_unknown_words_are_named_once_and_in_order(tokenizer):
    with pytest.raises(UserError) as raised:
        tokenizer.encode(["plaid red zeppelin plaid"])
    assert str(raised.value) == (
        'I don\'t know the words "plaid" and "zeppelin". Colours: red, green. Shapes: circle, square.'
    )


@pytest.mark.parametrize("word", ["qt", "plaid", "ball"])
def test_a_word_near_none_gets_no_hint(word):
    with pytest.raises(UserError) as raised:
        Tokenizer(("a", "and", "it", "that", "blue")).encode([word])
    assert "did you mean" not in str(raised.value)


def test_captions_have_the_ids_of_prompts(rng):
    tokenizer = Tokenizer(VOCABULARY)
    captions = [random_caption(a, rng) for a in ALL_ATTRIBUTES]
    np.testing.assert_array_equal(tokenizer.encode_captions(captions), tokenizer.encode(captions))
    with pytest.raises(UserError, match="lacks the word 'scarlet'"):
        tokenizer.encode_captions(["a scarlet ring"])


def test_special_words_are_no_way_around(tokenizer):
    for word in SPECIAL[:1]:
        with pytest.raises(UserError, match='the word "pad"'):
            tokenizer.encode([word])
    assert tokenizer.read(SPECIAL[START]) == ""  # "start" says nothing


def test_synonyms_become_words_that_this_vocabulary_has(tokenizer):
    assert tokenizer.read("A crimson disc moves!") == "red circle moves"
    with pytest.raises(UserError, match='the word "hoop"'):
        tokenizer.read("a crimson hoop")


def test_the_longest_prompt_fits_and_one_word_more_is_refused(tokenizer):
    assert tokenizer.encode(["red red red red"]).shape == (1, 5)
    with pytest.raises(UserError, match="has 5 words; this model reads at most 4"):
        tokenizer.encode(["red red red red red"])


def test_every_caption_of_the_world_can_be_read(rng):
    tokenizer = Tokenizer(VOCABULARY)
    prompts = [words for attributes in ALL_ATTRIBUTES for words in wordings(attributes)]
    ids = tokenizer.encode(prompts)
    assert len(np.unique(ids, axis=0)) == len(set(prompts))
    assert caption(ALL_ATTRIBUTES[0]) in prompts
