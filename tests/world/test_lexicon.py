from itertools import combinations
from pathlib import Path

from minidit.world import VOCABULARY, lexicon
from minidit.world.attributes import NAMES
from minidit.world.prompts import KINDS, LINKING, NEAREST, NOT_CHOSEN, PASSED_OVER, SEVERAL, words_of

TABLES = {
    "meanings": set(lexicon.MEANINGS),
    "passed over": PASSED_OVER - LINKING,
    "nearest": set(NEAREST),
    "not chosen": set(NOT_CHOSEN),
    "negations": set(lexicon.entries(lexicon.NEGATIONS)),
    "several": {(word,) for word in SEVERAL},
}


def test_it_has_at_least_150_words_and_phrases_for_what_the_world_shows():
    shown = [phrase for phrase, meaning in lexicon.MEANINGS.items() if any(word in KINDS for word in meaning)]
    assert len(shown) >= 150
    for name, values in NAMES.items():
        for value in values:
            assert sum(value in lexicon.MEANINGS[phrase] for phrase in shown) >= 2, (name, value)


def test_every_meaning_is_in_words_of_the_captions():
    assert {word for meaning in lexicon.MEANINGS.values() for word in meaning} <= set(VOCABULARY)


def test_no_phrase_stands_in_two_tables():
    for (first, ones), (second, others) in combinations(TABLES.items(), 2):
        assert not ones & others, (first, second, ones & others)
    count = sum(len(lexicon.entries(text)) for text in lexicon.SYNONYMS.values())
    assert count == len(lexicon.MEANINGS)  # nor twice in one


def test_phrases_are_spelt_as_prompts_are_read():
    for table in TABLES.values():
        for phrase in table:
            assert words_of(" ".join(phrase)) == [*phrase], phrase


def test_no_single_word_of_the_captions_has_another_meaning():
    for table in TABLES.values():
        assert not {phrase[0] for phrase in table if len(phrase) == 1} & set(VOCABULARY)


def test_what_is_nearest_is_a_value_of_that_attribute():
    for name, near in NEAREST.values():
        assert set(near) <= set(NAMES[name])


def test_the_documentation_has_the_table():
    page = (Path(__file__).parents[2] / "docs" / "uses.md").read_text(encoding="utf-8")
    assert "\n".join(lexicon.markdown_table()) in page, "put the lines of minidit.world.lexicon.markdown_table() there"
