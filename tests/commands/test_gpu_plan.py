import json
from dataclasses import replace

import pytest

from minidit.cli import main
from minidit.gpu.plan import plan_step
from minidit.presets import PRESETS


@pytest.fixture(autouse=True)
def small(tiny_model, monkeypatch):
    """The preset `tiny` is of a network that is quickly counted."""
    monkeypatch.setitem(PRESETS, "tiny", replace(PRESETS["tiny"], model=tiny_model.settings))


@pytest.fixture
def planned(capsys):
    """Runs `minidit gpu-plan --json` and returns the object it prints."""

    def plan(*words):
        assert main(["gpu-plan", *words, "--json"]) == 0
        captured = capsys.readouterr()
        assert captured.err == ""
        return json.loads(captured.out)

    return plan


def test_the_object_is_the_plan(planned):
    found = planned("tiny")
    plain, ours, least = plan_step(PRESETS["tiny"])
    assert found.keys() == {"plain", "fused", "least_bytes"}
    assert found["least_bytes"] == least
    for given, plan in ((found["plain"], plain), (found["fused"], ours)):
        assert {name: tuple(part.values()) for name, part in given["parts"].items()} == plan.parts
        assert (tuple(given["host_to_device"]), tuple(given["device_to_host"])) == (plan.host_to_device, (0, 0))
        assert given["synchronisations"] == 0


def test_the_batch_can_be_chosen(planned):
    preset = PRESETS["tiny"]
    training = replace(preset.diffusion_training, batch=16, shards=2)
    _, _, least = plan_step(replace(preset, diffusion_training=training))
    found = planned("tiny", "--batch", "16")
    assert found["least_bytes"] == least < planned("tiny")["least_bytes"]


def test_the_table_has_a_line_for_each_part_and_their_sum(planned, capsys):
    found = planned("tiny", "--batch", "8")
    assert main(["gpu-plan", "tiny", "--batch", "8"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "A training step of tiny, 8 clips"
    assert max(map(len, lines)) <= 100
    parts = {name: (found["plain"]["parts"][name], found["fused"]["parts"][name]) for name in found["fused"]["parts"]}
    for name, sides in parts.items():
        (line,) = (line for line in lines if line.startswith(f"{name}  "))
        launches = [str(side["launches"]) for side in sides]
        assert line.removeprefix(name).split() == launches + [f"{side['bytes'] / 1e6:.1f}" for side in sides]
    (line,) = (line for line in lines if line.startswith("together"))
    launches = [str(sum(pair[side]["launches"] for pair in parts.values())) for side in (0, 1)]
    moved = [f"{sum(pair[side]['bytes'] for pair in parts.values()) / 1e6:.1f}" for side in (0, 1)]
    assert line.split()[1:] == launches + moved
    (line,) = (line for line in lines if line.startswith("the least"))
    assert line.split()[2:] == [f"{found['least_bytes'] / 1e6:.1f}"]
    megabytes = found["fused"]["host_to_device"][1] / 1e6
    assert lines[-1] == f"4 copies to the GPU ({megabytes:.1f} MB), 0 back; the host waits 0 times."


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["huge"], 'there is no preset "huge". Choose from: quick, sky, film, crisp, tiny.'),
        (["tiny", "--batch", "0"], '--batch: "0" is not a whole number of at least 1'),
        (["tiny", "--batch", "12"], "12 clips can't be shared out: they come in shards of 8. Try 8 or 16."),
        ([], " needs PRESET"),
    ],
)
def test_a_mistake_is_one_sentence(words, said, capsys):
    assert main(["gpu-plan", *words]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert said in captured.err
    assert captured.err.count("\n") == 1
