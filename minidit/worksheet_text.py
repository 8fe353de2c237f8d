"""The worksheet as text: every step with its sentence, its formula and its matrices, as you would draw them."""

import textwrap

import numpy as np

from minidit.worksheet import STEPS, WORDS, solve

COLUMNS = 100
SHADES = " ░▒▓█"  # a pixel's brightness from 0 to 9
PLAIN = str.maketrans("━⎡⎤⎢⎥⎣⎦░▒▓█→·×−ᵀ∘", "=[][][].:*#>*x-'o")


def _number(value):
    return str(value) if isinstance(value, int) else f"{float(value):.10g}"


def _box(matrix):
    """A matrix as lines of equal width, brackets around it."""
    cells = [[_number(value) for value in row] for row in matrix.tolist()]
    width = max(len(cell) for row in cells for cell in row)
    rows = [" ".join(cell.rjust(width) for cell in row) for row in cells]
    if len(rows) == 1:
        return [f"[ {rows[0]} ]"]
    edges = ["⎡⎤", *["⎢⎥"] * (len(rows) - 2), "⎣⎦"]
    return [f"{left} {row} {right}" for row, (left, right) in zip(rows, edges, strict=True)]


def _picture(frame):
    """A frame as lines: its numbers, then the same pixels as shades, two characters a pixel."""
    shades = ["".join(SHADES[min((4 * int(pixel) + 8) // 9, 4)] * 2 for pixel in row) for row in frame]
    return [f"{line}  {shade}" for line, shade in zip(_box(frame), shades, strict=True)]


def _frames(caption, video):
    return _beside(*[(f"{caption} {number}", _picture(frame)) for number, frame in enumerate(video, start=1)])


def _beside(*items):
    """Lay out an equation: each item is a sign such as "+", or a caption with a matrix (or with lines)."""
    columns = []
    for item in items:
        caption, body = ("", [item]) if isinstance(item, str) else item
        columns.append((caption, _box(body) if isinstance(body, np.ndarray) else body))
    height = max(len(lines) for _, lines in columns)
    padded = []
    for caption, lines in columns:
        above = (height - len(lines)) // 2
        column = [caption, *[""] * above, *lines, *[""] * (height - len(lines) - above)]
        width = max(len(line) for line in column)
        padded.append([line.ljust(width) for line in column])
    return [("  " + "  ".join(parts)).rstrip() for parts in zip(*padded, strict=True)] + [""]


def _step(number, sentence, *formulas):
    """A heading, what is done in one sentence, and the formulas, each a pair with its shapes."""
    heading = f"━━ Step {number}: {STEPS[number - 1]} ".ljust(COLUMNS, "━")
    lines = [f"    {formula:<58}{shapes}" for formula, shapes in formulas]
    return [heading, *textwrap.wrap(sentence, COLUMNS), "", *lines, ""]


def _back(number, formulas):
    return [f"  Back through step {number}:  {formulas}", ""]


def _render_forward(s):
    """Steps 1 to 10 as lines."""
    w, x = s.weights, ("X", s.conditioned)
    words = ", ".join(f"{word} → {number}" for word, number in WORDS.items())
    bits = "".join(str(bit) for bit in s.time.ravel().tolist())
    return [
        *_step(1, f'Given are a video, the prompt "{s.prompt}" and the diffusion step t = {s.t}.',
               ("video = frames × rows × columns, brightness 0 to 9", "(2×2×4)")),
        *_frames("frame", s.video),
        *_step(2, "Cut each frame into patches of 2 × 2 pixels and write each patch as a column.",
               ("column = top left, top right, bottom left, bottom right", "(2×2×4) → (4×4)")),
        *_beside(("patches x", s.patches)),
        *_step(3, "A weight, a bias, and ReLU, which makes negative numbers 0: 4 pixels become 2 numbers.",
               ("latent = ReLU(W · x + b)", "(2×4)·(4×4) + (2×1) → (2×4)")),
        *_beside(("W, frozen", w.encoder_weight), "·", ("patches x", s.patches), "+",
                 ("b, frozen", w.encoder_bias), "=", ("before ReLU", s.encoder_before_relu), "→",
                 ("latent", s.latent)),
        *_step(4, "Add the sampled noise. A higher t has less noise: t goes from 0 to 3, and no noise here "
                  f"is larger than 4 − t, which is {4 - s.t} at t = {s.t}.",
               ("noised = latent + noise", "(2×4) + (2×4) → (2×4)")),
        *_beside(("latent", s.latent), "+", ("noise", s.noise), "=", ("noised", s.noised)),
        *_step(5, f"Turn words into numbers ({words}) and t into binary ({s.t} → {bits}), then join both.",
               ("condition c = [text; time]", "(3×1), (2×1) → (5×1)")),
        *_beside(("text", s.text), ",", ("time", s.time), "→", ("condition c", s.condition)),
        *_step(6, "A weight and a bias turn the condition into scale (upper half) and shift (lower half).",
               ("[scale; shift] = W · c + b", "(4×5)·(5×1) + (4×1) → (2×1), (2×1)")),
        *_beside(("W, learned", w.conditioning_weight), "·", ("c", s.condition), "+",
                 ("b, learned", w.conditioning_bias), "→", ("scale", s.scale), ",", ("shift", s.shift)),
        *_step(7, "Multiply each row by its scale and add its shift; every patch gets the same.",
               ("conditioned X = scale ∘ noised + shift", "(2×1)∘(2×4) + (2×1) → (2×4)")),
        *_beside(("scale", s.scale), "∘", ("noised", s.noised), "+", ("shift", s.shift), "=",
                 ("conditioned X", s.conditioned)),
        *_step(8, "Give each patch a query and a key; multiply keys by queries. No value and no softmax.",
               ("queries Q = Wq · X,   keys K = Wk · X", "(2×2)·(2×4) → (2×4), each"),
               ("attention A = Kᵀ · Q", "(4×2)·(2×4) → (4×4)")),
        *_beside(("Wq, learned", w.query_weight), "·", x, "=", ("queries Q", s.queries)),
        *_beside(("Wk, learned", w.key_weight), "·", x, "=", ("keys K", s.keys)),
        *_beside(("Kᵀ", s.keys.T), "·", ("Q", s.queries), "=", ("attention A", s.attention)),
        *_step(9, "Multiply the conditioned latent by the attention: each new patch is a mix of all patches.",
               ("pooled = X · A", "(2×4)·(4×4) → (2×4)")),
        *_beside(x, "·", ("A", s.attention), "=", ("pooled", s.pooled)),
        *_step(10, "A weight and a bias turn each patch, on its own, into the noise predicted for it.",
               ("predicted = W · pooled + b", "(2×2)·(2×4) + (2×1) → (2×4)")),
        *_beside(("W, learned", w.feed_forward_weight), "·", ("pooled", s.pooled), "+",
                 ("b, learned", w.feed_forward_bias), "=", ("predicted", s.predicted)),
    ]


def _render_training(s):
    """Step 11 as lines."""
    w, g, rate = s.weights, s.gradients, s.learning_rate
    error = ("dpredicted", g.predicted)
    return [
        *_step(11, "Compare the predicted with the actual noise, then go back through steps 10 to 6 and give "
                   "every learned matrix its gradient. The codec stays frozen.",
               ("dpredicted = predicted − noise", "(2×4) − (2×4) → (2×4)"),
               ("loss = half the sum of the squares of dpredicted", "one number")),
        *_beside(("predicted", s.predicted), "−", ("noise", s.noise), "=", error,
                 f"      loss = {s.loss} = {_number(s.loss)}"),
        *_back(10, "dW = dpredicted · pooledᵀ,  dpooled = Wᵀ · dpredicted"),
        *_beside(error, "·", ("pooledᵀ", s.pooled.T), "=", ("dW", g.feed_forward_weight), "  ",
                 ("db = row sums of dpredicted", g.feed_forward_bias)),
        *_beside(("Wᵀ", w.feed_forward_weight.T), "·", error, "=", ("dpooled", g.pooled)),
        *_back(9, "dA = Xᵀ · dpooled,  dX by pooling = dpooled · Aᵀ"),
        *_beside(("Xᵀ", s.conditioned.T), "·", ("dpooled", g.pooled), "=", ("dA", g.attention)),
        *_beside(("dpooled", g.pooled), "·", ("Aᵀ", s.attention.T), "=",
                 ("dX by pooling", g.conditioned_by_pooling)),
        *_back(8, "dQ = K · dA,  dWq = dQ · Xᵀ,  dK = Q · dAᵀ,  dWk = dK · Xᵀ"),
        *_beside(("K", s.keys), "·", ("dA", g.attention), "=", ("dQ", g.queries), "→",
                 ("dWq = dQ · Xᵀ", g.query_weight)),
        *_beside(("Q", s.queries), "·", ("dAᵀ", g.attention.T), "=", ("dK", g.keys), "→",
                 ("dWk = dK · Xᵀ", g.key_weight)),
        "  Steps 8 and 9 both used X, so its gradients add up:  dX = dX by attention + dX by pooling", "",
        *_beside(("by attention = Wqᵀ · dQ + Wkᵀ · dK", g.conditioned_by_attention), "+",
                 ("by pooling", g.conditioned_by_pooling), "=", ("dX", g.conditioned)),
        *_back(7, "dscale = row sums of dX ∘ noised,  dshift = row sums of dX"),
        *_beside(("dX ∘ noised", g.conditioned * s.noised), "→", ("dscale", g.scale), "      ",
                 ("dX", g.conditioned), "→", ("dshift", g.shift)),
        *_back(6, "db = [dscale; dshift],  dW = db · cᵀ"),
        *_beside(("db", g.conditioning_bias), "·", ("cᵀ", s.condition.T), "=", ("dW", g.conditioning_weight)),
        f"  One optimiser step for step 10 at learning rate {rate}:  W − {rate} · dW,  b − {rate} · db", "",
        *_beside(("W, updated", s.updated_weight), "  ", ("b, updated", s.updated_bias),
                 f"      loss {_number(s.loss)} → {_number(s.updated_loss)}"),
    ]


def _render_generation(s):
    """Steps 12 to 14 as lines."""
    w, latent, predicted = s.weights, ("latent", s.latent), ("predicted", s.predicted)
    return [
        *_step(12, "Subtract the predicted noise from the noised latent, as samplers do. A perfect "
                   "one undoes step 4.",
               ("denoised = noised − predicted", "(2×4) − (2×4) → (2×4)")),
        *_beside(("noised", s.noised), "−", predicted, "=", ("denoised", s.denoised)),
        "  The step is also told with the conditioned noised latent X; that differs by what step 7 did:", "",
        *_beside(("conditioned X", s.conditioned), "−", predicted, "=", ("as told", s.as_told)),
        *_beside(("as told", s.as_told), "−", ("denoised", s.denoised), "=",
                 ("difference", s.as_told - s.denoised), "=", ("X − noised", s.conditioned - s.noised)),
        "  With a perfect prediction, the actual noise, only the first gives back the latent of step 3:", "",
        *_beside(("noised − noise", s.perfect_denoised), "=", latent, "      ",
                 ("X − noise", s.perfect_as_told), "is not", latent),
        *_step(13, "The decoder's weight and bias, then ReLU: 2 latent numbers become 4 pixels.",
               ("patches = ReLU(W · denoised + b)", "(4×2)·(2×4) + (4×1) → (4×4)")),
        *_beside(("W, frozen", w.decoder_weight), "·", ("denoised", s.denoised), "+",
                 ("b, frozen", w.decoder_bias), "=", ("before ReLU", s.decoder_before_relu), "→",
                 ("patches", s.decoded)),
        *_step(14, "Put each patch back where step 2 took it from: these are the generated frames.",
               ("video = each column back as 2 × 2 pixels", "(4×4) → (2×2×4)")),
        *_frames("generated frame", s.generated),
        "  With a perfect prediction the frames of step 1 come back; with step 12 as told they don't:", "",
        *_frames("perfect frame", s.perfect_video),
        *_frames("as told, frame", s.as_told_video),
    ]


def render_worksheet(sheet=None, plain=False):
    """The whole worksheet as text, at most 100 columns wide.

    Args:
        sheet: a `Worksheet`; by default the one of `solve()`, whose wording and shapes the text has.
        plain: write ASCII only, for a terminal or a file that can't take anything else.
    Returns: one string, without a newline at its end.
    """
    title = [
        "A Diffusion Transformer by hand: fourteen steps from a prompt to a video",
        "",
        "One column is one patch. A bias is added to every column.",
        "· multiplies matrices, ∘ multiplies entry by entry, ᵀ swaps rows and columns.",
        "dW is the gradient of the loss with respect to W.",
        "Learned matrices change in step 11; frozen ones are the codec's, which was trained before.",
        "",
    ]
    sheet = solve() if sheet is None else sheet
    lines = title + _render_forward(sheet) + _render_training(sheet) + _render_generation(sheet)
    text = "\n".join(lines).rstrip()
    return text.translate(PLAIN) if plain else text
