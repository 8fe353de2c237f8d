import io
import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minidit.errors import UserError
from minidit.figures import blind
from minidit.generation.text_to_video import generate

SCRIPT = Path(__file__).parents[2] / "scripts" / "blind_judgement.py"
KEY = [{"kind": kind, "prompt": "a ring"} for kind in ("real", "generated", "codec", "real", "generated")]


def test_there_are_as_many_strips_of_each_kind_of_the_same_prompts_in_random_order(tiny_model):
    clips, key = blind.draw_strips(tiny_model, 6, seed=1)
    assert clips.shape == (18, 8, 16, 16, 3)
    kinds = [entry["kind"] for entry in key]
    prompts = {kind: sorted(entry["prompt"] for entry in key if entry["kind"] == kind) for kind in blind.KINDS}
    assert prompts["real"] == prompts["codec"] == prompts["generated"] and len(set(prompts["real"])) == 6
    assert kinds != sorted(kinds, key=blind.KINDS.index)
    again, _ = blind.draw_strips(tiny_model, 6, seed=1)
    np.testing.assert_array_equal(again, clips)
    assert [entry["kind"] for entry in blind.draw_strips(tiny_model, 6, seed=2)[1]] != kinds


def test_the_key_tells_how_to_make_a_generated_clip_again(tiny_model):
    clips, key = blind.draw_strips(tiny_model, 2)
    for clip, entry in zip(clips, key, strict=True):
        assert ("seed" in entry) == (entry["kind"] == "generated")
        if "seed" in entry:
            np.testing.assert_allclose(clip, generate(tiny_model, [entry["prompt"]], [entry["seed"]])[0], atol=1e-4)


def test_only_clips_through_the_codec_are_changed_by_it_and_no_real_clip_is_drawn_twice(tiny_model, monkeypatch):
    seen = []
    monkeypatch.setattr(type(tiny_model.codec), "reconstruct", lambda self, clips: seen.append(clips) or clips)
    clips, key = blind.draw_strips(tiny_model, 3)
    real = [clip for clip, entry in zip(clips, key, strict=True) if entry["kind"] == "real"]
    through = [clip for clip, entry in zip(clips, key, strict=True) if entry["kind"] == "codec"]
    assert all(any(np.array_equal(clip, other) for other in seen[0]) for clip in through)
    assert not any(np.array_equal(clip, other) for clip in real for other in seen[0])


@pytest.mark.parametrize("count", [0, -1, 1.5, 376])
def test_a_number_of_clips_that_cannot_be_is_a_user_s_mistake(tiny_model, count):
    with pytest.raises(UserError, match="give a whole number from 1 to 375"):
        blind.draw_strips(tiny_model, count)


def test_a_sheet_shows_four_frames_of_each_clip_with_every_pixel_a_square():
    clips = np.random.default_rng(0).random((2, 8, 16, 16, 3), dtype=np.float32)
    image = Image.open(io.BytesIO(blind.draw_sheet(clips, first=9, enlarged=8)))
    assert image.size == (60 + 4 * 134, 6 + 2 * 134)
    pixels = np.asarray(image.convert("RGB"))
    expected = (clips[1, 2] * 255).round().repeat(8, axis=0).repeat(8, axis=1)
    np.testing.assert_array_equal(pixels[6 + 134 : 6 + 134 + 128, 60 + 134 : 60 + 134 + 128], expected)
    assert pixels[:, :60].min() < 100  # numbers


def test_answers_are_read_with_notes_and_in_any_order():
    assert blind.read_answers("2g 1R, 3 r\n5g # 4r would be too bold", 5) == {2: False, 1: True, 3: True, 5: False}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1r 2x", "can't read '2x'"),
        ("1 real", "can't read '1'"),
        ("6r", "strip 6, but the strips have the numbers 1 to 5"),
        ("0g", "strip 0"),
        ("1r 1g", "two answers for strip 1"),
        ("# 1r", "there are no answers"),
    ],
)
def test_answers_that_cannot_be_are_a_user_s_mistake(text, message):
    with pytest.raises(UserError, match=message):
        blind.read_answers(text, 5)


def test_right_counts_real_and_generated_clips_and_the_codec_s_stand_apart():
    answers = {1: True, 2: True, 3: True, 4: False, 5: False}
    right, real, codec, generated, *wrong = blind.score(KEY, answers).splitlines()
    assert "50.0 [15.0, 85.0]" in right and right.endswith("of 4")
    assert "50.0 [" in real and "100.0 [" in codec and "50.0 [" in generated
    assert [line.split(":")[0].strip() for line in wrong] == [
        "2 was called real",
        "3 was called real",
        "4 was called generated",
    ]


def test_kinds_without_an_answer_are_said_so():
    _, real, codec, generated = blind.score(KEY, {1: True}).splitlines()
    assert real.endswith("of 1") and codec.endswith("no answer") and generated.endswith("no answer")


def run_script(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), *map(str, words)])
    runpy.run_path(str(SCRIPT), run_name="__main__")


def test_the_script_writes_sheets_and_a_key_and_scores(tiny_checkpoint, tmp_path, monkeypatch, capsys):
    run_script(monkeypatch, "draw", tmp_path, "--checkpoint", tiny_checkpoint, "--count", 3, "--enlarged", 2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["key.json", "sheet_1.png", "sheet_2.png"]
    key = json.loads((tmp_path / "key.json").read_text())
    answers = tmp_path / "answers.txt"
    answers.write_text(" ".join(f"{n + 1}{'r' if entry['kind'] == 'real' else 'g'}" for n, entry in enumerate(key)))
    capsys.readouterr()
    run_script(monkeypatch, "score", tmp_path, answers)
    assert "100.0 [61.0, 100.0]" in capsys.readouterr().out
    with pytest.raises(SystemExit) as stopped:
        run_script(monkeypatch, "score", tmp_path / "none", answers)
    assert stopped.value.code == 2
    assert capsys.readouterr().err.startswith("blind_judgement.py: can't read the key or the answers")
