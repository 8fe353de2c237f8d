"""Says in words what a clip shows, in several wordings."""

from minidit.world.attributes import COLORS, MOTIONS, NAMES, SHAPES, SKIES, Attributes, attribute_indices

GRAMMAR_WORDS = ("at", "object", "shape", "something")  # that only the sentences of `minidit.world.grammar` have

ANY_SKY = "sora is sky"  # sora is Japanese for sky: a plain one, of any kind

# The first of each is the plain wording.
MOVING_WORDINGS = (
    "a {color} {shape} moves {motion} in the {sky} sky",
    "in the {sky} sky a {color} {shape} moves {motion}",
    "the {sky} sky with a {color} {shape} moving {motion}",
    "a {color} {shape} drifts {motion} across the {sky} sky",
    "a {shape} that is {color} goes {motion} in the {sky} sky",
    "there is a {color} {shape} going {motion} in a {sky} sky",
    "{color} {shape} moving {motion} and the sky is {sky}",
    "the {shape} is {color} and it moves {motion} across a {sky} sky",
    "{motion} goes a {color} {shape} in the {sky} sky",
)
STILL_WORDINGS = (
    "a {color} {shape} stays {motion} in the {sky} sky",
    "in the {sky} sky a {color} {shape} stays {motion}",
    "the {sky} sky with a {color} {shape} staying {motion}",
    "a {color} {shape} hangs {motion} in the {sky} sky",
    "a {shape} that is {color} stays {motion} in the {sky} sky",
    "there is a {color} {shape} staying {motion} in a {sky} sky",
    "{motion} {color} {shape} and the sky is {sky}",
    "the {shape} is {color} and it hangs {motion} in a {sky} sky",
    "{motion} stays a {color} {shape} in the {sky} sky",
)
PICTURE_WORDINGS = (
    "a {color} {shape} in the {sky} sky",
    "in the {sky} sky a {color} {shape}",
    "the {sky} sky with a {color} {shape}",
    "there is a {color} {shape} in a {sky} sky",
    "a {shape} that is {color} in the {sky} sky",
    "{color} {shape} and the sky is {sky}",
)
PLAIN_SKY_WORDINGS = (
    "the {sky} sky",
    "a {sky} sky",
    "an empty {sky} sky",
    "the sky is {sky}",
    ANY_SKY,
)


def wordings(attributes):
    """All the sentences that describe these attributes, the plain one first: a tuple of str.

    Raises:
        UserError: for attributes that the world doesn't have.
    """
    attribute_indices([attributes])
    attributes = Attributes(*attributes)
    return tuple(template.format(**attributes._asdict()) for template in _templates(attributes))


def caption(attributes, rng=None):
    """One sentence for these attributes: the plain wording, or with rng a random wording.

    Args:
        attributes: Attributes; a plain sky may be captioned "sora is sky", which fits every sky.
        rng: np.random.Generator or None.
    Returns:
        str of lower-case words of VOCABULARY, separated by single spaces.
    Raises:
        UserError: for attributes that the world doesn't have.
    """
    attribute_indices([attributes])
    attributes = Attributes(*attributes)
    templates = _templates(attributes)
    template = templates[0 if rng is None else rng.integers(len(templates))]
    return template.format(**attributes._asdict())


def attributes_in(text):
    """The attributes that a sentence names: Attributes with None for each that it doesn't name.

    The inverse of `caption` for every wording, except that "sora is sky" names no particular sky.
    """
    words = text.lower().split()
    return Attributes(
        **{name: next((word for word in words if word in values), None) for name, values in NAMES.items()}
    )


def _templates(attributes):
    if attributes.shape is None:
        return PLAIN_SKY_WORDINGS
    if attributes.motion is None:
        return PICTURE_WORDINGS
    return STILL_WORDINGS if attributes.motion == "still" else MOVING_WORDINGS


def _vocabulary():
    templates = MOVING_WORDINGS + STILL_WORDINGS + PLAIN_SKY_WORDINGS
    words = {word for template in templates for word in template.split() if not word.startswith("{")}
    return (*sorted(words), *COLORS, *SHAPES, *MOTIONS, *SKIES, *GRAMMAR_WORDS)


VOCABULARY = _vocabulary()
