"""Prompts that leave something out, made whole: what they don't name is drawn by chance, as the world draws it."""

from minidit.world.attributes import NAMES, Attributes
from minidit.world.captions import attributes_in, caption

OBJECTS = {"object", "shape", "something"}  # words for any object


def upsampled(prompt, rng, frames):
    """A prompt that names everything.

    A network is asked best in the words of its captions. Asked for "something yellow", it would draw a mean of shapes.

    Args:
        prompt: words that the tokenizer knows, in lower case, separated by single spaces.
        rng: np.random.Generator, draws what isn't named.
        frames: of the clip; a picture needs no motion.
    Returns:
        the plain caption of what is named and what is drawn; the prompt itself if it leaves nothing out, or shows no
        object at all.
    Source: Betker et al. 2023 (DALL-E 3), section 3.5 (caption upsampling); Brooks et al. 2024 (Sora), "Language
        understanding".
    """
    words = prompt.split()
    named = attributes_in(prompt)._asdict()
    drawn = {name: values[rng.integers(len(values))] for name, values in NAMES.items()}
    if frames == 1:
        drawn["motion"] = None
    shows_object = named["color"] or named["shape"] or named["motion"] or OBJECTS.intersection(words)
    if not shows_object or all(named[name] or value is None for name, value in drawn.items()):
        return prompt
    return caption(Attributes(**{name: named[name] or value for name, value in drawn.items()}))
