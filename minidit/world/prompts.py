"""Reads what a person typed: capitals, punctuation and synonyms become the words that a model was trained on.

What the world can't show is refused in a sentence that says so: words that nobody knows, negations, several objects,
and two values of one attribute. Captions are read as they stand.
"""

import difflib
import re
import unicodedata
from functools import lru_cache

from minidit.errors import UserError
from minidit.world import lexicon
from minidit.world.attributes import NAMES

TITLES = {"color": "colour", "shape": "shape", "motion": "motion", "sky": "sky"}
PLURALS = {"color": "colours", "shape": "shapes", "motion": "motions", "sky": "skies"}
KINDS = {value: name for name, values in NAMES.items() for value in values}  # "red" -> "color"
ARTICLES, INDEFINITE = {"a", "an", "the"}, {"a", "an"}
GENERIC = {"shape", "object", "something"}
ONE_OBJECT = "a clip shows one object of one colour, which moves one way or stays still, in one sky"
COLORED_SKIES = {("blue", "day"), ("blue", "night"), ("red", "sunset"), ("yellow", "sunset")}
OF_A_CLIP = "how long or how large a clip is"
SIMILAR = 0.75  # how near a misspelt word must be, as difflib measures it

ARTICLED = set(lexicon.entries(lexicon.NOUNS_PASSED_OVER))
LINKING = {(word,) for meaning in lexicon.MEANINGS.values() for word in meaning if word not in KINDS}
PASSED_OVER = ARTICLED.union(LINKING, lexicon.entries(lexicon.PASSED_OVER))
NEGATIONS = set(lexicon.entries(lexicon.NEGATIONS))
SEVERAL = {word for (word,) in lexicon.entries(lexicon.MORE_THAN_ONE)}
NEAREST = {
    phrase: (name, near.split())
    for name, table in lexicon.NEAREST.items()
    for text, near in table.items()
    for phrase in lexicon.entries(text)
}
NOT_CHOSEN = {phrase: what for what, text in lexicon.NOT_CHOSEN.items() for phrase in lexicon.entries(text)}
LONGEST = {}  # the first word of a phrase -> how many words the longest has that begins with it
for _phrase in (*lexicon.MEANINGS, *PASSED_OVER, *NEAREST, *NOT_CHOSEN, *NEGATIONS):
    LONGEST[_phrase[0]] = max(len(_phrase), LONGEST.get(_phrase[0], 1))


@lru_cache(maxsize=4096)
def read_prompt(prompt, vocabulary):
    """A prompt in the words of a vocabulary.

    Args:
        prompt: str, in lower or upper case, with any punctuation.
        vocabulary: frozenset of the words that a model knows. Only these are answered.
    Returns:
        str of words of the vocabulary, separated by single spaces; empty if nothing is said.
    Raises:
        UserError: the prompt says what can't be shown; the message says why, and what is nearest.
    """
    typed = words_of(prompt)
    read = _replaced(typed, vocabulary)
    if read != typed:
        read = _tidied(read)
    read = _without_asides(read)
    _check_one_object(typed, read)
    return " ".join(read)


def words_of(prompt):
    """The words of a prompt, in lower case, without punctuation: a list of str."""
    text = unicodedata.normalize("NFKC", prompt).lower()
    text = re.sub(r"(?<=\w)['’ʼ`´](?=\w)", "", text)  # don't -> dont
    text = "".join(character if character.isalnum() or _is_spoken(character) else " " for character in text)
    return [word for token in text.split() for word in lexicon.SPELLINGS.get(token, token).split()]


def _is_spoken(character):
    return character in "←→↑↓" or unicodedata.category(character) in ("Mn", "Mc", "So")


def _replaced(typed, vocabulary):
    """The words with every synonym replaced, and those passed over left out; the longest phrase goes first."""
    read, unknown, place = [], [], 0
    while place < len(typed):
        for length in range(min(LONGEST.get(typed[place], 1), len(typed) - place), 0, -1):
            phrase = tuple(typed[place : place + length])
            if length == 1 and phrase[0] in vocabulary:
                read.append(phrase[0])
                break
            if phrase in NOT_CHOSEN or phrase in NEAREST or phrase in NEGATIONS:
                unknown.append(phrase)
                break
            meaning = lexicon.MEANINGS.get(phrase)
            if meaning and all(word in vocabulary for word in meaning if word in KINDS):
                read += [word for word in meaning if word in vocabulary]
                break
            if phrase in PASSED_OVER:
                if phrase in ARTICLED and read and read[-1] in ARTICLES:
                    read.pop()
                break
        else:
            length = 1
            unknown.append(phrase[:1])
        place += length
    if unknown:
        raise UserError(" ".join(_answers(dict.fromkeys(unknown), vocabulary)))
    return read


def _tidied(words):
    """Without what replacing leaves behind: words twice in a row, motions and skies said again, "circle shape"."""
    tidy = []
    for word in words:
        before = tidy[-1] if tidy else None
        again = KINDS.get(word) in ("motion", "sky") and word in tidy
        if word in ARTICLES and before in ARTICLES:
            tidy[-1] = word
        elif not (word == before or again or (word in GENERIC and values_in(tidy, "shape"))):
            if before in INDEFINITE:
                tidy[-1] = "an" if word[0] in "aeiou" else "a"
            tidy.append(word)
    return tidy


def _without_asides(words):
    """Without what contradicts only if it is taken by the word: "still moving", "up in the sky", "a red sunset"."""
    text = f" {' '.join(words)} "
    motions, colors = (values_in(words, name) for name in ("motion", "color"))
    if len(motions) > 1:
        text = re.sub(r" still (?=(?:is )?(?:moves|moving|goes|going|drifts) )", " ", text)
        text = re.sub(r" up (?=in (?:the|a) (?:\w+ )?sky )", " ", text)
    if len(colors) > 1:
        for color, sky in COLORED_SKIES:
            text = text.replace(f" {color} {sky} ", f" {sky} ")
    if shapes := values_in(words, "shape"):
        text = re.sub(rf" (?:shape|object) (?=(?:{'|'.join(shapes)}) )", " ", text)
    if shapes or colors:
        text = text.replace(" an empty ", " a ").replace(" empty ", " ")
    return text.split()


def values_in(words, name):
    """The different values of an attribute among words, in their order."""
    return list(dict.fromkeys(word for word in words if KINDS.get(word) == name))


def _check_one_object(typed, read):
    for name in ("shape", "color", "motion", "sky"):
        values = values_in(read, name)
        if len(values) > 1:
            named = f"{', '.join(values[:-1])} and {values[-1]}"
            raise UserError(f"the prompt names {named}, but {ONE_OBJECT}: name one {TITLES[name]}.")
    if _new_objects(read) > 1:
        raise UserError(f"the prompt names several objects, but {ONE_OBJECT}: name one.")


def _new_objects(words):
    """How many nouns are introduced: two in "a red circle and a circle", one in "a shape that is a circle"."""
    count, new = 0, False
    for before_last, last, word in zip(["", "", *words], ["", *words], words, strict=False):
        if word in INDEFINITE:
            new = last != "is" or before_last == "there"
        elif KINDS.get(word) == "shape" or word in GENERIC:
            count, new = count + new, False
        elif KINDS.get(word) != "color":
            new = False
    return count


def _answers(unknown, vocabulary):
    """Sentences for the phrases that can't be shown, which are tuples of words."""
    negations = [" ".join(phrase) for phrase in unknown if phrase in NEGATIONS]
    if negations:
        return [f'I don\'t understand "{negations[0]}": say what to show, and leave out what not to show.']
    refused = {phrase: NOT_CHOSEN[phrase] for phrase in unknown if phrase in NOT_CHOSEN}
    numbers = [phrase for phrase in unknown if phrase[0].isdecimal()]
    if OF_A_CLIP in refused.values():  # "8 frames" asks for one clip
        refused |= dict.fromkeys(numbers, OF_A_CLIP)
    several = [phrase[0] for phrase in unknown if phrase not in refused and (phrase[0] in SEVERAL or phrase in numbers)]
    if several:
        return [f'I can\'t draw several objects ("{several[0]}"): {ONE_OBJECT}.']
    plain = [phrase[0] for phrase in unknown if phrase not in NEAREST and phrase not in refused]
    answers = [_nearest(phrase, vocabulary) for phrase in unknown if phrase in NEAREST]
    for what in dict.fromkeys(refused.values()):
        named = _quoted([" ".join(phrase) for phrase in unknown if refused.get(phrase) == what])
        answers.append(f"I can't choose {what}: leave out {named}.")
    return answers + _unknown(plain, vocabulary)


def _nearest(phrase, vocabulary):
    name, near = NEAREST[phrase]
    values = [value for value in NAMES[name] if value in vocabulary]
    near = [value for value in near if value in values]
    known = _or(near or values)
    return f'I can\'t show "{" ".join(phrase)}": {"the nearest" if near else "a"} {TITLES[name]} is {known}.'


def _unknown(words, vocabulary):
    if not words:
        return []
    hints = [f'For "{word}", did you mean {near}?' for word in words if (near := _similar(word, vocabulary))]
    known = [] if len(hints) == len(words) else _known(vocabulary)
    return [f"I don't know the word{'s' * (len(words) > 1)} {_quoted(words)}.", *hints, *known]


def _known(vocabulary):
    values = {name: [value for value in NAMES[name] if value in vocabulary] for name in NAMES}
    named = [f"{PLURALS[name].capitalize()}: {', '.join(known)}." for name, known in values.items() if known]
    return named or [f"I know: {', '.join(sorted(vocabulary))}."]


def _similar(word, vocabulary):
    """What a word means if it is a slip: letters swapped, or a few wrong after the first; None if it is like none."""
    meant = {known: known for known in vocabulary}
    for phrase, meaning in lexicon.MEANINGS.items():
        if len(phrase) == 1 and any(value in vocabulary and value in KINDS for value in meaning):
            meant[phrase[0]] = " ".join(meaning)
    swapped = [known for known in sorted(meant) if sorted(known) == sorted(word)]
    alike = difflib.get_close_matches(word, [known for known in sorted(meant) if known[0] == word[0]], 1, SIMILAR)
    return next((meant[known] for known in swapped + alike), None) if len(word) > 2 else None


def _quoted(words):
    first, last = [f'"{word}"' for word in words[:-1]], f'"{words[-1]}"'
    return f"{', '.join(first)} and {last}" if first else last


def _or(words):
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))
