import pytest

from minidit import worksheet
from minidit.worksheet_text import render_worksheet

LEARNED = (
    "conditioning_weight",
    "conditioning_bias",
    "query_weight",
    "key_weight",
    "feed_forward_weight",
    "feed_forward_bias",
)


@pytest.fixture(scope="module")
def sheet():
    return worksheet.solve()


def test_the_text_has_all_fourteen_headings_in_order():
    lines = render_worksheet().splitlines()
    headings = [line.strip("━ ") for line in lines if line.startswith("━━")]
    assert headings == [f"Step {i}: {title}" for i, title in enumerate(worksheet.STEPS, start=1)]
    assert len(headings) == 14


def sections(text):
    """The lines of the printed worksheet, step by step."""
    return {int(part.split(":")[0]): part for part in text.split("━━ Step ")[1:]}


@pytest.mark.parametrize(
    "step, names",
    [
        (2, ["patches"]),
        (3, ["encoder_weight", "patches", "encoder_bias", "encoder_before_relu", "latent"]),
        (4, ["latent", "noise", "noised"]),
        (5, ["text", "time", "condition"]),
        (6, ["conditioning_weight", "condition", "conditioning_bias", "scale", "shift"]),
        (7, ["scale", "noised", "shift", "conditioned"]),
        (8, ["query_weight", "key_weight", "conditioned", "queries", "keys", "attention"]),
        (9, ["conditioned", "attention", "pooled"]),
        (10, ["feed_forward_weight", "pooled", "feed_forward_bias", "predicted"]),
        (11, [*(f"d{name}" for name in LEARNED), "predicted", "noise", "dattention", "updated_weight"]),
        (12, ["noised", "predicted", "denoised", "as_told", "perfect_as_told", "latent"]),
        (13, ["decoder_weight", "denoised", "decoder_bias", "decoder_before_relu", "decoded"]),
    ],
)
def test_the_text_shows_the_matrices_of_the_step(step, names, sheet):
    section = sections(render_worksheet(sheet))[step]
    for name in names:
        if name.startswith("d") and hasattr(sheet.gradients, name[1:]):
            matrix = getattr(sheet.gradients, name[1:])
        else:
            matrix = getattr(sheet if hasattr(sheet, name) else sheet.weights, name)
        values = matrix.tolist()
        rows = [[str(value if isinstance(value, int) else float(value)) for value in row] for row in values]
        width = max(len(cell) for row in rows for cell in row)
        for row in rows:
            assert " " + " ".join(cell.rjust(width) for cell in row) + " " in section, (name, row)


def test_the_text_shows_the_given_the_generated_and_the_perfect_frames(sheet):
    parts = sections(render_worksheet(sheet))
    for name, step in (("video", 1), ("generated", 14), ("perfect_video", 14), ("as_told_video", 14)):
        for row in getattr(sheet, name).reshape(-1, 4).tolist():
            assert f" {' '.join(map(str, row))} " in parts[step], name


def test_the_text_says_that_a_higher_t_has_less_noise_and_which_subtraction_a_sampler_does():
    parts = sections(render_worksheet())
    assert "A higher t has less noise" in parts[4]
    assert "from the noised latent, as samplers do" in parts[12]


def test_the_text_fits_100_columns_and_no_line_ends_in_a_space():
    lines = render_worksheet().splitlines()
    assert max(len(line) for line in lines) == 100
    assert all(line == line.rstrip() for line in lines)


def test_the_plain_text_is_ascii_with_the_same_layout():
    text, plain = render_worksheet(), render_worksheet(plain=True)
    assert plain.isascii()
    assert [len(line) for line in plain.splitlines()] == [len(line) for line in text.splitlines()]


def test_the_text_follows_the_sheet_that_it_is_given():
    other = worksheet.solve(prompt="sky is sora", t=1)
    text = render_worksheet(other)
    assert 'the prompt "sky is sora" and the diffusion step t = 1' in text
    assert text != render_worksheet()
