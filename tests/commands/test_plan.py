import json
from math import prod

import pytest

from minidit.benchmark.pace import Pace
from minidit.cli import main
from minidit.commands.plan import duration
from minidit.models.cost import parameter_count
from minidit.presets import PRESETS


@pytest.fixture
def timed(monkeypatch):
    """Replaces the timing by a number; notes what was to be timed."""
    asked = []

    def pace_of(workload, processes, threads, preset):
        asked.append((workload, processes, threads, preset))
        return Pace(0.25, estimated=preset is None)

    monkeypatch.setattr("minidit.benchmark.pace.pace_of", pace_of)
    return asked


@pytest.fixture
def planned(timed, capsys, monkeypatch):
    """The plan as JSON, for these words; the machine has 20 GB."""

    def plan(*words):
        monkeypatch.setattr("minidit.training.budget.free_bytes", lambda: 20 * 10**9)
        assert main(["plan", *words, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    return plan


def test_the_largest_network_of_the_paper_has_its_numbers(planned, timed):
    plan = planned("minidit-XL/2")
    assert plan["parameters"] == 674_834_720
    assert prod(plan["grid"]) == 256
    assert round(plan["multiply_accumulates"]["clip_forward"] / 1e9, 1) == 118.6
    assert plan["batch"] == 256
    assert plan["multiply_accumulates"]["run"] == 400_000 * plan["multiply_accumulates"]["step"]
    assert 2.99 < plan["multiply_accumulates"]["step"] / (256 * plan["multiply_accumulates"]["clip_forward"]) < 3.02
    assert "No batch fits" in plan["memory"]["complaint"]
    assert plan["time"] is None and timed == []


def test_a_preset_that_trains_no_dit_is_refused_in_words(timed, capsys):
    assert main(["plan", "crisp"]) == 2
    assert '"crisp" trains the decoder' in capsys.readouterr().err
    assert timed == []


def test_a_preset_is_planned_as_it_would_be_trained(planned, timed):
    preset = PRESETS["sky"]
    plan = planned("sky", "--threads", "2")
    assert plan["parameters"] == parameter_count(preset.model.dit)
    assert plan["grid"] == [1, 4, 4]
    assert (plan["batch"], plan["steps"]) == (16, preset.diffusion_training.steps)
    assert (plan["processes"], plan["threads_each"], plan["recompute"]) == (2, 1, False)
    assert plan["time"] == {"step": 0.25, "run": 0.25 * 54_000, "estimated": False}
    ((workload, processes, threads, used),) = timed
    assert (workload.batch, processes, threads) == (16, 2, 1)
    assert used == preset


def test_the_parts_of_the_memory_add_up(planned):
    memory = planned("quick", "--threads", "3")["memory"]
    assert memory["total"] == memory["state"] + max(memory["step"], memory["checkpoint"]) + memory["base"]
    assert memory["complaint"] is None


def test_options_change_the_plan(planned, timed):
    plain = planned("sky")
    plan = planned("sky", "--batch", "64", "--size", "64", "--frames", "16", "--steps", "5", "--recompute")
    assert plan["grid"] == [2, 8, 8]
    assert (plan["batch"], plan["steps"], plan["recompute"]) == (64, 5, True)
    assert plan["multiply_accumulates"]["clip_forward"] > 7 * plain["multiply_accumulates"]["clip_forward"]
    _, _, _, preset = timed[-1]
    assert (preset.model.size, preset.model.frames, preset.diffusion_training.shards) == (64, 16, 16)


def test_a_network_of_the_paper_can_be_of_clips_too(planned):
    plan = planned("minidit-S/4x2x2", "--frames", "8", "--size", "64", "--batch", "3", "--threads", "2")
    assert plan["grid"] == [2, 4, 4]
    assert plan["processes"] == 2


def test_there_are_no_more_processes_than_clips(planned):
    plan = planned("minidit-XXS/2", "--batch", "2", "--threads", "8")
    assert (plan["processes"], plan["threads_each"]) == (2, 4)


def test_recomputing_needs_less_memory_and_more_arithmetic(planned):
    plain, again = planned("minidit-B/2", "--batch", "64"), planned("minidit-B/2", "--batch", "64", "--recompute")
    assert again["memory"]["step"] < 0.3 * plain["memory"]["step"]
    assert again["multiply_accumulates"]["step"] > 1.3 * plain["multiply_accumulates"]["step"]


def test_the_table_says_it_in_words(timed, capsys):
    assert main(["plan", "sky", "--threads", "2"]) == 0
    out = capsys.readouterr().out
    for words in (
        "4.27 M parameters",
        "16 tokens (1 x 4 x 4)",
        "16 clips, shared by 2 processes with 1 thread each",
        "does it fit     yes",
        "a step          250 ms on this machine, as timed",
        "54,000 steps    3.8 hours",
    ):
        assert words in out
    assert max(map(len, out.splitlines())) <= 160


def test_the_table_says_what_would_fit(timed, capsys, monkeypatch):
    monkeypatch.setattr("minidit.training.budget.free_bytes", lambda: 12 * 10**9)
    assert main(["plan", "minidit-S/2", "--threads", "1"]) == 0
    out = capsys.readouterr().out
    assert "a batch of 256 clips takes about" in out
    assert "To fit, give --recompute, which takes less memory and more time, or give --batch" in out
    assert timed == []


def test_where_the_free_memory_is_unknown_it_is_said(timed, capsys, monkeypatch):
    for module in ("budget", "free_memory"):
        monkeypatch.setattr(f"minidit.training.{module}.free_bytes", lambda: None)
    assert main(["plan", "tiny"]) == 0
    assert "unknown" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["zeppelin"], 'there is no preset "zeppelin". Choose from: quick, sky, film, crisp, tiny; or a network'),
        (["minidit-Q/2"], '"minidit-Q/2" names no size'),
        (["sky", "--batch", "30"], "a batch of 30 clips can't be shared out: they come in shards of 4"),
        (["quick", "--size", "33"], "33 rows don't divide into tokens of 4. Choose a multiple of 4"),
        (["quick", "--frames", "12"], "12 frames don't divide into tokens of 8"),
        (["minidit-S/2", "--size", "100"], "100 rows don't divide into tokens of 16"),
        (["minidit-S/8x2x2"], "1 frames don't divide into tokens of 8"),
        (["sky", "--threads", "0"], '--threads: "0" is not a whole number of at least 1'),
    ],
)
def test_a_mistake_is_answered_with_one_line_and_status_2(words, said, timed, capsys):
    assert main(["plan", *words]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert said in captured.err
    assert captured.err.count("\n") == 1


def test_absurd_sizes_are_only_large_numbers(timed, capsys):
    assert main(["plan", "minidit-S/2", "--size", "16000000", "--batch", "999999999"]) == 0
    assert "No batch fits" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.0312, "31 ms"), (0.004, "4.0 ms"), (4.2, "4.2 s"), (100, "100 s"), (750, "12.5 minutes"), (9000, "2.5 hours"),
     (3e5, "3.5 days"), (1e8, "3.2 years"), (1e-6, "0.0 ms")],
)  # fmt: skip
def test_durations_in_words(seconds, words):
    assert duration(seconds) == words
