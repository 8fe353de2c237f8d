"""The worksheet on one page: all fourteen steps with all their matrices, with the answers and as a sheet to fill in.

A matrix multiplies what stands above the result; it stands to the left. So one column of the page is one patch, all
the way down. The gradients of step 11 lie beside the steps that they go back through, from the bottom to the top.
"""

import numpy as np

from minidit.figures import worksheet_xlsx
from minidit.figures.board import ASIDE, CELL, GREY, ROW, WARM, Board
from minidit.figures.style import VERMILLION, small_png_bytes, style
from minidit.worksheet import STEPS, WORDS, solve

FILE = "worksheet.png"
TITLE = "The worksheet on one page"
ALT = (
    "A page of matrices with small integers: the fourteen steps of a Diffusion Transformer, from a video of two frames "
    "over patches, latents, noise, attention and gradients to the generated frames."
)
NOTE = (
    "For printing on A3, or smaller on A4: [with the answers](worksheet.pdf), and [a sheet to fill "
    "in](worksheet_blank.pdf) ([as a picture](worksheet_blank.png)). [A spreadsheet](worksheet.xlsx) has a sheet whose "
    "blanks turn green, and one with every step as formulas: change a number, and the rest follows. `minidit "
    "worksheet` writes out the same numbers as text."
)

WIDTH, HEIGHT = 420, 297  # A3, in millimetres
COLORS = 256  # of a PNG; with far fewer, what was given would look frozen
PATCHES = (55, 134, 191, 381)  # left ends of the four columns of patches


@style()
def draw(model, record):
    """The bytes of the PNG with the answers. It needs neither the model nor its record."""
    return small_png_bytes(page().figure, COLORS)


@style()
def more_files():
    """The files that the note links to: name -> bytes."""
    blank = page(blank=True)
    return {
        "worksheet.pdf": page().pdf(),
        "worksheet_blank.png": small_png_bytes(blank.figure, COLORS),
        "worksheet_blank.pdf": blank.pdf(),
        worksheet_xlsx.FILE: worksheet_xlsx.workbook(),
    }


def page(blank=False):
    """The page as a Board.

    Args:
        blank: leave out the results, so that they can be filled in.
    """
    sheet = solve()
    board = Board(WIDTH, HEIGHT, blank)
    board.write("A Diffusion Transformer by hand", 10, 13, size=19, weight="bold")
    aim = "from noise and a prompt to a video, in fourteen steps that a pencil can do"
    board.write(aim, 143, 13.6, size=11, color=GREY)
    draw_latents(board, sheet)
    draw_conditions(board, sheet)
    draw_network(board, sheet)
    draw_training(board, sheet)
    draw_generation(board, sheet)
    draw_connections(board)
    draw_legend(board)
    return board


def brightness(frame):
    """Brightness 0 to 9 as greys light enough to write on."""
    return 0.6 + 0.4 * np.clip(frame, 0, 9) / 9


def heading(board, number, x, y, note):
    """The heading of one of the worksheet's steps."""
    board.step(number, STEPS[number - 1], x, y, note)


def draw_latents(board, s):
    """Steps 1 to 4: from the video to the noised latent."""
    x, weight, bias = PATCHES[0], 11, 43
    heading(board, 1, 10, 28, f"a video, the prompt “{s.prompt}” and t = {s.t}")
    for number, (frame, left) in enumerate(zip(s.video, (18, x), strict=True), start=1):
        board.matrix(f"frame {number}", frame, left, 43, "given", shades=brightness(frame))
        board.cut(left + 2 * CELL, 43, 2 * ROW)
    board.write("brightness from 0, black, to 9, white", 18, 59, color=GREY)
    heading(board, 2, 10, 67, "each 2 × 2 patch\nbecomes a column:\ntop left, top right,\nbottom left, bottom right")
    board.matrix("patches x", s.patches, x, 74)
    heading(board, 3, 10, 108, "4 pixels become 2 latent numbers")
    board.matrix("W", s.weights.encoder_weight, weight, 123, "frozen", "frozen")
    board.matrix("b", s.weights.encoder_bias, bias, 123, "frozen")
    board.matrix("W · x + b", s.encoder_before_relu, x, 123)
    board.matrix("latent", s.latent, x, 143, note="= ReLU(…)")
    board.write("ReLU: negative\nnumbers become 0", 18, 143 + ROW, color=GREY)
    heading(board, 4, 10, 165, "a higher t has less noise")
    board.matrix("noise", s.noise, weight, 179, "given")
    board.sign("+", 46.5, 179 + ROW)
    board.matrix("noised", s.noised, x, 179)
    for start, end in ((74 + 2 * ROW, 123 + ROW), (123 + ROW, 143 + ROW), (143 + ROW, 179 + ROW)):
        board.rail(x + 4 * CELL, 4.5, start, end)


def draw_conditions(board, s):
    """Steps 5 and 6: from the prompt and t to scale and shift."""
    x = PATCHES[0] + 3 * CELL
    heading(board, 5, 10, 201, "words and t become numbers")
    board.matrix("c", s.condition, x, 210)
    words = [f"“{word}” → {WORDS[word]}".replace("-", "−") for word in s.prompt.split()]
    for row, text in enumerate([*words, f"t = {s.t} → two binary digits"]):
        board.write(text, x - 6, 210 + (row + (1 if row == 3 else 0.5)) * ROW, ha="right", size=9)
    heading(board, 6, 10, 249, "")
    board.matrix("W", s.weights.conditioning_weight, 11, 260, "learned", "learned")
    board.matrix("b", s.weights.conditioning_bias, 56, 260, "learned")
    board.matrix("W · c + b", np.concatenate([s.scale, s.shift]), x, 260)
    for row, name in ((1, "scale"), (3, "shift")):
        board.write(name, x + CELL + 2.2, 260 + row * ROW, weight="bold", size=8.5)
    board.arrow((x + CELL / 2, 211 + 5 * ROW), (x + CELL / 2, 254.5))


def draw_network(board, s):
    """Steps 7 to 10: from the noised latent to the predicted noise."""
    x, w = PATCHES[1], s.weights
    heading(board, 7, 100, 28, "every patch gets the same scale and shift")
    board.matrix("noised", s.noised, x, 43, "copy", "(step 4)")
    board.matrix("scale", s.scale, 106, 64, "copy")
    board.matrix("shift", s.shift, 120, 64, "copy")
    board.matrix("X", s.conditioned, x, 64, below="= scale ∘ noised + shift")
    heading(board, 8, 100, 85, "every patch is compared with every other")
    board.matrix("Wk", w.key_weight, 112, 100, "learned", "learned")
    board.matrix("K", s.keys, x, 100, note="= Wk · X")
    board.matrix("Wq", w.query_weight, 112, 121, "learned", "learned")
    board.matrix("Q", s.queries, x, 121, note="= Wq · X")
    board.matrix("Kᵀ", s.keys.T, 112, 142, "copy")
    board.matrix("A", s.attention, x, 142, note="= Kᵀ · Q")
    heading(board, 9, 100, 176, "every patch becomes a mix of all patches")
    board.matrix("X", s.conditioned, 100, 191, "copy")
    board.matrix("pooled", s.pooled, x, 191, note="= X · A")
    heading(board, 10, 100, 212, "patch by patch: the predicted noise")
    board.matrix("W", w.feed_forward_weight, 102, 227, "learned", "learned")
    board.matrix("b", w.feed_forward_bias, 120, 227, "learned")
    board.matrix("predicted", s.predicted, x, 227, below="= W · pooled + b")
    right, attention = x + 4 * CELL, 142 + 2 * ROW
    board.rail(right, 6, 43 + ROW, 64 + ROW)
    board.rail(right, 6, 64 + ROW, 100 + ROW, 121 + ROW)
    for start, end in ((121 + ROW, attention), (attention, 191 + ROW), (191 + ROW, 227 + ROW)):
        board.rail(right, 6, start, end)


def draw_training(board, s):
    """Step 11: from the loss back to every learned matrix, from the bottom to the top beside steps 7 to 10."""
    x, second, third, g = PATCHES[2], 240, 280, s.gradients
    board.panel(182, 21, 334, 283, WARM)
    note = "from the bottom to the top, beside the steps that it goes back through; dW is the gradient for W"
    heading(board, 11, 187, 28, note)

    board.matrix("dpredicted", g.predicted, x, 227, "gradient", "= predicted − noise")
    board.matrix("noise", s.noise, second, 227, "copy", "(step 4)")
    loss = "_________" if board.blank else f"{s.loss} = {float(s.loss):g}"
    board.write(f"loss = half the sum of the squares of dpredicted = {loss}", x, 249, size=9)
    board.matrix("dW", g.feed_forward_weight, third, 227, "gradient", below="= dpredicted · pooledᵀ")
    board.matrix("db", g.feed_forward_bias, third + 31, 227, "gradient", "row sums")
    after = "_________" if board.blank else f"{float(s.updated_loss):.6g}"
    text = f"One step of the optimiser for step 10, at learning\nrate 1/1000. With the new W and b: loss = {after}"
    board.write(text, x, 262 + ROW, size=9)
    board.matrix("new W", s.updated_weight, third, 262, "gradient", cell=13, below="= W − dW/1000")
    board.matrix("new b", s.updated_bias, third + 31, 262, "gradient", cell=13, below="= b − db/1000")

    board.matrix("dpooled", g.pooled, x, 191, "gradient", "= Wᵀ · dpredicted")
    board.matrix("dA", g.attention, x, 142, "gradient", "= Xᵀ · dpooled")
    board.matrix("dX", g.conditioned_by_pooling, second, 142, "gradient", "by pooling", "= dpooled · Aᵀ")
    board.matrix("dQ", g.queries, x, 121, "gradient", "= K · dA")
    board.matrix("dWq", g.query_weight, third, 121, "gradient", "= dQ · Xᵀ")
    board.matrix("dK", g.keys, x, 100, "gradient", "= Q · dAᵀ")
    board.matrix("dWk", g.key_weight, third, 100, "gradient", "= dK · Xᵀ")
    board.matrix("dX", g.conditioned_by_attention, second, 100, "gradient", "by attention", "= Wqᵀ · dQ + Wkᵀ · dK")
    board.matrix("dX", g.conditioned, x, 64, "gradient", "= the sum of both")
    board.matrix("dX ∘ noised", g.conditioned * s.noised, x, 43, "gradient")
    board.matrix("dscale", g.scale, second + 6, 43, "gradient", "row sums")
    board.matrix("dshift", g.shift, second + 6, 64, "gradient", "row sums")
    board.matrix("db", g.conditioning_bias, 275, 51, "gradient")
    board.matrix("dW", g.conditioning_weight, 291, 51, "gradient", "= db · cᵀ")

    board.rail(x, -4, 227 + ROW, 191 + ROW, color=VERMILLION)
    board.rail(x, -4, 191 + ROW, 142 + 2 * ROW, color=VERMILLION)
    board.rail(x, -4, 142 + 2 * ROW, 121 + ROW, 100 + ROW, color=VERMILLION)
    board.rail(x, -4, 64 + ROW, 43 + ROW, color=VERMILLION)
    for start in (142, 100):
        rail = second - 4
        points = ((second - 0.8, start + ROW), (rail, start + ROW), (rail, 64 + ROW), (x + 4 * CELL + 0.8, 64 + ROW))
        board.arrow(*points, color=VERMILLION)


def draw_generation(board, s):
    """Steps 12 to 14: from the predicted noise to the generated video."""
    x, left = PATCHES[3], 345
    heading(board, 12, 340, 28, "the predicted noise is subtracted")
    board.matrix("noised", s.noised, x, 43, "copy", "(step 4)")
    board.matrix("predicted", s.predicted, left, 64, "copy")
    board.sign("−", left - 2.6, 64 + ROW)
    board.matrix("denoised", s.denoised, x, 64)
    text = "Also told with X,\nwhich keeps scale and\nshift of step 7; only the\nfirst undoes step 4."
    board.write(text, x, 90 + ROW, color=GREY)
    board.matrix("as told", s.as_told, left, 90, note="= X − predicted")
    heading(board, 13, 340, 114, "2 latent numbers become 4 pixels")
    board.matrix("W", s.weights.decoder_weight, left, 129, "frozen", "frozen")
    board.matrix("b", s.weights.decoder_bias, left + 20, 129, "frozen")
    board.matrix("W · denoised + b", s.decoder_before_relu, x, 129)
    board.matrix("patches", s.decoded, x, 163, note="= ReLU(…)")
    heading(board, 14, 340, 199, "each column back to where step 2 took it from")
    for number, (frame, first) in enumerate(zip(s.generated, (left, x), strict=True), start=1):
        board.matrix("generated", frame, first, 214, note=f"frame {number}", shades=brightness(frame))
        board.cut(first + 2 * CELL, 214, 2 * ROW)
    for frame, first in zip(s.perfect_video, (left, x), strict=True):
        board.matrix("", frame, first, 237, "copy", shades=brightness(frame))
        board.cut(first + 2 * CELL, 237, 2 * ROW)
    board.write("Subtracting the actual noise gives back step 1:", left, 232.5, color=GREY)
    decoder = 129 + 2 * ROW
    for start, end in ((43 + ROW, 64 + ROW), (64 + ROW, decoder), (decoder, 163 + 2 * ROW)):
        board.rail(x + 4 * CELL, 5, start, end)


def draw_connections(board):
    """What flows from one part of the page to another."""
    first, second, third, _ = PATCHES
    width, noised, predicted = 4 * CELL + 0.8, 179 + ROW + ASIDE, 227 + ROW + ASIDE
    board.arrow((first + width, noised), (92, noised), (92, 43 + ROW), (second - 5, 43 + ROW), (second - 0.8, 43 + ROW))
    board.arrow((95, 260 + 2 * ROW), (97, 260 + 2 * ROW), (97, 64 + ROW), (105.2, 64 + ROW))
    board.arrow((second + width, predicted), (third - 0.8, predicted))
    board.arrow((174, predicted), (174, 288), (337, 288), (337, 64 + ROW), (339.5, 64 + ROW))


def draw_legend(board):
    """How to read the page."""
    top = 250
    board.write("How to read this page", 100, top, weight="bold", size=9)
    lines = (
        "One column is one patch, all the way down.",
        "What stands to the left of a matrix acts on what",
        "stands above it; b is added to every column.",
        "· multiplies matrices, ∘ entry by entry.",
    )
    board.write("\n".join(lines), 100, top + 12, size=8)
    looks = {"frozen": "frozen: the codec", "learned": "learned in step 11", "gradient": "gradient", "copy": "copied"}
    for i, (look, text) in enumerate(looks.items()):
        board.key(look, text, 100 + 37 * (i % 2), top + 25.5 + 7.5 * (i // 2))
    text = (
        "Steps 1 to 14, the prompt, t, and the scale and shift\nthat it leads to: Tom Yeh, “AI by Hand” 18. The other\n"
        "numbers, the gradients and this page: minidit."
    )
    board.write(text, 345, 268, color=GREY)
