"""To move: what goes on within the network."""

import numpy as np

from minidit.course.moving.given import TIMES, Given, as_data
from minidit.course.moving.moving import Control
from minidit.course.moving.panels import Clip, Curves, Map
from minidit.course.moving.shown import moving
from minidit.layers import gelu_forward
from minidit.models.block import MODULATION, dit_block_forward
from minidit.models.dit import DiT

HERE = 0.3  # t to start with
OTHER = "a blue square moves left in the night sky"
MIXES = tuple(np.linspace(0, 1, 21).round(2).tolist())
STRENGTHS = tuple(np.linspace(0, 2, 21).round(1).tolist())
NEURONS = 24  # those that tell tokens apart best


def t_control():
    """t, from 0 to 1."""
    return Control("t", TIMES, TIMES.index(HERE))


def through(given, t, c, blocks=None):
    """The guess (1, f, r, c, C) of the network for the clip at t with the condition c (1, D)."""
    dit = given.model.dit
    inputs = dit.block_inputs(given.latents.shape, given.words)
    h, _ = dit.tokens_forward(given.at(t), given.time(t))
    for p in blocks or dit.block_params:
        h, _ = dit_block_forward(h, c, p, dit.settings, inputs, training=False)
    y, _ = dit.final_layer_forward(h, c, inputs)
    return as_data(given.model, dit.latents_of(y, given.latents.shape), given.at(t), t)


def modulation(model=None, first=None, second=OTHER):
    """Lesson 6: two prompts, and a slider between their scales and shifts.

    Args:
        model: Studio, VideoModel or None for the shipped one, here and below.
        first, second: prompts; the noised clip shows the red circle.
    """
    given = Given(model, None, first)
    dit, other = given.model.dit, given.read(second)
    width = dit.settings.width
    columns = max(n for n in range(1, 17) if width % n == 0)

    def scene(mix, block, t):
        (one, _), (two, _) = (dit.condition_forward(given.time(t), words) for words in (given.words, other))
        c = (1 - mix) * one + mix * two
        weight, bias = (dit.block_params[block][name] for name in MODULATION)
        shift, scale = (c @ weight + bias)[0, : 2 * width].reshape(2, -1, columns)
        panels = [
            Map(f"{width} scales", scale, diverging=True, limits=(-2, 2)),
            Map(f"{width} shifts", shift, diverging=True, limits=(-2, 2)),
            Clip("its guess", given.pixels(through(given, t, c))),
            Clip(f"seen, t = {t:g}", given.pixels(given.at(t))),
        ]
        return panels, f"{1 - mix:.0%} of “{given.prompt}”, {mix:.0%} of “{second}”"

    controls = [
        Control("mix", MIXES, 10, "first prompt to second"),
        Control("block", range(dit.settings.depth)),
        t_control(),
    ]
    return moving(controls, scene, "Scales and shifts of block 0, halfway between two prompts, and their guess.")


def strength(model=None, clip=None, prompt=None):
    """Lesson 7: all scales and shifts of the network made weaker or stronger; the gates stay."""
    given = Given(model, clip, prompt)
    dit = given.model.dit
    width = dit.settings.width
    part = np.repeat([1, 1, 0, 1, 1, 0], width).astype(np.float32)  # 6D   shift, scale, gate, twice

    def guess(times, t):
        factor = 1 + (times - 1) * part
        blocks = [{**p, **{name: p[name] * factor for name in MODULATION}} for p in dit.block_params]
        return through(given, t, dit.condition_forward(given.time(t), given.words)[0], blocks)

    def scene(times, t):
        latents = guess(times, t)
        panels = [
            Clip(f"seen, t = {t:g}", given.pixels(given.at(t))),
            Clip("its guess", given.pixels(latents)),
            Curves(
                "distance from the clip", STRENGTHS, {"error": errors},
                xlabel=f"times (t = {HERE:g})", ylabel="of the latents", mark=times,
            ),
        ]  # fmt: skip
        return panels, "At 0 the tokens are only normalised. At 1 it is the network as it was trained."

    errors = [given.error(guess(times, HERE)) for times in STRENGTHS]
    controls = [Control("times", STRENGTHS, 0, "scale and shift times"), t_control()]
    return moving(controls, scene, "Without scales and shifts the network's guess is blurred and off in colour.")


def attention(model=None, clip=None, prompt=None):
    """Lesson 8: click a patch and see where it attends, by head and block."""
    given = Given(model, clip, prompt)
    dit = given.model.dit
    depth, heads, (rows, columns) = dit.settings.depth, dit.settings.num_heads, given.grid

    def scene(token, head, t):
        weights = dit.attention(given.at(t), given.time(t), given.words)[:, 0]  # blocks, heads, T, T
        block, which = divmod(head, heads)
        asked = weights[block, which, token].reshape(-1, rows, columns).sum(axis=0)  # r, c
        panels = [
            Clip("click: who asks", given.clip, given.grid, picks="token", picked=token, lines=True),
            Clip("where it attends", given.clip, given.grid, asked, picks="token", picked=token),
            Map("its weights", asked, limits=(0, 1), note="bright 1, dark 0"),
            Map(
                "click a head", weights[:, :, token].max(axis=-1), limits=(0, 1), picks="head", picked=head,
                note="a row for each block; bright: looks at one",
            ),
        ]  # fmt: skip
        return panels, f"Block {block}, head {which}: {asked.max():.0%} goes to the brightest patch."

    controls = [
        Control("token", range(rows * columns), columns + 1, kind="pick"),
        Control("head", range(depth * heads), min(3 * heads, depth * heads - 1), kind="pick"),
        t_control(),
    ]
    return moving(controls, scene, "A clip with one patch outlined; beside it, where that patch attends in one head.")


def heads(model=None, clip=None, prompt=None):
    """Lesson 9: one head switched off, so that it adds nothing to the tokens."""
    given = Given(model, clip, prompt)
    dit, twin = given.model.dit, DiT(given.model.dit.settings, buffer=given.model.dit.params.flat.copy())
    depth, count, size = dit.settings.depth, dit.settings.num_heads, dit.settings.head_width

    def without(head, t):
        block, which = divmod(head, count)
        rows = twin.params[f"blocks.{block}.attn.proj.weight"][which * size : (which + 1) * size]  # of this head
        kept = rows.copy()
        rows[...] = 0
        guess = given.guess(t, twin)
        rows[...] = kept
        return guess

    whole = given.error(given.guess(HERE))
    harm = np.array([given.error(without(head, HERE)) - whole for head in range(depth * count)]).reshape(depth, count)

    def scene(head, t):
        block, which = divmod(head, count)
        panels = [
            Map(
                "click: switch off", harm, diverging=True, picks="head", picked=head,
                note="a row for each block; red: the guess gets worse",
            ),
            Clip("guess without it", given.pixels(without(head, t))),
            Clip("guess with all", given.pixels(given.guess(t))),
            Clip(f"seen, t = {t:g}", given.pixels(given.at(t))),
        ]  # fmt: skip
        return panels, f"Block {block}, head {which} gathers, but nothing of it is added to the tokens."

    controls = [Control("head", range(depth * count), int(harm.argmax()), kind="pick"), t_control()]
    return moving(controls, scene, "A map of all heads by how much worse the guess is without each, and two guesses.")


def neurons(model=None, clip=None, prompt=None):
    """Lesson 10: a hidden number of a feed-forward network, token by token."""
    given = Given(model, clip, prompt)
    dit, (rows, columns) = given.model.dit, given.grid
    x = np.linspace(-4, 4, 81)

    def scene(block, neuron, t):
        before = hidden(given, t)[block]  # T, M
        after, _ = gelu_forward(before)
        best = np.argsort(-after.std(axis=0))[neuron]
        value = after[:, best].reshape(-1, rows, columns).mean(axis=0)  # r, c
        dots = np.stack([before[:, best].clip(-4, 4), after[:, best]], axis=-1)  # T, 2
        panels = [
            Clip("the clip", given.clip, given.grid, lines=True),
            Clip("bright: where large", given.clip, given.grid, value.clip(0)),
            Curves(
                "each dot: a token", x, {"GELU": gelu_forward(x)[0]}, dots=dots,
                xlabel="before", ylabel="after", limits=(-0.5, 4.2), xlimits=(-4, 4),
            ),
        ]  # fmt: skip
        return panels, f"Hidden number {best} of block {block}. Every token goes through by itself."

    controls = [
        Control("block", range(dit.settings.depth), dit.settings.depth // 2),
        Control("neuron", range(NEURONS), 0, "hidden number"),
        t_control(),
    ]
    return moving(controls, scene, "A clip, bright where a hidden number is large, and GELU with a dot for each token.")


def hidden(given, t):
    """The hidden numbers of each block's feed-forward before GELU: a list of (T, M)."""
    dit, found = given.model.dit, []
    inputs = dit.block_inputs(given.latents.shape, given.words)
    h, _ = dit.tokens_forward(given.at(t), given.time(t))
    c, _ = dit.condition_forward(given.time(t), given.words)
    for p in dit.block_params:
        h, (_, _, _, (_, ((into, *_), *_), _), _) = dit_block_forward(h, c, p, dit.settings, inputs)
        found.append((into @ p["mlp.fc1.weight"] + p["mlp.fc1.bias"]).reshape(-1, p["mlp.fc1.bias"].size))
    return found
