"""The worksheet as a spreadsheet: a sheet to fill in, the numbers that are given, and every step as formulas.

*Given* holds every number that the worksheet starts from, to be changed. *Solved* computes the fourteen steps from
them, forward and back. *By hand* is laid out the same, but its results are blanks, which turn green or red as they are
filled in: far to the right, in hidden columns, a formula compares each with *Solved*.

As on the page to print (`worksheet.py`) a column is one patch, all the way down, and a matrix multiplies what stands
above the result; it stands to the left. Step 11 runs from the bottom to the top, beside the steps that it goes back
through.
"""

import numpy as np

from minidit.figures.board import WARM
from minidit.figures.spreadsheet import SMALL, Sheet, Spreadsheet, area, each, product, row_sums
from minidit.figures.style import VERMILLION
from minidit.worksheet import STEPS, WORDS, solve, step_2_patches, step_10_feed_forward, step_14_video

FILE = "worksheet.xlsx"
TITLE = "A Diffusion Transformer by hand"
BY_HAND, GIVEN, SOLVED = "By hand", "Given", "Solved"

# Columns, from the left: weights, biases, patches; on the right half patches, more of them, weights, biases.
W, B, P, P2, P3, W2, B2 = 1, 7, 9, 15, 20, 25, 31
NARROW = (0, 6, 8, 13, 14, 19, 24, 30, 32)
COLUMNS, ROWS, GIVEN_ROWS = 33, 83, 22


def workbook(sheet=None):
    """The bytes of the spreadsheet, the same ones every time.

    Args:
        sheet: a `Worksheet` of a video of 2 × 2 × 4 pixels, by default the one of `solve()`.
    Raises:
        UserError: XlsxWriter isn't there.
    """
    s = solve() if sheet is None else sheet
    book = Spreadsheet(TITLE, COLUMNS, NARROW)
    by_hand, numbers, solved = Sheet(book, BY_HAND, answers=SOLVED), Sheet(book, GIVEN), Sheet(book, SOLVED)
    given = draw_given(numbers, s)
    numbers.finish(GIVEN_ROWS, locked=False)
    for page in (by_hand, solved):
        page.write(TITLE, 0, W, bold=True, font_size=16)
        at = draw_latents(page, s, given)
        at |= draw_conditions(page, s, given)
        at |= draw_network(page, s, given, at)
        draw_training(page, s, given, at)
        draw_generation(page, s, given, at)
        draw_legend(page)
        page.finish(ROWS, locked=True)
    page.write("Every number is a formula, except for those that come from “Given”: change one there.", 1, W)
    by_hand.write("Fill in the blanks: green is right, red is wrong. Three decimals are enough.", 1, W)
    by_hand.write_progress(0, P2, ROWS)
    return book.bytes()


def draw_given(page, s):
    """The sheet of all given numbers. Returns their addresses: name -> array of "Given!C7"."""
    w, given = s.weights, {}

    def give(name, title, values, row, column, look="given", **more):
        given[name] = page.matrix(title, values, row, column, look, **more)

    page.write(TITLE, 0, W, bold=True, font_size=16)
    page.write("Change any of these numbers: “Solved” follows at once, and “By hand” asks for the new answers.", 1, W)
    step(page, 1, 3, W, "brightness from 0, black, to 9, white")
    give("frame 1", "frame 1", s.video[0], 5, W, shades=True)
    give("frame 2", "frame 2", s.video[1], 5, P, shades=True)
    give("prompt", "prompt", np.array([s.prompt.split()]), 9, W, note="three words of step 5")
    give("t", "t", np.array([[s.t]]), 9, P, note="0, 1, 2 or 3")
    step(page, 3, 11, W, "frozen: the codec was trained before")
    give("encoder_weight", "W", w.encoder_weight, 13, W, "frozen")
    give("encoder_bias", "b", w.encoder_bias, 13, B, "frozen")
    step(page, 4, 16, W, "a higher t has less noise")
    give("noise", "noise", s.noise, 18, W)
    t = given["t"][0, 0]
    text, most = f'="at t = "&{t}&": from −"&4-{t}&" to "&4-{t}', 4 - s.t
    page.write(text, 18, B, f"at t = {s.t}: from −{most} to {most}", **SMALL)

    step(page, 8, 3, P2, "learned in step 11")
    give("query_weight", "Wq", w.query_weight, 5, P2, "learned")
    give("key_weight", "Wk", w.key_weight, 5, P3, "learned")
    step(page, 10, 8, P2, "learned in step 11")
    give("feed_forward_weight", "W", w.feed_forward_weight, 10, P2, "learned")
    give("feed_forward_bias", "b", w.feed_forward_bias, 10, P3, "learned")
    step(page, 13, 13, P2, "frozen, like the encoder")
    give("decoder_weight", "W", w.decoder_weight, 15, P2, "frozen")
    give("decoder_bias", "b", w.decoder_bias, 15, P3, "frozen")

    step(page, 5, 3, W2, "a number a word")
    give("words", "words", np.array([list(WORDS)]), 5, W2)
    give("values", "", np.array([list(WORDS.values())]), 6, W2)
    step(page, 6, 8, W2)
    give("conditioning_weight", "W", w.conditioning_weight, 10, W2, "learned", note="learned")
    give("conditioning_bias", "b", w.conditioning_bias, 10, B2, "learned")
    step(page, 11, 15, W2)
    give("rate", "learning rate", np.array([[s.learning_rate]]), 17, W2)

    page.lines("To see two sheets at once, open a second window: View → New Window, or Window → New Window.", 21, W)
    page.choose(given["prompt"], f"={area(given['words'], absolute=True)}", "A word of step 5, please.")
    page.choose(given["t"], [0, 1, 2, 3], "0, 1, 2 or 3, please: t has two binary digits.")
    page.limit(given["rate"], 0.001, 1, "From 0.001 to 1, please: with less, the third decimal would not show a step.")
    page.warn(given["noise"], f"ABS({given['noise'][0, 0]})>4-{area(given['t'], absolute=True)}")
    return {name: each(f"{GIVEN}!{{}}", places) for name, places in given.items()}


def step(page, number, row, column, note=""):
    """The heading of one of the worksheet's steps."""
    page.step(number, STEPS[number - 1], row, column, note)


def draw_latents(page, s, given):
    """Steps 1 to 4: from the video to the noised latent. Returns addresses: name -> array, as do the next two."""
    step(page, 1, 3, W, "a video, a prompt and t")
    first = page.matrix("frame 1", s.video[0], 5, W, "given", given["frame 1"], shades=True)
    second = page.matrix("frame 2", s.video[1], 5, P, "given", given["frame 2"], shades=True)
    text = '="the prompt “"&' + '&" "&'.join(given["prompt"][0]) + f'&"” and t = "&{given["t"][0, 0]}'
    page.write(text, 7, W, f"the prompt “{s.prompt}” and t = {s.t}", **SMALL)

    step(page, 2, 9, W)
    page.lines("each 2 × 2 patch|becomes a column:|top left, top right,|bottom left, bottom right", 11, W)
    patches = step_2_patches(np.stack([first, second]))
    patches = page.matrix("patches x", s.patches, 11, P, formulas=patches)

    step(page, 3, 16, W, "4 pixels become 2 latent numbers")
    weight = page.matrix("W", s.weights.encoder_weight, 18, W, "frozen", given["encoder_weight"], note="frozen")
    bias = page.matrix("b", s.weights.encoder_bias, 18, B, "frozen", given["encoder_bias"])
    before = each("{}+{}", product(weight, patches), bias)
    before = page.matrix("W · x + b", s.encoder_before_relu, 18, P, formulas=before)
    page.lines("ReLU: negative|numbers become 0", 21, W)
    latent = page.matrix("latent", s.latent, 21, P, formulas=each("MAX(0,{})", before), note="= ReLU(…)")

    step(page, 4, 24, W, "a higher t has less noise")
    noise = page.matrix("noise", s.noise, 26, W, "given", given["noise"])
    noised = each("{}+{}", latent, noise)
    noised = page.matrix("noised", s.noised, 26, P, formulas=noised, note="= latent + noise")
    page.signs("↓", P - 1, 17, 20, 25)
    return {"noise": noise, "noised": noised}


def draw_conditions(page, s, given):
    """Steps 5 and 6: from the prompt and t to scale and shift."""
    step(page, 5, 29, W, "words and t become numbers")
    words, t = given["prompt"].T, given["t"]
    table = area(np.concatenate([given["words"], given["values"]]))
    condition = [each(f"HLOOKUP({{}},{table},2,FALSE)", words), each("INT({}/2)", t), each("MOD({},2)", t)]
    condition = page.matrix("c", s.condition, 31, P, formulas=np.concatenate(condition))
    for row, (word, place) in enumerate(zip(s.prompt.split(), words[:, 0], strict=True)):
        page.write(f'="“"&{place}&"” →"', 31 + row, B, f"“{word}” →", align="right")
    page.write(f'="t = "&{t[0, 0]}&", two binary digits →"', 34, B, f"t = {s.t}, two binary digits →", align="right")

    step(page, 6, 37, W, "the upper half is the scale, the lower the shift")
    weight = page.matrix("W", s.weights.conditioning_weight, 39, W, "learned", given["conditioning_weight"], "learned")
    bias = page.matrix("b", s.weights.conditioning_bias, 39, B, "learned", given["conditioning_bias"])
    both = each("{}+{}", product(weight, condition), bias)
    both = page.matrix("W · c + b", np.concatenate([s.scale, s.shift]), 39, P, formulas=both)
    page.write("scale", 39, P + 1, bold=True, indent=1)
    page.write("shift", 41, P + 1, bold=True, indent=1)
    page.signs("↓", P - 1, 38)
    return {"condition": condition, "scale": both[:2], "shift": both[2:]}


def draw_network(page, s, given, at):
    """Steps 7 to 10: from the noised latent to the predicted noise."""
    w = s.weights
    step(page, 7, 44, W, "every patch gets the same scale and shift")
    noised = page.matrix("noised", s.noised, 46, P, "copy", at["noised"], "(step 4)")
    scale = page.matrix("scale", s.scale, 49, B - 2, "copy", at["scale"])
    shift = page.matrix("shift", s.shift, 49, B, "copy", at["shift"])
    x = each("{}*{}+{}", scale, noised, shift)
    x = page.matrix("X", s.conditioned, 49, P, formulas=x, note="= scale ∘ noised + shift")

    step(page, 8, 52, W, "every patch is compared with every other")
    key_weight = page.matrix("Wk", w.key_weight, 54, B - 3, "learned", given["key_weight"], "learned")
    keys = page.matrix("K", s.keys, 54, P, formulas=product(key_weight, x), note="= Wk · X")
    query_weight = page.matrix("Wq", w.query_weight, 57, B - 3, "learned", given["query_weight"], "learned")
    queries = page.matrix("Q", s.queries, 57, P, formulas=product(query_weight, x), note="= Wq · X")
    keys_t = page.matrix("Kᵀ", s.keys.T, 60, B - 3, "copy", keys.T)
    attention = page.matrix("A", s.attention, 60, P, formulas=product(keys_t, queries), note="= Kᵀ · Q")

    step(page, 9, 65, W, "every patch becomes a mix of all patches")
    copy = page.matrix("X", s.conditioned, 67, B - 5, "copy", x)
    pooled = page.matrix("pooled", s.pooled, 67, P, formulas=product(copy, attention), note="= X · A")

    step(page, 10, 70, W, "patch by patch: the predicted noise")
    weight = page.matrix("W", w.feed_forward_weight, 72, B - 3, "learned", given["feed_forward_weight"], "learned")
    bias = page.matrix("b", w.feed_forward_bias, 72, B, "learned", given["feed_forward_bias"])
    predicted = each("{}+{}", product(weight, pooled), bias)
    predicted = page.matrix("predicted", s.predicted, 72, P, formulas=predicted, note="= W · pooled + b")
    page.signs("↓", P - 1, 45, 48, 53, 59, 66, 71)
    return {
        "noised": noised, "X": x, "Wk": key_weight, "K": keys, "Wq": query_weight, "Q": queries, "A": attention,
        "pooled": pooled, "W": weight, "b": bias, "predicted": predicted,
    }  # fmt: skip


def draw_training(page, s, given, at):
    """Step 11: from the loss back to every learned matrix, from the bottom to the top beside steps 7 to 10."""
    g, x = s.gradients, at["X"]

    def gradient(name, values, row, column, formulas, **more):
        return page.matrix(name, values, row, column, "gradient", formulas, **more)

    page.panel(38, P2 - 1, ROWS - 1, COLUMNS - 1, WARM)
    step(page, 11, 39, P2, "from the bottom to the top, beside steps 10 to 7; dW is the gradient for W")
    # Back through step 10
    noise = page.matrix("noise", s.noise, 72, P3, "copy", at["noise"], "(step 4)")
    dpredicted = each("{}-{}", at["predicted"], noise)
    dpredicted = gradient("dpredicted", g.predicted, 72, P2, dpredicted, below="= predicted − noise")
    dweight = product(dpredicted, at["pooled"].T)
    dweight = gradient("dW", g.feed_forward_weight, 72, W2, dweight, below="= dpredicted · pooledᵀ")
    dbias = row_sums(dpredicted)
    dbias = gradient("db", g.feed_forward_bias, 72, W2 + 4, dbias, below="row sums")
    dpooled = product(at["W"].T, dpredicted)
    dpooled = gradient("dpooled", g.pooled, 67, P2, dpooled, note="= Wᵀ · dpredicted")
    # Back through step 9
    dattention = gradient("dA", g.attention, 60, P2, product(x.T, dpooled), note="= Xᵀ · dpooled")
    pooling = product(dpooled, at["A"].T)
    pooling = gradient("dX by pooling", g.conditioned_by_pooling, 60, P3, pooling, below="= dpooled · Aᵀ")
    # Back through step 8
    dqueries = gradient("dQ", g.queries, 57, P2, product(at["K"], dattention), note="= K · dA")
    dkeys = gradient("dK", g.keys, 54, P2, product(at["Q"], dattention.T), note="= Q · dAᵀ")
    gradient("dWq", g.query_weight, 57, W2, product(dqueries, x.T), note="= dQ · Xᵀ")
    gradient("dWk", g.key_weight, 54, W2, product(dkeys, x.T), note="= dK · Xᵀ")
    attention = each("{}+{}", product(at["Wq"].T, dqueries), product(at["Wk"].T, dkeys))
    below = "= Wqᵀ · dQ + Wkᵀ · dK"
    attention = gradient("dX by attention", g.conditioned_by_attention, 54, P3, attention, below=below)
    # Back through step 7
    dx = each("{}+{}", attention, pooling)
    dx = gradient("dX", g.conditioned, 49, P2, dx, note="= by attention + by pooling")
    through_scale = each("{}*{}", dx, at["noised"])
    through_scale = gradient("dX ∘ noised", g.conditioned * s.noised, 46, P2, through_scale)
    dscale = gradient("dscale", g.scale, 46, P3 + 1, row_sums(through_scale), note="row sums")
    dshift = gradient("dshift", g.shift, 49, P3 + 1, row_sums(dx), note="row sums")
    # Back through step 6
    dboth = gradient("db", g.conditioning_bias, 43, B2, np.concatenate([dscale, dshift]))
    gradient("dW", g.conditioning_weight, 43, W2, product(dboth, at["condition"].T), note="= db · cᵀ")
    page.signs("↑", P2 - 1, *(47, 48), 56, 59, 64, 69, font_color=VERMILLION)
    page.signs("→", P2 - 1, 72)

    page.write("loss = half the sum of the squares of dpredicted", 76, P2)
    loss = np.array([[f"SUMSQ({area(dpredicted)})/2"]])
    gradient("", np.array([[s.loss]]), 76, W2, loss)
    rate, digits = given["rate"], "0.000"
    text = "One step of the optimiser for step 10, at learning rate "
    page.write(f'="{text}"&{rate[0, 0]}', 77, P2, f"{text}{float(s.learning_rate)}")
    new_weight = each("{}-{}*{}", at["W"], rate, dweight)
    new_weight = gradient("new W", s.updated_weight, 79, W2, new_weight, below="= W − rate · dW", digits=digits)
    new_bias = each("{}-{}*{}", at["b"], rate, dbias)
    new_bias = gradient("new b", s.updated_bias, 79, W2 + 4, new_bias, digits=digits)
    again = step_10_feed_forward(s.pooled, s.updated_weight, s.updated_bias)
    formulas = each("{}+{}", product(new_weight, at["pooled"]), new_bias)
    again = gradient("new predicted", again, 79, P2, formulas, note="with the new W and b", digits=digits)
    loss = np.array([[f"SUMXMY2({area(again)},{area(noise)})/2"]])
    gradient("new loss", np.array([[s.updated_loss]]), 79, B2, loss, digits=digits)


def draw_generation(page, s, given, at):
    """Steps 12 to 14: from the predicted noise to the generated video."""
    step(page, 12, 3, P2, "the predicted noise is subtracted")
    noised = page.matrix("noised", s.noised, 5, P3, "copy", at["noised"], "(step 4)")
    predicted = page.matrix("predicted", s.predicted, 8, P2, "copy", at["predicted"], "(step 10)")
    denoised = each("{}-{}", noised, predicted)
    denoised = page.matrix("denoised", s.denoised, 8, P3, formulas=denoised, note="= noised − predicted")
    x = page.matrix("X", s.conditioned, 11, P2, "copy", at["X"], "(step 7)")
    as_told = page.matrix("as told", s.as_told, 11, P3, formulas=each("{}-{}", x, predicted), note="= X − predicted")
    page.lines("Also told with X, which keeps scale|and shift; only the first undoes step 4.", 11, W2, indent=1)

    step(page, 13, 14, P2, "2 latent numbers become 4 pixels")
    weight = page.matrix("W", s.weights.decoder_weight, 16, P2, "frozen", given["decoder_weight"], "frozen")
    bias = page.matrix("b", s.weights.decoder_bias, 16, P2 + 3, "frozen", given["decoder_bias"])
    before = each("{}+{}", product(weight, denoised), bias)
    before = page.matrix("W · denoised + b", s.decoder_before_relu, 16, P3, formulas=before)
    decoded = page.matrix("patches", s.decoded, 21, P3, formulas=each("MAX(0,{})", before), note="= ReLU(…)")
    page.signs("↓", P3 - 1, 7, 15, 20)

    def film(name, video, row, patches):
        shape = s.video.shape
        for number, column in ((0, P2), (1, P3)):
            cells = step_14_video(patches, shape)[number]
            note = f"frame {number + 1}"
            page.matrix(name, video[number], row, column, formulas=cells, note=note, shades=True)

    step(page, 14, 26, P2, "each column back to where step 2 took it from")
    film("generated", s.generated, 28, decoded)
    if not page.answers:
        perfect = product(weight, each("({}-{})", noised, at["noise"]))
        film("with the actual noise", s.perfect_video, 31, each("MAX(0,{}+{})", perfect, bias))
        film("as told", s.as_told_video, 34, each("MAX(0,{}+{})", product(weight, as_told), bias))
        page.lines("Subtracting the actual noise|gives back step 1.", 31, W2, indent=1)
        page.lines("From X − predicted", 34, W2, indent=1)


def draw_legend(page):
    """How to read the sheet."""
    page.write("How to read this page", 14, W2, bold=True, font_size=12)
    page.lines(
        "One column is one patch, all the way down.|What stands to the left of a matrix acts on|"
        "what stands above it; b is added to every|column. · multiplies matrices, ∘ entry by entry.|"
        "After 10 comes 11, to its right, and then 12, at the top.",
        15, W2,
    )  # fmt: skip
    page.key("given", "given", 20, W2)
    page.key("frozen", "frozen", 22, W2)
    page.key("copy", "copied", 24, W2)
    page.key("gradient", "gradient", 20, W2 + 3)
    page.key("learned", "learned in step 11", 22, W2 + 3)
    page.lines(
        "Steps 1 to 14, the prompt, t, and the scale and shift that it leads to: Tom Yeh, “AI by Hand” 18.|"
        "The other numbers, the gradients and this sheet: minidit.",
        77, W,
    )  # fmt: skip
