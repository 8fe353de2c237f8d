"""Draws sentences that people might type for a clip: many structures, and not every attribute named.

Training on `caption` alone teaches a model its few sentences by heart. A sentence of this grammar may put noun, motion
and sky in any order, leave an attribute out, or be a bare list of keywords. What it names is what the clip shows, and
nothing else that it says contradicts the clip.
"""

import re

from minidit.world.attributes import COLORS, NAMES, Attributes, attribute_indices

LEFT_OUT = {"color": 0.15, "motion": 0.15, "sky": 0.15, "shape": 0.05}  # how often, each by itself
ONE_NAMED = 0.06  # of the sentences name one attribute alone
KEYWORDS = 0.08  # are lists of keywords
SEPARATE = 0.08  # are several short sentences
SPLIT = 0.06  # have the noun between the verb and the direction
SHUFFLED = 0.06  # have their words in any order
SHORTENED, DROPPED = 0.3, 0.15  # lose words that name nothing, each with this probability

GENERIC_NOUNS = ("shape", "object", "something")
FINITE = {True: ("stays", "hangs", "is"), False: ("moves", "goes", "is moving", "is going")}  # by: is it still?
PARTICIPLES = {True: ("staying", ""), False: ("moving", "going", "")}
KEPT = {value for values in NAMES.values() for value in values}.union(GENERIC_NOUNS)
COLORED_SKY = re.compile(rf"\b(?:{'|'.join(COLORS)}) sky\b|\bsky (?:is )?(?:{'|'.join(COLORS)})\b")


def random_caption(attributes, rng):
    """A sentence of the grammar for these attributes.

    Args:
        attributes: Attributes, also of a picture or a plain sky.
        rng: np.random.Generator.
    Returns:
        str of 1 to 19 lower-case words of `minidit.world.VOCABULARY`, separated by single spaces.
    Raises:
        UserError: for attributes that the world doesn't have.
    """
    attribute_indices([attributes])
    attributes = Attributes(*attributes)
    if attributes.shape is None:
        return " ".join(_plain_sky(attributes.sky, rng).split())
    draw = rng.random()
    if draw < ONE_NAMED:
        sentence = _one_named(attributes, rng)
    elif draw < ONE_NAMED + KEYWORDS:
        sentence = _keywords(_some_left_out(attributes, rng), rng)
    else:
        sentence = _sentence(_some_left_out(attributes, rng), attributes.motion, rng)
    words = plain = sentence.split()
    if rng.random() < SHORTENED:
        words = [word for word in plain if word in KEPT or rng.random() >= DROPPED] or plain
    if rng.random() < SHUFFLED:
        words = [words[i] for i in rng.permutation(len(words))]
    text = " ".join(words)
    return " ".join(plain) if COLORED_SKY.search(text) else text  # of a sky, a color would tell day from sunset


def short_caption(named, rng):
    """A phrase that names these values and no others, as in the prompt of an edit: "blue", "a ring at night".

    Args:
        named: Attributes, None for each that is not named; not all of them.
        rng: np.random.Generator.
    """
    if rng.random() < 0.5:
        sentence = _sentence(named, named.motion, rng)
    else:
        sky = _one_of(rng, *_skies(named.sky, rng)) if named.sky else ""
        sentence = f"{named.color or ''} {named.shape or ''} {named.motion or ''} {sky}"
        if named.color and rng.random() < 0.3 and not named.shape:
            sentence = f"{_one_of(rng, 'it is', 'a', 'something')} {sentence}"
    return " ".join(sentence.split())


def _one_of(rng, *choices):
    return choices[rng.integers(len(choices))]


def _some_left_out(attributes, rng):
    return Attributes(
        **{name: None if rng.random() < LEFT_OUT[name] else value for name, value in attributes._asdict().items()}
    )


def _one_named(attributes, rng):
    """One attribute. A sky has a noun in front: "the night sky" by itself would be a plain one."""
    name = _one_of(rng, *(name for name, value in attributes._asdict().items() if value))
    value = getattr(attributes, name)
    if name == "color":
        return _one_of(rng, value, f"something {value}", f"a {value} shape", f"a {value} object", f"it is {value}")
    if name == "shape":
        return _one_of(rng, value, f"a {value}", f"the {value}", f"there is a {value}")
    if name == "motion":
        return _one_of(rng, "", "something", "a shape", "it", "an object") + f" {_motion(value, value, rng)[0]}"
    return _one_of(rng, "something", "a shape", "an object") + f" {_one_of(rng, *_skies(value, rng))}"


def _keywords(named, rng):
    words = [value for value in named if value] or [_one_of(rng, *GENERIC_NOUNS)]
    rng.shuffle(words)
    if not named.shape and not named.color and not named.motion:
        words.insert(0, _one_of(rng, *GENERIC_NOUNS))
    return " ".join(words)


def _sentence(named, shown, rng):
    """Noun, motion and sky in some order.

    Args:
        named: Attributes, None for each that is not named.
        shown: the motion in the clip, or None if there is none to speak of.
    """
    motion, clause = _motion(named.motion, shown, rng)
    if rng.random() < SEPARATE:
        return _separate_sentences(named, motion, clause, rng)
    across = motion.startswith(("going", "is going", "drifts"))
    sky = _one_of(rng, *_skies(named.sky, rng, across, clause))
    order = _one_of(rng, "nms", "nms", "nms", "nsm", "snm", "mns", "smn", "msn")
    noun = _noun(named, rng, first=order[0] == "n")
    if order == "nms" and named.motion and rng.random() < SPLIT:
        *verb, value = motion.split()
        return f"{' '.join(verb)} {_noun(named, rng, first=False)} {value} {sky}"
    if motion and clause and order in ("nms", "nsm", "snm"):
        if " is " in f" {noun} " and not noun.startswith("there is"):
            motion = _one_of(rng, "and", "and it") + f" {motion}"
        else:
            motion = _one_of(rng, "", "", "that", "and it") + f" {motion}"
    if order == "snm" and named.sky and rng.random() < 0.4:
        sky = f"the {named.sky} sky with"
    return " ".join({"n": noun, "m": motion, "s": sky}[part] for part in order)


def _separate_sentences(named, motion, clause, rng):
    """The noun, then its motion, then the sky, as from three sentences without their full stops."""
    if motion:
        motion = f"it {'' if clause or rng.random() < 0.5 else 'is'} {motion}"
    sky = named.sky and _one_of(rng, f"the sky is {named.sky}", f"it is {named.sky}", f"a {named.sky} sky")
    return " ".join((_noun(named, rng, first=True), motion, sky or ""))


def _noun(named, rng, first):
    shape = named.shape or _one_of(rng, *GENERIC_NOUNS)
    article = _one_of(rng, "a", "a", "the", "", *("there is a",) * first)
    if shape == "something":
        article = "there is" if article == "there is a" else ""
        return f"{article} something {named.color or ''}"
    if not named.color:
        return f"{article}{'n' * (shape == 'object' and article[-1:] == 'a')} {shape}"
    if rng.random() < 0.7:
        return f"{article} {named.color} {shape}"
    article += "n" * (shape == "object" and article[-1:] == "a")
    return f"{article} {shape} {_one_of(rng, 'that is', 'that is', 'is' if first else 'that is')} {named.color}"


def _motion(named, shown, rng):
    """What is said of the motion, and whether it is a clause with a verb of its own.

    With no motion named it says at most whether there is any.
    """
    if shown is None:
        return "", False
    still = shown == "still"
    if not named:
        said = _one_of(rng, "", "", "", "stays" if still else "moves", "" if still else "moving")
        return said, said in ("stays", "moves")
    if rng.random() < 0.55:
        return f"{_one_of(rng, *FINITE[still])} {named}", True
    if not still and rng.random() < 0.3:
        return f"drifts {named}", True
    return f"{_one_of(rng, *PARTICIPLES[still])} {named}", False


def _skies(sky, rng, across=False, clause=False):
    """The phrases for a sky, or for one that is not named; those with "across" and with a verb only where they fit."""
    article = _one_of(rng, "a", "the", "the")
    if not sky:
        return "", "", f"in {article} sky", *(f"across {article} sky",) * across
    inside = f"in {article} {sky} sky"
    phrases = inside, inside, f"with a {sky} sky", f"at {sky}", f"in the {sky}", f"{sky} sky"
    if not clause:
        phrases += f"and the sky is {sky}", f"and it is {sky}", f"the sky is {sky}"
    return *phrases, sky, *(f"across {article} {sky} sky",) * (2 * across)


def _plain_sky(sky, rng):
    if rng.random() < LEFT_OUT["sky"]:
        return _one_of(rng, "an empty sky", "the sky", "empty sky", "sky", "the empty sky")
    article = _one_of(rng, "a", "the", "")
    return _one_of(
        rng,
        f"{article} {sky} sky",
        f"{'an' if article == 'a' else article} empty {sky} sky",
        f"{article} sky that is {sky}",
        f"there is a {sky} sky",
        f"there is an empty {sky} sky",
        f"the sky is {sky} and empty",
        f"the empty sky is {sky}",
        f"the sky at {sky}",
        f"an empty sky at {sky}",
    )
