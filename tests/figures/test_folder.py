import io
import os
import re
import subprocess
import sys
from dataclasses import replace

import matplotlib
import numpy as np
import pytest
from PIL import Image

from minidit.cli import main
from minidit.errors import UserError
from minidit.figures import (
    FIGURES,
    abilities,
    clip,
    codec,
    denoising,
    draw_figures,
    samples,
    style,
    training,
    worksheet,
)
from minidit.generation.studio import Studio
from minidit.generation.text_to_video import generate
from minidit.models import VideoModel
from minidit.models.checkpoint import save_model
from minidit.presets import PRESETS
from minidit.world import (
    COLORS,
    HELD_OUT,
    MOTIONS,
    SEEN,
    SHAPES,
    SKIES,
    VOCABULARY,
    Attributes,
    Reading,
)

RECORD = {"history": [[25, 2.0], [50, 1.0], [75, 0.5]], "scores": [[40, 0.25, 0.0], [75, 0.5, 0.25]]}
FOR_ANY = {name: figure for name, figure in FIGURES.items() if name != "abilities"}  # models, that is
FILES = [figure.FILE for figure in FOR_ANY.values()]
MORE_FILES = ["worksheet.pdf", "worksheet_blank.png", "worksheet_blank.pdf", "worksheet.xlsx"]  # of the last one


def opened(data):
    return Image.open(io.BytesIO(data))


def pixels(image, left, top, width, height):
    return np.asarray(image.convert("RGB"))[top : top + height, left : left + width]


@pytest.fixture(scope="module")
def recorded_checkpoint(tiny_model, tmp_path_factory):
    path = tmp_path_factory.mktemp("recorded") / "recorded.safetensors"
    save_model(path, tiny_model, RECORD)
    return path


@pytest.fixture(scope="module")
def drawn(tiny_model):
    """The bytes of each figure, by name."""
    return {name: figure.draw(tiny_model, RECORD) for name, figure in FOR_ANY.items()}


@pytest.fixture(scope="module")
def large_model(tiny_model):
    """As the tiny one, but 32 pixels wide and with 16 frames: more than a row shows."""
    return VideoModel(replace(tiny_model.settings, size=32, frames=16), np.random.default_rng(0))


@pytest.mark.parametrize("figure", FIGURES.values(), ids=FIGURES)
def test_each_figure_says_what_it_shows_in_an_alt_text_of_less_than_250_characters(figure):
    assert 60 < len(figure.ALT) < 250
    assert figure.TITLE and figure.NOTE and "\n" not in figure.ALT


def test_the_clip_is_a_loop_of_all_frames_at_8_a_second(drawn):
    image = opened(drawn["clip"])
    assert (image.format, image.n_frames) == ("GIF", 8)
    assert image.info["loop"] == 0
    assert image.info["duration"] == pytest.approx(1000 / 8, abs=10)
    assert image.width == 3 * 256 + 2 * clip.GAP


def test_the_clip_shows_what_each_prompt_gives_with_seed_0(tiny_model, drawn):
    image = opened(drawn["clip"])
    image.seek(3)
    expected = generate(tiny_model, [clip.PROMPTS[1]], [0])[0, 3].repeat(16, axis=0).repeat(16, axis=1)  # 256, 256, 3
    error = pixels(image, 256 + clip.GAP, 0, 256, 256) / 255 - expected
    assert np.abs(error).mean() < 0.05  # a GIF has 256 colours


def test_the_second_row_of_the_clip_is_wide_if_the_model_can(tiny_model, tiny_marked_model, monkeypatch):
    wide, *prompts = clip.ROWS[1]
    size = tiny_marked_model.settings.size
    monkeypatch.setattr(clip, "CELL", size)
    row = clip.row_of(tiny_marked_model, wide, *prompts)
    made = Studio(tiny_marked_model).generate(prompts[1], seed=0, size=(size, round(wide * size)))
    np.testing.assert_allclose(row[:, :size, -made.shape[2] :], made, atol=1e-5)  # a batch rounds otherwise
    assert row.shape[2] == 2 * made.shape[2] + clip.GAP and made.shape[2] == 1.5 * size
    assert clip.row_of(tiny_model, wide, *prompts).shape[2] == 2 * clip.CELL + clip.GAP


def test_the_prompts_of_the_clip_have_every_value_other_words_and_things_left_out():
    named = [samples.asked_for(prompt) for prompt in clip.PROMPTS]
    for values, column in zip((COLORS, SHAPES, MOTIONS, SKIES), zip(*named, strict=True), strict=True):
        assert set(values) == set(column) - {None}
    assert any(None in attributes for attributes in named)
    assert any(set(prompt.lower().split()) - set(VOCABULARY) for prompt in clip.PROMPTS)


def test_the_note_of_the_clip_names_its_held_out_prompts():
    held_out = [a for a in map(samples.asked_for, clip.PROMPTS) if a in HELD_OUT]
    sentence = next(s for s in clip.NOTE.split(". ") if "never showed" in s)
    named = re.findall(rf"the (\w+ (?:{'|'.join(SHAPES)}))", sentence.lower())
    assert named == [f"{a.color} {a.shape}" for a in held_out]


@pytest.mark.parametrize("prompt", clip.PROMPTS)
def test_each_caption_leaves_white_at_its_edges(prompt):
    picture = clip.caption_picture(prompt, clip.CELL)
    assert picture.min() < 0.2
    assert (picture[[0, -1]] == 1).all() and (picture[:, [0, -1]] == 1).all()


def test_a_third_of_the_samples_are_held_out_and_all_values_are_among_them():
    seen, held_out, others = ([samples.asked_for(prompt) for prompt in group] for group in samples.GROUPS.values())
    assert len(seen) == len(held_out) == len(others)
    assert set(seen) <= set(SEEN) and set(held_out) <= set(HELD_OUT)
    for values, column in zip((COLORS, SHAPES, MOTIONS, SKIES), zip(*seen, *held_out, strict=True), strict=True):
        assert set(values) == set(column)
    assert any(None in attributes for attributes in others)


def test_a_row_of_the_samples_holds_the_frames_of_its_prompt_in_square_pixels(tiny_model, drawn):
    image = opened(drawn["samples"])
    assert image.size == (300 + 4 * 166 + 190, 3 * 48 + 12 * 166 + 12)
    prompts = [prompt for group in samples.GROUPS.values() for prompt in group]
    expected = generate(tiny_model, prompts, [0] * len(prompts))[1]  # F, H, W, 3
    for column, frame in enumerate((0, 2, 5, 7)):
        shown = pixels(image, 300 + column * 166, 6 + 48 + 166, 160, 160)
        np.testing.assert_array_equal(shown, (expected[frame] * 255).round().repeat(10, axis=0).repeat(10, axis=1))


def test_the_verdict_tells_right_and_wrong_apart_and_gives_the_fidelity():
    wanted = Attributes("red", "circle", "left", "day")
    assert samples.verdict(Reading(*wanted, iou=0.9), wanted, 25.04)[0].split() == ["✓", "right", "25.0", "dB"]
    assert "not whole" in samples.verdict(Reading(*wanted, iou=0.9, faults=("cut",)), wanted, 20)[0]
    text, color = samples.verdict(Reading("blue", "circle", "up", "day", iou=0.9), wanted, 20)
    assert text.split() == ["✗", "wrong:", "colour,", "motion", "20.0", "dB"]
    assert color == style.VERMILLION
    nothing_right, _ = samples.verdict(Reading(None, None, None, "night", iou=0.0), wanted, 20)
    assert len(nothing_right.splitlines()) == 4  # as many as fit into the height of a row


def test_what_a_prompt_leaves_out_may_be_anything():
    asked = samples.asked_for("A ring falls!")
    assert asked == Attributes(None, "ring", "down", None)
    for color, shape, sign in (("red", "ring", "✓"), ("white", "ring", "✓"), ("red", "circle", "✗")):
        assert samples.verdict(Reading(color, shape, "down", "night", iou=0.9), asked, 30)[0][0] == sign


def test_the_moments_run_from_the_noise_to_the_clip(tiny_model):
    moments, _ = denoising.denoising_moments(tiny_model, denoising.PROMPT, seed=0)
    times = [t for t, _, _ in moments]
    assert len(moments) == tiny_model.settings.steps + 1
    assert times[0] == 0 and times[-1] == 1 and times == sorted(times)
    noise = np.random.default_rng(0).standard_normal(tiny_model.settings.latent_shape, dtype=np.float32)
    np.testing.assert_array_equal(moments[0][1][0], noise)
    np.testing.assert_array_equal(
        tiny_model.codec.decode(moments[-1][1]), generate(tiny_model, [denoising.PROMPT], [denoising.SEED])
    )


def test_each_moment_lies_on_the_line_from_the_one_before_to_its_estimate(tiny_model):
    moments, _ = denoising.denoising_moments(tiny_model, denoising.PROMPT, seed=0)
    for (t, x, estimate), (s, following, _) in zip(moments, moments[1:], strict=False):
        np.testing.assert_allclose(following, x + (s - t) / (1 - t) * (estimate - x), rtol=1e-4, atol=1e-4)


def test_the_denoising_figure_has_a_column_for_each_chosen_moment(drawn):
    assert opened(drawn["denoising"]).size == (250 + 4 * 134 + 6, 84 + 4 * 134 + 24 + 6)  # of 3 steps
    moments = [(k / 100, None, None) for k in range(101)]
    assert [t for t, _, _ in denoising.evenly_spread(moments, 5)] == [0, 0.25, 0.5, 0.75, 1]


def test_the_training_figure_needs_the_curves_only(drawn):
    assert training.draw(None, RECORD) == drawn["training"]
    image = opened(drawn["training"])
    assert (image.format, image.size) == ("PNG", (1350, 570))
    assert training.missing(None, RECORD) == ""
    assert training.missing(None, {"history": RECORD["history"], "scores": []})


def test_the_training_figure_follows_the_record():
    other = RECORD | {"scores": [[40, 0.25, 0.0], [75, 0.5, 0.5]]}
    before, after = (np.asarray(opened(training.draw(None, record)).convert("RGB")) for record in (RECORD, other))
    changed = np.flatnonzero((before != after).any(axis=(0, 2)))  # columns
    assert changed.size and changed.min() > 675  # the right half


def test_the_codec_figure_shows_held_out_clips_above_their_reconstructions(drawn):
    assert set(codec.CLIPS) <= set(HELD_OUT)
    image = opened(drawn["codec"])
    assert image.size == (210 + 6 * 166 + 6, 6 + 3 * 166 + 78)
    top, middle, bottom = (pixels(image, 210, 6 + row * 166, 160, 160)[5::10, 5::10] / 255 for row in range(3))
    np.testing.assert_allclose(bottom, np.clip(0.5 + 4 * (middle - top), 0, 1), atol=0.02)
    assert top[0, 0, 2] > 0.8  # a day sky


@pytest.mark.parametrize("name", FOR_ANY)
def test_a_model_of_32_pixels_and_16_frames_can_be_drawn(name, large_model, monkeypatch):
    monkeypatch.setattr(clip, "CELL", 32)  # to save time
    image = opened(FIGURES[name].draw(large_model, RECORD))
    assert getattr(image, "n_frames", 1) == (16 if name == "clip" else 1)
    if name == "samples":
        assert image.width == 300 + 4 * 166 + 190  # four of the frames


def test_every_use_has_a_row_with_what_was_known(tiny_marked_model):
    rows = {row.name: row for row in abilities.rows_of(Studio(tiny_marked_model))}
    assert all(len(row.frames) == len(row.known) <= abilities.COLUMNS for row in rows.values())
    assert rows["animate"].known == [True] + [False] * 7
    assert sum(rows["extend"].known) == 8 and not any(rows["generate"].known)
    assert rows["another shape"].frames[0].shape == (32, 48, 3)
    assert len(rows["film"].frames) == 12


def test_the_uses_are_drawn(tiny_marked_model):
    image = opened(abilities.draw(tiny_marked_model, RECORD))
    assert image.format == "PNG" and image.width == abilities.LABEL + 16 * 70
    assert abilities.missing(tiny_marked_model, RECORD) == ""


@pytest.mark.parametrize("name", FOR_ANY)
def test_the_same_checkpoint_gives_the_same_bytes(name, tiny_model, drawn):
    assert FIGURES[name].draw(tiny_model, RECORD) == drawn[name]


def test_the_user_s_settings_of_matplotlib_are_neither_used_nor_changed(tiny_model, drawn):
    with matplotlib.rc_context({"font.size": 20, "savefig.bbox": "tight"}):
        before = dict(matplotlib.rcParams)
        assert codec.draw(tiny_model, {}) == drawn["codec"]
        assert dict(matplotlib.rcParams) == before


def test_drawing_does_without_pyplot():
    code = "import sys, minidit.figures; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_all_figures_and_their_page_are_written_and_named(recorded_checkpoint, tmp_path, capsys):
    written = draw_figures(out=tmp_path / "a" / "b", checkpoint=recorded_checkpoint)
    assert [path.name for path in written] == [*FILES, *MORE_FILES, "README.md"]
    assert sorted(os.listdir(tmp_path / "a" / "b")) == sorted([*FILES, *MORE_FILES, "README.md"])
    captured = capsys.readouterr()
    assert captured.out.split() == [str(path) for path in written]
    assert "left out abilities.png: the checkpoint holds a network that makes whole clips of one size" in captured.err
    page = written[-1].read_text(encoding="utf-8")
    for name, figure in FOR_ANY.items():
        assert f"![{figure.ALT}]({figure.FILE})" in page
        assert f"`minidit figures {name}`" in page


def test_figures_are_drawn_by_name_and_replace_the_earlier_ones(recorded_checkpoint, tmp_path):
    (tmp_path / "codec.png").write_bytes(b"an earlier one")
    (tmp_path / "mine.txt").write_text("mine")
    written = draw_figures(["codec", "training", "codec"], tmp_path, recorded_checkpoint, progress=False)
    assert [path.name for path in written] == ["codec.png", "training.png", "README.md"]
    with Image.open(tmp_path / "codec.png") as image:
        assert image.format == "PNG"
    assert sorted(os.listdir(tmp_path)) == ["README.md", "codec.png", "mine.txt", "training.png"]
    assert "clip.gif" not in (tmp_path / "README.md").read_text(encoding="utf-8")


def test_without_a_record_the_training_figure_is_left_out_and_that_is_said(
    tiny_checkpoint, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(clip, "CELL", 32)  # to save time
    monkeypatch.delattr(worksheet, "more_files")
    written = draw_figures(out=tmp_path, checkpoint=tiny_checkpoint)
    assert "training.png" not in [path.name for path in written]
    assert "left out training.png: the checkpoint holds no curves" in capsys.readouterr().err


def test_the_training_figure_asked_for_by_name_needs_a_record(tiny_checkpoint, tmp_path):
    with pytest.raises(UserError, match="can't draw training: the checkpoint holds no curves"):
        draw_figures(["codec", "training"], tmp_path / "new", tiny_checkpoint)
    assert not (tmp_path / "new").exists()


def test_an_unknown_figure_is_answered_with_the_known_ones(tmp_path):
    with pytest.raises(UserError, match='no figure "zeppelin".*clip, abilities, samples, denoising, training, codec'):
        draw_figures(["clip", "zeppelin"], tmp_path / "new", tmp_path / "not read")
    assert not (tmp_path / "new").exists()


def test_a_drawing_that_fails_leaves_the_folder_as_it_was(recorded_checkpoint, tmp_path, monkeypatch):
    def broken(model, record):
        raise RuntimeError("broken")

    (tmp_path / "codec.png").write_bytes(b"an earlier one")
    monkeypatch.setattr(training, "draw", broken)
    with pytest.raises(RuntimeError, match="broken"):
        draw_figures(["codec", "training"], tmp_path, recorded_checkpoint, progress=False)
    assert os.listdir(tmp_path) == ["codec.png"]
    assert (tmp_path / "codec.png").read_bytes() == b"an earlier one"


def test_a_folder_that_cannot_be_made_is_a_user_s_mistake(recorded_checkpoint, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(UserError, match="can't make the folder"):
        draw_figures(["training"], tmp_path / "file", recorded_checkpoint, progress=False)
    assert os.listdir(tmp_path) == ["file"]


def test_a_file_that_cannot_be_replaced_leaves_nothing_half_written(recorded_checkpoint, tmp_path):
    (tmp_path / "training.png").mkdir()
    with pytest.raises(UserError, match="can't write .*training.png"):
        draw_figures(["training"], tmp_path, recorded_checkpoint, progress=False)
    assert os.listdir(tmp_path) == ["training.png"]


def test_the_command_draws_from_a_given_checkpoint(recorded_checkpoint, tmp_path, capsys):
    words = ["figures", "training", "--out", str(tmp_path), "--checkpoint", str(recorded_checkpoint)]
    assert main(words) == 0
    assert capsys.readouterr().out.split() == [str(tmp_path / "training.png"), str(tmp_path / "README.md")]
    assert main(["figures", "zeppelin", "--out", str(tmp_path)]) == 2


def test_the_presets_can_be_drawn_before_they_have_learned_anything():
    model = VideoModel(PRESETS["tiny"].model, np.random.default_rng(0))
    assert opened(codec.draw(model, {})).format == "PNG"
