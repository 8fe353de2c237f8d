"""Prompts to word ids."""

import numpy as np

from minidit.errors import UserError
from minidit.world.prompts import read_prompt

PAD, START = 0, 1
SPECIAL = ("<pad>", "<start>")


class Tokenizer:
    """Reads a prompt as words of a fixed vocabulary.

    Args:
        vocabulary: the known words, in the order of their ids (which start after the special ones).
        max_length: the most words of a prompt, the start word included.
    """

    def __init__(self, vocabulary, max_length=20):
        self.vocabulary = tuple(vocabulary)
        self.known = frozenset(vocabulary)
        self.max_length = max_length
        self.ids = {word: i for i, word in enumerate(SPECIAL + self.vocabulary)}

    def __len__(self):
        return len(self.ids)

    def encode(self, prompts):
        """Word ids of a list of prompts: (N, L) int64, each starting with START, padded at the end with PAD.

        The empty prompt, which guidance needs, is the start word alone.

        Raises:
            UserError: as for `read`.
        """
        return self.encode_captions([self.read(prompt) for prompt in prompts])

    def encode_captions(self, captions):
        """The same for sentences of the vocabulary, such as training's: nothing in them needs to be read otherwise.

        Raises:
            UserError: a word is not in the vocabulary.
        """
        try:
            rows = [[START, *(self.ids[word] for word in caption.split())] for caption in captions]
        except KeyError as missing:
            raise UserError(f"the model's vocabulary lacks the word {missing} of a caption.") from missing
        ids = np.full((len(rows), max(map(len, rows))), PAD)  # N, L
        for row, words in zip(ids, rows, strict=True):
            row[: len(words)] = words
        return ids

    def read(self, prompt):
        """A prompt as the model reads it, in words of the vocabulary: see `minidit.world.prompts.read_prompt`.

        Raises:
            UserError: it says what can't be shown, or is too long.
        """
        text = read_prompt(prompt, self.known)
        count, most = len(text.split()), self.max_length - 1
        if count > most:
            raise UserError(f"the prompt has {count} words; this model reads at most {most}. Shorten it.")
        return text
