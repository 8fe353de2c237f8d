"""Prompts to word ids, and the error that a word nobody knows deserves."""

import difflib

import numpy as np

from minidit.errors import UserError

PAD, START = 0, 1
SPECIAL = ("<pad>", "<start>")


class Tokenizer:
    """Splits a prompt into words of a fixed vocabulary.

    Args:
        vocabulary: the known words, in the order of their ids (which start after the special ones).
        max_length: the most words of a prompt, the start word included.
    """

    def __init__(self, vocabulary, max_length=20):
        self.vocabulary = tuple(vocabulary)
        self.max_length = max_length
        self.ids = {word: i for i, word in enumerate(SPECIAL + self.vocabulary)}

    def __len__(self):
        return len(self.ids)

    def encode(self, prompts):
        """Word ids of a list of prompts: (N, L) int64, each starting with START, padded at the end with PAD.

        The empty prompt, which guidance needs, is the start word alone.

        Raises:
            UserError: names every unknown word and the known ones nearest to it, or the length if it is too long.
        """
        rows = [self._encode_one(prompt) for prompt in prompts]
        ids = np.full((len(rows), max(map(len, rows))), PAD)  # N, L
        for row, words in zip(ids, rows, strict=True):
            row[: len(words)] = words
        return ids

    def _encode_one(self, prompt):
        words = prompt.lower().replace(",", " ").replace(".", " ").split()
        unknown = [word for word in words if word not in self.ids]
        if unknown:
            raise UserError(self._unknown_words(unknown))
        if len(words) >= self.max_length:
            raise UserError(
                f"the prompt has {len(words)} words; this model reads at most {self.max_length - 1}. Shorten it."
            )
        return [START] + [self.ids[word] for word in words]

    def _unknown_words(self, unknown):
        named = " and ".join(f'"{word}"' for word in dict.fromkeys(unknown))
        # Short words, such as "at", are near to many that are not meant.
        near = {
            word: difflib.get_close_matches(word, self.vocabulary, n=2, cutoff=0.52) if len(word) > 2 else []
            for word in unknown
        }
        hints = [f'For "{word}", did you mean {" or ".join(words)}?' for word, words in near.items() if words]
        known = f"I know: {', '.join(self.vocabulary)}."
        return f"I don't know the word{'s' * (len(near) > 1)} {named}. " + " ".join([*hints, known])
