"""Can a person tell generated clips from real ones? Numbered strips to judge, and how often the judgement was right.

Three kinds of clips have the same prompts and are shuffled: real ones, real ones that went through the codec, and
generated ones. Whoever judges sees numbers only and says of each strip whether it is real. Clips through the codec tell
whether it is the codec that gives generated clips away, or the network. No two clips are the same draw of the world, so
that every strip stands by itself.
"""

import json
import re

import numpy as np

from minidit.errors import UserError, as_whole
from minidit.evaluation.cases import draw_cases
from minidit.evaluation.intervals import percent, wilson_interval
from minidit.figures.style import GAP, place, png_bytes, sheet, spread_over, style, write
from minidit.generation.text_to_video import generate
from minidit.world import ALL_ATTRIBUTES, render_batch

KINDS = ("real", "codec", "generated")
ENLARGED = 8  # times, without blur, so that every pixel can be seen
FRAMES, STRIPS = 4, 8  # at most: frames in a strip, strips on a sheet
LABEL = 60  # pixels: width of the numbers
BLIND = 30  # a stream of random numbers beside those of `minidit.evaluation.cases`
ANSWER = re.compile(r"(\d+)\s*([rg])\b")

# N = clips of a kind, S = strips = 3 N, F = frames, H = height, W = width


def draw_strips(model, count, seed=0):
    """Clips of the three kinds, shuffled. Nothing is selected: combinations, wordings, noise and order are drawn.

    Args:
        model: VideoModel.
        count: N clips of each kind, at most one for each combination of colour, shape, motion and sky.
        seed: what all random numbers follow from.
    Returns:
        clips (S, F, H, W, 3) and a key, ready for JSON: for each of them a dict of its "kind" and "prompt", and of a
        generated one the "seed" that `minidit generate` makes it with.
    Raises:
        UserError: for a count that is out of range.
    """
    if not 1 <= (as_whole(count) or 0) <= len(ALL_ATTRIBUTES):
        raise UserError(f"the number of clips was {count}: give a whole number from 1 to {len(ALL_ATTRIBUTES)}.")
    settings, rng = model.settings, np.random.default_rng([seed, BLIND])
    cases = draw_cases(ALL_ATTRIBUTES, int(count), rng)
    real, others = (render_batch(cases.attributes, rng, settings.size, settings.frames) for _ in range(2))
    clips = [real, model.codec.reconstruct(others), generate(model, cases.prompts, cases.seeds)]  # N, F, H, W, 3 each
    key = [{"kind": kind, "prompt": prompt} for kind in KINDS for prompt in cases.prompts]
    for entry, noise in zip(key[-len(cases.seeds) :], cases.seeds, strict=True):
        entry["seed"] = noise
    order = rng.permutation(len(key))  # S
    return np.concatenate(clips)[order], [key[i] for i in order]


@style()
def draw_sheet(clips, first, enlarged=ENLARGED):
    """The bytes of a PNG: a row of frames for each of the clips (n, F, H, W, 3), numbered from `first`."""
    height, width = (enlarged * side for side in clips.shape[2:4])
    shown = spread_over(clips.shape[1], FRAMES)
    figure = sheet(LABEL + len(shown) * (width + GAP), GAP + len(clips) * (height + GAP))
    for row, clip in enumerate(clips):
        top = GAP + row * (height + GAP)
        write(figure, str(first + row), LABEL / 2, top + height / 2, ha="center", fontsize=14)
        for column, frame in enumerate(shown):
            place(figure, clip[frame], LABEL + column * (width + GAP), top, width)
    return png_bytes(figure)


def read_answers(text, strips):
    """A judge's answers: number of a strip -> whether it was called real.

    Args:
        text: such as "1r 2g 3 r", r for real and g for generated, in any order; on a line, what follows # is a note.
        strips: how many there are.
    Raises:
        UserError: anything else, a strip that doesn't exist or that was answered twice, or no answer at all.
    """
    given = re.sub(r"#.*", "", text).lower()
    if rest := re.sub(r"[\s,;]+", " ", ANSWER.sub("", given)).strip():
        raise UserError(f"can't read {rest.split()[0]!r} among the answers: write 1r for real, 2g for generated.")
    answers = {}
    for number, answer in ANSWER.findall(given):
        if not 1 <= int(number) <= strips:
            raise UserError(f"there is an answer for strip {number}, but the strips have the numbers 1 to {strips}.")
        if int(number) in answers:
            raise UserError(f"there are two answers for strip {number}.")
        answers[int(number)] = answer == "r"
    if not answers:
        raise UserError("there are no answers: write 1r for real, 2g for generated.")
    return answers


def score(key, answers):
    """How a judge did, as lines of text: how often right, with 95 % Wilson intervals, and the key of what was wrong.

    Right counts real and generated clips only. Where there are as many of both, guessing is right half of the time.

    Args:
        key: as `draw_strips` returns it.
        answers: as `read_answers` returns them.
    """
    kinds = {kind: [real for number, real in answers.items() if key[number - 1]["kind"] == kind] for kind in KINDS}
    right = [*kinds["real"], *(not real for real in kinds["generated"])]
    lines = [f"{'right, % of real and generated':<32}{_share(right)}"]
    lines += [f"{f'called real, % of {kind}':<32}{_share(called)}" for kind, called in kinds.items()]
    for number, real in sorted(answers.items()):
        entry = key[number - 1]
        if real != (entry["kind"] == "real"):
            lines.append(f"{number:>4} was called {'real' if real else 'generated'}: {json.dumps(entry)}")
    return "\n".join(lines)


def _share(values):
    if not values:
        return "no answer"
    return f"{percent(np.mean(values), wilson_interval(sum(values), len(values))):<22}of {len(values)}"
